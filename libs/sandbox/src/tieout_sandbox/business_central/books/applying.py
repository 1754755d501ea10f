"""Applications between vendor entries: payments and credits close invoices; unapplying opens them again.

Invoices are negative, payments and credits positive. Amounts to apply are positive numbers in the entries' currency.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.entries import VendorEntry
from tieout_sandbox.business_central.books.masters import ZERO
from tieout_sandbox.business_central.books.register import Register
from tieout_sandbox.business_central.refusals import Refusal

INVOICE = "Invoice"
PAYMENT = "Payment"


def apply_entries(register: Register, paying: VendorEntry, targets: list[VendorEntry]) -> None:
    """Apply ``paying`` to targets, in order; targets of its own sign (credits) help to pay.

    Raises:
        Refusal: Another currency, or an entry dated after the payment.
    """
    for target in targets:
        if target.currency_code != paying.currency_code:
            raise Refusal("one_currency")
        if target.posting_date > paying.posting_date:
            raise Refusal("earlier_date")
    debits = [one for one in targets if one.remaining > 0]
    owed = [one for one in targets if one.remaining < 0]
    (debits if paying.remaining > 0 else owed).append(paying)
    for invoice in owed:
        for debit in debits:
            if invoice.open and debit.open:
                _pair(register, debit, invoice, paying)
    books = register.books
    for target in targets:
        if target.applies_to_id:
            books.vendor_ledger.change(target, quiet=True, applies_to_id="")
    refresh_status(books, [paying, *targets])


def _pair(register: Register, debit: VendorEntry, invoice: VendorEntry, paying: VendorEntry) -> None:
    """Apply as much of a payment or credit as an invoice takes."""
    books = register.books
    last = books.details.last()
    application = last.number + 1 if last else 1
    discount = _discount(books, debit, invoice)
    if discount:
        local = _share(books, invoice, discount)
        _move(books, invoice, discount, local, discount_left=ZERO)
        register.detail(invoice, "Payment Discount", discount, local, application, debit.number)
        group = books.posting_group(invoice.posting_group, invoice.vendor)
        register.post(group.payables, local, dimensions=invoice.dimensions, application=application)
        register.post(group.discount, -local, dimensions=invoice.dimensions, application=application)
        _lower_balance(books, invoice.vendor, local)
    amount = min(debit.remaining, -invoice.remaining)
    if not amount:
        return
    paid, owed = _share(books, debit, -amount), _share(books, invoice, amount)
    _move(books, debit, -amount, paid)
    _move(books, invoice, amount, owed)
    register.detail(debit, "Application", -amount, paid, application, paying.number)
    register.detail(invoice, "Application", amount, -paid, application, paying.number)
    _realize(register, invoice, -paid - owed, application)


def _discount(books: Books, debit: VendorEntry, invoice: VendorEntry) -> Decimal:
    """The payment discount this application takes: the payment is in time and covers the rest of the invoice."""
    possible = -invoice.discount_left
    if not books.setup.payment_discounts or not possible or debit.document_type != PAYMENT:
        return ZERO
    if invoice.discount_date is None or debit.posting_date > invoice.discount_date:
        return ZERO
    return possible if debit.remaining >= -invoice.remaining - possible else ZERO


def _share(books: Books, entry: VendorEntry, amount: Decimal) -> Decimal:
    """Local currency of a movement of the remaining amount; the last one takes what is left."""
    if amount == -entry.remaining:
        return -entry.remaining_local
    return books.round(entry.remaining_local * amount / entry.remaining)


def _move(books: Books, entry: VendorEntry, amount: Decimal, local: Decimal, **values: Any) -> None:
    left = entry.remaining + amount
    books.vendor_ledger.change(
        entry, remaining=left, remaining_local=entry.remaining_local + local, open=bool(left), **values
    )


def _lower_balance(books: Books, vendor: str, local: Decimal) -> None:
    found = books.vendor(vendor)
    books.vendors.change(found, quiet=True, balance=found.balance - local)


def _realize(register: Register, invoice: VendorEntry, difference: Decimal, application: int) -> None:
    """Rate difference between payment and invoice: a loss if the payment cost more than was owed."""
    if not difference:
        return
    books = register.books
    kind, account = ("Realized Loss", books.setup.losses) if difference > 0 else ("Realized Gain", books.setup.gains)
    group = books.posting_group(invoice.posting_group, invoice.vendor)
    register.detail(invoice, kind, ZERO, -difference, application)
    register.post(group.payables, -difference, dimensions=invoice.dimensions, application=application)
    register.post(account, difference, dimensions=invoice.dimensions, application=application)
    _lower_balance(books, invoice.vendor, -difference)


def applications_of(books: Books, entry: VendorEntry) -> list[int]:
    """The standing applications an entry takes part in, newest first."""
    rows = books.details.where("entry", entry.number)
    return sorted({row.application for row in rows if row.application and not row.unapplied}, reverse=True)


def unapply(register: Register, entry: VendorEntry) -> None:
    """Undo every application of an entry: the others open again, what was booked with it is booked back."""
    books = register.books
    numbers = applications_of(books, entry)
    if not numbers:
        raise Refusal("not_applied", table="Vendor Ledger Entry", number=entry.number)
    touched: dict[int, VendorEntry] = {}
    for application in numbers:
        for row in books.details.where("application", application):
            books.details.change(row, unapplied=True)
            other = books.vendor_ledger.find(row.vendor_entry)
            if other is None:
                raise Refusal("no_record", table=f"Vendor Ledger Entry No.='{row.vendor_entry}'")
            touched[other.number] = other
            register.detail(
                other, row.kind, -row.amount, -row.amount_local, application, row.applied_entry, unapplied=True
            )
            _take_back(books, other, row.kind, row.amount, row.amount_local)
        _book_back(register, application)
    refresh_status(books, touched.values())


def _take_back(books: Books, entry: VendorEntry, kind: str, amount: Decimal, local: Decimal) -> None:
    if kind == "Payment Discount":
        _move(books, entry, -amount, -local, discount_left=entry.discount_left - amount)
    else:
        _move(books, entry, -amount, -local)
    if kind != "Application":
        _lower_balance(books, entry.vendor, -local)


def _book_back(register: Register, application: int) -> None:
    rows = [row for row in register.books.ledger.where("application", application) if not row.reversed]
    for row in rows:
        register.post(row.account, -row.amount, dimensions=row.dimensions, application=application)
    for row in register.books.ledger.where("application", application):
        register.books.ledger.change(row, quiet=True, reversed=True)


def refresh_status(books: Books, entries: Iterable[VendorEntry]) -> None:
    """Posted invoices follow their entries: Paid when closed, Open otherwise; written only when it changes."""
    for entry in entries:
        document = books.documents.get(entry.document_id) if entry.document_id else None
        if document is None or entry.document_type != INVOICE or document.status == "Canceled":
            continue
        status = "Open" if entry.open else "Paid"
        if document.status != status:
            books.documents.change(document, status=status)
