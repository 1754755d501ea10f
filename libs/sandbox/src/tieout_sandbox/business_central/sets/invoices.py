"""``purchaseInvoices``: drafts and posted invoices in one set."""

from typing import Any

from tieout_sandbox.business_central.books.buying import new_document, recalculate
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Address, Document
from tieout_sandbox.business_central.books.masters import Vendor
from tieout_sandbox.business_central.books.posting_invoices import post_document
from tieout_sandbox.business_central.odata.schema import Getter, entity, snake
from tieout_sandbox.business_central.odata.sets import EntitySet, Navigation, Scope
from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.business_central.sets.invoice_lines import create_line
from tieout_sandbox.business_central.sets.vendors import currency_of

_ADDRESS = {
    "AddressLine1": "line1",
    "AddressLine2": "line2",
    "City": "city",
    "Country": "country",
    "State": "state",
    "PostCode": "post_code",
    "Name": "name",
    "Contact": "contact",
}
_PARTS = {"buyFrom": "buy_from_address", "shipTo": "ship_to_address", "payTo": "pay_to_address"}


def _address_getter(part: str, field: str) -> Getter:
    return lambda row, _books: getattr(getattr(row, part), field)


def _vendor_name(row: Document, _books: Books) -> str:
    return row.buy_from_address.name


def _vendor_id(number: str) -> Getter:
    def get(row: Document, books: Books) -> str:
        found = books.vendors.find(getattr(row, number))
        return found.id if found else ""

    return get


def shortcut(position: int) -> Getter:
    """The value of a shortcut dimension on a document."""

    def get(row: Document, books: Books) -> str:
        codes = books.setup.shortcut_dimensions
        return row.dimensions.get(codes[position], "") if position < len(codes) else ""

    return get


HEADER_GETTERS: dict[str, Getter] = {
    **{
        f"{prefix}{name}": _address_getter(part, to) for prefix, part in _PARTS.items() for name, to in _ADDRESS.items()
    },
    "vendorId": _vendor_id("vendor"),
    "vendorNumber": lambda row, _books: row.vendor,
    "vendorName": _vendor_name,
    "payToVendorId": _vendor_id("pay_to"),
    "payToVendorNumber": lambda row, _books: row.pay_to,
    "shortcutDimension1Code": shortcut(0),
    "shortcutDimension2Code": shortcut(1),
    "currencyId": lambda row, books: books.currency_id(row.currency_code),
    "currencyCode": lambda row, books: books.currency_shown(row.currency_code),
    "pricesIncludeTax": lambda row, _books: row.prices_include_tax,
    "discountAppliedBeforeTax": lambda row, _books: not row.prices_include_tax,
    "totalAmountExcludingTax": lambda row, _books: row.excluding_tax,
    "totalTaxAmount": lambda row, _books: row.tax,
    "totalAmountIncludingTax": lambda row, _books: row.including_tax,
    "lastModifiedDateTime": lambda row, _books: row.modified,
}

INVOICE = entity(
    "purchaseInvoice",
    """
id guid R
number code20 R
postingDate date
invoiceDate date
dueDate date
vendorInvoiceNumber code35
vendorId guid
vendorNumber code20
vendorName text100 R
payToName text100 R
payToContact text100 R
payToVendorId guid
payToVendorNumber code20
shipToName text100
shipToContact text100
buyFromAddressLine1 text100
buyFromAddressLine2 text50
buyFromCity text30
buyFromCountry code10
buyFromState text30
buyFromPostCode code20
shipToAddressLine1 text100
shipToAddressLine2 text50
shipToCity text30
shipToCountry code10
shipToState text30
shipToPostCode code20
payToAddressLine1 text100 R
payToAddressLine2 text50 R
payToCity text30 R
payToCountry code10 R
payToState text30 R
payToPostCode code20 R
shortcutDimension1Code code20
shortcutDimension2Code code20
currencyId guid
currencyCode code10
orderId guid R
orderNumber code20 R
purchaser code20
pricesIncludeTax bool
discountAmount decimal
discountAppliedBeforeTax bool R
totalAmountExcludingTax decimal R
totalTaxAmount decimal R
totalAmountIncludingTax decimal R
status enum R
lastModifiedDateTime time R
""",
    members={"status": (" ", "Draft", "In Review", "Open", "Paid", "Canceled", "Corrective")},
    getters=HEADER_GETTERS,
)
_PLAIN = (
    "postingDate",
    "invoiceDate",
    "dueDate",
    "vendorInvoiceNumber",
    "purchaser",
    "pricesIncludeTax",
    "discountAmount",
)


