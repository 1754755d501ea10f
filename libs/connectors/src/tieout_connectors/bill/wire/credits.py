"""Vendor credits."""

from typing import Any

from tieout.domain.bill import BillCredit, BillCreditContent, CreditStatus, CreditUsage
from tieout_connectors.bill.wire.bills import read_line, write_line
from tieout_connectors.bill.wire.fields import Fields, filled


def read_credit(raw: Any) -> BillCredit:
    """A vendor credit."""
    credit = Fields(raw, "credit")
    return BillCredit(
        id=credit.needed("id"),
        vendor=credit.needed("vendorId"),
        reference_number=credit.needed("referenceNumber"),
        credit_date=credit.day("creditDate"),
        amount=credit.amount("amount"),
        applied=credit.amount("appliedAmount"),
        description=credit.text("description"),
        status=credit.choice("status", CreditStatus, CreditStatus.UNDEFINED),
        lines=tuple(read_line(line) for line in credit.items("vendorCreditLineItems")),
        usage=tuple(
            CreditUsage(bill=one.text("billId"), payment=one.text("paymentId"), amount=one.needed_amount("amount"))
            for one in credit.items("usage")
        ),
        archived=credit.flag("archived") or False,
        created=credit.moment("createdTime"),
        updated=credit.moment("updatedTime"),
    )


def write_credit(content: BillCreditContent) -> dict[str, Any]:
    """The body that creates a vendor credit, or replaces one."""
    return filled(
        vendorId=content.vendor,
        referenceNumber=content.reference_number,
        creditDate=content.credit_date,
        vendorCreditLineItems=[write_line(line) for line in content.lines],
        description=content.description,
    )
