"""Vendor credits and what uses them: bills directly, and the parts of payments."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tieout_sandbox.bill import lines
from tieout_sandbox.bill.books import payables
from tieout_sandbox.bill.currency import account
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import Field, Fields, Kind, merged, populated, read
from tieout_sandbox.bill.organization import Act, Organization, find
from tieout_sandbox.bill.stages import Stage, stage_of
from tieout_sandbox.bill.store import Row
from tieout_sandbox.bill.times import printed

USE: Fields = {"id": Field(required=True), "amount": Field(Kind.MONEY, required=True)}

_CREDIT: Fields = {
    "vendorId": Field(required=True),
    "referenceNumber": Field(required=True),
    "creditDate": Field(Kind.DAY, required=True),
    "description": Field(),
    "applyToChartOfAccountId": Field(),
    "applyToBankAccountId": Field(),
    "vendorCreditLineItems": Field(Kind.LIST, required=True, inside=lines.CREDIT_LINE),
}
_LINES = "vendorCreditLineItems"


def prepare(act: Act, body: Any) -> dict[str, Any]:
    """The properties of a new credit, found good."""
    fields = read(_CREDIT, body)
    _check(act, fields)
    fields[_LINES] = lines.new_lines(act, _LINES, fields[_LINES], "credit_line")
    return {
        **fields,
        "amount": lines.total(fields[_LINES]),
        "appliedAmount": Decimal(0),
        "status": "NOT_APPLIED",
    }


def store(act: Act, fields: dict[str, Any], row_id: str | None = None) -> Row:
    """Store a prepared credit and enter it in the books."""
    row = act.add(act.org.credits, "credit", fields, row_id)
    _enter(act, row)
    return row


def prepare_patch(act: Act, row: Row, body: Any) -> dict[str, Any]:
    """What PATCH makes of a credit, found good."""
    news = read(_CREDIT, body, partial=True)
    if _LINES in news:
        news[_LINES] = lines.patched(act, _LINES, row.fields[_LINES], news[_LINES], "credit_line")
    return _prepared(act, row, merged(row.fields, news))


def prepare_replace(act: Act, row: Row, body: Any) -> dict[str, Any]:
    """What PUT makes of a credit, found good."""
    fields = read(_CREDIT, body)
    fields[_LINES] = lines.replaced(act, _LINES, row.fields[_LINES], fields[_LINES], "credit_line")
    kept = {name: one for name, one in row.fields.items() if name not in _CREDIT}
    return _prepared(act, row, {**kept, **fields})


def become(act: Act, row: Row, fields: dict[str, Any]) -> Row:
    """Give a credit its prepared properties."""
    before = row.fields["vendorId"]
    act.change(act.org.credits, row, lambda credit: setattr(credit, "fields", fields))
    if before != fields["vendorId"]:
        act.org.books.bring(printed(act.now), "vendor credit", row.id, _sides(act.org, before), Decimal(0))
    _enter(act, row)
    refresh(act, row)
    return row


def archive(act: Act, row: Row) -> Row:
    """Archive for good; one that is used is refused."""
    if row.fields["appliedAmount"] > 0:
        raise refuse("BDC_1143", "the vendor credit is applied.", status=422)
    if not row.archived:
        act.change(act.org.credits, row, lambda credit: setattr(credit, "archived", True))
        _enter(act, row)
    return row


def show(org: Organization, row: Row, *, usage: bool) -> dict[str, Any]:
    """A credit as BILL prints it."""
    return {
        "id": row.id,
        "archived": row.archived,
        **populated(row.fields),
        **({"usage": [use for _, use in uses(org, row.id)]} if usage else {}),
        "createdTime": printed(row.created),
        "updatedTime": printed(row.updated),
    }


def uses(org: Organization, credit_id: str) -> Iterator[tuple[Stage, dict[str, Any]]]:
    """What uses a credit: a bill, or a payment's part for a bill, with its amount."""
    for user_id in org.users_of_credit.get(credit_id, {}):
        bill = org.bills.get(user_id)
        payment = org.payments.get(user_id)
        if bill is not None:
            for use in bill.fields.get("vendorCredits", []):
                if use["id"] == credit_id:
                    yield Stage.CLEARED, {"billId": bill.id, "amount": use["amount"]}
        if payment is not None and stage_of(payment.fields) is not Stage.NONE:
            for part in payment.fields["billPayments"]:
                for use in part.get("vendorCredits", []):
                    if use["id"] == credit_id:
                        named = {"billId": part["billId"], "paymentId": payment.id, "amount": use["amount"]}
                        yield stage_of(payment.fields), named


