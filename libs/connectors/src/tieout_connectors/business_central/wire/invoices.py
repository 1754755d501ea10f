"""Posted purchase invoices: one raw row holds all that was read of a document.

``invoice``   the row of ``purchaseInvoices`` with its lines and dimensions expanded
``postings``  the rows of ``generalLedgerEntries`` of its number, dimensions expanded
``ledger``    the rows of the published vendor ledger page of its number; null where the page is not published
"""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

from tieout.domain.erp import (
    ZERO,
    DimensionCode,
    DocumentStatus,
    InvoiceLine,
    LedgerPosting,
    LineKind,
    PurchaseInvoice,
    VendorRef,
)
from tieout.domain.erp_ledger import EntryType
from tieout.domain.records import ReadContext
from tieout_connectors.business_central.wire.fields import Fields, unescaped
from tieout_connectors.business_central.wire.ledger import TYPES, ledger_version, owed, terms
from tieout_connectors.spi.wire import Unreadable

_CUT: Final = "@odata.nextLink"

_STATUSES: Final = {
    "": DocumentStatus.DRAFT,
    "draft": DocumentStatus.DRAFT,
    "in review": DocumentStatus.DRAFT,
    "open": DocumentStatus.OPEN,
    "paid": DocumentStatus.PAID,
    "canceled": DocumentStatus.CANCELLED,
    "corrective": DocumentStatus.CORRECTIVE,
}

_DRAFTS: Final = frozenset(name for name, status in _STATUSES.items() if status is DocumentStatus.DRAFT)

_LINE_KINDS: Final = {
    "": LineKind.COMMENT,
    "comment": LineKind.COMMENT,
    "account": LineKind.ACCOUNT,
    "g/l account": LineKind.ACCOUNT,
    "item": LineKind.ITEM,
    "resource": LineKind.RESOURCE,
    "fixed asset": LineKind.ASSET,
    "charge": LineKind.CHARGE,
}


def purchase_invoice(document: Mapping[str, Any], context: ReadContext) -> PurchaseInvoice | None:
    """The invoice in a row, None while it is a draft."""
    whole = Fields(document)
    row = whole.needed_inner("invoice")
    status = row.option("status", _STATUSES)
    if status is DocumentStatus.DRAFT:
        return None
    if rest := unfinished(row.raw):
        raise Unreadable(f"invoice.{rest[0]}", "the list was cut by the server and its rest is missing")
    currency = row.currency("currencyCode", context)
    lines = tuple(_line(line) for line in row.items("purchaseInvoiceLines"))
    entry = _entry(whole, row)
    posted = row.needed_day("postingDate")
    return PurchaseInvoice(
        id=row.needed_reference("id"),
        number=row.needed("number"),
        ledger_entry=str(entry.whole("Entry_No")) if entry else "",
        vendor_invoice_number=row.text("vendorInvoiceNumber"),
        order_number=row.text("orderNumber"),
        buy_from=_vendor(row, "vendorNumber", "vendorId", "vendorName"),
        pay_to=_vendor(row, "payToVendorNumber", "payToVendorId", "payToName"),
        posting_date=posted,
        document_date=row.day("invoiceDate") or posted,
        # People change it on the ledger entry, and the posted invoice keeps the old one.
        due_date=(entry.day("Due_Date") if entry else None) or row.day("dueDate"),
        currency=currency,
        status=status,
        on_hold=_on_hold(entry),
        net=row.amount("totalAmountExcludingTax"),
        tax=row.amount("totalTaxAmount"),
        total=row.amount("totalAmountIncludingTax"),
        discount=sum((line.invoice_discount for line in lines), ZERO),
        open=_open(entry, status),
        terms=terms(entry) if entry else None,
        lines=lines,
        dimensions=_dimensions(row),
        postings=_postings(whole, row, local=currency == context.local_currency),
        version=invoice_version(document),
        modified=row.moment("lastModifiedDateTime"),
    )


def is_draft(header: Mapping[str, Any]) -> bool:
    """Whether a row of ``purchaseInvoices`` is not posted yet; an option that nobody knows is not taken for a draft."""
    return unescaped(Fields(header).text("status")).strip().lower() in _DRAFTS


def number_of(header: Mapping[str, Any]) -> str:
    """The document's number."""
    return Fields(header).needed("number")


def posting_of(posting: Mapping[str, Any]) -> str:
    """Number of the document that made a general ledger entry."""
    return Fields(posting).text("documentNumber")


def entry_of(entry: Mapping[str, Any]) -> str:
    """Number of the document that made a vendor ledger entry."""
    return Fields(entry).text("Document_No")


def is_invoice_posting(posting: Mapping[str, Any]) -> bool:
    """Whether a general ledger entry is an invoice's; other documents may bear the same number."""
    return unescaped(Fields(posting).text("documentType")).strip().lower() == "invoice"


