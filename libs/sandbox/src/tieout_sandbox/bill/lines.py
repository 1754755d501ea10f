"""Lines of bills and vendor credits: their fields, their amounts, what PATCH and PUT do with them."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tieout_sandbox.bill.classifications import check_references
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import CENT, Field, Fields, Kind, merged
from tieout_sandbox.bill.organization import Act

HEADER_REFERENCES: Fields = {
    name: Field() for name in ("chartOfAccountId", "accountingClassId", "departmentId", "locationId", "itemId")
}
LINE_REFERENCES: Fields = {
    **HEADER_REFERENCES,
    **{name: Field() for name in ("employeeId", "jobId", "customerId")},
}
BILL_LINE: Fields = {
    "id": Field(),
    "amount": Field(Kind.MONEY),
    "quantity": Field(Kind.NUMBER),
    "price": Field(Kind.NUMBER),
    "description": Field(longest=4000),
    "classifications": Field(Kind.OBJECT, inside=LINE_REFERENCES),
}
CREDIT_LINE: Fields = {name: one for name, one in BILL_LINE.items() if name not in ("quantity", "price")}


def new_lines(act: Act, property_name: str, lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Lines of a new document; an id that came along means nothing."""
    without = [{name: value for name, value in line.items() if name != "id"} for line in lines]
    return [_finished(act, f"{property_name}[{index}]", line, {}, kind) for index, line in enumerate(without)]


def replaced(
    act: Act, property_name: str, old: list[dict[str, Any]], new: list[dict[str, Any]], kind: str
) -> list[dict[str, Any]]:
    """PUT: known ids are kept with their new content, lines without id are added, the rest is gone."""
    known = {line["id"]: line for line in old}
    lines = []
    for index, line in enumerate(new):
        before = _known(known, line["id"]) if "id" in line else {}
        lines.append(_finished(act, f"{property_name}[{index}]", line, before, kind))
    return lines


def patched(
    act: Act, property_name: str, old: list[dict[str, Any]], new: list[dict[str, Any]], kind: str
) -> list[dict[str, Any]]:
    """PATCH: lines are found by id and merged, lines without id are added, the rest stays."""
    lines = {line["id"]: line for line in old}
    for index, line in enumerate(new):
        before = _known(lines, line["id"]) if "id" in line else {}
        after = merged(before, line)
        if "amount" not in line and ("quantity" in line or "price" in line):
            after.pop("amount", None)
        done = _finished(act, f"{property_name}[{index}]", after, before, kind)
        lines[done["id"]] = done
    return list(lines.values())


def total(lines: list[dict[str, Any]]) -> Decimal:
    """The sum of the lines; below zero it is refused."""
    amount = sum((line["amount"] for line in lines), Decimal(0))
    if amount < 0:
        raise refuse("BDC_1143", "amount: the total cannot be below zero.")
    return amount


def _known(lines: Mapping[str, dict[str, Any]], line_id: str) -> dict[str, Any]:
    if line_id not in lines:
        raise refuse("BDC_1205", line_id)
    return lines[line_id]


def _finished(act: Act, where: str, line: dict[str, Any], before: Mapping[str, Any], kind: str) -> dict[str, Any]:
    amount = line.get("amount")
    if amount is None and line.get("quantity") is not None and line.get("price") is not None:
        amount = (line["quantity"] * line["price"]).quantize(CENT, ROUND_HALF_UP)
    if amount is None:
        raise refuse("BDC_1117", f"{where}.amount: must not be null")
    old = before.get("classifications") or {}
    new = line.get("classifications") or {}
    check_references(act, {name: one for name, one in new.items() if old.get(name) != one})
    return {**line, "id": before.get("id") or act.org.ids.new(kind), "amount": amount}