def used_by(act: Act, credit_id: str, user_id: str) -> None:
    """A bill or a payment uses a credit now, or no longer, or otherwise."""
    act.org.users_of_credit.setdefault(credit_id, {})[user_id] = None
    refresh(act, find(act.org.credits, credit_id))


def refresh(act: Act, row: Row) -> None:
    """Bring appliedAmount and status of a credit in line with its uses."""
    used = list(uses(act.org, row.id))
    applied = sum((use["amount"] for _, use in used), Decimal(0))
    status = "NOT_APPLIED"
    if any(stage in (Stage.SCHEDULED, Stage.IN_PROCESS) for stage, _ in used):
        status = "IN_PROCESS"
    elif applied > 0:
        status = "FULLY_APPLIED" if applied >= row.fields["amount"] else "PARTIALLY_APPLIED"
    derived = {"appliedAmount": applied, "status": status}
    if any(row.fields[name] != value for name, value in derived.items()):
        act.change(act.org.credits, row, lambda credit: credit.fields.update(derived))


def check_uses(act: Act, fields: Mapping[str, Any], bill_id: str) -> None:
    """Refuse credits of another vendor, more than is left of one, or more than the bill."""
    wanted = fields.get("vendorCredits") or []
    for use in wanted:
        check_use(act, use, fields["vendorId"], bill_id)
    if sum((use["amount"] for use in wanted), Decimal(0)) > fields["amount"]:
        raise refuse("BDC_1159", bill_id or fields["invoice"]["invoiceNumber"], subject=bill_id)


def check_use(act: Act, use: Mapping[str, Any], vendor_id: str, user_id: str) -> None:
    """Refuse one use of a credit; what ``user_id`` used of it before is free again."""
    row = find(act.org.credits, use["id"])
    if row.archived or row.fields["vendorId"] != vendor_id or use["amount"] <= 0:
        raise refuse("BDC_1119", f"vendorCredits: {row.id} cannot be used here", subject=user_id)
    others = (one["amount"] for _, one in uses(act.org, row.id) if one.get("paymentId", one["billId"]) != user_id)
    if use["amount"] > row.fields["amount"] - sum(others, Decimal(0)):
        raise refuse("BDC_1119", f"vendorCredits: {row.id} has not so much left", subject=user_id)


def _prepared(act: Act, row: Row, fields: dict[str, Any]) -> dict[str, Any]:
    _check(act, fields)
    fields["amount"] = lines.total(fields[_LINES])
    moved = fields["vendorId"] != row.fields["vendorId"]
    if fields["amount"] < row.fields["appliedAmount"] or (moved and row.fields["appliedAmount"] > 0):
        raise refuse("BDC_1143", "the vendor credit is applied.", status=422)
    return fields


def _check(act: Act, fields: Mapping[str, Any]) -> None:
    find(act.org.vendors, fields["vendorId"])
    if fields.get("applyToChartOfAccountId") and fields.get("applyToBankAccountId"):
        raise refuse("BDC_1119", "applyToBankAccountId: only one of the two accounts can be given")


def _enter(act: Act, row: Row) -> None:
    amount = Decimal(0) if row.archived else row.fields["amount"]
    act.org.books.bring(printed(act.now), "vendor credit", row.id, _sides(act.org, row.fields["vendorId"]), amount)


def _sides(org: Organization, vendor_id: str) -> tuple[str, str]:
    return payables(vendor_id), account(org, vendor_id, "expense")
