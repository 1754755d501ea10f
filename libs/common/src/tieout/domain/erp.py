"""Masters and posted documents of an ERP, the same for all five, as read there.

Its ledgers stand in ``erp_ledger``, what it is asked to record in ``erp_orders``.

Signs are the reader's business: every amount of a document is positive when it raises what the company owes, and every
general ledger amount is positive when it is a debit, whatever the ERP writes. ``None`` means *cannot be read here*; it
is never a zero, a false or an empty list. Dates are the company's own, without time and zone.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tieout.domain.money import Amount
from tieout.domain.records import Address, Record

ZERO: Final = Decimal(0)


class Blocked(StrEnum):
    """How far an ERP vendor is blocked: not at all, for payments, or for everything."""

    NO = "no"
    PAYMENT = "payment"
    ALL = "all"


class RemitTo(Record):
    """Where a vendor is paid. ``code`` is the ERP's name of the address, ``""`` for the vendor's own."""

    code: str = ""
    name: str = ""
    address: Address = Address()


class Vendor(Record):
    """A vendor of the ERP.

    Attributes:
        id: the ERP's own identifier, which survives a renumbering.
        number: the number people know it by.
        currency: ISO 4217; the ledger's local currency where the ERP leaves it blank.
        version: changes with every write in the ERP; compared for equality only.
        modified: UTC; when the ERP last stamped it, None where it keeps no stamp.
        pay_to: number of the vendor who is paid in its stead, ``""`` for itself.
        remit_to: further addresses it may be paid at.
        posting_group: names its control account in the tie-out, ``""`` where the ERP shows none.
        payment_fingerprint: keyed hash of its bank details; says that they changed, never what they are.
    """

    id: str
    number: str
    name: str
    currency: str
    address: Address = Address()
    email: str = ""
    phone: str = ""
    blocked: Blocked = Blocked.NO
    version: str = ""
    modified: datetime | None = None
    pay_to: str = ""
    remit_to: tuple[RemitTo, ...] = ()
    posting_group: str = ""
    payment_fingerprint: str = ""


class VendorRef(Record):
    """A vendor as a document names it; ``id`` is ``""`` where the document carries only the number."""

    number: str
    id: str = ""
    name: str = ""


class AccountCategory(StrEnum):
    """Where an account stands in the balance sheet or the income statement."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    COST_OF_SALES = "cost_of_sales"
    EXPENSE = "expense"
    OTHER = "other"


class Account(Record):
    """A general ledger account.

    Attributes:
        number: what lines and people name it by.
        direct: a person or an interface may post to it: no heading, no total, no account kept by a subledger.
        blocked: closed for posting now.
        currency: ISO 4217 of the only currency it takes, ``""`` for any.
    """

    id: str
    number: str
    name: str
    category: AccountCategory = AccountCategory.OTHER
    direct: bool = True
    blocked: bool = False
    currency: str = ""
    version: str = ""
    modified: datetime | None = None

    def is_codeable(self) -> bool:
        """Whether a bill's line may name it."""
        return self.direct and not self.blocked


class Dimension(Record):
    """An axis of analysis: department, project, cost centre. ``blocked`` is None where the ERP does not tell."""

    id: str
    code: str
    name: str
    blocked: bool | None = None
    version: str = ""
    modified: datetime | None = None


class DimensionValue(Record):
    """A value of a dimension.

    Attributes:
        dimension: code of its dimension.
        direct: no heading and no total; None where the ERP does not tell, so that a refusal has to be expected.
        blocked: None where the ERP does not tell.
        valid_from, valid_to: both days included, None for no bound.
    """

    id: str
    dimension: str
    code: str
    name: str
    direct: bool | None = None
    blocked: bool | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    version: str = ""
    modified: datetime | None = None


class DimensionCode(Record):
    """One member of a dimension set: a dimension and the value taken in it, both by code."""

    dimension: str
    value: str


class LineKind(StrEnum):
    """What an invoice line is for; only ACCOUNT lines name their account themselves in every ERP."""

    ACCOUNT = "account"
    ITEM = "item"
    CHARGE = "charge"
    ASSET = "asset"
    RESOURCE = "resource"
    COMMENT = "comment"


class InvoiceLine(Record):
    """A line of a posted invoice or credit.

    Attributes:
        id: unique within its document and stable once posted.
        number: of the account, item, charge, asset or resource.
        account: the general ledger account where the line itself names one, else ``""``.
        net: without tax, after the line's own discount, before the invoice's. Document currency.
        tax: this line's tax; 0 where the ERP keeps tax on the header only.
        invoice_discount: the part of the invoice's discount that fell on it, for coding; not to be subtracted again.
    """

    id: str
    kind: LineKind
    number: str = ""
    account: str = ""
    description: str = ""
    quantity: Amount | None = None
    net: Amount
    tax: Amount
    invoice_discount: Amount = ZERO
    dimensions: tuple[DimensionCode, ...] = ()


