"""Payments. What is posted in the ERP is ``billPayments``; ``billId`` is there for payments of a single bill only."""

from typing import Any

from tieout.domain.bill_payments import (
    BillPayment,
    BillPaymentPart,
    DisbursementType,
    FundingAccount,
    FundingType,
    PaymentStatus,
    RecordedPaymentContent,
    SingleStatus,
    VoidRequest,
)
from tieout_connectors.bill.wire.bills import read_credit_uses, write_credit_uses
from tieout_connectors.bill.wire.fields import Fields, filled


def read_payment(raw: Any) -> BillPayment:
    """A payment from REST."""
    payment = Fields(raw, "payment")
    said = payment.text("singleStatus")
    disbursed = payment.inner("disbursementInfo")
    return BillPayment(
        id=payment.needed("id"),
        vendor=payment.needed("vendorId"),
        vendor_name=payment.text("vendorName"),
        parts=_parts(payment),
        amount=payment.amount("amount"),
        funding_amount=payment.amount("fundingAmount"),
        exchange_rate=payment.amount("exchangeRate"),
        process_date=payment.day("processDate"),
        single_status=payment.choice("singleStatus", SingleStatus, SingleStatus.UNDEFINED),
        status_said=said,
        status=payment.choice("status", PaymentStatus, PaymentStatus.UNDEFINED),
        disbursement=payment.choice("disbursementType", DisbursementType, DisbursementType.UNDEFINED),
        online=payment.flag("onlinePayment"),
        funding=_funding(payment.inner("fundingAccount")),
        transaction_number=payment.text("transactionNumber"),
        confirmation_number=payment.text("confirmationNumber"),
        check_number=disbursed.inner("checkDisbursement").text("checkNumber"),
        trace_number=disbursed.inner("rppsDisbursement").text("traceNumber"),
        sync_reference=payment.text("syncReference"),
        description=payment.text("description"),
        voids=tuple(_void(one) for one in payment.items("voidInfo")),
        cancel_requested=payment.flag("cancelRequestSubmitted") or False,
        created_by=payment.text("createdBy"),
        created=payment.moment("createdTime"),
        updated=payment.moment("updatedTime"),
    )


def write_recorded_payment(content: RecordedPaymentContent) -> dict[str, Any]:
    """The body that tells BILL of a payment made outside. BILL is never asked to print a check for it."""
    return {
        "vendorId": content.vendor,
        "processDate": content.process_date,
        "toPrintCheck": False,
        "payments": [
            filled(billId=part.bill, amount=part.amount, vendorCredits=write_credit_uses(part.credits))
            for part in content.parts
        ],
        "allowExport": content.allow_export,
    } | filled(
        description=content.description,
        syncReference=content.sync_reference,
        classifications=filled(chartOfAccountId=content.account),
    )


def _parts(payment: Fields) -> tuple[BillPaymentPart, ...]:
    """How the payment is divided. Where only the single bill is named, all of it went there."""
    parts = tuple(
        BillPaymentPart(
            id=part.text("id"),
            bill=part.needed("billId"),
            amount=part.needed_amount("amount"),
            credits=read_credit_uses(part),
        )
        for part in payment.items("billPayments")
    )
    if not parts and payment.text("billId") and payment.has("amount"):
        return (BillPaymentPart(bill=payment.needed("billId"), amount=payment.needed_amount("amount")),)
    return parts


def _funding(account: Fields) -> FundingAccount | None:
    if not account.text("type"):
        return None
    return FundingAccount(type=account.choice("type", FundingType, FundingType.UNDEFINED), id=account.text("id"))


def _void(one: Fields) -> VoidRequest:
    return VoidRequest(
        id=one.text("id"),
        type=one.text("type"),
        status=one.text("status"),
        reason=one.text("reason"),
        created=one.moment("createdTime"),
        updated=one.moment("updatedTime"),
    )