def _vendor(books: Books, values: dict[str, Any], identity: str, number: str) -> Vendor | None:
    """The vendor that id and number of a request agree on."""
    by_id = books.vendors.get(values[identity]) if values.get(identity, "").strip("0-") else None
    by_number = books.vendors.find(values[number]) if values.get(number) else None
    sent = [name for name in (identity, number) if values.get(name, "").strip("0-")]
    found = [one for one in (by_id, by_number) if one is not None]
    if len(found) < len(sent):
        raise Refusal("invoice_vendor_unknown")
    if len(found) == 2 and found[0] is not found[1]:
        raise Refusal("vendor_pair")
    return found[0] if found else None


def _addresses(document: Document, values: dict[str, Any]) -> dict[str, Address]:
    """The changed addresses of a document."""
    changed: dict[str, Address] = {}
    for prefix, part in _PARTS.items():
        for name, to in _ADDRESS.items():
            if f"{prefix}{name}" in values:
                address = changed.setdefault(part, Address(**vars(getattr(document, part))))
                setattr(address, to, values[f"{prefix}{name}"])
    return changed


def _shortcuts(books: Books, dimensions: dict[str, str], values: dict[str, Any]) -> dict[str, str]:
    """Dimensions after shortcut codes of a request."""
    after = dict(dimensions)
    for position, code in enumerate(books.setup.shortcut_dimensions[:2], start=1):
        value = values.get(f"shortcutDimension{position}Code")
        if value is None:
            continue
        if value and books.dimension_values.find((code, value)) is None:
            raise Refusal(
                "no_relation",
                field=f"Shortcut Dimension {position} Code",
                table="Purchase Header",
                value=value,
                related="Dimension Value",
            )
        after.pop(code, None)
        if value:
            after[code] = value
    return after


def _create(scope: Scope, values: dict[str, Any]) -> Document:
    books = scope.books
    vendor = _vendor(books, values, "vendorId", "vendorNumber")
    if vendor is None:
        raise Refusal("invoice_vendor_missing")
    pay_to = _vendor(books, values, "payToVendorId", "payToVendorNumber")
    plain = {snake(name): values[name] for name in _PLAIN if name in values}
    document = new_document(
        books,
        "Invoice",
        vendor,
        books.series_next(books.setup.draft_series),
        pay_to=pay_to.number if pay_to else "",
        currency_code=currency_of(books, values),
        **plain,
    )
    changes: dict[str, Any] = {**_addresses(document, values)}
    changes["dimensions"] = _shortcuts(books, document.dimensions, values)
    books.documents.change(document, **changes)
    for line in values.get("purchaseInvoiceLines", []):
        create_line(scope, document, line)
    recalculate(books, document)
    return document


def _change(scope: Scope, document: Document, values: dict[str, Any]) -> Document:
    books = scope.books
    if not document.draft:
        raise Refusal("invoice_posted")
    changes: dict[str, Any] = {snake(name): values[name] for name in _PLAIN if name in values}
    vendor = _vendor(books, values, "vendorId", "vendorNumber")
    pay_to = _vendor(books, values, "payToVendorId", "payToVendorNumber")
    if vendor is not None:
        changes["vendor"] = vendor.number
    if pay_to is not None:
        changes["pay_to"] = pay_to.number
    currency = currency_of(books, values)
    if currency is not None:
        changes["currency_code"] = currency
    if changes.get("invoice_date") and "due_date" not in changes:
        changes["due_date"] = books.due_date(document.payment_terms_id, changes["invoice_date"])
    changes.update(_addresses(document, values))
    changes["dimensions"] = _shortcuts(books, document.dimensions, values)
    books.documents.change(document, touch=not scope.switches.get("patch_keeps_stamp"), **changes)
    recalculate(books, document)
    return document


def _delete(scope: Scope, document: Document) -> None:
    if not document.draft:
        raise Refusal("invoice_posted")
    for line in scope.books.lines.where("document", document.id):
        scope.books.lines.remove(line)
    scope.books.documents.remove(document)


def _post(scope: Scope, document: Document) -> None:
    post_document(scope.books, document)


SETS = [
    EntitySet(
        "purchaseInvoices",
        INVOICE,
        "Purch. Inv. Entity Aggregate",
        table=lambda books: books.documents,
        hidden=lambda _scope, row: row.kind != "Invoice",
        create=_create,
        change=_change,
        delete=_delete,
        actions={"post": _post},
        deep={"purchaseInvoiceLines": "purchaseInvoiceLines"},
        navigation={
            "purchaseInvoiceLines": Navigation("purchaseInvoiceLines"),
            "dimensionSetLines": Navigation("dimensionSetLines"),
            "attachments": Navigation("attachments"),
            "documentAttachments": Navigation("documentAttachments"),
            "pdfDocument": Navigation("pdfDocument", lambda _books, row: row),
            "vendor": Navigation("vendors", lambda books, row: books.vendors.find(row.vendor)),
            "currency": Navigation("currencies", lambda books, row: books.currencies.find(row.currency_code)),
        },
    ),
]
