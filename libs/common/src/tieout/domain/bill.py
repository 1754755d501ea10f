"""Masters and bills of BILL: what was read there, and what is to be written.

Payments stand in ``bill_payments``, notifications in ``bill_events``. Ids are BILL's: 20 characters, case-sensitive.
An amount has no currency beside it, because in BILL the currency of a bill is its vendor's. What BILL leaves out of an
answer is ``None``, which is never a zero: the answer to a creation tells less than a later reading.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from tieout.domain.money import Amount
from tieout.domain.records import Address, Record


class BillVendor(Record):
    """A vendor in BILL.

    Attributes:
        short_name: carries the ERP's vendor number.
        currency: ISO 4217; holds for all its bills.
        payment_fingerprint: keyed hash of its bank details; says that they changed, never what they are.
    """

    id: str
    name: str
    short_name: str = ""
    currency: str = ""
    address: Address = Address()
    email: str = ""
    phone: str = ""
    archived: bool = False
    payment_fingerprint: str = ""
    created: datetime | None = None
    updated: datetime | None = None


class BillVendorContent(Record):
    """A vendor as it is to stand in BILL. Lengths are already within BILL's limits; the address is complete."""

    name: str
    short_name: str
    currency: str
    address: Address
    email: str = ""
    phone: str = ""


class ClassificationKind(StrEnum):
    """What a bill's line can be coded with. Departments and the like may be switched off in an organization."""

    ACCOUNT = "account"
    DEPARTMENT = "department"
    LOCATION = "location"
    JOB = "job"
    ACCOUNTING_CLASS = "accounting_class"


class BillAccountType(StrEnum):
    """BILL's kinds of general ledger accounts."""

    UNSPECIFIED = "UNSPECIFIED"
    ACCOUNTS_PAYABLE = "ACCOUNTS_PAYABLE"
    ACCOUNTS_RECEIVABLE = "ACCOUNTS_RECEIVABLE"
    BANK = "BANK"
    COST_OF_GOODS_SOLD = "COST_OF_GOODS_SOLD"
    CREDIT_CARD = "CREDIT_CARD"
    EQUITY = "EQUITY"
    EXPENSE = "EXPENSE"
    FIXED_ASSET = "FIXED_ASSET"
    INCOME = "INCOME"
    LONG_TERM_LIABILITY = "LONG_TERM_LIABILITY"
    OTHER_ASSET = "OTHER_ASSET"
    OTHER_CURRENT_ASSET = "OTHER_CURRENT_ASSET"
    OTHER_CURRENT_LIABILITY = "OTHER_CURRENT_LIABILITY"
    OTHER_EXPENSE = "OTHER_EXPENSE"
    OTHER_INCOME = "OTHER_INCOME"
    NON_POSTING = "NON_POSTING"


class BillClassification(Record):
    """An account, department, location, job or class.

    Attributes:
        number: an account's number, the others' short name: what the ERP's number or code is compared with.
        account_type: of an account only, None for the others and where BILL names a type not known here.
        parent: id of the one above, ``""`` for none.
    """

    kind: ClassificationKind
    id: str
    name: str
    number: str = ""
    account_type: BillAccountType | None = None
    description: str = ""
    parent: str = ""
    archived: bool = False
    created: datetime | None = None
    updated: datetime | None = None


class BillClassificationContent(Record):
    """A classification as it is to stand in BILL. ``account_type`` is needed for an account and for nothing else."""

    kind: ClassificationKind
    name: str
    number: str = ""
    account_type: BillAccountType | None = None
    description: str = ""
    parent: str = ""


class BillCoding(Record):
    """The classifications of a bill or a line, by BILL's ids. Job, employee and customer stand on lines only."""

    account: str = ""
    department: str = ""
    location: str = ""
    job: str = ""
    accounting_class: str = ""
    item: str = ""
    employee: str = ""
    customer: str = ""


class BillPaymentStatus(StrEnum):
    """How far a bill is paid; UNDEFINED also stands for a word not known here."""

    UNPAID = "UNPAID"
    SCHEDULED = "SCHEDULED"
    IN_PROCESS = "IN_PROCESS"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    UNDEFINED = "UNDEFINED"


class BillApprovalStatus(StrEnum):
    """How far a bill is approved in BILL; UNASSIGNED needs nobody."""

    UNASSIGNED = "UNASSIGNED"
    ASSIGNED = "ASSIGNED"
    APPROVING = "APPROVING"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    UNDEFINED = "UNDEFINED"


class ApproverStatus(StrEnum):
    """What one approver has done with a bill."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    REROUTED = "REROUTED"
    UNDEFINED = "UNDEFINED"


class BillApprover(Record):
    """One approver of a bill. ``order`` counts from 0, None where BILL does not tell; ``changed`` is UTC."""

    user: str
    status: ApproverStatus
    order: int | None = None
    changed: datetime | None = None


class CreditUse(Record):
    """What of a vendor credit is applied to a bill, in the vendor's currency."""

    credit: str
    amount: Amount