def whole_invoice(
    invoice: Mapping[str, Any],
    postings: list[Mapping[str, Any]],
    ledger: list[Mapping[str, Any]] | None,
) -> dict[str, Any]:
    """The raw row of a purchase invoice."""
    return {"invoice": invoice, "postings": postings, "ledger": ledger}


def with_lines(invoice: Mapping[str, Any], lines: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The invoice with lines that were read apart, in place of a list that the server cut."""
    kept = {name: value for name, value in invoice.items() if name != f"purchaseInvoiceLines{_CUT}"}
    return {**kept, "purchaseInvoiceLines": lines}


def invoice_version(document: Mapping[str, Any]) -> str:
    """Changes with the document and with its vendor ledger entries: a part payment leaves the ETag as it is."""
    whole = Fields(document)
    etag = whole.needed_inner("invoice").text("@odata.etag")
    said = "".join(ledger_version(row.raw) for row in whole.items("ledger")) if whole.has("ledger") else ""
    return f"{etag}/{blake2b(said.encode(), digest_size=6).hexdigest()}"


def unfinished(invoice: Mapping[str, Any]) -> list[str]:
    """Paths of expanded lists that the server cut: they end with a continuation of their own."""
    found = [name.removesuffix(_CUT) for name in invoice if name.endswith(_CUT)]
    for number, line in enumerate(Fields(invoice).items("purchaseInvoiceLines")):
        found += [f"purchaseInvoiceLines[{number}].{one.removesuffix(_CUT)}" for one in line.raw if one.endswith(_CUT)]
    return found


def _vendor(row: Fields, number: str, key: str, name: str) -> VendorRef:
    return VendorRef(number=row.needed(number), id=row.reference(key), name=row.text(name))


def _line(row: Fields) -> InvoiceLine:
    """``netAmount`` is after the invoice's discount; the amounts before it read 0 on posted documents."""
    kind = row.option("lineType", _LINE_KINDS)
    number = row.text("lineObjectNumber")
    discount = row.amount("invoiceDiscountAllocation")
    return InvoiceLine(
        id=row.needed_reference("id"),
        kind=kind,
        number=number,
        account=number if kind is LineKind.ACCOUNT else "",
        description=row.text("description"),
        quantity=row.amount("quantity"),
        net=row.amount("netAmount") + discount,
        tax=row.amount("netTaxAmount"),
        invoice_discount=discount,
        dimensions=_dimensions(row),
    )


def _dimensions(row: Fields) -> tuple[DimensionCode, ...]:
    """The dimension set. A line's ``id`` is its dimension's, the same under every parent: the code names it."""
    return tuple(
        DimensionCode(dimension=one.needed("code"), value=one.needed("valueCode"))
        for one in row.items("dimensionSetLines")
    )


def _entry(whole: Fields, invoice: Fields) -> Fields | None:
    """The invoice's own vendor ledger entry: a payment or another vendor's document may bear the same number."""
    if not whole.has("ledger"):
        return None
    found = [
        row
        for row in whole.items("ledger")
        if row.option("Document_Type", TYPES) is EntryType.INVOICE
        and row.text("Document_No") == invoice.text("number")
        and row.text("Vendor_No") == invoice.text("payToVendorNumber")
    ]
    if len(found) > 1:
        raise Unreadable("ledger", "more than one vendor ledger entry of this invoice")
    return found[0] if found else None


def _open(entry: Fields | None, status: DocumentStatus) -> Decimal | None:
    if entry is not None:
        return owed(entry.amount("Remaining_Amount"))
    # The status itself says that the entry is closed; of anything else the rest is not known without the entry.
    return ZERO if status is DocumentStatus.PAID else None


def _on_hold(entry: Fields | None) -> str | None:
    return entry.text("On_Hold").strip() if entry is not None and entry.has("On_Hold") else None


def _postings(whole: Fields, invoice: Fields, *, local: bool) -> tuple[LedgerPosting, ...] | None:
    """The invoice's general ledger entries; entries of other types with the same number are not its own."""
    if not whole.has("postings"):
        return None
    return tuple(
        _posting(row, local=local)
        for row in whole.items("postings")
        if is_invoice_posting(row.raw) and row.text("documentNumber") == invoice.text("number")
    )


def _posting(row: Fields, *, local: bool) -> LedgerPosting:
    amount = row.amount("debitAmount") - row.amount("creditAmount")
    return LedgerPosting(
        id=str(row.whole("entryNumber")),
        document_number=row.needed("documentNumber"),
        posting_date=row.needed_day("postingDate"),
        account=row.needed("accountNumber"),
        amount=amount,
        document_amount=amount if local else None,
        description=row.text("description"),
        dimensions=_dimensions(row),
    )
