"""Amounts of a purchase document: line discounts, invoice discount, tax, totals."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Document, Line
from tieout_sandbox.business_central.books.masters import ZERO

HUNDRED = Decimal(100)


class _Carry:
    """Rounds a series of exact amounts so that the parts sum to the rounded sum."""

    def __init__(self, books: Books, currency: str) -> None:
        self._books = books
        self._currency = currency
        self._exact: dict[str, Decimal] = {}
        self._given: dict[str, Decimal] = {}

    def take(self, group: str, exact: Decimal) -> Decimal:
        """The next part of a group."""
        total = self._exact.get(group, ZERO) + exact
        part = self._books.round(total, self._currency) - self._given.get(group, ZERO)
        self._exact[group] = total
        self._given[group] = self._given.get(group, ZERO) + part
        return part


def calculate(books: Books, document: Document) -> None:
    """Write the amounts of all lines and the totals of the document; an unchanged document is not touched."""
    lines = books.lines.where("document", document.id)
    bought = [line for line in lines if line.kind != "Comment"]
    amounts = {line.id: _line_amount(books, document, line) for line in bought}
    shares = _discount_shares(books, document, bought, amounts)
    taxes, nets = _Carry(books, document.currency_code), _Carry(books, document.currency_code)
    for line in bought:
        values = _taxed(document, line, amounts[line.id], ZERO, taxes, books)
        net = _taxed(document, line, amounts[line.id], shares[line.id], nets, books)
        after: dict[str, Any] = {
            **dict(zip(("excluding_tax", "tax", "including_tax"), values, strict=True)),
            **dict(zip(("net", "net_tax", "net_including_tax"), net, strict=True)),
            "invoice_discount": shares[line.id],
        }
        if any(getattr(line, name) != value for name, value in after.items()):
            books.lines.change(line, **after)
    totals: dict[str, Any] = {
        "excluding_tax": _sum(line.net for line in bought),
        "tax": _sum(line.net_tax for line in bought),
        "including_tax": _sum(line.net_including_tax for line in bought),
    }
    if any(getattr(document, name) != value for name, value in totals.items()):
        books.documents.change(document, **totals)


def _line_amount(books: Books, document: Document, line: Line) -> Decimal:
    gross = books.round(line.quantity * line.unit_cost, document.currency_code)
    return gross - line.discount_amount


def line_discount(books: Books, document: Document, line: Line, *, by_percent: bool) -> dict[str, Decimal]:
    """Discount amount and percent of a line that agree, whichever of them was given."""
    gross = books.round(line.quantity * line.unit_cost, document.currency_code)
    if by_percent:
        return {"discount_amount": books.round(gross * line.discount_percent / HUNDRED, document.currency_code)}
    percent = (line.discount_amount / gross * HUNDRED).quantize(Decimal("0.00001")) if gross else ZERO
    return {"discount_percent": percent}


def _discount_shares(
    books: Books, document: Document, lines: list[Line], amounts: dict[str, Decimal]
) -> dict[str, Decimal]:
    """The invoice discount over the positive lines, by their amounts, to the smallest unit."""
    whole = sum((amount for amount in amounts.values() if amount > 0), ZERO)
    carry = _Carry(books, document.currency_code)
    shares: dict[str, Decimal] = {}
    for line in lines:
        amount = amounts[line.id]
        exact = document.discount_amount * amount / whole if whole and amount > 0 else ZERO
        shares[line.id] = carry.take("", exact)
    return shares


def _taxed(
    document: Document, line: Line, amount: Decimal, discount: Decimal, carry: _Carry, books: Books
) -> tuple[Decimal, Decimal, Decimal]:
    """Excluding tax, tax, including tax."""
    part = line.tax_percent / HUNDRED
    base = amount - discount
    if document.prices_include_tax:
        excluding = books.round(base / (1 + part), document.currency_code)
        return excluding, base - excluding, base
    tax = carry.take(line.tax_code, base * part)
    return base, tax, base + tax


def rounding(books: Books, document: Document) -> Decimal:
    """What invoice rounding adds to the total, zero where it is off."""
    currency = books.currencies.find(document.currency_code) if document.currency_code else None
    step = currency.invoice_rounding if currency and books.setup.invoice_rounding else books.setup.invoice_rounding
    if not step:
        return ZERO
    return (document.including_tax / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step - document.including_tax


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
