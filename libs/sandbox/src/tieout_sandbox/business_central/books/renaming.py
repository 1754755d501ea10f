"""Renaming and merging vendors: everything that names one follows."""

from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.masters import Vendor


def rename_vendor(books: Books, vendor: Vendor, number: str) -> None:
    """Give a vendor another number, its id stays; a taken number is refused."""
    old = vendor.number
    books.vendors.change(vendor, number=number)
    _follow(books, old, number)


def merge_vendor(books: Books, duplicate: Vendor, into: Vendor) -> None:
    """All documents and entries of a duplicate go to another vendor, then the duplicate is gone."""
    _follow(books, duplicate.number, into.number)
    books.vendors.change(into, quiet=True, balance=into.balance + duplicate.balance)
    for rule in books.default_dimensions.where("parent", duplicate.id):
        books.default_dimensions.remove(rule)
    books.vendors.remove(duplicate)


def _follow(books: Books, old: str, number: str) -> None:
    for document in list(books.documents):
        moved: dict[str, Any] = {name: number for name in ("vendor", "pay_to") if getattr(document, name) == old}
        if moved:
            books.documents.change(document, touch=False, **moved)
    for entry in [one for one in books.vendor_ledger if one.vendor == old]:
        books.vendor_ledger.change(entry, quiet=True, vendor=number)
    for detail in [one for one in books.details if one.vendor == old]:
        books.details.change(detail, quiet=True, vendor=number)
    for line in [one for one in books.journal_lines if one.account_type == "Vendor" and one.account == old]:
        books.journal_lines.change(line, touch=False, account=number)
    for other in [one for one in books.vendors if one.pay_to == old]:
        books.vendors.change(other, touch=False, pay_to=number)
