"""A larger company from a seed: the same seed and day give the same world."""

import random
from datetime import date, timedelta
from typing import Any

from tieout_sandbox.business_central.worlds.building import (
    Company,
    World,
    add_account,
    add_draft,
    add_invoice,
    add_order,
    add_payment,
    add_vendor,
    new_company,
    new_world,
)

_FIRST = ("Adventure", "Alpine", "Blue Yonder", "City Power", "Coho", "Consolidated", "Contoso", "Datum", "Fourth")
_SECOND = ("Works", "Airlines", "Light", "Winery", "Messenger", "Pharma", "Coffee", "Ski House", "Toys", "Systems")
_KIND = ("Inc.", "Ltd.", "LLC", "& Co.", "Partners")
_CITIES = (("Atlanta", "GA", "31772"), ("Chicago", "IL", "61236"), ("Miami", "FL", "37125"), ("Detroit", "MI", "48201"))
_EXPENSES = ("6110", "6120", "6130", "6140", "6150", "6170", "6180")
_TERMS = ("30 DAYS", "15 DAYS", "CM", "2%10 30")
_VALUES = {
    "DEPARTMENT": ("ADM", "PROD", "SALES"),
    "PROJECT": ("ALPHA", "BETA", "MERCURY"),
    "AREA": ("EAST", "WEST", "EU"),
}


def large_world(
    seed: int,
    today: date,
    *,
    name: str = "CRONUS USA, Inc.",
    vendors: int = 40,
    open_invoices: int = 300,
    paid_invoices: int = 500,
    drafts: int = 12,
    orders: int = 12,
) -> World:
    """One company with so many vendors, open, paid, draft invoices and orders; some vendors use euros."""
    choose = random.Random(seed)  # noqa: S311  a repeatable demo
    company = new_company(name, today)
    for place in range(6):
        add_account(company, f"62{place}0", f"Expense {place + 1}", category="Expense")
    numbers = [_vendor(company, choose, place) for place in range(vendors)]
    for place in range(paid_invoices):
        day = today - timedelta(days=choose.randint(60, 300))
        number = f"H{place:05d}"
        add_invoice(company, day, choose.choice(numbers), number, _lines(choose))
        add_payment(company, day + timedelta(days=choose.randint(5, 40)), f"HP{place:05d}", number)
    for place in range(open_invoices):
        day = today - timedelta(days=choose.randint(0, 45))
        add_invoice(company, day, choose.choice(numbers), f"INV-{place:05d}", _lines(choose))
    for place in range(drafts):
        add_draft(company, today, choose.choice(numbers), _lines(choose), vendor_invoice_number=f"D{place:04d}")
    for place in range(orders):
        add_order(company, today, choose.choice(numbers), _lines(choose), vendor_invoice_number=f"O{place:04d}")
    company["people"].sort(key=lambda order: order["at"])
    return new_world(company)


def _vendor(company: Company, choose: random.Random, place: int) -> str:
    city, state, code = choose.choice(_CITIES)
    name = f"{_FIRST[place % len(_FIRST)]} {_SECOND[place // len(_FIRST) % len(_SECOND)]} {choose.choice(_KIND)}"
    number = f"{10_000 + 1_000 * place}"
    foreign = {"currency_code": "EUR", "posting_group": "FOREIGN"} if place % 10 == 9 else {}
    add_vendor(
        company,
        number,
        name,
        address_line1=f"{choose.randint(1, 999)} Main Street",
        city=city,
        state=state,
        country="US",
        postal_code=code,
        email=f"ap{place}@vendors.example",
        payment_terms=choose.choice(_TERMS),
        **foreign,
    )
    return number


def _lines(choose: random.Random) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for _ in range(choose.randint(1, 4)):
        dimensions = {code: choose.choice(values) for code, values in _VALUES.items() if choose.random() < 0.6}
        cost = f"{choose.randint(500, 250_000) / 100:.2f}"
        lines.append({"number": choose.choice(_EXPENSES), "unit_cost": cost, "dimensions": dimensions})
    if choose.random() < 0.25:
        lines.append({"kind": "Item", "number": choose.choice(("1896-S", "1908-S")), "quantity": choose.randint(1, 9)})
    if choose.random() < 0.1:
        lines.append({"kind": "Comment", "description": "As agreed"})
    return lines
