"""People pay by hand, work in journals, apply, unapply, reverse, and post where they should not."""

from collections.abc import Callable
from typing import Any

from tieout_sandbox.business_central.books import applying
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.entries import BANK, GL, VENDOR, JournalBatch, JournalLine
from tieout_sandbox.business_central.books.journals import (
    general_template,
    lines_of,
    new_line,
    payment_template,
)
from tieout_sandbox.business_central.books.posting_journals import post_batch
from tieout_sandbox.business_central.books.reading import read_fields
from tieout_sandbox.business_central.books.register import Register
from tieout_sandbox.business_central.books.reversing import reverse_entry, unapply_entry
from tieout_sandbox.business_central.people.reading import amount, day, entry, entry_of, invoice
from tieout_sandbox.business_central.refusals import Refusal

HAND = "BYHAND"


def _batch(books: Books, order: dict[str, Any], *, payments: bool = True) -> JournalBatch:
    template = payment_template(books) if payments else general_template(books)
    code = order.get("batch", HAND)
    found = books.batches.find((template, code))
    return found or books.batches.insert(JournalBatch(template=template, code=code, display_name="By hand"))


def _balance(order: dict[str, Any]) -> dict[str, str]:
    if "bank" in order:
        return {"balance_type": BANK, "balance_account": order["bank"]}
    return {"balance_type": GL, "balance_account": order["account"]} if "account" in order else {}


def post_payment(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """Entered in a batch of the person's own and posted.

    ``document``, ``bank`` or ``account``, and ``invoice`` or ``vendor``; ``amount`` (the invoice's rest unless said),
    ``date``, ``external``, ``dimensions``.
    """
    target = entry_of(books, invoice(books, order["invoice"])) if "invoice" in order else None
    vendor = order.get("vendor") or (target.vendor if target else "")
    value = amount(order["amount"]) if "amount" in order or target is None else -target.remaining
    batch = _batch(books, {"batch": order.get("batch", HAND)})
    line = new_line(
        books,
        batch,
        document_type="Payment",
        account_type=VENDOR,
        account=vendor,
        posting_date=day(order, "date") or books.today(),
        document_number=order["document"],
        external_document_number=order.get("external", ""),
        amount=value,
        applies_to_type="Invoice" if target else " ",
        applies_to_number=target.document_number if target else "",
        dimensions=order.get("dimensions"),
        **_balance(order),
    )
    post_batch(books, batch)
    paid = books.vendor_ledger.last()
    return {"line": line.id, "entry": paid.number if paid else 0}


def add_journal_line(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``batch`` (code of a payment batch) and ``values`` (fields of a line): typed in the client, not posted."""
    values = read_fields(JournalLine, order["values"])
    line = new_line(books, _batch(books, order), **{"document_type": "Payment", "account_type": VENDOR, **values})
    return {"id": line.id, "line_number": line.line_number}


def _line(books: Books, order: dict[str, Any]) -> JournalLine:
    if order.get("id"):
        found = books.journal_lines.get(order["id"])
    else:
        found = next(
            (
                one
                for one in books.journal_lines
                if order["document"] in (one.document_number, one.external_document_number)
            ),
            None,
        )
    if found is None:
        raise ValueError("no such journal line")
    return found


def edit_journal_line(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``id`` or ``document``, and ``values``: a person changes a waiting line."""
    line = books.journal_lines.change(_line(books, order), **read_fields(JournalLine, order["values"]))
    return {"id": line.id}


def delete_journal_line(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``id`` or ``document``: a person deletes a waiting line."""
    line = _line(books, order)
    books.journal_lines.remove(line)
    return {"id": line.id}


def post_journal(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``batch`` (code) and ``template``: a person posts the whole batch."""
    template = order.get("template") or payment_template(books)
    batch = books.batches.find((template, order["batch"]))
    if batch is None:
        raise ValueError(f"no batch {order['batch']!r} in {template!r}")
    count = len([line for line in lines_of(books, batch) if not line.empty])
    post_batch(books, batch)
    return {"lines": count}


def unapply(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``entry`` or ``document`` and ``type``, ``date``: its applications are undone."""
    found = entry(books, order)
    unapply_entry(books, found, day(order, "date") or books.today())
    return {"entry": found.number}


def reverse(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``entry`` or ``document``, ``date`` (of the unapplying): unapplied where needed, then reversed whole."""
    found = entry(books, order)
    for one in books.vendor_ledger.where("transaction", found.transaction):
        if applying.applications_of(books, one):
            unapply_entry(books, one, day(order, "date") or books.today())
    reverse_entry(books, found)
    return {"entry": found.number, "reversed_by": found.reversed_by}


def apply(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """``entry`` or ``document`` and ``type``, and ``invoices``: open entries applied to each other."""
    found = entry(books, order)
    targets = [entry_of(books, invoice(books, name)) for name in order["invoices"]]
    if not found.open or not all(target.open and target.vendor == found.vendor for target in targets):
        raise Refusal("no_open_entry", number=found.document_number, vendor=found.vendor)
    register = Register(books, found.posting_date, found.document_type, found.document_number)
    applying.apply_entries(register, found, targets)
    register.finish()
    return {"entry": found.number, "remaining": str(found.remaining)}


def post_direct(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """Past every check, even on a control account, which then differs from its vendor ledger.

    ``debit``, ``credit`` (G/L accounts), ``amount``, ``document``, ``date``, ``description``, ``dimensions``.
    """
    register = Register(books, day(order, "date") or books.today(), " ", order.get("document", "GJ-DIRECT"))
    register.description = order.get("description", "Correction")
    value = amount(order["amount"])
    dimensions = order.get("dimensions")
    register.post(order["debit"], value, dimensions=dimensions)
    register.post(order["credit"], -value, dimensions=dimensions)
    register.finish()
    return {"transaction": register.transaction}


ACTIONS: dict[str, Callable[[Books, dict[str, Any]], dict[str, Any]]] = {
    "post_payment": post_payment,
    "add_journal_line": add_journal_line,
    "edit_journal_line": edit_journal_line,
    "delete_journal_line": delete_journal_line,
    "post_journal": post_journal,
    "unapply": unapply,
    "reverse": reverse,
    "apply": apply,
    "post_direct": post_direct,
}
