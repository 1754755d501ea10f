"""Journals before posting, ledgers after it. Ledger entries are never changed in amount and never deleted."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tieout_sandbox.business_central.books.documents import Dimensions
from tieout_sandbox.business_central.books.masters import ZERO
from tieout_sandbox.business_central.books.store import Row

GL = "G/L Account"
VENDOR = "Vendor"
BANK = "Bank Account"


@dataclass(kw_only=True, eq=False)
class JournalTemplate(Row):
    """A kind of journal. ``type`` is General or Payments; ``increment`` renames a batch after posting."""

    name: str
    type: str = "General"
    recurring: bool = False
    increment: bool = False


@dataclass(kw_only=True, eq=False)
class JournalBatch(Row):
    """A batch; its balancing account goes to every new line."""

    template: str
    code: str
    display_name: str = ""
    balance_type: str = GL
    balance_account: str = ""
    number_series: str = ""
    posting_series: str = ""


@dataclass(kw_only=True, eq=False)
class JournalLine(Row):
    """A line that a post would book: ``amount`` debits the account and credits the balancing account."""

    batch: str
    line_number: int
    document_type: str = " "
    account_type: str = GL
    account: str = ""
    posting_date: date | None = None
    document_number: str = ""
    external_document_number: str = ""
    amount: Decimal = ZERO
    currency_code: str = ""
    description: str = ""
    comment: str = ""
    tax_code: str = ""
    balance_type: str = GL
    balance_account: str = ""
    applies_to_type: str = " "
    applies_to_number: str = ""
    applies_to_id: str = ""
    dimensions: Dimensions = field(default_factory=dict)
    job_status: str = ""

    @property
    def empty(self) -> bool:
        """A line that a post skips."""
        return not self.account and self.amount == 0


@dataclass(kw_only=True, eq=False)
class LedgerEntry(Row):
    """A G/L entry; ``amount`` in local currency, debits positive.

    ``application`` is set on what an application added to the posting (discount, gain, loss): unapplying undoes it.
    """

    number: int
    posting_date: date
    document_type: str
    document_number: str
    external_document_number: str = ""
    account: str
    description: str = ""
    amount: Decimal
    dimensions: Dimensions = field(default_factory=dict)
    transaction: int
    source: str = ""
    application: int = 0
    reversed: bool = False
    reversed_by: int = 0
    reverses: int = 0


@dataclass(kw_only=True, eq=False)
class VendorEntry(Row):
    """A vendor ledger entry: invoices negative, payments positive. ``remaining`` moves, the rest stands."""

    number: int
    posting_date: date
    document_type: str
    document_number: str
    external_document_number: str = ""
    vendor: str
    description: str = ""
    currency_code: str = ""
    amount: Decimal
    amount_local: Decimal
    remaining: Decimal
    remaining_local: Decimal
    due_date: date | None = None
    discount_date: date | None = None
    discount_possible: Decimal = ZERO
    discount_left: Decimal = ZERO
    open: bool = True
    on_hold: str = ""
    dimensions: Dimensions = field(default_factory=dict)
    posting_group: str = ""
    transaction: int
    document_id: str = ""
    applies_to_id: str = ""
    reversed: bool = False
    reversed_by: int = 0
    reverses: int = 0


@dataclass(kw_only=True, eq=False)
class DetailedEntry(Row):
    """What moved a vendor entry's amounts.

    ``kind`` is Initial Entry, Application, Payment Discount, Realized Gain or Realized Loss; the rows of one
    application share ``application`` and name the document that applied.
    """

    number: int
    kind: str
    vendor_entry: int
    vendor: str
    posting_date: date
    document_type: str
    document_number: str
    amount: Decimal
    amount_local: Decimal
    transaction: int
    application: int = 0
    applied_entry: int = 0
    unapplied: bool = False


@dataclass(kw_only=True, eq=False)
class BankEntry(Row):
    """A bank account ledger entry, incoming money positive, in the bank's currency."""

    number: int
    bank: str
    posting_date: date
    document_type: str
    document_number: str
    description: str = ""
    amount: Decimal
    amount_local: Decimal
    transaction: int
    reversed: bool = False
