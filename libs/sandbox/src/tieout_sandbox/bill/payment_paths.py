"""The paths of payments: what a client reads, and the few it may write."""

from collections.abc import Mapping
from typing import Any

from tieout_sandbox.bill import payments
from tieout_sandbox.bill.call import Answer, Call, Endpoint
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import Field, Fields, Kind, read
from tieout_sandbox.bill.filters import EQ, RANGE, ROW, As
from tieout_sandbox.bill.lists import ListSpec
from tieout_sandbox.bill.organization import find
from tieout_sandbox.bill.payments import VOID_TYPES, Order, Part
from tieout_sandbox.bill.vendor_credits import USE

LIST = ListSpec(
    {
        **{name: one for name, one in ROW.items() if name != "archived"},
        "vendorId": (As.TEXT, ("eq", "in")),
        "processDate": (As.DAY, ("eq", *RANGE)),
        "amount": (As.NUMBER, ("eq", *RANGE)),
        "transactionNumber": (As.TEXT, EQ),
        "status": (As.TEXT, EQ),
        "onlinePayment": (As.FLAG, ("eq", "ne")),
        "disbursementType": (As.TEXT, EQ),
    },
    frozenset({"createdTime", "updatedTime", "processDate"}),
)

_FUNDING: Fields = {
    "type": Field(required=True, options=("BANK_ACCOUNT", "CARD_ACCOUNT", "WALLET", "AP_CARD")),
    "id": Field(),
}
# ``billPayments`` is not among them: BILL takes it and ignores it.
_CREATE: Fields = {
    "vendorId": Field(),
    "billId": Field(required=True),
    "amount": Field(Kind.MONEY, required=True),
    "processDate": Field(Kind.DAY, required=True),
    "fundingAccount": Field(Kind.OBJECT, required=True, inside=_FUNDING),
    "processingOptions": Field(Kind.OBJECT, required=True),
    "description": Field(longest=70),
}
_VOID: Fields = {
    "type": Field(required=True, options=VOID_TYPES),
    "reason": Field(required=True, longest=4000),
}
_RECORDED_PART: Fields = {
    "billId": Field(required=True),
    "amount": Field(Kind.MONEY, required=True),
    "vendorCredits": Field(Kind.LIST, inside=USE),
}
_RECORD: Fields = {
    "vendorId": Field(required=True),
    "processDate": Field(Kind.DAY, required=True),
    "toPrintCheck": Field(Kind.FLAG, required=True),
    "payments": Field(Kind.LIST, required=True, inside=_RECORDED_PART),
    "description": Field(),
    "classifications": Field(Kind.OBJECT, inside={"chartOfAccountId": Field()}),
    "syncReference": Field(),
    "allowExport": Field(Kind.FLAG),
}


def endpoints() -> list[Endpoint]:
    """The paths of payments."""
    one = "/connect/v3/payments/{id}"
    return [
        Endpoint("GET", "/connect/v3/payments", "payments.read", _list),
        Endpoint("POST", "/connect/v3/payments", "payments.write", _create),
        Endpoint("GET", one, "payments.read", _get),
        Endpoint("POST", f"{one}/cancel", "payments.write", _cancel),
        Endpoint("POST", f"{one}/void", "payments.write", _void),
        Endpoint("POST", "/connect/v3/bills/record-payment", "payments.record", _record),
    ]


def _list(call: Call) -> Answer:
    return call.page(call.org.payments, LIST, lambda row: payments.show(call.org, row))


def _get(call: Call) -> Answer:
    return Answer(payments.show(call.org, find(call.org.payments, call.path())))


def _create(call: Call) -> Answer:
    if call.session.by_token or (call.switches["mfa_required"] and not call.session.trusted):
        raise refuse("BDC_1361")
    fields = read(_CREATE, call.body())
    bill = find(call.org.bills, fields["billId"])
    more = {"description": fields["description"]} if "description" in fields else {}
    order = Order(
        (Part(bill, fields["amount"]),), fields["processDate"], fields["fundingAccount"], _way(call, bill), more
    )
    payments.check(call.act, order)
    return Answer(payments.show(call.org, payments.create(call.act, order)), 201)


def _way(call: Call, bill: Any) -> str:
    vendor = find(call.org.vendors, bill.fields["vendorId"])
    return str(vendor.value("paymentInformation.payByType") or "CHECK")


def _cancel(call: Call) -> Answer:
    row = find(call.org.payments, call.path())
    if row.fields["singleStatus"] != "SCHEDULED":
        raise refuse("BDC_1119", f"{row.id} can no longer be canceled", status=422)
    payments.move(call.act, row, "CANCELED")
    return Answer(payments.show(call.org, row))


def _void(call: Call) -> Answer:
    row = find(call.org.payments, call.path())
    fields = read(_VOID, call.body())
    payments.request_void(call.act, row, fields["type"], fields["reason"])
    return Answer(payments.show(call.org, row))


def _record(call: Call) -> Answer:
    fields = read(_RECORD, call.body())
    parts = tuple(_part(call, fields["vendorId"], item) for item in fields["payments"])
    more = {name: fields[name] for name in ("description", *payments.RECORDED) if name in fields}
    order = Order(parts, fields["processDate"], {"type": "WALLET"}, "OFFLINE", more)
    for part in parts:
        payments.check_part(call.act, part)
    return Answer(payments.show(call.org, payments.record(call.act, order), recording=True))


def _part(call: Call, vendor_id: str, item: Mapping[str, Any]) -> Part:
    bill = find(call.org.bills, item["billId"])
    if bill.fields["vendorId"] != vendor_id:
        raise refuse("BDC_1119", f"payments.billId: {bill.id} is not of this vendor", subject=bill.id)
    return Part(bill, item["amount"], tuple(item.get("vendorCredits", ())))
