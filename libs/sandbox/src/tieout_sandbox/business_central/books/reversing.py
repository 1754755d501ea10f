"""What a person does in the client when a payment was wrong: unapply it, then reverse its transaction."""

from datetime import date

from tieout_sandbox.business_central.books import applying
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.entries import VendorEntry
from tieout_sandbox.business_central.books.masters import ZERO
from tieout_sandbox.business_central.books.register import Register, check_date, next_number
from tieout_sandbox.business_central.refusals import Refusal

TABLE = "Vendor Ledger Entry"


def unapply_entry(books: Books, entry: VendorEntry, day: date) -> None:
    """Undo the entry's applications, dated ``day``; the invoices are open again."""
    with books.store.transaction():
        check_date(books, day, TABLE, f"Entry No.={entry.number}")
        register = Register(books, day, entry.document_type, entry.document_number)
        register.description, register.source = entry.description, entry.vendor
        applying.unapply(register, entry)
        register.finish()


def reverse_entry(books: Books, entry: VendorEntry) -> None:
    """Reverse the whole transaction of an entry, at its own posting date.

    Raises:
        Refusal: Reversed already, still applied, or the date is outside the window.
    """
    with books.store.transaction():
        together = books.vendor_ledger.where("transaction", entry.transaction)
        for one in together:
            if one.reversed:
                raise Refusal("reversed_already", table=TABLE, number=one.number)
            if one.document_id or one.remaining != one.amount or applying.applications_of(books, one):
                raise Refusal("reverse_applied", table=TABLE, number=one.number)
        check_date(books, entry.posting_date, TABLE, f"Entry No.={entry.number}")
        register = Register(books, entry.posting_date, entry.document_type, entry.document_number)
        register.external, register.source = entry.external_document_number, entry.vendor
        _reverse_ledger(register, entry.transaction)
        _reverse_banks(register, entry.transaction)
        for one in together:
            _reverse_vendor(register, one)
        register.finish()


def _reverse_ledger(register: Register, transaction: int) -> None:
    """Opposite entries; what an application added was booked back when it was unapplied."""
    books = register.books
    for row in books.ledger.where("transaction", transaction):
        if row.reversed:
            continue
        opposite = register.post(row.account, -row.amount, dimensions=row.dimensions, description=row.description)
        if opposite is not None:
            books.ledger.change(row, reversed=True, reversed_by=opposite.number)
            books.ledger.change(opposite, quiet=True, reversed=True, reverses=row.number)


def _reverse_banks(register: Register, transaction: int) -> None:
    books = register.books
    for row in books.bank_ledger.where("transaction", transaction):
        register.bank_entry(row.bank, -row.amount, -row.amount_local, row.description)
        books.bank_ledger.change(row, reversed=True)


def _reverse_vendor(register: Register, entry: VendorEntry) -> None:
    books = register.books
    opposite = register.vendor(
        VendorEntry(
            number=next_number(books.vendor_ledger.last()),
            posting_date=register.posting_date,
            document_type=entry.document_type,
            document_number=entry.document_number,
            external_document_number=entry.external_document_number,
            vendor=entry.vendor,
            description=entry.description,
            currency_code=entry.currency_code,
            amount=-entry.amount,
            amount_local=-entry.amount_local,
            remaining=-entry.amount,
            remaining_local=-entry.amount_local,
            due_date=entry.due_date,
            dimensions=dict(entry.dimensions),
            posting_group=entry.posting_group,
            transaction=register.transaction,
            reversed=True,
            reverses=entry.number,
        )
    )
    last = books.details.last()
    application = last.number + 1 if last else 1
    for one, other in ((entry, opposite), (opposite, entry)):
        register.detail(one, "Application", -one.remaining, -one.remaining_local, application, other.number)
        books.vendor_ledger.change(one, remaining=ZERO, remaining_local=ZERO, open=False)
    books.vendor_ledger.change(entry, reversed=True, reversed_by=opposite.number)
