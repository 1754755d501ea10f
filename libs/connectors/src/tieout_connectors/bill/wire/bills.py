"""Bills. A bill has no currency of its own, no tax field and no id of ours."""

from typing import Any

from tieout.domain.bill import (
    ApproverStatus,
    Bill,
    BillApprovalStatus,
    BillApprover,
    BillContent,
    BillLine,
    BillLineContent,
    BillPaymentStatus,
    CreditUse,
)
from tieout_connectors.bill.wire.coding import read_coding, write_coding, write_header_coding
from tieout_connectors.bill.wire.fields import Fields, filled
from tieout_connectors.bill.wire.lists import read_all


def read_bill(raw: Any) -> Bill:
    """A bill from REST."""
    bill = Fields(raw, "bill")
    invoice = bill.inner("invoice")
    return Bill(
        id=bill.needed("id"),
        vendor=bill.needed("vendorId"),
        vendor_name=bill.text("vendorName"),
        invoice_number=invoice.needed("invoiceNumber"),
        invoice_date=invoice.day("invoiceDate"),
        due_date=bill.day("dueDate"),
        amount=bill.amount("amount"),
        funding_amount=bill.amount("fundingAmount"),
        exchange_rate=bill.amount("exchangeRate"),
        paid=bill.amount("paidAmount"),
        due=bill.amount("dueAmount"),
        scheduled=bill.amount("scheduledAmount"),
        credited=bill.amount("creditAmount"),
        description=bill.text("description"),
        purchase_order=bill.text("purchaseOrderNumber"),
        lines=tuple(read_line(line) for line in bill.items("billLineItems")),
        coding=read_coding(bill.inner("classifications")),
        pay_from=bill.text("payFromChartOfAccountId"),
        payment_status=bill.choice("paymentStatus", BillPaymentStatus, BillPaymentStatus.UNDEFINED),
        approval_status=bill.choice("approvalStatus", BillApprovalStatus, BillApprovalStatus.UNDEFINED),
        approvers=tuple(_approver(one) for one in bill.items("approvers")),
        archived=bill.flag("archived") or False,
        created=bill.moment("createdTime"),
        updated=bill.moment("updatedTime"),
    )


def read_bills(raw: Any) -> tuple[Bill, ...]:
    """The answer to the creation of several: a bare list, unlike all other answers about several."""
    return read_all(raw, None, read_bill)


def read_line(line: Fields) -> BillLine:
    """A line of a bill or a vendor credit."""
    return BillLine(
        id=line.text("id"),
        amount=line.amount("amount"),
        quantity=line.amount("quantity"),
        price=line.amount("price"),
        description=line.text("description"),
        coding=read_coding(line.inner("classifications")),
    )


def read_credit_uses(holder: Fields) -> tuple[CreditUse, ...]:
    """The vendor credits applied to a bill or used in a payment."""
    return tuple(
        CreditUse(credit=use.needed("id"), amount=use.needed_amount("amount")) for use in holder.items("vendorCredits")
    )


def write_credit_uses(uses: tuple[CreditUse, ...]) -> list[dict[str, Any]]:
    """The vendor credits to apply."""
    return [{"id": use.credit, "amount": use.amount} for use in uses]


def write_line(line: BillLineContent) -> dict[str, Any]:
    """A line. The amount is given, so quantity and price are not: BILL would let the amount win anyhow."""
    return filled(
        id=line.id,
        amount=line.amount,
        description=line.description,
        classifications=write_coding(line.coding),
    )


def write_bill(content: BillContent) -> dict[str, Any]:
    """The body that creates a bill, or replaces one: then a line without id is new and one left out is removed.

    Raises:
        ValueError: if the header is coded with what BILL takes on lines only.
    """
    return filled(
        vendorId=content.vendor,
        dueDate=content.due_date,
        invoice={"invoiceNumber": content.invoice_number, "invoiceDate": content.invoice_date},
        description=content.description,
        purchaseOrderNumber=content.purchase_order,
        classifications=write_header_coding(content.coding),
        billLineItems=[write_line(line) for line in content.lines],
        vendorCredits=write_credit_uses(content.credits),
        billApprovals=content.approvals or None,
    )


def write_bill_change(content: BillContent, current: Bill) -> dict[str, Any]:
    """The body that changes what differs from ``current`` and nothing else, empty if nothing does.

    Lines are matched by id. What BILL refuses to change on a scheduled bill is so left alone unless it really differs.

    Raises:
        ValueError: if a line is new or gone: that takes a replacement.
    """
    wanted = {line.id: line for line in content.lines}
    present = {line.id: line for line in current.lines}
    if wanted.keys() != present.keys() or len(wanted) != len(content.lines):
        raise ValueError("lines were added or removed; replace the bill instead")
    lines = [write_line(line) for key, line in wanted.items() if _line_of(present[key]) != line]
    invoice = filled(
        invoiceNumber=_changed(content.invoice_number, current.invoice_number),
        invoiceDate=_changed(content.invoice_date, current.invoice_date),
    )
    body = filled(
        vendorId=_changed(content.vendor, current.vendor),
        dueDate=_changed(content.due_date, current.due_date),
        invoice=invoice,
        classifications=write_header_coding(content.coding) if content.coding != current.coding else None,
        billLineItems=lines,
    )
    for key, new, old in (
        ("description", content.description, current.description),
        ("purchaseOrderNumber", content.purchase_order, current.purchase_order),
    ):
        if new != old:
            body[key] = new  # also a blank, which takes the old text away
    if body and content.approvals:
        body["billApprovals"] = True
    return body


def _changed(new: Any, old: Any) -> Any:
    return new if new != old else None


def _line_of(line: BillLine) -> BillLineContent | None:
    if line.amount is None:
        return None
    return BillLineContent(id=line.id, amount=line.amount, description=line.description, coding=line.coding)


def _approver(one: Fields) -> BillApprover:
    return BillApprover(
        user=one.needed("userId"),
        status=one.choice("status", ApproverStatus, ApproverStatus.UNDEFINED),
        order=one.whole("approverOrder"),
        changed=one.moment("statusChangedTime"),
    )
