"""A company's masters with sound defaults, and functions that add to it. Everything is JSON."""

from datetime import date, datetime, time, timedelta
from typing import Any

from tieout_sandbox.entra.simulator import CLIENT_ID, TENANT

World = dict[str, Any]
Company = dict[str, Any]

BANK = "CHECKING"
CLEARING = "2950"

# number, name, category, sub-category, further fields
_ACCOUNTS: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("1000", "ASSETS", "Assets", "", {"account_type": "Begin-Total"}),
    ("1110", "Operating Bank", "Assets", "Current Assets", {}),
    ("1120", "Euro Bank", "Assets", "Current Assets", {}),
    ("1310", "Inventory", "Assets", "Inventory", {"direct_posting": False}),
    ("1510", "Equipment", "Assets", "Fixed Assets", {}),
    ("1999", "TOTAL ASSETS", "Assets", "", {"account_type": "End-Total"}),
    ("2110", "Accounts Payable, Domestic", "Liabilities", "Current Liabilities", {"direct_posting": False}),
    ("2120", "Accounts Payable, Foreign", "Liabilities", "Current Liabilities", {"direct_posting": False}),
    ("2310", "Purchase Tax", "Assets", "Current Assets", {}),
    ("2950", "BILL Clearing", "Liabilities", "Current Liabilities", {}),
    ("2960", "BILL Cards", "Liabilities", "Current Liabilities", {}),
    ("3100", "Retained Earnings", "Equity", "Equity", {}),
    ("4100", "Revenue", "Income", "Income", {}),
    ("5110", "Purchases", "Cost of Goods Sold", "Cost of Goods Sold", {}),
    ("5120", "Freight and Charges", "Cost of Goods Sold", "Cost of Goods Sold", {}),
    ("5130", "Direct Cost Applied", "Cost of Goods Sold", "Cost of Goods Sold", {"direct_posting": False}),
    ("6110", "Rent", "Expense", "Rent Expense", {}),
    ("6120", "Utilities", "Expense", "Utilities Expense", {}),
    ("6130", "Software", "Expense", "Other Expense", {}),
    ("6140", "Consulting", "Expense", "Other Expense", {}),
    ("6150", "Office Supplies", "Expense", "Other Expense", {}),
    ("6160", "Advertising", "Expense", "Advertising Expense", {}),
    ("6170", "Travel", "Expense", "Travel Expense", {}),
    ("6180", "Repairs", "Expense", "Repairs and Maintenance Expense", {}),
    ("6190", "Old Expenses", "Expense", "Other Expense", {"blocked": True}),
    ("7110", "Invoice Rounding", "Expense", "Other Expense", {}),
    ("7120", "Payment Discounts Received", "Income", "Income", {}),
    ("7130", "Realized Exchange Gains", "Income", "Income", {}),
    ("7140", "Realized Exchange Losses", "Expense", "Other Expense", {}),
    ("7999", "TOTAL", "Expense", "", {"account_type": "Total"}),
]
_DIMENSIONS: dict[str, tuple[str, dict[str, str]]] = {
    "DEPARTMENT": ("Department", {"ADM": "Administration", "PROD": "Production", "SALES": "Sales"}),
    "PROJECT": ("Project", {"ALPHA": "Alpha", "BETA": "Beta", "MERCURY": "Mercury"}),
    "AREA": ("Area", {"EAST": "East", "WEST": "West", "EU": "Europe"}),
}


