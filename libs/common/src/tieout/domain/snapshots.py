"""What a tie-out sees of each side at one moment: records with just what is compared, so that a run can be kept.

Amounts of documents are in their own currency, those of accounts in the ledger's, debit positive.
"""

from datetime import date, datetime
from decimal import Decimal

from tieout.domain.bill import Bill
from tieout.domain.bill_payments import BillPayment, PaymentStage
from tieout.domain.erp_ledger import EntryType, VendorLedgerEntry
from tieout.domain.money import Amount
from tieout.domain.records import Record


class OpenEntry(Record):
    """An open entry of the vendor ledger; fields as in ``VendorLedgerEntry``. Positive is owed to the vendor."""

    id: str
    type: EntryType
    vendor_number: str
    document: str = ""
    document_number: str
    external_number: str = ""
    posting_date: date
    currency: str
    amount: Amount
    open: Amount | None
    local_open: Amount | None = None
    on_hold: str | None = ""
    approved: bool | None = None

    @classmethod
    def of(cls, entry: VendorLedgerEntry) -> "OpenEntry":
        """What is compared of an entry."""
        return cls.model_validate(entry.model_dump(include=set(cls.model_fields)))


class AccountPosting(Record):
    """One entry of a general ledger account: debit positive, in the ledger's currency."""

    id: str
    account: str
    posting_date: date
    document_number: str
    description: str = ""
    amount: Amount


class StrayDocument(Record):
    """A document that the control accounts show otherwise than the vendor ledger does; both debit positive.

    ``vendor`` is None where the vendor ledger does not know the document at all; then there is one of these for each
    account that it stands on, because what is moved from one control account to another differs on both.
    """

    document_number: str
    posting_date: date
    description: str = ""
    general: Amount
    vendor: Amount | None

    @property
    def difference(self) -> Decimal:
        """The control accounts' amount less the vendor ledger's."""
        return self.general - (self.vendor or Decimal(0))


class BillSeen(Record):
    """A bill as BILL shows it; amounts are None where it does not tell."""

    id: str
    vendor: str
    invoice_number: str
    invoice_date: date | None = None
    amount: Amount | None
    credited: Amount | None = None
    archived: bool = False
    updated: datetime | None = None

    @classmethod
    def of(cls, bill: Bill) -> "BillSeen":
        """What is compared of a bill."""
        return cls.model_validate(bill.model_dump(include=set(cls.model_fields)))


class PartSeen(Record):
    """What of a payment went to one bill."""

    bill: str
    amount: Amount


class PaymentSeen(Record):
    """A payment as BILL shows it. ``online`` is False for one that was made outside and told to BILL."""

    id: str
    vendor: str
    amount: Amount | None
    parts: tuple[PartSeen, ...]
    stage: PaymentStage
    online: bool | None = None
    process_date: date | None = None
    updated: datetime | None = None

    @classmethod
    def of(cls, payment: BillPayment) -> "PaymentSeen":
        """What is compared of a payment."""
        parts = tuple(PartSeen(bill=part.bill, amount=part.amount) for part in payment.parts)
        return cls(
            id=payment.id,
            vendor=payment.vendor,
            amount=payment.amount,
            parts=parts,
            stage=payment.stage,
            online=payment.online,
            process_date=payment.process_date,
            updated=payment.updated,
        )
