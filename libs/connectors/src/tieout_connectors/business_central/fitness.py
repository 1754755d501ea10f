"""Whether the vendor ledger, as it is now, takes a payment as ordered. Pure.

Asked before anything is recorded, and again right before it is posted, because a person may have paid meanwhile.
Business Central itself would post more than is open and leave the rest on account, and would take a discount that is
still possible, so these are refused here.
"""

from collections.abc import Sequence
from decimal import Decimal

from tieout.domain.capabilities import Ability
from tieout.domain.erp import ZERO
from tieout.domain.erp_ledger import EntryType, VendorLedgerEntry
from tieout.domain.erp_orders import Application, PaymentOrder, Settled
from tieout.domain.erp_outcomes import OpenAmount
from tieout.domain.errors import Reject
from tieout_connectors.business_central.capabilities import DECLARED
from tieout_connectors.business_central.wire.postings import Entry


def entry_of(order: PaymentOrder, application: Application, entries: Sequence[Entry]) -> VendorLedgerEntry | None:
    """The ledger entry of an invoice that the order names, None if this vendor has none of that number."""
    for entry in entries:
        one = entry.record
        if (one.type, one.document_number, one.vendor_number) == (
            EntryType.INVOICE,
            application.number,
            order.vendor.number,
        ):
            return one
    return None


def open_of(order: PaymentOrder, entries: Sequence[Entry]) -> tuple[OpenAmount, ...]:
    """What is open of each document that the order names."""
    found = []
    for application in order.applications:
        entry = entry_of(order, application, entries)
        amount = None if entry is None else entry.open
        found.append(OpenAmount(document=application.document, instalment=application.instalment, open=amount))
    return tuple(found)


def check_order(order: PaymentOrder) -> None:
    """What can be told without asking anybody.

    Raises:
        Reject: the order can never be recorded here as it is.
    """
    if order.clearing.kind.value != "general":
        raise Reject(
            f"the clearing account {order.clearing.number} is a bank account",
            code="bank_clearing",
            cure="Give the connection a general ledger account for clearing: a journal batch takes no other one.",
        )
    for application in order.applications:
        if application.settles is Settled.CREDIT:
            raise _lacking(Ability.APPLY_CREDITS, application, "consumes a credit", "credits")
        if application.instalment is not None:
            raise _lacking(Ability.INSTALMENTS, application, "settles an instalment", "instalments")


def check_ledger(order: PaymentOrder, entries: Sequence[Entry]) -> None:
    """What the ledger must show open, now.

    Raises:
        Reject: the code says why; nothing is recorded or posted.
    """
    for application in order.applications:
        entry = entry_of(order, application, entries)
        if entry is None:
            message = f"vendor {order.vendor.number} has no invoice {application.number} in the vendor ledger"
            cure = "Compare the invoice's pay-to vendor and number in Vendor Ledger Entries."
            raise Reject(message, code="invoice_not_found", cure=cure)
        _check_entry(order, application, entry)


def _check_entry(order: PaymentOrder, application: Application, entry: VendorLedgerEntry) -> None:
    still = ZERO if entry.open is None else entry.open
    if not entry.is_open or still <= 0:
        message = f"invoice {application.number} is closed"
        cure = "See in Vendor Ledger Entries what was applied to it: was it paid by hand? Unapply that, or void here."
        raise Reject(message, code="invoice_closed", cure=cure)
    if entry.currency != order.cash.currency:
        message = f"invoice {application.number} is in {entry.currency}, the payment in {order.cash.currency}"
        raise Reject(message, code="currency_differs", cure=_advice(Ability.PAYMENT_CURRENCY))
    if order.posting_date < entry.posting_date:
        message = f"invoice {application.number} was posted on {entry.posting_date}, after {order.posting_date}"
        cure = "Have the payment posted on the invoice's day or later; an earlier one cannot be applied."
        raise Reject(message, code="dated_before_invoice", cure=cure)
    if application.reduces > still:
        message = f"{application.reduces} is more than the {still} open of invoice {application.number}"
        cure = "See in Vendor Ledger Entries what was applied to it meanwhile, and what of this payment is too much."
        raise Reject(message, code="over_applied", cure=cure)
    would = _discount_taken(order, application, entry, still)
    if would != application.discount:
        message = (
            f"posting would take a discount of {would} on invoice {application.number}, not {application.discount}"
        )
        ability = Ability.DISCOUNT_AMOUNT if application.discount else Ability.NO_DISCOUNT
        raise Reject(message, code="discount_differs", cure=_advice(ability))


def _discount_taken(order: PaymentOrder, application: Application, entry: VendorLedgerEntry, still: Decimal) -> Decimal:
    """The discount that posting would take: within its days, once the cash covers the rest less the discount."""
    terms = entry.terms
    if terms is None or order.posting_date > terms.until or application.amount < still - terms.possible:
        return ZERO
    return terms.possible


def _advice(ability: Ability) -> str:
    work = DECLARED.lacking[ability]
    return f"{work.page}: {work.action}"


def _lacking(ability: Ability, application: Application, what: str, code: str) -> Reject:
    return Reject(f"{application.number}: the payment {what}", code=code, cure=_advice(ability))
