"""Bills: create, PATCH and PUT with their different rules for lines, archive; and what a bill looks like."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tieout_sandbox.bill import approvals, lines, vendor_credits
from tieout_sandbox.bill.books import payables
from tieout_sandbox.bill.classifications import check_references
from tieout_sandbox.bill.currency import account, in_dollars
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import Field, Fields, Kind, merged, populated, read
from tieout_sandbox.bill.organization import Act, Organization, find
from tieout_sandbox.bill.settlement import settle
from tieout_sandbox.bill.store import Row
from tieout_sandbox.bill.times import printed

INVOICE_NUMBER_LENGTH = 21

_INVOICE: Fields = {
    "invoiceNumber": Field(required=True, longest=INVOICE_NUMBER_LENGTH),
    "invoiceDate": Field(Kind.DAY, required=True),
}
_BILL: Fields = {
    "vendorId": Field(required=True),
    "dueDate": Field(Kind.DAY, required=True),
    "invoice": Field(Kind.OBJECT, required=True, inside=_INVOICE),
    "description": Field(longest=4000),
    "billLineItems": Field(Kind.LIST, required=True, inside=lines.BILL_LINE),
    "purchaseOrderNumber": Field(),
    "payFromChartOfAccountId": Field(),
    "classifications": Field(Kind.OBJECT, inside=lines.HEADER_REFERENCES),
    "vendorCredits": Field(Kind.LIST, inside=vendor_credits.USE),
    "billApprovals": Field(Kind.FLAG),
}
# Kept beside what BILL shows.
_HIDDEN = ("billApprovals", "approvers", "payments")


def prepare(act: Act, body: Any, taken: set[tuple[str, str]] | None = None) -> dict[str, Any]:
    """The properties of a new bill, found good. ``taken``: vendors and numbers of the same bulk call."""
    fields = read(_BILL, body)
    vendor = _open_vendor(act, fields["vendorId"])
    _check_duplicate(act, fields, set() if taken is None else taken)
    _check_references(act, fields, {})
    fields["billLineItems"] = lines.new_lines(act, "billLineItems", fields["billLineItems"], "line")
    fields["amount"] = lines.total(fields["billLineItems"])
    vendor_credits.check_uses(act, fields, "")
    fields.update(in_dollars(act.org, vendor, fields["amount"]))
    fields["approvers"] = approvals.approvers_for(act, fields)
    fields["approvalStatus"] = "ASSIGNED" if fields["approvers"] else "UNASSIGNED"
    return fields


def store(act: Act, fields: dict[str, Any], row_id: str | None = None) -> Row:
    """Store a prepared bill and enter it in the books."""
    start = {"paidAmount": Decimal(0), "scheduledAmount": Decimal(0), "creditAmount": Decimal(0)}
    fields = {**fields, **start, "dueAmount": fields["amount"], "paymentStatus": "UNPAID"}
    row = act.add(act.org.bills, "bill", fields, row_id)
    _enter(act, row)
    act.org.publish("bill.created", row)
    return row


def patch(act: Act, row: Row, body: Any) -> Row:
    """Change what the body names."""
    news = read(_BILL, body, partial=True)
    old = row.fields
    if "billLineItems" in news:
        news["billLineItems"] = lines.patched(act, "billLineItems", old["billLineItems"], news["billLineItems"], "line")
    if "vendorCredits" in news:
        named = {use["id"]: use for use in (*old.get("vendorCredits", []), *(news["vendorCredits"] or []))}
        news["vendorCredits"] = list(named.values())
    return _become(act, row, merged(old, news), body)


def replace(act: Act, row: Row, body: Any) -> Row:
    """Put another bill in its place: what the body leaves out is gone, vendor credits too."""
    fields = read(_BILL, body)
    fields["billLineItems"] = lines.replaced(
        act, "billLineItems", row.fields["billLineItems"], fields["billLineItems"], "line"
    )
    kept = {name: one for name, one in row.fields.items() if name not in _BILL or name in _HIDDEN}
    return _become(act, row, {**kept, **fields}, body)


def archive(act: Act, row: Row, *, archived: bool) -> Row:
    """Archive or restore; repeating changes nothing."""
    if row.archived != archived:
        act.change(act.org.bills, row, lambda bill: setattr(bill, "archived", archived))
        _enter(act, row)
        act.org.publish("bill.archived" if archived else "bill.restored", row)
    return row


def show(org: Organization, row: Row, *, full: bool, approvers: bool) -> dict[str, Any]:
    """A bill as BILL prints it: ``full`` for answers to GET, ``approvers`` when they were asked for."""
    fields = {name: one for name, one in row.fields.items() if name not in _HIDDEN}
    vendor = org.vendors.get(fields["vendorId"])
    return {
        "id": row.id,
        "archived": row.archived,
        **({"vendorName": vendor.fields["name"]} if full and vendor else {}),
        **populated({name: one for name, one in fields.items() if one != []}),
        **({"approvers": row.fields["approvers"]} if approvers else {}),
        "createdTime": printed(row.created),
        "updatedTime": printed(row.updated),
    }


def _become(act: Act, row: Row, fields: dict[str, Any], body: Any) -> Row:
    """Check what the bill would be, then make it so."""
    old = row.fields
    if old.get("billApprovals") and not (isinstance(body, Mapping) and body.get("billApprovals") is True):
        raise refuse("BDC_1129", "billApprovals: must be true, as when the bill was created", subject=row.id)
    _check_editable(row, fields)
    vendor = find(act.org.vendors, fields["vendorId"])
    if fields["vendorId"] != old["vendorId"]:
        _open_vendor(act, fields["vendorId"])
    _check_references(act, fields, old)
    fields["amount"] = lines.total(fields["billLineItems"])
    fields.update(in_dollars(act.org, vendor, fields["amount"]))
    vendor_credits.check_uses(act, fields, row.id)
    act.change(act.org.bills, row, lambda bill: setattr(bill, "fields", fields))
    if fields["vendorId"] != old["vendorId"]:
        act.org.books.bring(printed(act.now), "bill", row.id, _sides(act.org, old["vendorId"]), Decimal(0))
    _enter(act, row, [use["id"] for use in old.get("vendorCredits", [])])
    act.org.publish("bill.updated", row)
    return row


def _enter(act: Act, row: Row, credits_before: list[str] | None = None) -> None:
    """Bring the books, the credits used and the derived amounts in line with the bill."""
    amount = Decimal(0) if row.archived else row.fields["amount"]
    act.org.books.bring(printed(act.now), "bill", row.id, _sides(act.org, row.fields["vendorId"]), amount)
    uses = [use["id"] for use in row.fields.get("vendorCredits", [])]
    for credit_id in dict.fromkeys([*(credits_before or []), *uses]):
        vendor_credits.used_by(act, credit_id, row.id)
    settle(act, row, touch=False)


def _sides(org: Organization, vendor_id: str) -> tuple[str, str]:
    return account(org, vendor_id, "expense"), payables(vendor_id)


def _open_vendor(act: Act, vendor_id: str) -> Row:
    vendor = find(act.org.vendors, vendor_id)
    if vendor.archived:
        raise refuse("BDC_1143", "vendorId: the vendor is archived.")
    return vendor


def _check_duplicate(act: Act, fields: Mapping[str, Any], taken: set[tuple[str, str]]) -> None:
    number = fields["invoice"]["invoiceNumber"]
    same = (fields["vendorId"], number)
    if act.org.switches["duplicate_invoice_refused"]:
        others = act.org.bills.having("invoice.invoiceNumber", [number])
        there = any(one.fields["vendorId"] == same[0] and not one.archived for one in others)
        if there or same in taken:
            raise refuse("BDC_1171", number)
    taken.add(same)


def _check_references(act: Act, fields: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    """Classifications that are new on the bill must exist and be active."""
    before = {"chartOfAccountId": old.get("payFromChartOfAccountId")}
    named = {"chartOfAccountId": fields.get("payFromChartOfAccountId")}
    for new, had in ((named, before), (fields.get("classifications") or {}, old.get("classifications") or {})):
        check_references(act, {name: one for name, one in new.items() if had.get(name) != one})


def _check_editable(row: Row, fields: Mapping[str, Any]) -> None:
    """Once a payment is under way, vendor, lines and amounts stay as they are."""
    if row.fields["paymentStatus"] == "UNPAID":
        return
    if _substance(fields) != _substance(row.fields):
        text = f"{row.fields['paymentStatus']}: vendor, lines and amounts of the bill cannot be changed."
        raise refuse("BDC_1143", text, status=422, subject=row.id)


def _substance(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    line_amounts = [
        (line["id"], line["amount"], line.get("quantity"), line.get("price")) for line in fields["billLineItems"]
    ]
    return fields["vendorId"], line_amounts