def new_company(name: str, today: date, **setup: Any) -> Company:
    """A company without vendors: chart of accounts, dimensions, terms, journals. ``setup`` are fields of ``Setup``."""
    start = date(today.year - 1, 1, 1)
    company: Company = {
        "name": name,
        "at": at(start),
        "setup": {
            "display_name": name,
            "address_line1": "7122 South Ashford Street",
            "city": "Atlanta",
            "state": "GA",
            "postal_code": "31772",
            "fiscal_year_start": date(today.year, 1, 1).isoformat(),
            "shortcut_dimensions": list(_DIMENSIONS),
            "gains": "7130",
            "losses": "7140",
            "default_posting_group": "DOMESTIC",
            "default_business_group": "DOMESTIC",
            "inventory_account": "1310",
            "direct_cost_account": "5130",
            **setup,
        },
        "accounts": [],
        "dimensions": [],
        "vendors": [],
        "people": [],
        "account_dimensions": {},
        **_references(start),
    }
    for number, label, category, sub_category, rest in _ACCOUNTS:
        add_account(company, number, label, category=category, sub_category=sub_category, **rest)
    for code, (label, values) in _DIMENSIONS.items():
        add_dimension(company, code, label, values)
    return company


def _references(start: date) -> dict[str, Any]:
    return {**_posting_setup(), **_money(start), **_articles_and_journals()}


def _posting_setup() -> dict[str, Any]:
    return {
        "series": [
            {"code": "VEND", "last": "V00099"},
            {"code": "P-INV", "last": "1000"},
            {"code": "P-INV+", "last": "108000"},
            {"code": "P-ORD", "last": "106000"},
            {"code": "P-CR+", "last": "109000"},
        ],
        "posting_groups": [
            {"code": "DOMESTIC", "payables": "2110", "discount": "7120", "rounding": "7110"},
            {"code": "FOREIGN", "payables": "2120", "discount": "7120", "rounding": "7110"},
        ],
        "tax_codes": [
            {"code": "STANDARD", "percent": "6", "account": "2310"},
            {"code": "REDUCED", "percent": "2.5", "account": "2310"},
            {"code": "NONTAXABLE", "percent": "0", "account": "2310"},
        ],
        "units": [{"code": "PCS"}, {"code": "HOUR"}],
    }


def _money(start: date) -> dict[str, Any]:
    return {
        "payment_terms": [
            {"code": "30 DAYS", "display_name": "Net 30 days", "due": "30D"},
            {"code": "15 DAYS", "display_name": "Net 15 days", "due": "15D"},
            {"code": "CM", "display_name": "Current month", "due": "CM"},
            {
                "code": "2%10 30",
                "display_name": "2 % within 10 days, net 30",
                "due": "30D",
                "discount_date": "10D",
                "discount_percent": "2",
            },
        ],
        "payment_methods": [
            {"code": "BANK", "display_name": "Bank Transfer"},
            {"code": "CHECK", "display_name": "Check"},
        ],
        "currencies": [
            {
                "code": "EUR",
                "display_name": "Euro",
                "symbol": "€",
                "rates": [[start.isoformat(), "1.08"], [(start + timedelta(days=365)).isoformat(), "1.10"]],
            },
            {
                "code": "JPY",
                "display_name": "Japanese Yen",
                "symbol": "¥",
                "decimals": 0,
                "invoice_rounding": "1",
                "rates": [[start.isoformat(), "0.0067"]],
            },
        ],
        "bank_accounts": [
            {"number": BANK, "display_name": "Operating", "bank_account_number": "99-99-888", "account": "1110"},
            {"number": "EUROBANK", "display_name": "Euro", "currency_code": "EUR", "account": "1120"},
        ],
    }


def _articles_and_journals() -> dict[str, Any]:
    return {
        "articles": [
            {"kind": "Item", "number": "1896-S", "display_name": "ATHENS Desk", "account": "5110", **_pieces("780.70")},
            {"kind": "Item", "number": "1908-S", "display_name": "LONDON Chair", "account": "5110", **_pieces("96.10")},
            {"kind": "Charge", "number": "P-FREIGHT", "display_name": "Freight", "account": "5120"},
            {
                "kind": "Resource",
                "number": "LIFT",
                "display_name": "Lift for furniture",
                "account": "6140",
                "unit_of_measure": "HOUR",
                "unit_cost": "55",
            },
            {"kind": "Fixed Asset", "number": "FA000010", "display_name": "Delivery Van", "account": "1510"},
        ],
        "templates": [
            {"name": "GENERAL", "type": "General"},
            {"name": "PAYMENT", "type": "Payments"},
        ],
        "batches": [
            {"template": "GENERAL", "code": "DEFAULT", "display_name": "Default Journal"},
            {
                "template": "PAYMENT",
                "code": "GENERAL",
                "display_name": "GENERAL",
                "balance_type": "Bank Account",
                "balance_account": BANK,
            },
        ],
    }


