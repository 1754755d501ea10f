"""``attachments`` (incoming documents), ``documentAttachments`` and ``pdfDocument``."""

import mimetypes
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Attachment, Document
from tieout_sandbox.business_central.books.entries import JournalLine, LedgerEntry
from tieout_sandbox.business_central.books.masters import Vendor
from tieout_sandbox.business_central.odata.schema import entity
from tieout_sandbox.business_central.odata.sets import EntitySet, Scope, Stream
from tieout_sandbox.business_central.refusals import Refusal

INCOMING_PARENTS = ("Journal", "Purchase Invoice", "Purchase Order", "Sales Invoice", "Sales Order")
PARENTS = (
    " ",
    "Journal",
    "Employee",
    "Item",
    "Customer",
    "Vendor",
    "Job",
    "Purchase Invoice",
    "Purchase Order",
    "Purchase Quote",
    "Purchase Credit Memo",
    "Sales Order",
    "Sales Quote",
    "Sales Credit Memo",
    "Sales Invoice",
)
_MEMBERS = {"parentType": PARENTS}
_GETTERS: dict[str, Any] = {
    "byteSize": lambda row, _books: len(row.content),
    "documentFlowSales": lambda row, _books: row.flow_sales,
    "documentFlowPurchase": lambda row, _books: row.flow_purchase,
    "lastModifiedDateTime": lambda row, _books: row.created,
}
ATTACHMENT = entity(
    "attachment",
    """
id guid R
parentId guid
fileName text250
byteSize int
attachmentContent stream
lastModifiedDateTime time R
parentType enum
""",
    members=_MEMBERS,
    getters=_GETTERS,
)
DOCUMENT_ATTACHMENT = entity(
    "documentAttachment",
    """
id guid R
fileName text250
byteSize int R
attachmentContent stream
parentType enum
parentId guid
lineNumber int
documentFlowSales bool
documentFlowPurchase bool
lastModifiedDateTime time R
""",
    members=_MEMBERS,
    getters=_GETTERS,
)
PDF = entity(
    "pdfDocument",
    """
id guid R
parentId guid R
pdfDocumentContent stream
""",
    getters={"parentId": lambda row, _books: row.id},
)


def _parent_kind(row: Any) -> str:
    if isinstance(row, Document):
        return f"Purchase {row.kind}"
    if isinstance(row, JournalLine | LedgerEntry):
        return "Journal"
    return "Vendor" if isinstance(row, Vendor) else " "


def _rows(scope: Scope, *, incoming: bool) -> list[Attachment]:
    books = scope.books
    if scope.parent is not None:
        found = books.attachments.where("parent", scope.parent.id)
        return [row for row in found if row.incoming is incoming]
    wanted = scope.filter
    own = wanted.equal("id") if wanted else None
    parent, kind = (wanted.equal("parentId"), wanted.equal("parentType")) if wanted else (None, None)
    if own is None and (parent is None or kind is None):
        raise Refusal("attachment_filter")
    if incoming and kind is not None and kind not in INCOMING_PARENTS:
        raise Refusal("attachment_parent", type=kind)
    rows = books.attachments.where("parent", parent) if parent is not None else list(books.attachments)
    return [row for row in rows if row.incoming is incoming]


def _parent(books: Books, identity: str) -> Any:
    for table in (books.documents, books.journal_lines, books.ledger, books.vendors):
        found: Any = table.get(identity)
        if found is not None:
            return found
    raise Refusal("no_parent")


def _create(scope: Scope, values: dict[str, Any], *, incoming: bool) -> Attachment:
    parent = scope.parent if scope.parent is not None else _parent(scope.books, values.get("parentId", ""))
    kind = _parent_kind(parent)
    if incoming and kind not in INCOMING_PARENTS:
        raise Refusal("attachment_parent", type=kind)
    if not values.get("fileName"):
        raise Refusal("must_have_value", field="File Name", table="Attachment", key="File Name=")
    return scope.books.attachments.insert(
        Attachment(
            parent_type=kind,
            parent_id=parent.id,
            file_name=values["fileName"],
            incoming=incoming,
            line_number=values.get("lineNumber", 0),
            flow_purchase=values.get("documentFlowPurchase", False),
            flow_sales=values.get("documentFlowSales", False),
        )
    )


def _change(scope: Scope, row: Attachment, values: dict[str, Any]) -> Attachment:
    fields = {"file_name": values["fileName"]} if "fileName" in values else {}
    return scope.books.attachments.change(row, **fields)


def _read(_scope: Scope, row: Attachment) -> tuple[bytes, str]:
    return row.content, mimetypes.guess_type(row.file_name)[0] or "application/octet-stream"


def _write(scope: Scope, row: Attachment, content: bytes) -> None:
    scope.books.attachments.change(row, content=content)


def _print(_scope: Scope, row: Document) -> tuple[bytes, str]:
    """A small but whole PDF that names the document."""
    text = f"BT /F1 12 Tf 72 720 Td (Purchase {row.kind} {row.number}) Tj ET".encode("latin-1", "replace")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length " + str(len(text)).encode() + b">>stream\n" + text + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj" % number + content + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + head + table + tail, "application/pdf"


def _file_set(name: str, kind: Any, *, incoming: bool) -> EntitySet:
    return EntitySet(
        name,
        kind,
        "Document Attachment",
        source=lambda scope: _rows(scope, incoming=incoming),
        get=lambda scope, key: _by_key(scope, key, incoming=incoming),
        create=lambda scope, values: _create(scope, values, incoming=incoming),
        change=_change,
        delete=lambda scope, row: scope.books.attachments.remove(row),
        streams={"attachmentContent": Stream(_read, _write)},
    )


def _by_key(scope: Scope, key: str, *, incoming: bool) -> Attachment | None:
    found = scope.books.attachments.get(key)
    return found if found is not None and found.incoming is incoming else None


SETS = [
    _file_set("attachments", ATTACHMENT, incoming=True),
    _file_set("documentAttachments", DOCUMENT_ATTACHMENT, incoming=False),
    EntitySet(
        "pdfDocument",
        PDF,
        "Purchase Header",
        source=lambda scope: [scope.parent] if scope.parent is not None else [],
        streams={"pdfDocumentContent": Stream(_print)},
        tagged=False,
    ),
]
