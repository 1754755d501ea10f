"""People enter, post, cancel and attach purchase documents."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tieout_sandbox.business_central.books import ordering
from tieout_sandbox.business_central.books.buying import add_line, new_document, recalculate
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Attachment, Document
from tieout_sandbox.business_central.books.posting_invoices import cancel_invoice, post_document
from tieout_sandbox.business_central.people.reading import amount, day, entry_of, invoice

_DECIMALS = ("unit_cost", "quantity", "discount_amount", "discount_percent")


def draft(books: Books, order: dict[str, Any], kind: str = "Invoice", series: str = "") -> Document:
    """``vendor``, ``vendor_invoice_number``, ``lines`` and what a header has.

    A line has ``kind`` (Account unless said), ``number``, ``quantity`` (1 unless said), ``unit_cost``, discounts,
    ``tax_code``, ``description``, ``dimensions``.
    """
    setup = books.setup
    number = books.series_next(series or setup.draft_series)
    document = new_document(
        books,
        kind,
        books.vendor(order["vendor"]),
        number,
        pay_to=order.get("pay_to", ""),
        posting_date=day(order, "posting_date"),
        invoice_date=day(order, "invoice_date"),
        due_date=day(order, "due_date"),
        vendor_invoice_number=str(order.get("vendor_invoice_number", "")).upper(),
        currency_code=books.currency_read(order["currency"]) if "currency" in order else None,
        discount_amount=amount(order.get("discount_amount", 0)),
        prices_include_tax=bool(order.get("prices_include_tax", False)),
        purchaser=order.get("purchaser", ""),
        on_hold=order.get("on_hold", ""),
    )
    if order.get("dimensions"):
        books.documents.change(document, dimensions={**document.dimensions, **order["dimensions"]})
    for line in order.get("lines", []):
        _add_line(books, document, line)
    recalculate(books, document)
    for file in order.get("attachments", []):
        _attach(books, document, file)
    return document


def _add_line(books: Books, document: Document, line: dict[str, Any]) -> None:
    values: dict[str, Any] = {name: value for name, value in line.items() if name not in ("kind", "number", *_DECIMALS)}
    values.update({name: amount(line[name]) for name in _DECIMALS if name in line})
    kind = line.get("kind", "Account")
    if kind != "Comment":
        values.setdefault("quantity", Decimal(1))
    add_line(books, document, kind, str(line.get("number", "")), **values)


def create_draft(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """A draft invoice; see ``draft``."""
    document = draft(books, order)
    return {"id": document.id, "number": document.number}


def post_invoice(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """Post the draft ``invoice``, or enter one (see ``draft``) and post it."""
    document = invoice(books, order["invoice"]) if "invoice" in order else draft(books, order)
    entry = post_document(books, document)
    return {
        "id": document.id,
        "number": document.number,
        "entry": entry.number,
        "amount": str(document.including_tax),
    }


def post_credit_memo(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """Enter and post a vendor's credit memo (see ``draft``); nothing is applied by it."""
    document = draft(books, order, "Credit Memo")
    entry = post_document(books, document)
    return {"id": document.id, "number": document.number, "entry": entry.number}


def cancel(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``invoice``: a corrective credit memo cancels it."""
    memo = cancel_invoice(books, invoice(books, order["invoice"]))
    return {"id": memo.id, "number": memo.number}


def delete_draft(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``invoice``: a draft goes, with its lines."""
    document = invoice(books, order["invoice"])
    if not document.draft:
        raise ValueError("only a draft can be deleted")
    for line in books.lines.where("document", document.id):
        books.lines.remove(line)
    books.documents.remove(document)
    return {}


def set_on_hold(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``invoice`` and ``on_hold`` (three letters, empty releases) on its ledger entry."""
    entry = entry_of(books, invoice(books, order["invoice"]))
    books.vendor_ledger.change(entry, on_hold=str(order.get("on_hold", "HLD"))[:3])
    return {"entry": entry.number}


def set_due_date(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``invoice`` and ``due_date``: on the ledger entry, as the client allows."""
    entry = entry_of(books, invoice(books, order["invoice"]))
    books.vendor_ledger.change(entry, due_date=day(order, "due_date"))
    return {"entry": entry.number}


def set_discount(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``invoice`` and ``possible``: the payment discount that its ledger entry still offers, as the client allows."""
    entry = entry_of(books, invoice(books, order["invoice"]))
    books.vendor_ledger.change(entry, discount_left=-amount(order["possible"]))
    return {"entry": entry.number}


def attach(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``invoice``, ``name``, ``text`` or ``size`` (bytes), ``incoming``: a file on the document."""
    return {"id": _attach(books, invoice(books, order["invoice"]), order).id}


def _attach(books: Books, document: Document, order: dict[str, Any]) -> Attachment:
    content = str(order.get("text", "")).encode() or b"%PDF-1.4\n"
    size = int(order.get("size", 0))
    return books.attachments.insert(
        Attachment(
            parent_type="Purchase Order" if document.kind == "Order" else "Purchase Invoice",
            parent_id=document.id,
            file_name=order["name"],
            content=content.ljust(size, b"\0") if size else content,
            incoming=bool(order.get("incoming", False)),
        )
    )


def create_order(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """A purchase order; fields as of a draft."""
    document = draft(books, order, "Order", books.setup.order_series)
    books.documents.change(document, order_date=document.posting_date, released=bool(order.get("released", True)))
    return {"id": document.id, "number": document.number}


def invoice_order(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``order`` (number), ``vendor_invoice_number``, ``share`` (1 unless said): receive and invoice."""
    found = books.documents.find(("Order", order["order"], True))
    if found is None:
        raise ValueError(f"no purchase order {order['order']!r}")
    number = str(order.get("vendor_invoice_number", found.vendor_invoice_number)).upper()
    posted = ordering.receive_and_invoice(books, found, number, amount(order.get("share", 1)))
    return {"id": posted.id, "number": posted.number}


ACTIONS: dict[str, Callable[[Books, dict[str, Any]], dict[str, Any]]] = {
    "create_draft": create_draft,
    "post_invoice": post_invoice,
    "post_credit_memo": post_credit_memo,
    "cancel_invoice": cancel,
    "delete_draft": delete_draft,
    "set_on_hold": set_on_hold,
    "set_due_date": set_due_date,
    "set_discount": set_discount,
    "attach": attach,
    "create_order": create_order,
    "invoice_order": invoice_order,
}
