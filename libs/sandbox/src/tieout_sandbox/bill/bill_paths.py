"""The paths of bills."""

from dataclasses import replace
from typing import Any

from tieout_sandbox.bill import bills
from tieout_sandbox.bill.bulk import all_or_nothing
from tieout_sandbox.bill.call import Answer, Call, Endpoint, read_bulk
from tieout_sandbox.bill.filters import EQ, RANGE, ROW, As
from tieout_sandbox.bill.lists import ListSpec
from tieout_sandbox.bill.organization import find
from tieout_sandbox.bill.store import Row

MAX_BULK = 100

LIST = ListSpec(
    {
        **ROW,
        "vendorId": (As.TEXT, ("eq", "in")),
        "dueDate": (As.DAY, RANGE),
        "paymentStatus": (As.TEXT, EQ),
    },
    frozenset({"createdTime", "updatedTime", "dueDate"}),
)
LIST_WITH_NUMBER = replace(LIST, filterable={**LIST.filterable, "invoice.invoiceNumber": (As.TEXT, ("eq",))})


def endpoints() -> list[Endpoint]:
    """The paths of bills; the payment made elsewhere is among the payments."""
    one = "/connect/v3/bills/{id}"
    return [
        Endpoint("GET", "/connect/v3/bills", "bills.read", _list),
        Endpoint("POST", "/connect/v3/bills", "bills.write", _create),
        Endpoint("POST", "/connect/v3/bills/bulk", "bills.write", _create_many),
        Endpoint("GET", one, "bills.read", _get),
        Endpoint("PATCH", one, "bills.write", _patch),
        Endpoint("PUT", one, "bills.write", _put),
        Endpoint("POST", f"{one}/archive", "bills.write", _archive),
        Endpoint("POST", f"{one}/restore", "bills.write", _restore),
    ]


def _list(call: Call) -> Answer:
    spec = LIST_WITH_NUMBER if call.switches["invoice_number_filter"] else LIST
    approvers = call.flag("billApprovals")
    return call.page(call.org.bills, spec, lambda row: bills.show(call.org, row, full=True, approvers=approvers))


def _create(call: Call) -> Answer:
    return Answer(_written(call, bills.store(call.act, bills.prepare(call.act, call.body()))), 201)


def _create_many(call: Call) -> Answer:
    taken: set[tuple[str, str]] = set()
    rows = all_or_nothing(
        read_bulk(call, MAX_BULK),
        lambda item: bills.prepare(call.act, item, taken),
        lambda fields: bills.store(call.act, fields),
    )
    return Answer([_written(call, row) for row in rows], 201)


def _get(call: Call) -> Answer:
    row = find(call.org.bills, call.path())
    shown = bills.show(call.org, row, full=True, approvers=call.flag("billApprovals"))
    parts = [_part(call, payment_id, row.id) for payment_id in call.org.payments_of_bill.get(row.id, {})]
    return Answer({**shown, "payments": parts})


def _part(call: Call, payment_id: str, bill_id: str) -> dict[str, Any]:
    payment = find(call.org.payments, payment_id)
    amount = sum(part["amount"] for part in payment.fields["billPayments"] if part["billId"] == bill_id)
    return {"id": payment_id, "amount": amount, "status": payment.fields["status"]}


def _patch(call: Call) -> Answer:
    return Answer(_written(call, bills.patch(call.act, find(call.org.bills, call.path()), call.body())))


def _put(call: Call) -> Answer:
    return Answer(_written(call, bills.replace(call.act, find(call.org.bills, call.path()), call.body())))


def _archive(call: Call) -> Answer:
    return Answer(_written(call, bills.archive(call.act, find(call.org.bills, call.path()), archived=True)))


def _restore(call: Call) -> Answer:
    return Answer(_written(call, bills.archive(call.act, find(call.org.bills, call.path()), archived=False)))


def _written(call: Call, row: Row) -> dict[str, Any]:
    """The answer to a write: no vendor name, approvers only for bills entered with them."""
    return bills.show(call.org, row, full=False, approvers=bool(row.fields.get("billApprovals")))