def _pieces(cost: str) -> dict[str, str]:
    return {"unit_of_measure": "PCS", "unit_cost": cost, "tax_code": "STANDARD"}


def new_world(*companies: Company, environment: str = "production", **world: Any) -> World:
    """A world of these companies that knows the sandbox's tenant and app."""
    return {
        "tenant": TENANT,
        "tenant_domain": "cronus.example",
        "environment": environment,
        "apps": [CLIENT_ID],
        "companies": list(companies),
        **world,
    }


def at(day: date, second: int = 0) -> str:
    """A moment in the working hours of a day, for stamps; ``second`` keeps those of one day apart."""
    moment = datetime.combine(day, time(9)) + timedelta(seconds=second, milliseconds=second * 37 % 1000)
    return f"{moment.isoformat(timespec='milliseconds')}+00:00"


def add_account(company: Company, number: str, name: str, **fields: Any) -> None:
    """A G/L account; ``fields`` of ``Account``."""
    company["accounts"].append({"number": number, "display_name": name, **fields})


def add_dimension(company: Company, code: str, name: str, values: dict[str, str]) -> None:
    """A dimension with its values, code to name."""
    members = [{"code": value, "display_name": label} for value, label in values.items()]
    company["dimensions"].append({"code": code, "display_name": name, "values": members})


def add_vendor(company: Company, number: str, name: str, **fields: Any) -> None:
    """A vendor; ``fields`` of ``Vendor`` with ``payment_terms`` and ``payment_method`` by code."""
    company["vendors"].append(
        {"number": number, "display_name": name, "payment_terms": "30 DAYS", "payment_method": "BANK", **fields}
    )


def add_person(company: Company, day: date, do: str, **order: Any) -> dict[str, Any]:
    """Something a person did on a day; see ``people``. The order is returned, so that it can be completed."""
    entry = {"do": do, "at": at(day, len(company["people"]) % 20_000), **order}
    company["people"].append(entry)
    return entry


def add_invoice(
    company: Company, day: date, vendor: str, number: str, lines: list[dict[str, Any]], **order: Any
) -> dict[str, Any]:
    """A posted invoice; ``number`` is the vendor's."""
    order = {"posting_date": day.isoformat(), **order}
    return add_person(company, day, "post_invoice", vendor=vendor, vendor_invoice_number=number, lines=lines, **order)


def add_draft(company: Company, day: date, vendor: str, lines: list[dict[str, Any]], **order: Any) -> dict[str, Any]:
    """A draft invoice that nobody has posted."""
    return add_person(company, day, "create_draft", vendor=vendor, posting_date=day.isoformat(), lines=lines, **order)


def add_order(company: Company, day: date, vendor: str, lines: list[dict[str, Any]], **order: Any) -> dict[str, Any]:
    """A purchase order."""
    return add_person(company, day, "create_order", vendor=vendor, posting_date=day.isoformat(), lines=lines, **order)


def add_payment(company: Company, day: date, document: str, invoice: str, **order: Any) -> dict[str, Any]:
    """A payment by hand of an invoice (by its vendor's number), the whole rest unless ``amount`` is given."""
    own = {"date": day.isoformat(), "document": document, "invoice": invoice, **order}
    if "account" not in own:
        own.setdefault("bank", BANK)
    return add_person(company, day, "post_payment", **own)