class BillLine(Record):
    """A line of a bill. ``amount`` is in the vendor's currency; quantity and price may be missing beside it."""

    id: str
    amount: Amount | None = None
    quantity: Amount | None = None
    price: Amount | None = None
    description: str = ""
    coding: BillCoding = BillCoding()


class Bill(Record):
    """A bill in BILL.

    Attributes:
        amount: the total, in the vendor's currency like all amounts but ``funding_amount``.
        funding_amount: the total in US dollars.
        paid: cleared payments and applied credits. due: amount less credits, scheduled and cleared payments.
        approvers: empty where nobody has to approve, or where the answer does not tell.
    """

    id: str
    vendor: str
    vendor_name: str = ""
    invoice_number: str
    invoice_date: date | None = None
    due_date: date | None = None
    amount: Amount | None = None
    funding_amount: Amount | None = None
    exchange_rate: Amount | None = None
    paid: Amount | None = None
    due: Amount | None = None
    scheduled: Amount | None = None
    credited: Amount | None = None
    description: str = ""
    purchase_order: str = ""
    lines: tuple[BillLine, ...] = ()
    coding: BillCoding = BillCoding()
    pay_from: str = ""
    payment_status: BillPaymentStatus = BillPaymentStatus.UNDEFINED
    approval_status: BillApprovalStatus = BillApprovalStatus.UNDEFINED
    approvers: tuple[BillApprover, ...] = ()
    archived: bool = False
    created: datetime | None = None
    updated: datetime | None = None


class BillLineContent(Record):
    """A line as it is to stand in BILL. ``id`` names the line of an existing bill that it changes, ``""`` a new one."""

    amount: Amount
    description: str = ""
    coding: BillCoding = BillCoding()
    id: str = ""


def total_of(lines: Sequence[BillLineContent]) -> Decimal:
    """What lines add up to: the amount of their bill or credit."""
    return sum((line.amount for line in lines), Decimal(0))


class BillContent(Record):
    """A bill as it is to stand in BILL. Its number is already within BILL's 21 characters.

    Attributes:
        credits: applied to it, all of them: leaving one out of a replacement takes it off the bill.
        approvals: BILL's own approval is asked for; once it was, every later change has to ask for it too.
    """

    vendor: str
    invoice_number: str
    invoice_date: date
    due_date: date
    lines: tuple[BillLineContent, ...] = Field(min_length=1)
    description: str = ""
    purchase_order: str = ""
    coding: BillCoding = BillCoding()
    credits: tuple[CreditUse, ...] = ()
    approvals: bool = False

    @property
    def total(self) -> Decimal:
        """The bill's amount, in the vendor's currency."""
        return total_of(self.lines)


class CreditStatus(StrEnum):
    """How far a vendor credit is used."""

    NOT_APPLIED = "NOT_APPLIED"
    PARTIALLY_APPLIED = "PARTIALLY_APPLIED"
    FULLY_APPLIED = "FULLY_APPLIED"
    IN_PROCESS = "IN_PROCESS"
    UNDEFINED = "UNDEFINED"


class CreditUsage(Record):
    """Where a credit was used: on a bill, and in a payment if one was made with it."""

    bill: str
    payment: str = ""
    amount: Amount


class BillCredit(Record):
    """A vendor credit in BILL. Archiving one is final: BILL cannot restore it."""

    id: str
    vendor: str
    reference_number: str
    credit_date: date | None = None
    amount: Amount | None = None
    applied: Amount | None = None
    description: str = ""
    status: CreditStatus = CreditStatus.UNDEFINED
    lines: tuple[BillLine, ...] = ()
    usage: tuple[CreditUsage, ...] = ()
    archived: bool = False
    created: datetime | None = None
    updated: datetime | None = None


class BillCreditContent(Record):
    """A vendor credit as it is to stand in BILL; amounts are positive, as on the vendor's paper."""

    vendor: str
    reference_number: str
    credit_date: date
    lines: tuple[BillLineContent, ...] = Field(min_length=1)
    description: str = ""

    @property
    def total(self) -> Decimal:
        """The credit's amount, in the vendor's currency."""
        return total_of(self.lines)


class BillDocument(Record):
    """A file on a bill. ``id`` is the final one once the upload is done, a temporary one (``0du…``) before."""

    id: str
    name: str
    created: datetime | None = None


class UploadStatus(StrEnum):
    """How far an upload is; it takes minutes."""

    IN_PROGRESS = "IN_PROGRESS"
    UPLOADED = "UPLOADED"
    IVA_PROCESSING = "IVA_PROCESSING"
    UNDEFINED = "UNDEFINED"


class DocumentUpload(Record):
    """An upload under way. ``document`` is its final id, ``""`` while there is none."""

    upload: str
    document: str = ""
    status: UploadStatus = UploadStatus.UNDEFINED
