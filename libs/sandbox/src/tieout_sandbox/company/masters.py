"""The masters of the company: accounts, dimensions and articles beside those that every new company has."""

from datetime import date
from typing import Any

from tieout_sandbox.business_central.worlds import add_account, add_dimension, new_company

NAME = "Harbor & Finch Supply, Inc."

# number, name, category, sub-category
_ACCOUNTS = (
    ("5140", "Packaging", "Cost of Goods Sold", "Cost of Goods Sold"),
    ("5150", "Customs and Duties", "Cost of Goods Sold", "Cost of Goods Sold"),
    ("6200", "Telephone & Internet", "Expense", "Utilities Expense"),
    ("6210", "Insurance", "Expense", "Other Expense"),
    ("6220", "Legal & Audit", "Expense", "Other Expense"),
    ("6230", "Training", "Expense", "Other Expense"),
    ("6240", "Cleaning", "Expense", "Rent Expense"),
    ("6250", "Fuel", "Expense", "Other Expense"),
    ("6260", "Vehicle Leasing", "Expense", "Other Expense"),
    ("6270", "Postage", "Expense", "Other Expense"),
    ("6280", "Meals and Entertainment", "Expense", "Travel Expense"),
    ("6290", "Subscriptions", "Expense", "Other Expense"),
    ("6300", "Bank Charges", "Expense", "Other Expense"),
)
BANK, RESERVE = "CHECKING", "RESERVE"
"""Bank accounts in the local currency; the first is every new company's."""
_RESERVE_ACCOUNT = "1130"

CONTROL = ("2110", "2120")
"""The accounts that payables are posted on, domestic and foreign."""

EXPENSES = ("6110", "6120", "6130", "6140", "6150", "6160", "6170", "6180", *(row[0] for row in _ACCOUNTS[2:]))
"""Accounts that invoice lines name."""

MANDATORY = "6160"
"""An account whose lines must name a department."""

# number, name, account, unit cost
_ITEMS = (
    ("1896-S", "ATHENS Desk", "5110", "780.70"),
    ("1908-S", "LONDON Chair", "5110", "96.10"),
    ("1925-W", "Conference Bundle", "5110", "149.20"),
    ("2000-P", "Corrugated Box, 60 by 40", "5140", "1.85"),
    ("2010-P", "Packing Tape", "5140", "3.20"),
)
ITEMS = tuple((number, cost) for number, _name, _account, cost in _ITEMS)
CHARGES = ("P-FREIGHT", "P-DUTY")

DIMENSIONS: dict[str, tuple[str, dict[str, str]]] = {
    "DEPARTMENT": (
        "Department",
        {
            "ADM": "Administration",
            "PROD": "Production",
            "SALES": "Sales",
            "IT": "Information Technology",
            "LOG": "Logistics",
            "HR": "People & Culture",
        },
    ),
    "PROJECT": (
        "Project",
        {
            "ALPHA": "Alpha",
            "BETA": "Beta",
            "MERCURY": "Mercury",
            "ZÜRICH": "Büro Zürich",
            "VENUS": "Venus",
            "TOYOTA": "Toyota Fleet",
        },
    ),
    "AREA": ("Area", {"EAST": "East", "WEST": "West", "EU": "Europe", "SOUTH": "South"}),
}

UNTAXED, TAXED, REDUCED = "NONTAXABLE", "STANDARD", "REDUCED"
LINE_ACCOUNTS = {"item": "5110", "charge": "5120", "asset": "1510", "resource": "6140"}
"""Where lines go that name no account, should the ledger not tell."""


def company(today: date) -> dict[str, Any]:
    """The company with its masters and without vendors."""
    made = new_company(NAME, today, shortcut_dimensions=list(DIMENSIONS))
    for number, name, category, sub_category in _ACCOUNTS:
        add_account(made, number, name, category=category, sub_category=sub_category)
    add_account(made, _RESERVE_ACCOUNT, "Reserve Bank", category="Assets", sub_category="Current Assets")
    made["bank_accounts"].append({"number": RESERVE, "display_name": "Reserve", "account": _RESERVE_ACCOUNT})
    made["dimensions"].clear()
    for code, (label, values) in DIMENSIONS.items():
        add_dimension(made, code, label, values)
    made["account_dimensions"][MANDATORY] = {"DEPARTMENT": {"rule": "Code Mandatory"}}
    made["articles"] = [one for one in made["articles"] if one["kind"] != "Item"] + [
        {
            "kind": "Item",
            "number": number,
            "display_name": name,
            "account": account,
            "unit_of_measure": "PCS",
            "unit_cost": cost,
            "tax_code": UNTAXED,
        }
        for number, name, account, cost in _ITEMS
    ]
    made["articles"].append({"kind": "Charge", "number": "P-DUTY", "display_name": "Customs duty", "account": "5150"})
    return made