class LedgerPosting(Record):
    """A general ledger entry a document made; where item and charge lines get their account from.

    Attributes:
        amount: debit positive, credit negative, in the company's local currency.
        document_amount: the same in the document's currency, None where the ledger does not keep it.
    """

    id: str
    document_number: str
    posting_date: date
    account: str
    amount: Amount
    document_amount: Amount | None = None
    description: str = ""
    dimensions: tuple[DimensionCode, ...] = ()


class DocumentStatus(StrEnum):
    """How a purchase document stands. About posting, payment and cancellation; approval is a matter of its own."""

    DRAFT = "draft"
    OPEN = "open"
    """Posted, and not known to be paid in full: it may be paid in part."""
    PAID = "paid"
    CANCELLED = "cancelled"
    CORRECTIVE = "corrective"
    """The mirror document that cancelled another."""


class Instalment(Record):
    """A part of an invoice with its own due date. ``number`` is what a payment names it by."""

    number: int
    due_date: date
    amount: Amount
    open: Amount | None = None


class Terms(Record):
    """A discount the vendor grants: ``possible`` in document currency, until ``until`` included."""

    code: str = ""
    possible: Amount
    until: date


def _net_of(lines: tuple[InvoiceLine, ...]) -> Decimal:
    return sum((line.net for line in lines), ZERO)


class PurchaseInvoice(Record):
    """A purchase invoice with all that a bill needs. One of Kind.PURCHASE_INVOICE.

    Attributes:
        id: the ERP's identifier, the same before and after posting and after a renumbering.
        number: the ERP's document number; may change when a draft is posted.
        ledger_entry: id of its vendor ledger entry, ``""`` where the ERP keeps none apart or it was not read.
        vendor_invoice_number: the number the vendor gave it; what people search a bill by.
        buy_from, pay_to: who sold, and who is owed; a bill is for ``pay_to``.
        due_date: None where the ERP leaves it empty.
        payable_from: no payment before this day (a release date), None for none.
        currency: ISO 4217 of every amount in it.
        approved: None where the ERP has no such flag: posted is then approved.
        on_hold: the ERP's own text of a payment block, ``""`` if there is none, None if it cannot be read here.
        net, tax, total: of the document; ``total`` includes tax.
        discount: the invoice's discount, positive; ``rounding``: signed, as it moved the total.
        withheld: kept back by law or drawn from prepayments, so not owed to the vendor.
        open: what is still owed as the ERP says, None if it cannot be read: such an invoice is never sent.
        postings: None where they could not be read; then only lines with their own account can be coded.
        corrects: id of the document that this one cancels, ``""`` otherwise.
    """

    id: str
    number: str
    ledger_entry: str = ""
    vendor_invoice_number: str = ""
    draft_number: str = ""
    order_number: str = ""
    buy_from: VendorRef
    pay_to: VendorRef
    remit_to: RemitTo = RemitTo()
    posting_date: date
    document_date: date
    due_date: date | None = None
    payable_from: date | None = None
    currency: str
    status: DocumentStatus
    approved: bool | None = None
    on_hold: str | None = None
    net: Amount
    tax: Amount
    total: Amount
    discount: Amount = ZERO
    rounding: Amount = ZERO
    withheld: Amount = ZERO
    open: Amount | None
    terms: Terms | None = None
    lines: tuple[InvoiceLine, ...] = ()
    instalments: tuple[Instalment, ...] = ()
    dimensions: tuple[DimensionCode, ...] = ()
    postings: tuple[LedgerPosting, ...] | None = None
    corrects: str = ""
    version: str = ""
    modified: datetime | None = None

    @property
    def payable(self) -> Decimal:
        """What the vendor is owed for it before any payment; the bill's total, to the smallest unit."""
        return self.total - self.withheld

    def unexplained(self) -> Decimal:
        """What lines, discount, tax and rounding leave unexplained of the total; anything but 0 must not be sent."""
        return self.total - (_net_of(self.lines) - self.discount + self.tax + self.rounding)

    def is_posted(self) -> bool:
        """Whether it stands in the ledger; a cancelled one still does."""
        return self.status is not DocumentStatus.DRAFT


class DocumentRef(Record):
    """A file that belongs to a record: what the paper or the PDF of an invoice is found by.

    Attributes:
        owner: id of the record it belongs to.
        size: bytes, None where the ERP does not tell before it is read.
        media_type: as the ERP says, or from the name; ``""`` if neither tells.
    """

    id: str
    owner: str
    name: str
    size: int | None = None
    media_type: str = ""
    modified: datetime | None = None
