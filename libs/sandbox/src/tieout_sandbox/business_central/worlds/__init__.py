"""Worlds in Python: ``default_world`` to try things, ``large_world`` from a seed, and the functions to build others.

A world is the JSON that ``world`` describes; these functions return it or add to it.
"""

from tieout_sandbox.business_central.worlds.building import (
    add_account,
    add_dimension,
    add_draft,
    add_invoice,
    add_order,
    add_payment,
    add_person,
    add_vendor,
    new_company,
    new_world,
)
from tieout_sandbox.business_central.worlds.large import large_world
from tieout_sandbox.business_central.worlds.small import default_world

__all__ = [
    "add_account",
    "add_dimension",
    "add_draft",
    "add_invoice",
    "add_order",
    "add_payment",
    "add_person",
    "add_vendor",
    "default_world",
    "large_world",
    "new_company",
    "new_world",
]
