"""A small company in which most cases of accounts payable occur once."""

from datetime import date, timedelta
from typing import Any

from tieout_sandbox.business_central.worlds.building import (
    Company,
    World,
    add_draft,
    add_invoice,
    add_order,
    add_payment,
    add_person,
    add_vendor,
    new_company,
    new_world,
)

NAME = "CRONUS USA, Inc."
_STREET = {"address_line1": "100 Day Drive", "city": "Chicago", "state": "IL", "country": "US", "postal_code": "61236"}

# number, name, further fields
_VENDORS: list[tuple[str, str, dict[str, Any]]] = [
    ("10000", "Fabrikam, Inc.", {"email": "krystal.york@contoso.com", "tax_liable": True}),
    ("20000", "First Up Consultants", {"contact": "Evan McIntosh", "email": "evan@firstup.example"}),
    ("30000", "Graphic Design Institute", {"payment_terms": "2%10 30"}),
    ("40000", "Wide World Importers", {"payment_terms": "15 DAYS"}),
    ("50000", "Nod Publishers", {"email": "ap@nod.example;billing@nod.example"}),
    ("60000", "Müller & Söhne GmbH", {"currency_code": "EUR", "country": "DE", "posting_group": "FOREIGN"}),
    ("70000", "東京文具株式会社", {"currency_code": "JPY", "country": "JP", "posting_group": "FOREIGN"}),
    ("80000", "Northwind Utilities", {"payment_terms": "CM"}),
    ("85000", "Northwind Utilities", {"city": "Detroit", "state": "MI"}),
    ("90000", "Trey Research", {"blocked": "Payment"}),
    ("95000", "Blocked & Gone Ltd.", {"blocked": "All"}),
    ("#99/A 1", "O'Brien Office Supply", {"payment_method": "CHECK"}),
]


def default_world(today: date) -> World:
    """One company with a dozen vendors and some months of history up to ``today``."""
    company = new_company(NAME, today)
    for number, name, fields in _VENDORS:
        add_vendor(company, number, name, **{**_STREET, **fields})
    add_vendor(company, "20100", "First Up Branch", pay_to="20000", **_STREET)
    company["account_dimensions"]["6160"] = {"DEPARTMENT": {"rule": "Code Mandatory"}}
    _history(company, today)
    _open_items(company, today)
    return new_world(company)


def _expense(account: str, amount: str, **fields: Any) -> dict[str, Any]:
    return {"number": account, "unit_cost": amount, **fields}


def _history(company: Company, today: date) -> None:
    """Invoices paid long ago."""
    for month in range(6, 2, -1):
        day = today - timedelta(days=30 * month)
        number = f"NW-{day:%y%m}"
        add_invoice(company, day, "80000", number, [_expense("6120", "212.40")])
        add_payment(company, day + timedelta(days=20), f"PAY-{day:%y%m}", number)


def _open_items(company: Company, today: date) -> None:
    recent = today - timedelta(days=20)
    add_invoice(
        company,
        recent,
        "20000",
        "INV-5512",
        [_expense("6140", "1000", description="Advice in spring", dimensions={"DEPARTMENT": "ADM"})],
        attachments=[{"name": "INV-5512.pdf", "text": "%PDF-1.4 invoice INV-5512"}],
    )
    add_payment(company, recent + timedelta(days=5), "PAY-9001", "INV-5512", amount="400")
    add_invoice(company, recent, "10000", "107001", _furniture())
    add_invoice(company, recent + timedelta(days=1), "30000", "GDI-77", [_expense("6130", "1000")])
    add_invoice(
        company,
        recent + timedelta(days=2),
        "60000",
        "RE-2041",
        [_expense("6140", "850.50", dimensions={"AREA": "EU", "PROJECT": "ALPHA"})],
    )
    add_invoice(company, recent + timedelta(days=2), "70000", "文-12", [_expense("6150", "33333")])
    add_invoice(company, recent + timedelta(days=3), "40000", "INV-5512", [_expense("6160", "99.99", **_SALES)])
    hold = add_invoice(company, recent + timedelta(days=3), "50000", "NP-1", [_expense("6160", "450", **_SALES)])
    hold["on_hold"] = "HLD"
    add_invoice(company, recent + timedelta(days=4), "20100", "FUB-8", [_expense("6140", "320")])
    add_invoice(company, recent + timedelta(days=4), "#99/A 1", "OB/1", [_expense("6150", "12.34", quantity=3)])
    memo = add_invoice(company, recent + timedelta(days=5), "10000", "CR-1", [_expense("5110", "100")])
    memo["do"] = "post_credit_memo"
    add_invoice(company, recent + timedelta(days=6), "40000", "WRONG-1", [_expense("6170", "75")])
    add_person(company, recent + timedelta(days=7), "cancel_invoice", invoice="WRONG-1")
    add_draft(company, today, "10000", _furniture(), vendor_invoice_number="107002")
    add_draft(company, today, "50000", [_expense("6150", "20")])
    add_order(company, today, "10000", _furniture(), vendor_invoice_number="107003")


_SALES = {"dimensions": {"DEPARTMENT": "SALES"}}


def _furniture() -> list[dict[str, Any]]:
    """One line of every kind."""
    return [
        {"kind": "Item", "number": "1896-S", "quantity": 4, "tax_code": "STANDARD"},
        {"kind": "Comment", "description": "Deliver to the back door"},
        {"kind": "Item", "number": "1908-S", "quantity": 10, "discount_percent": "5", "tax_code": "STANDARD"},
        {"kind": "Charge", "number": "P-FREIGHT", "quantity": 1, "unit_cost": "120"},
        {"kind": "Resource", "number": "LIFT", "quantity": 3, **_SALES},
        {"kind": "Fixed Asset", "number": "FA000010", "quantity": 1, "unit_cost": "2500"},
        {"kind": "Account", "number": "6150", "quantity": 2, "unit_cost": "15.5"},
    ]
