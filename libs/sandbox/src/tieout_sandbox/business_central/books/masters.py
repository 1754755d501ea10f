"""Masters and setup: what an accountant maintains before anything is posted. Amounts are Decimals, codes upper-case."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tieout_sandbox.business_central.books.store import Row

ZERO = Decimal(0)


@dataclass(kw_only=True, eq=False)
class Vendor(Row):
    """A vendor. ``balance`` is what we owe in local currency. ``bank`` never leaves through the API."""

    number: str
    display_name: str = ""
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    postal_code: str = ""
    phone_number: str = ""
    email: str = ""
    website: str = ""
    tax_registration_number: str = ""
    currency_code: str = ""
    irs1099_code: str = ""
    payment_terms_id: str = ""
    payment_method_id: str = ""
    tax_liable: bool = False
    blocked: str = " "
    privacy_blocked: bool = False
    posting_group: str = ""
    business_group: str = ""
    pay_to: str = ""
    contact: str = ""
    bank: str = ""
    balance: Decimal = ZERO


@dataclass(kw_only=True, eq=False)
class Account(Row):
    """A G/L account. ``net_change`` is the sum of its entries, debits positive."""

    number: str
    display_name: str = ""
    category: str = " "
    sub_category: str = ""
    blocked: bool = False
    account_type: str = "Posting"
    direct_posting: bool = True
    net_change: Decimal = ZERO
    debit: Decimal = ZERO
    credit: Decimal = ZERO


@dataclass(kw_only=True, eq=False)
class Dimension(Row):
    """A dimension; blocked ones look usable through the API."""

    code: str
    display_name: str = ""
    consolidation_code: str = ""
    blocked: bool = False


@dataclass(kw_only=True, eq=False)
class DimensionValue(Row):
    """A value of a dimension: Standard, Heading, Total, Begin-Total or End-Total; only Standard can be posted."""

    dimension: str
    code: str
    display_name: str = ""
    consolidation_code: str = ""
    blocked: bool = False
    value_type: str = "Standard"


@dataclass(kw_only=True, eq=False)
class DefaultDimension(Row):
    """A default and rule for a vendor, an item or a G/L account (``parent_type``)."""

    parent_type: str
    parent_id: str
    dimension: str
    value: str = ""
    posting_validation: str = " "


@dataclass(kw_only=True, eq=False)
class PaymentTerm(Row):
    """``due`` and ``discount_date`` are date formulas such as ``30D`` or ``1M(8D)``."""

    code: str
    display_name: str = ""
    due: str = ""
    discount_date: str = ""
    discount_percent: Decimal = ZERO
    discount_on_credit_memos: bool = False


@dataclass(kw_only=True, eq=False)
class PaymentMethod(Row):
    """How a vendor is paid."""

    code: str
    display_name: str = ""


@dataclass(kw_only=True, eq=False)
class Currency(Row):
    """A foreign currency. ``rates`` are (from day, local currency per unit), oldest first."""

    code: str
    display_name: str = ""
    symbol: str = ""
    decimals: int = 2
    invoice_rounding: Decimal = Decimal("0.01")
    rates: list[tuple[date, Decimal]] = field(default_factory=list)


@dataclass(kw_only=True, eq=False)
class BankAccount(Row):
    """A bank account; its entries post to ``account``."""

    number: str
    display_name: str = ""
    bank_account_number: str = ""
    blocked: bool = False
    currency_code: str = ""
    iban: str = ""
    intercompany: bool = False
    account: str = ""


@dataclass(kw_only=True, eq=False)
class Article(Row):
    """What an invoice line can buy besides an account: ``kind`` is Item, Resource, Fixed Asset or Charge.

    ``account`` is the G/L account its posting setup leads to.
    """

    kind: str
    number: str
    display_name: str = ""
    unit_of_measure: str = ""
    unit_cost: Decimal = ZERO
    tax_code: str = ""
    account: str = ""


@dataclass(kw_only=True, eq=False)
class PostingGroup(Row):
    """A vendor posting group: the accounts behind a vendor."""

    code: str
    payables: str
    discount: str
    rounding: str


@dataclass(kw_only=True, eq=False)
class TaxCode(Row):
    """Tax of a line by its code: percent, and the account the tax is posted to."""

    code: str
    percent: Decimal
    account: str


@dataclass(kw_only=True, eq=False)
class Unit(Row):
    """A unit of measure."""

    code: str


@dataclass(kw_only=True, eq=False)
class NumberSeries(Row):
    """``last`` is the last number used; the next one is its increment."""

    code: str
    last: str
    manual: bool = True


@dataclass(kw_only=True, eq=False)
class Setup(Row):
    """General ledger and purchase setup and the company's own data: one row."""

    name: str
    display_name: str = ""
    address_line1: str = ""
    city: str = ""
    state: str = ""
    country: str = "US"
    postal_code: str = ""
    phone_number: str = ""
    email: str = ""
    tax_registration_number: str = ""
    local_currency: str = "USD"
    local_symbol: str = "$"
    local_decimals: int = 2
    fiscal_year_start: date | None = None
    allow_posting_from: date | None = None
    allow_posting_to: date | None = None
    shortcut_dimensions: list[str] = field(default_factory=list)
    additional_currency: str = ""
    gains: str = ""
    losses: str = ""
    invoice_rounding: Decimal = ZERO
    external_number_mandatory: bool = False
    payment_discounts: bool = True
    automatic_cost_posting: bool = False
    vendor_series: str = "VEND"
    draft_series: str = "P-INV"
    posted_series: str = "P-INV+"
    order_series: str = "P-ORD"
    credit_series: str = "P-CR+"
    default_posting_group: str = ""
    default_business_group: str = ""
    inventory_account: str = ""
    direct_cost_account: str = ""
