"""Dimensions of lines: defaults that flow down, and the rules a posting checks."""

from collections.abc import Iterable

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Dimensions
from tieout_sandbox.business_central.books.masters import DefaultDimension
from tieout_sandbox.business_central.refusals import Refusal


def defaults(books: Books, parent_id: str) -> Dimensions:
    """The default values of a vendor, item or account."""
    rows = books.default_dimensions.where("parent", parent_id)
    return {row.dimension: row.value for row in rows if row.value}


def set_id(books: Books, dimensions: Dimensions) -> int:
    """The number of a combination; equal combinations have equal numbers, none is 0."""
    if not dimensions:
        return 0
    return books.dimension_sets.setdefault(frozenset(dimensions.items()), len(books.dimension_sets) + 1)


def check(books: Books, where: str, dimensions: Dimensions, parents: Iterable[tuple[str, str, str]]) -> None:
    """Refuse what a posting refuses: blocked or heading values, and the rules of ``parents``.

    ``parents`` are (kind of master, its number, its id).
    """
    for code, value in sorted(dimensions.items()):
        problem = _unusable(books, code, value)
        if problem:
            raise Refusal("dimensions_invalid", where=where, rule=problem)
    for kind, number, identity in parents:
        for rule in books.default_dimensions.where("parent", identity):
            problem = _broken(rule, dimensions.get(rule.dimension, ""), f"{kind} {number}")
            if problem:
                raise Refusal("dimensions_invalid", where=where, rule=problem)


def _unusable(books: Books, code: str, value: str) -> str:
    dimension = books.dimensions.find(code)
    found = books.dimension_values.find((code, value))
    if dimension is None or found is None:
        return f"Dimension Value {code} - {value} does not exist"
    if dimension.blocked:
        return f"Dimension {code} is blocked"
    if found.blocked:
        return f"Dimension Value {code} - {value} is blocked"
    if found.value_type != "Standard":
        return f"Dimension Value Type for Dimension Value {code} - {value} must not be {found.value_type}"
    return ""


def _broken(rule: DefaultDimension, value: str, where: str) -> str:
    if rule.posting_validation == "Code Mandatory" and not value:
        return f"Select a Dimension Value Code for the Dimension Code {rule.dimension} for {where}"
    if rule.posting_validation == "Same Code" and value != rule.value:
        return f"The Dimension Value Code must be {rule.value} for Dimension Code {rule.dimension} for {where}"
    if rule.posting_validation == "No Code" and value:
        return f"The Dimension Code {rule.dimension} must not be mentioned for {where}"
    return ""
