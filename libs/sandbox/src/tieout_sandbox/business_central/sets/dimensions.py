"""``dimensions``, ``dimensionValues`` and ``dimensionSetLines`` (only below a parent)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tieout_sandbox.business_central.books.buying import edit_line
from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.documents import Dimensions, Document, Line
from tieout_sandbox.business_central.books.entries import JournalLine, LedgerEntry
from tieout_sandbox.business_central.books.masters import Dimension, DimensionValue
from tieout_sandbox.business_central.odata.schema import entity
from tieout_sandbox.business_central.odata.sets import EntitySet, Navigation, Scope
from tieout_sandbox.business_central.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

DIMENSION = entity(
    "dimension",
    """
id guid R
code code20
displayName text30
consolidationCode code20
lastModifiedDateTime time R
""",
    getters={"lastModifiedDateTime": lambda row, _books: row.modified},
)
VALUE = entity(
    "dimensionValue",
    """
id guid R
code code20
dimensionId guid
displayName text50
consolidationCode code20
lastModifiedDateTime time R
""",
    getters={
        "dimensionId": lambda row, books: books.dimensions.find(row.dimension).id,
        "lastModifiedDateTime": lambda row, _books: row.modified,
    },
)


@dataclass(frozen=True)
class SetLine:
    """A dimension of a parent; its id is the dimension's."""

    id: str
    parent: str
    parent_type: str
    dimension: Dimension
    value: DimensionValue


PARENT_TYPES = (
    "Purchase Invoice",
    "Purchase Invoice Line",
    "Purchase Order",
    "Purchase Order Line",
    "General Ledger Entry",
    "Journal Line",
)
SET_LINE = entity(
    "dimensionSetLine",
    """
id guid
code code20
consolidationCode code20 R
parentId guid R
parentType enum R
displayName text30 R
valueId guid
valueCode code20
valueConsolidationCode code20 R
valueDisplayName text50 R
""",
    members={"parentType": PARENT_TYPES},
    getters={
        "code": lambda row, _books: row.dimension.code,
        "consolidationCode": lambda row, _books: row.dimension.consolidation_code,
        "parentId": lambda row, _books: row.parent,
        "parentType": lambda row, _books: row.parent_type,
        "displayName": lambda row, _books: row.dimension.display_name,
        "valueId": lambda row, _books: row.value.id,
        "valueCode": lambda row, _books: row.value.code,
        "valueConsolidationCode": lambda row, _books: row.value.consolidation_code,
        "valueDisplayName": lambda row, _books: row.value.display_name,
    },
)


def parent_type(books: Books, row: Any) -> str:
    """How a parent is called on its dimension lines."""
    if isinstance(row, Document):
        return f"Purchase {row.kind}"
    if isinstance(row, Line):
        document = books.documents.get(row.document)
        return f"Purchase {document.kind if document else 'Invoice'} Line"
    return "General Ledger Entry" if isinstance(row, LedgerEntry) else "Journal Line"


def _lines(scope: Scope) -> list[SetLine]:
    books, parent = scope.books, scope.parent
    if parent is None or not hasattr(parent, "dimensions"):
        raise Refusal("dimension_get_parent")
    kind = parent_type(books, parent)
    return [one for code in sorted(parent.dimensions) for one in _line(books, parent, kind, code)]


def _line(books: Books, parent: Any, kind: str, code: str) -> list[SetLine]:
    dimension = books.dimensions.find(code)
    value = books.dimension_values.find((code, parent.dimensions[code]))
    if dimension is None or value is None:
        return []
    return [SetLine(dimension.id, parent.id, kind, dimension, value)]


def _read_dimension(books: Books, values: dict[str, Any]) -> Dimension:
    if not values.get("id") and not values.get("code"):
        raise Refusal("dimension_id_or_code")
    if values.get("id"):
        found = books.dimensions.get(values["id"])
        if found is None or values.get("code", found.code) != found.code:
            raise Refusal("dimension_id")
        return found
    found = books.dimensions.find(values["code"])
    if found is None:
        raise Refusal("dimension_code")
    return found


def _read_value(books: Books, dimension: str, values: dict[str, Any]) -> DimensionValue:
    if not values.get("valueId") and not values.get("valueCode"):
        raise Refusal("dimension_value_or_code")
    if values.get("valueId"):
        found = books.dimension_values.get(values["valueId"])
        if found is None or found.dimension != dimension:
            raise Refusal("dimension_value_id")
        return found
    found = books.dimension_values.find((dimension, values["valueCode"]))
    if found is None:
        raise Refusal("dimension_value_code")
    return found


def _store(scope: Scope, dimensions: Dimensions) -> None:
    """Write a parent's dimensions; what is posted is read-only."""
    books, parent = scope.books, scope.parent
    writers: dict[type, Callable[[], object]] = {
        Document: lambda: books.documents.change(parent, dimensions=dimensions),
        Line: lambda: edit_line(books, _draft_of(books, parent), parent, dimensions=dimensions),
        JournalLine: lambda: books.journal_lines.change(parent, dimensions=dimensions),
    }
    kind = parent_type(books, parent)
    document = _draft_of(books, parent) if isinstance(parent, Line) else parent
    posted = isinstance(document, Document) and not document.draft
    if posted or type(parent) not in writers:
        raise Refusal("dimension_read_only", parent=parent.id, type=kind)
    writers[type(parent)]()


def _draft_of(books: Books, line: Line) -> Document:
    document = books.documents.get(line.document)
    if document is None:
        raise Refusal("no_record", table="Purchase Header")
    return document


def _create(scope: Scope, values: dict[str, Any]) -> SetLine:
    if scope.parent is None:
        raise Refusal("dimension_new_parent")
    books = scope.books
    dimension = _read_dimension(books, values)
    value = _read_value(books, dimension.code, values)
    if dimension.code in scope.parent.dimensions:
        raise Refusal("dimension_exists")
    _store(scope, {**scope.parent.dimensions, dimension.code: value.code})
    return SetLine(dimension.id, scope.parent.id, parent_type(books, scope.parent), dimension, value)


def _change(scope: Scope, row: SetLine, values: dict[str, Any]) -> SetLine:
    if values.get("id", row.id) != row.id or values.get("code", row.dimension.code) != row.dimension.code:
        raise Refusal("dimension_fixed")
    value = _read_value(scope.books, row.dimension.code, values)
    _store(scope, {**scope.parent.dimensions, row.dimension.code: value.code})
    return SetLine(row.id, row.parent, row.parent_type, row.dimension, value)


def _delete(scope: Scope, row: SetLine) -> None:
    left = {code: value for code, value in scope.parent.dimensions.items() if code != row.dimension.code}
    _store(scope, left)


def _values(scope: Scope) -> list[DimensionValue]:
    if isinstance(scope.parent, Dimension):
        return scope.books.dimension_values.where("dimension", scope.parent.code)
    return list(scope.books.dimension_values)


SETS = [
    EntitySet(
        "dimensions",
        DIMENSION,
        "Dimension",
        table=lambda books: books.dimensions,
        number_field="code",
        navigation={"dimensionValues": Navigation("dimensionValues")},
    ),
    EntitySet(
        "dimensionValues",
        VALUE,
        "Dimension Value",
        table=lambda books: books.dimension_values,
        source=_values,
    ),
    EntitySet(
        "dimensionSetLines",
        SET_LINE,
        "Dimension Set Entry",
        source=_lines,
        create=_create,
        change=_change,
        delete=_delete,
        content=lambda row: f"{row.parent}{row.value.id}",
    ),
]
