"""``purchaseInvoiceLines``: only below an invoice, or by its id in a filter."""

from typing import Any

from tieout_sandbox.business_central.books.buying import ARTICLES, add_line, article, edit_line, recalculate
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Document, Line
from tieout_sandbox.business_central.books.masters import Article
from tieout_sandbox.business_central.odata.schema import EntityType, Getter, entity, snake
from tieout_sandbox.business_central.odata.sets import EntitySet, Navigation, Scope
from tieout_sandbox.business_central.refusals import Refusal

KINDS = ("Comment", "Account", "Item", "Resource", "Fixed Asset", "Charge", "Allocation Account")


def _account_id(row: Line, books: Books) -> str:
    found = books.accounts.find(row.object_number) if row.kind == "Account" else None
    return found.id if found else ""


def _item_id(row: Line, books: Books) -> str:
    found = books.articles.find(("Item", row.object_number)) if row.kind == "Item" else None
    return found.id if found else ""


def _unit_id(row: Line, books: Books) -> str:
    found = books.units.find(row.unit) if row.unit else None
    return found.id if found else ""


LINE_GETTERS: dict[str, Getter] = {
    "documentId": lambda row, _books: row.document,
    "itemId": _item_id,
    "accountId": _account_id,
    "lineType": lambda row, _books: row.kind,
    "lineObjectNumber": lambda row, _books: row.object_number,
    "unitOfMeasureId": _unit_id,
    "unitOfMeasureCode": lambda row, _books: row.unit,
    "directUnitCost": lambda row, _books: row.unit_cost,
    "discountAppliedBeforeTax": lambda _row, _books: True,
    "amountExcludingTax": lambda row, _books: row.excluding_tax,
    "totalTaxAmount": lambda row, _books: row.tax,
    "amountIncludingTax": lambda row, _books: row.including_tax,
    "invoiceDiscountAllocation": lambda row, _books: row.invoice_discount,
    "netAmount": lambda row, _books: row.net,
    "netTaxAmount": lambda row, _books: row.net_tax,
    "netAmountIncludingTax": lambda row, _books: row.net_including_tax,
    "receivedQuantity": lambda row, _books: row.received,
    "invoicedQuantity": lambda row, _books: row.invoiced,
    "invoiceQuantity": lambda row, _books: row.quantity - row.invoiced,
    "receiveQuantity": lambda row, _books: row.quantity - row.received,
    "itemVariantId": lambda _row, _books: "",
    "locationId": lambda _row, _books: "",
}

LINE: EntityType = entity(
    "purchaseInvoiceLine",
    """
id guid R
documentId guid
sequence int
itemId guid
accountId guid
lineType enum
lineObjectNumber code20
description text100
description2 text50
unitOfMeasureId guid
unitOfMeasureCode code10
unitCost decimal
quantity decimal
discountAmount decimal
discountPercent decimal
discountAppliedBeforeTax bool R
amountExcludingTax decimal
taxCode code50
taxPercent decimal R
totalTaxAmount decimal R
amountIncludingTax decimal
invoiceDiscountAllocation decimal
netAmount decimal
netTaxAmount decimal
netAmountIncludingTax decimal
expectedReceiptDate date
itemVariantId guid
locationId guid
""",
    members={"lineType": KINDS},
    getters=LINE_GETTERS,
)
_PLAIN = (
    "description",
    "description2",
    "unitCost",
    "quantity",
    "discountAmount",
    "discountPercent",
    "taxCode",
    "expectedReceiptDate",
)


def parent_document(scope: Scope) -> Document | None:
    """The document a lines request stands under, by path or by filter; None if it names none."""
    if isinstance(scope.parent, Document):
        return scope.parent
    identity = scope.filter.equal("documentId") if scope.filter else None
    return scope.books.documents.get(identity) if identity else None


def lines_source(scope: Scope) -> list[Line]:
    """The lines of the parent; without one, only a filter on the line's own id will do."""
    document = parent_document(scope)
    if document is not None:
        return scope.books.lines.where("document", document.id)
    own = scope.filter.equal("id") if scope.filter else None
    named = scope.filter.equal("documentId") if scope.filter else None
    if own is None and named is None:
        raise Refusal("lines_parent")
    found = scope.books.lines.get(own) if own else None
    return [found] if found is not None else []


