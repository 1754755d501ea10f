"""``vendorPayments`` and ``applyVendorEntries``: lines of payment batches and the open entries they may close."""

from typing import TYPE_CHECKING, Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Document
from tieout_sandbox.business_central.books.entries import VENDOR, JournalLine, VendorEntry
from tieout_sandbox.business_central.books.journals import new_line, payment_template
from tieout_sandbox.business_central.books.masters import ZERO, Vendor
from tieout_sandbox.business_central.odata.schema import Getter, entity, snake
from tieout_sandbox.business_central.odata.sets import EntitySet, Navigation, Scope
from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.business_central.sets.journals import (
    batch_code,
    batch_of_request,
    change_line,
    line_by_key,
    lines_below,
)
from tieout_sandbox.business_central.sets.ledgers import DOCUMENT_TYPES

if TYPE_CHECKING:
    from decimal import Decimal

# From this version on the page shows lines without an application too.
SHOWS_ALL = 29


def _invoice_id(row: JournalLine, books: Books) -> str:
    if row.applies_to_type != "Invoice" or not row.applies_to_number:
        return ""
    found = books.documents.find(("Invoice", row.applies_to_number, False))
    return found.id if found else ""


def _vendor_id(row: JournalLine, books: Books) -> str:
    found = books.vendors.find(row.account)
    return found.id if found else ""


_GETTERS: dict[str, Getter] = {
    "journalId": lambda row, _books: row.batch,
    "journalDisplayName": batch_code,
    "vendorId": _vendor_id,
    "vendorNumber": lambda row, _books: row.account,
    "appliesToInvoiceId": _invoice_id,
    "appliesToInvoiceNumber": lambda row, _books: row.applies_to_number,
    "lastModifiedDateTime": lambda row, _books: row.modified,
}
PAYMENT = entity(
    "vendorPayment",
    """
id guid R
journalId guid
journalDisplayName code10
lineNumber int
vendorId guid
vendorNumber code20
postingDate date
documentNumber code20
externalDocumentNumber code35
amount decimal
appliesToInvoiceId guid
appliesToInvoiceNumber code20
description text100
comment text250
lastModifiedDateTime time R
""",
    getters=_GETTERS,
)
APPLY = entity(
    "applyVendorEntry",
    """
id guid R
applied bool
appliesToId text50 R
postingDate date R
documentType enum R
documentNumber code20 R
externalDocumentNumber code35 R
vendorNumber code20 R
vendorName text100 R
description text100 R
remainingAmount decimal R
lastModifiedDateTime time R
""",
    members={"documentType": DOCUMENT_TYPES},
    getters={
        "applied": lambda row, _books: bool(row.applies_to_id),
        "vendorNumber": lambda row, _books: row.vendor,
        "vendorName": lambda row, books: books.vendor(row.vendor).display_name,
        "remainingAmount": lambda row, _books: row.remaining,
        "lastModifiedDateTime": lambda row, _books: row.modified,
    },
)
_PLAIN = (
    "postingDate",
    "documentNumber",
    "externalDocumentNumber",
    "amount",
    "description",
    "comment",
)


def _hidden(scope: Scope, row: JournalLine) -> bool:
    """Not a vendor payment of the payment template; before 29 also every line without an application."""
    batch = scope.books.batches.get(row.batch)
    if batch is None or batch.template != payment_template(scope.books):
        return True
    if row.document_type != "Payment" or row.account_type != VENDOR:
        return True
    applied = row.applies_to_type == "Invoice" or bool(row.applies_to_id)
    return int(scope.switches["version"]) < SHOWS_ALL and not applied


def _vendor(books: Books, values: dict[str, Any]) -> Vendor | None:
    identity, number = values.get("vendorId", ""), values.get("vendorNumber", "")
    by_id = books.vendors.get(identity) if identity.strip("0-") else None
    if identity.strip("0-") and by_id is None:
        raise Refusal("vendor_id")
    by_number = books.vendors.find(number) if number else None
    if number and by_number is None:
        raise Refusal("vendor_number")
    if by_id is not None and by_number is not None and by_id is not by_number:
        raise Refusal("vendor_pair")
    return by_id or by_number


def _applies_to(books: Books, values: dict[str, Any]) -> tuple[str | None, Document | None]:
    """The invoice number of a request as it is kept, and the invoice if the request named its id."""
    number, identity = values.get("appliesToInvoiceNumber"), values.get("appliesToInvoiceId", "")
    if not identity.strip("0-"):
        return number, None
    found = books.documents.get(identity)
    if found is None or found.kind != "Invoice" or found.draft:
        raise Refusal("applies_to_id")
    if number and number != found.number:
        raise Refusal("applies_to_pair")
    return found.number, found


