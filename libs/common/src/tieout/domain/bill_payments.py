"""Payments of BILL: what was read there, and what was paid outside and is to be told to BILL."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from pydantic import Field

from tieout.domain.bill import CreditUse
from tieout.domain.money import Amount
from tieout.domain.records import Record


class SingleStatus(StrEnum):
    """Where a payment's money is: the one status to act on. UNDEFINED also stands for a word not known here.

    Here a cancelled payment has one L (``CANCELED``), in ``PaymentStatus`` two.
    """

    SCHEDULED = "SCHEDULED"
    READY_TO_FUND = "READY_TO_FUND"
    CANCELLATION_IN_PROGRESS = "CANCELLATION_IN_PROGRESS"
    CANCELED = "CANCELED"
    FUNDING_STARTED = "FUNDING_STARTED"
    PROCESSED = "PROCESSED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    PARTIALLY_CLAIMED = "PARTIALLY_CLAIMED"
    EXPIRING = "EXPIRING"
    CLEARED = "CLEARED"
    DISBURSEMENT_ON_HOLD = "DISBURSEMENT_ON_HOLD"
    DISBURSEMENT_FAILED_ACTION_NEEDED = "DISBURSEMENT_FAILED_ACTION_NEEDED"
    DISBURSEMENT_FAILED_VENDOR_BANK_REJECTED = "DISBURSEMENT_FAILED_VENDOR_BANK_REJECTED"
    FUNDING_FAILED_ACTION_NEEDED = "FUNDING_FAILED_ACTION_NEEDED"
    VOID_PENDING = "VOID_PENDING"
    VOIDED = "VOIDED"
    FUNDING_FAILED_VOIDED = "FUNDING_FAILED_VOIDED"
    FUNDS_ESCHEATED = "FUNDS_ESCHEATED"
    UNDEFINED = "UNDEFINED"


class PaymentStage(StrEnum):
    """What a status means for the ledger."""

    PLANNED = "planned"
    """No money has moved: nothing to post."""
    TAKEN = "taken"
    """The payer has been debited: post it. No stage of it is final: an ACH payment may come back after CLEARED."""
    ON_HOLD = "on_hold"
    """Taken, and held back by BILL's review: posted, with a warning."""
    RETURNED = "returned"
    """Taken, and come back without being voided: posted, with a warning, and not reversed yet."""
    FUNDING_FAILED = "funding_failed"
    """BILL has paid the vendor although the debit failed: posted; what is owed to BILL stands in clearing."""
    ESCHEATED = "escheated"
    """Never claimed and turned over to the state: posted, with a warning, not reversed."""
    UNDOING = "undoing"
    """A void or cancellation was asked for: wait."""
    UNDONE = "undone"
    """Void or cancelled: reverse it if it was posted."""
    UNKNOWN = "unknown"
    """Nothing is done; it is shown."""

    @property
    def is_posted(self) -> bool:
        """Whether the ledger has to show the payment."""
        return self in _POSTED


_POSTED: Final = frozenset(
    {
        PaymentStage.TAKEN,
        PaymentStage.ON_HOLD,
        PaymentStage.RETURNED,
        PaymentStage.FUNDING_FAILED,
        PaymentStage.ESCHEATED,
    }
)

STAGES: Final[Mapping[SingleStatus, PaymentStage]] = {
    SingleStatus.SCHEDULED: PaymentStage.PLANNED,
    SingleStatus.READY_TO_FUND: PaymentStage.PLANNED,
    SingleStatus.FUNDING_STARTED: PaymentStage.PLANNED,
    SingleStatus.CANCELLATION_IN_PROGRESS: PaymentStage.UNDOING,
    SingleStatus.CANCELED: PaymentStage.UNDONE,
    SingleStatus.PROCESSED: PaymentStage.TAKEN,
    SingleStatus.SENT: PaymentStage.TAKEN,
    SingleStatus.DELIVERED: PaymentStage.TAKEN,
    SingleStatus.PARTIALLY_CLAIMED: PaymentStage.TAKEN,
    SingleStatus.EXPIRING: PaymentStage.TAKEN,
    SingleStatus.CLEARED: PaymentStage.TAKEN,
    SingleStatus.DISBURSEMENT_ON_HOLD: PaymentStage.ON_HOLD,
    SingleStatus.DISBURSEMENT_FAILED_ACTION_NEEDED: PaymentStage.RETURNED,
    SingleStatus.DISBURSEMENT_FAILED_VENDOR_BANK_REJECTED: PaymentStage.RETURNED,
    SingleStatus.FUNDING_FAILED_ACTION_NEEDED: PaymentStage.FUNDING_FAILED,
    SingleStatus.FUNDS_ESCHEATED: PaymentStage.ESCHEATED,
    SingleStatus.VOID_PENDING: PaymentStage.UNDOING,
    SingleStatus.VOIDED: PaymentStage.UNDONE,
    SingleStatus.FUNDING_FAILED_VOIDED: PaymentStage.UNDONE,
    SingleStatus.UNDEFINED: PaymentStage.UNKNOWN,
}
"""Every status has a stage; a test holds it so."""


class PaymentStatus(StrEnum):
    """BILL's older, coarser status. ``CANCELLED`` has two Ls here."""

    APPROVING = "APPROVING"
    SCHEDULED = "SCHEDULED"
    PAID = "PAID"
    CANCELLED = "CANCELLED"
    VOID = "VOID"
    ESCHEATED = "ESCHEATED"
    UNDEFINED = "UNDEFINED"


