"""Purchase documents and their files. A draft and its posted invoice are one row with one id."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from tieout_sandbox.business_central.books.masters import ZERO
from tieout_sandbox.business_central.books.store import Row

Dimensions = dict[str, str]


@dataclass(kw_only=True, eq=False)
class Address:
    """A printed address of a document."""

    name: str = ""
    contact: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    country: str = ""
    state: str = ""
    post_code: str = ""


@dataclass(kw_only=True, eq=False)
class Document(Row):
    """A purchase invoice (draft or posted), order or credit memo: ``kind`` is Invoice, Order or Credit Memo.

    ``status`` holds Draft, Open, Paid, Canceled or Corrective. ``draft_number`` stays after posting.
    """

    kind: str = "Invoice"
    number: str
    draft_number: str = ""
    status: str = "Draft"
    posting_date: date | None = None
    invoice_date: date | None = None
    due_date: date | None = None
    order_date: date | None = None
    requested_receipt_date: date | None = None
    discount_date: date | None = None
    discount_percent: Decimal = ZERO
    vendor_invoice_number: str = ""
    vendor: str = ""
    pay_to: str = ""
    buy_from_address: Address = field(default_factory=Address)
    ship_to_address: Address = field(default_factory=Address)
    pay_to_address: Address = field(default_factory=Address)
    dimensions: Dimensions = field(default_factory=dict)
    currency_code: str = ""
    payment_terms_id: str = ""
    order_id: str = ""
    order_number: str = ""
    purchaser: str = ""
    prices_include_tax: bool = False
    discount_amount: Decimal = ZERO
    excluding_tax: Decimal = ZERO
    tax: Decimal = ZERO
    including_tax: Decimal = ZERO
    fully_received: bool = False
    released: bool = False
    on_hold: str = ""
    posted_at: datetime | None = None

    @property
    def draft(self) -> bool:
        """Not posted yet."""
        return self.status == "Draft"


@dataclass(kw_only=True, eq=False)
class Line(Row):
    """A line of a document. ``kind`` is Comment, Account, Item, Resource, Fixed Asset or Charge."""

    document: str
    sequence: int
    kind: str = "Comment"
    object_number: str = ""
    description: str = ""
    description2: str = ""
    unit: str = ""
    unit_cost: Decimal = ZERO
    quantity: Decimal = ZERO
    discount_amount: Decimal = ZERO
    discount_percent: Decimal = ZERO
    tax_code: str = ""
    tax_percent: Decimal = ZERO
    excluding_tax: Decimal = ZERO
    tax: Decimal = ZERO
    including_tax: Decimal = ZERO
    invoice_discount: Decimal = ZERO
    net: Decimal = ZERO
    net_tax: Decimal = ZERO
    net_including_tax: Decimal = ZERO
    expected_receipt_date: date | None = None
    dimensions: Dimensions = field(default_factory=dict)
    received: Decimal = ZERO
    invoiced: Decimal = ZERO
    rounding: bool = False


@dataclass(kw_only=True, eq=False)
class Attachment(Row):
    """A file. ``incoming`` ones are on ``attachments``, the others on ``documentAttachments``."""

    parent_type: str
    parent_id: str
    file_name: str
    content: bytes = b""
    incoming: bool = False
    line_number: int = 0
    flow_purchase: bool = False
    flow_sales: bool = False