def line_by_key(scope: Scope, key: str) -> Line | None:
    """A line by id, within its parent if the path names one."""
    found = scope.books.lines.get(key)
    if found is not None and isinstance(scope.parent, Document) and found.document != scope.parent.id:
        return None
    return found


def chosen_object(books: Books, values: dict[str, Any]) -> tuple[str, str] | None:
    """Kind and number of what a request's line buys; None if it says nothing of it."""
    item, account = values.get("itemId", "").strip("0-"), values.get("accountId", "").strip("0-")
    if item and account:
        raise Refusal("item_and_account")
    if item:
        found = books.store.tables["Item"].get(values["itemId"])
        if not isinstance(found, Article) or found.kind != "Item":
            raise Refusal("no_item")
        return "Item", found.number
    if account:
        ledger = books.accounts.get(values["accountId"])
        if ledger is None:
            raise Refusal("no_account")
        return "Account", ledger.number
    if "lineType" not in values and "lineObjectNumber" not in values:
        return None
    kind, number = values.get("lineType", "Comment"), values.get("lineObjectNumber", "")
    if kind == "Account" and number and books.accounts.find(number) is None:
        raise Refusal("no_account")
    if kind in ARTICLES and number:
        _known_article(books, kind, number)
    return kind, number


def _known_article(books: Books, kind: str, number: str) -> None:
    if kind == "Item" and books.articles.find(("Item", number)) is None:
        raise Refusal("no_item")
    article(books, kind, number)


def create_line(scope: Scope, document: Document, body: dict[str, Any]) -> Line:
    """A line of a draft, from the JSON of a request."""
    values = LINE.read_body(body)
    return _insert(scope.books, document, values)


def _insert(books: Books, document: Document, values: dict[str, Any]) -> Line:
    if not document.draft:
        raise Refusal("invoice_posted")
    kind, number = chosen_object(books, values) or ("Comment", "")
    plain = {snake(name): values[name] for name in _PLAIN if name in values}
    if values.get("unitOfMeasureCode"):
        plain["unit"] = values["unitOfMeasureCode"]
    return add_line(books, document, kind, number, sequence=values.get("sequence", 0), **plain)


def _create(scope: Scope, values: dict[str, Any]) -> Line:
    document = parent_document(scope)
    if document is None and values.get("documentId"):
        document = scope.books.documents.get(values["documentId"])
    if document is None:
        raise Refusal("lines_parent")
    line = _insert(scope.books, document, values)
    _touch(scope.books, document)
    return line


def _touch(books: Books, document: Document) -> None:
    """The header is written with its totals whenever a line is."""
    recalculate(books, document)
    books.documents.change(document)


def _change(scope: Scope, line: Line, values: dict[str, Any]) -> Line:
    books = scope.books
    document = books.documents.get(line.document)
    if document is None or not document.draft:
        raise Refusal("invoice_posted")
    if values.get("documentId", line.document) != line.document:
        raise Refusal("document_fixed")
    if values.get("sequence", line.sequence) != line.sequence:
        raise Refusal("sequence_fixed")
    changes = {snake(name): values[name] for name in _PLAIN if name in values}
    chosen = chosen_object(books, values)
    if chosen is not None and chosen != (line.kind, line.object_number):
        kind, number = chosen
        changes.update(kind=kind, object_number=number)
    edit_line(books, document, line, **changes)
    _touch(books, document)
    return line


def _delete(scope: Scope, line: Line) -> None:
    document = scope.books.documents.get(line.document)
    if document is None or not document.draft:
        raise Refusal("invoice_posted")
    scope.books.lines.remove(line)
    _touch(scope.books, document)


SETS = [
    EntitySet(
        "purchaseInvoiceLines",
        LINE,
        "Purch. Inv. Line Aggregate",
        source=lines_source,
        get=line_by_key,
        create=_create,
        change=_change,
        delete=_delete,
        navigation={
            "dimensionSetLines": Navigation("dimensionSetLines"),
            "account": Navigation("accounts", lambda books, row: books.accounts.find(row.object_number)),
        },
    ),
]