class DisbursementType(StrEnum):
    """How the vendor gets the money. OFFLINE is a payment made outside BILL."""

    ACH = "ACH"
    CHECK = "CHECK"
    INTERNATIONAL_E_PAYMENT = "INTERNATIONAL_E_PAYMENT"
    OFFLINE = "OFFLINE"
    RPPS = "RPPS"
    VIRTUAL_CARD = "VIRTUAL_CARD"
    WALLET = "WALLET"
    AMEX = "AMEX"
    CREDIT_CARD = "CREDIT_CARD"
    UNDEFINED = "UNDEFINED"


class FundingType(StrEnum):
    """What the money was taken from. A WALLET has no id."""

    BANK_ACCOUNT = "BANK_ACCOUNT"
    CARD_ACCOUNT = "CARD_ACCOUNT"
    WALLET = "WALLET"
    AP_CARD = "AP_CARD"
    UNDEFINED = "UNDEFINED"


class FundingAccount(Record):
    """The payer's account, by BILL's id; its number is never read."""

    type: FundingType
    id: str = ""


class FundingAccountStatus(StrEnum):
    """Whether a bank account of the organization can be paid from."""

    NOT_VERIFIED = "NOT_VERIFIED"
    PENDING = "PENDING"
    VERIFIED = "VERIFIED"
    BLOCKED = "BLOCKED"
    EXPIRED = "EXPIRED"
    INVALID = "INVALID"
    UNDEFINED = "UNDEFINED"


class BillBankAccount(Record):
    """A bank account of the organization, for mapping to the ERP's bank. Its number is not kept.

    Attributes:
        account: id of the general ledger account it stands for in BILL, ``""`` for none.
        pays_by_default: BILL proposes it for payables.
    """

    id: str
    name: str = ""
    bank: str = ""
    status: FundingAccountStatus = FundingAccountStatus.UNDEFINED
    account: str = ""
    pays_by_default: bool = False
    archived: bool = False


class BillPaymentPart(Record):
    """What of a payment went to one bill, in the vendor's currency, and the credits used with it."""

    id: str = ""
    bill: str
    amount: Amount
    credits: tuple[CreditUse, ...] = ()


class VoidRequest(Record):
    """A void that somebody asked for; BILL decides on it later. Type and status are BILL's own words."""

    id: str
    type: str = ""
    status: str = ""
    reason: str = ""
    created: datetime | None = None
    updated: datetime | None = None


class BillPayment(Record):
    """A payment in BILL: one vendor, any number of bills.

    Attributes:
        parts: how it is divided among bills; what is posted in the ERP. Webhooks do not carry it.
        amount: in the vendor's currency; funding_amount in US dollars; exchange_rate as BILL used it.
        process_date: when the money begins to move; the date it is posted with.
        status_said: BILL's word for ``single_status``, also where it is not known here.
        online: False for a payment that was made outside BILL and recorded there, None if BILL does not tell.
        check_number, trace_number: once there is one.
        sync_reference: the accounting system's reference of a recorded payment.
    """

    id: str
    vendor: str
    vendor_name: str = ""
    parts: tuple[BillPaymentPart, ...] = ()
    amount: Amount | None = None
    funding_amount: Amount | None = None
    exchange_rate: Amount | None = None
    process_date: date | None = None
    single_status: SingleStatus = SingleStatus.UNDEFINED
    status_said: str = ""
    status: PaymentStatus = PaymentStatus.UNDEFINED
    disbursement: DisbursementType = DisbursementType.UNDEFINED
    online: bool | None = None
    funding: FundingAccount | None = None
    transaction_number: str = ""
    confirmation_number: str = ""
    check_number: str = ""
    trace_number: str = ""
    sync_reference: str = ""
    description: str = ""
    voids: tuple[VoidRequest, ...] = ()
    cancel_requested: bool = False
    created_by: str = ""
    created: datetime | None = None
    updated: datetime | None = None

    @property
    def stage(self) -> PaymentStage:
        """What its status means for the ledger."""
        return STAGES[self.single_status]

    def unexplained(self) -> Decimal | None:
        """What the parts leave of the amount, None if the amount is not told; anything but 0 must not be posted."""
        return None if self.amount is None else self.amount - sum((part.amount for part in self.parts), Decimal(0))


AWAITS_APPROVAL: Final = "awaits_approval"
"""Code of the refusal to record a payment of a bill that is not approved in BILL."""


class RecordedPart(Record):
    """What of a payment made outside BILL went to one bill, in the vendor's currency."""

    bill: str
    amount: Amount = Field(gt=0)
    credits: tuple[CreditUse, ...] = ()


class RecordedPaymentContent(Record):
    """A payment made outside BILL, as BILL is told of it. No money moves.

    Attributes:
        sync_reference: the ERP's own reference of the payment; the only field of BILL's that is made for one.
        account: BILL's id of the general ledger account it was paid from, ``""`` for none.
        allow_export: whether an accounting sync of BILL's own may carry it on; off, since it came from there.
    """

    vendor: str
    process_date: date
    parts: tuple[RecordedPart, ...] = Field(min_length=1)
    sync_reference: str = ""
    description: str = ""
    account: str = ""
    allow_export: bool = False
