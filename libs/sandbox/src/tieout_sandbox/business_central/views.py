"""The ground truth as an auditor would want it: entries, account sums, applications, and whether the books balance."""

from collections import Counter
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.masters import ZERO
from tieout_sandbox.business_central.books.store import Row, Table

_HIDDEN = {"bank", "content"}


def show_row(row: Row) -> dict[str, Any]:
    """A row's fields as JSON; bank details and file contents stay inside."""
    return {one.name: _plain(getattr(row, one.name)) for one in fields(row) if one.name not in _HIDDEN}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value.normalize()) if value == value.to_integral() and abs(value) < 10**15 else str(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return vars(value) if hasattr(value, "__dataclass_fields__") else value


def _rows(table: Table[Any]) -> list[dict[str, Any]]:
    return [show_row(row) for row in table]


def ledger_view(books: Books) -> dict[str, Any]:
    """One company's truth. Amounts are texts with their digits."""
    debit = sum((row.debit for row in books.accounts), ZERO)
    credit = sum((row.credit for row in books.accounts), ZERO)
    counts = Counter(entry.account for entry in books.ledger)
    accounts = [
        {
            "number": row.number,
            "name": row.display_name,
            "debit": str(row.debit),
            "credit": str(row.credit),
            "balance": str(row.net_change),
            "entries": counts[row.number],
        }
        for row in books.accounts
    ]
    return {
        "id": books.id,
        "name": books.name,
        "balanced": debit == credit and sum((row.amount for row in books.ledger), ZERO) == 0,
        "accounts": accounts,
        "vendors": [
            {"number": row.number, "name": row.display_name, "blocked": row.blocked, "balance": str(row.balance)}
            for row in books.vendors
        ],
        "invoices": [show_row(row) for row in books.documents if row.kind == "Invoice"],
        "orders": [show_row(row) for row in books.documents if row.kind == "Order"],
        "entries": _rows(books.ledger),
        "vendor_entries": _rows(books.vendor_ledger),
        "applications": _rows(books.details),
        "bank_entries": _rows(books.bank_ledger),
        "journal_lines": _rows(books.journal_lines),
        "setup": show_row(books.setup),
    }
