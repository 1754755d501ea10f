"""Fields of orders."""

from datetime import date
from decimal import Decimal
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Document
from tieout_sandbox.business_central.books.entries import VendorEntry


def day(order: dict[str, Any], name: str) -> date | None:
    """A day, or None."""
    return date.fromisoformat(order[name]) if order.get(name) else None


def amount(value: Any) -> Decimal:
    """An amount."""
    return Decimal(str(value))


def invoice(books: Books, name: str) -> Document:
    """An invoice by id, posted number or vendor invoice number."""
    by_id = books.documents.get(name)
    named = [*books.documents.where("number", name), *books.documents.where("vendor_invoice", name)]
    found = [one for one in ([by_id] if by_id is not None else named) if one.kind == "Invoice"]
    if not found:
        raise ValueError(f"no purchase invoice {name!r}")
    return found[0]


def entry_of(books: Books, document: Document) -> VendorEntry:
    """The vendor entry of a posted invoice."""
    found = books.vendor_ledger.where("invoice", document.id)
    if not found:
        raise ValueError(f"invoice {document.number!r} is not posted")
    return found[0]


def entry(books: Books, order: dict[str, Any]) -> VendorEntry:
    """A vendor entry by ``entry`` (its number) or by ``document`` and ``type`` (Payment unless said)."""
    if order.get("entry"):
        by_number = books.vendor_ledger.find(int(order["entry"]))
        if by_number is None:
            raise ValueError(f"no vendor ledger entry {order['entry']}")
        return by_number
    kind = order.get("type", "Payment")
    found = [one for one in books.vendor_ledger.where("document", (kind, order["document"])) if not one.reversed]
    if not found:
        raise ValueError(f"no {kind} {order['document']!r} in the vendor ledger")
    return found[0]
