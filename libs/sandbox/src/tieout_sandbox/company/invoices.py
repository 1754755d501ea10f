"""Invoices as they come: several lines of mixed kinds, dimensions, tax, and numbers in each vendor's own style."""

from decimal import Decimal
from random import Random
from typing import Any

from tieout_sandbox.company import masters
from tieout_sandbox.company.vendors import Vendor

Line = dict[str, Any]

_CENT = Decimal("0.01")
_STYLES = ("INV-{0:05d}", "{0}", "2026/{0:04d}", "RE-{0:06d}", "SI{0:08d}", "CHICAGO BRANCH NO. {0:05d}")
_WORK = ("March", "Phase 2", "as agreed", "Q1", "site visit", "renewal", "replacement", "rush order")
_NOTES = (
    "Deliver to the back door",
    "Your order of last week",
    "Ref. 4711, Größe L",
    "See attached list",
)
# Of each line after the first. Item, charge and comment lines together are half of them.
_KINDS = {"Account": 40, "Item": 30, "Charge": 10, "Comment": 12, "Resource": 5, "Fixed Asset": 3}
_TAXED_SHARE = 0.42
SMALL = Decimal(9_000)
"""Without tax; with it still below what BILL's policy asks an approval for."""


def invoice_number(vendor: Vendor, serial: int) -> str:
    """The vendor's own number of an invoice; ``serial`` comes once per company."""
    return _STYLES[sum(vendor.number.encode()) % len(_STYLES)].format(serial)


def lines(choose: Random, *, small: bool = False) -> list[Line]:
    """Three to six lines. All bought lines of an invoice carry tax, or none does. ``small``: less than ``SMALL``."""
    made = _lines(choose)
    while small and net_of(made) >= SMALL:
        made = _lines(choose)
    return made


def _lines(choose: Random) -> list[Line]:
    taxed = choose.random() < _TAXED_SHARE
    made = [_account(choose) if choose.random() < 0.7 else _item(choose)]
    kinds = choose.choices(list(_KINDS), list(_KINDS.values()), k=choose.randint(2, 5))
    made += [_MAKERS[kind](choose) for kind in kinds]
    for line in made:
        if line.get("kind") != "Comment":
            code = choose.choice((masters.TAXED, masters.TAXED, masters.REDUCED)) if taxed else masters.UNTAXED
            line["tax_code"] = code
    return made


def net_of(bought: list[Line]) -> Decimal:
    """What lines come to without tax, unrounded."""
    return sum((Decimal(line["unit_cost"]) * line["quantity"] for line in bought if "unit_cost" in line), Decimal(0))


def discount(choose: Random, of: list[Line]) -> str:
    """An invoice discount of one to five per cent of the lines."""
    return str((net_of(of) * choose.randint(1, 5) / 100).quantize(_CENT))


def part(choose: Random, of: list[Line]) -> str:
    """A fifth to three fifths of the lines, as somebody paid ahead."""
    return str((net_of(of) * choose.randint(20, 60) / 100).quantize(_CENT))


def document(vendor: Vendor, number: str) -> dict[str, Any]:
    """A small file that begins and ends as a PDF does."""
    safe = "".join(letter if letter.isalnum() else "-" for letter in number)
    text = f"%PDF-1.4\n% Invoice {number} of {vendor.name}\n" + "% " + "-" * 60 + "\n%%EOF\n"
    return {"name": f"{safe}.pdf", "text": text}


def _cost(choose: Random, low: int, high: int) -> str:
    return str(Decimal(choose.randint(low, high)) / 100)


def _account(choose: Random) -> Line:
    number = choose.choice(masters.EXPENSES)
    line: Line = {"number": number, "quantity": 1, "unit_cost": _cost(choose, 1_500, 180_000)}
    if choose.random() < 0.5:
        line["description"] = f"Services, {choose.choice(_WORK)}"
    line["dimensions"] = _dimensions(choose, mandatory=number == masters.MANDATORY)
    return line


def _item(choose: Random) -> Line:
    number, cost = choose.choice(masters.ITEMS)
    return {
        "kind": "Item",
        "number": number,
        "quantity": choose.randint(1, 12),
        "unit_cost": cost,
        "dimensions": _dimensions(choose),
    }


def _charge(choose: Random) -> Line:
    number = choose.choice(masters.CHARGES)
    return {"kind": "Charge", "number": number, "quantity": 1, "unit_cost": _cost(choose, 900, 24_000)}


def _comment(choose: Random) -> Line:
    return {"kind": "Comment", "description": choose.choice(_NOTES)}


def _resource(choose: Random) -> Line:
    hours = choose.randint(1, 16)
    return {"kind": "Resource", "number": "LIFT", "quantity": hours, "unit_cost": "55", "dimensions": {}}


def _asset(choose: Random) -> Line:
    return {"kind": "Fixed Asset", "number": "FA000010", "quantity": 1, "unit_cost": _cost(choose, 80_000, 900_000)}


_MAKERS = {
    "Account": _account,
    "Item": _item,
    "Charge": _charge,
    "Comment": _comment,
    "Resource": _resource,
    "Fixed Asset": _asset,
}


def _dimensions(choose: Random, *, mandatory: bool = False) -> dict[str, str]:
    chosen = {}
    for code, (_label, values) in masters.DIMENSIONS.items():
        if choose.random() < 0.55 or (mandatory and code == "DEPARTMENT"):
            chosen[code] = choose.choice(list(values))
    return chosen