def _create(scope: Scope, values: dict[str, Any]) -> JournalLine:
    books = scope.books
    batch = batch_of_request(scope, values)
    number, invoice = _applies_to(books, values)
    vendor = _vendor(books, values)
    if vendor is None:
        named = invoice or books.documents.find(("Invoice", number, False))
        vendor = books.vendor(named.pay_to) if named is not None else None
    return new_line(
        books,
        batch,
        line_number=values.get("lineNumber", 0),
        document_type="Payment",
        account_type=VENDOR,
        account=vendor.number if vendor else "",
        applies_to_type="Invoice",
        applies_to_number=number or "",
        **{snake(name): values[name] for name in _PLAIN if name in values},
    )


def _change(scope: Scope, row: JournalLine, values: dict[str, Any]) -> JournalLine:
    books = scope.books
    if values.get("journalId", row.batch) != row.batch:
        raise Refusal("journal_fixed")
    fields: dict[str, Any] = {snake(name): values[name] for name in _PLAIN if name in values}
    vendor = _vendor(books, values)
    if vendor is not None:
        fields["account"] = vendor.number
    number, _invoice = _applies_to(books, values)
    if number is not None:
        fields.update(applies_to_type="Invoice", applies_to_number=number)
    return change_line(books, row, fields)


def _delete(scope: Scope, row: JournalLine) -> None:
    for entry in scope.books.vendor_ledger.where("mark", row.applies_to_id) if row.applies_to_id else []:
        scope.books.vendor_ledger.change(entry, applies_to_id="")
    scope.books.journal_lines.remove(row)


# -- apply entries


def _entries(scope: Scope) -> list[VendorEntry]:
    if not isinstance(scope.parent, JournalLine):
        raise Refusal("apply_needs_payment")
    return scope.books.vendor_ledger.where("open", (scope.parent.account, True))


def _toggle(scope: Scope, row: VendorEntry, _values: dict[str, Any]) -> VendorEntry:
    """Mark the entry for this line, or unmark it if it is marked already: the value sent is not looked at."""
    books, line = scope.books, scope.parent
    if row.applies_to_id:
        books.vendor_ledger.change(row, applies_to_id="")
        _fill_amount(books, line)
        return row
    if line.posting_date is not None and line.posting_date < row.posting_date:
        raise Refusal(
            "earlier_date_apply",
            type=line.document_type,
            number=line.document_number,
            other=row.document_type,
            other_number=row.document_number,
        )
    mark = line.applies_to_id or _mark(books, line)
    if line.applies_to_id != mark:
        books.journal_lines.change(line, applies_to_id=mark, applies_to_number="")
    books.vendor_ledger.change(row, applies_to_id=mark)
    _fill_amount(books, line)
    return row


def _mark(books: Books, line: JournalLine) -> str:
    """What joins a line to its entries: its document number, told apart where another line uses it."""
    taken = {one.applies_to_id for one in books.journal_lines if one is not line}
    mark = line.document_number or f"LINE{line.line_number}"
    return mark if mark not in taken else f"{mark}-{line.line_number}"


def _fill_amount(books: Books, line: JournalLine) -> None:
    if line.amount:
        return
    marked = books.vendor_ledger.where("mark", line.applies_to_id) if line.applies_to_id else []
    total: Decimal = -sum((entry.remaining for entry in marked), ZERO)
    if total:
        books.journal_lines.change(line, amount=total)


SETS = [
    EntitySet(
        "vendorPayments",
        PAYMENT,
        "Gen. Journal Line",
        source=lines_below,
        get=line_by_key,
        hidden=_hidden,
        create=_create,
        change=_change,
        delete=_delete,
        navigation={
            "dimensionSetLines": Navigation("dimensionSetLines"),
            "applyVendorEntries": Navigation("applyVendorEntries"),
            "vendor": Navigation("vendors", lambda books, row: books.vendors.find(row.account)),
            "vendorPaymentJournal": Navigation(
                "vendorPaymentJournals", lambda books, row: books.batches.get(row.batch)
            ),
        },
    ),
    EntitySet(
        "applyVendorEntries",
        APPLY,
        "Vendor Ledger Entry",
        source=_entries,
        change=_toggle,
    ),
]
