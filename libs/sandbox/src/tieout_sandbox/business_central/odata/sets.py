"""What an entity set is to the engine: its type, where its rows come from, what may be done to them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.store import Row, Table
from tieout_sandbox.business_central.odata.filters import Filter
from tieout_sandbox.business_central.odata.schema import EntityType
from tieout_sandbox.business_central.odata.values import etag


@dataclass(frozen=True)
class Scope:
    """Where a request stands: the books, the parent it came through, its filter, and the site's switches."""

    books: Books
    switches: Mapping[str, Any]
    root: str
    user: str = ""
    parent_set: "EntitySet | None" = None
    parent: Any = None
    filter: Filter | None = None
    keyed: bool = False

    def within(self, parent_set: "EntitySet", parent: Any) -> "Scope":
        """The scope below an entity."""
        return Scope(self.books, self.switches, self.root, self.user, parent_set, parent)

    def filtered(self, wanted: Filter | None) -> "Scope":
        """The same with the filter of the request."""
        return Scope(self.books, self.switches, self.root, self.user, self.parent_set, self.parent, wanted, self.keyed)

    def by_key(self) -> "Scope":
        """The same for reading one row by its key."""
        return Scope(self.books, self.switches, self.root, self.user, self.parent_set, self.parent, self.filter, True)  # noqa: FBT003


class Source(Protocol):
    """Rows a list starts from."""

    def __call__(self, scope: Scope) -> Iterable[Any]:
        """All rows visible in the scope, in key order."""
        ...


@dataclass(frozen=True)
class Stream:
    """A stream property: its bytes and media type, and how new bytes are stored."""

    read: Callable[[Scope, Any], tuple[bytes, str]]
    write: Callable[[Scope, Any, bytes], None] | None = None


@dataclass(frozen=True)
class Navigation:
    """A way from an entity to another set; ``one`` finds a single related row."""

    to: str
    one: Callable[[Books, Any], Any] | None = None


@dataclass(frozen=True)
class EntitySet:
    """An entity set. What is None is not offered.

    ``table`` gives the stored table, so that lists can use its indexes; ``source`` narrows or computes the rows.
    ``hidden`` keeps single rows out. ``change_field`` is the field that follows the table's change time. ``content`` is
    what the ETag of a row that is computed, and so has no version, stands for.
    """

    name: str
    type: EntityType
    label: str
    table: Callable[[Books], Table[Any]] | None = None
    source: Source | None = None
    get: Callable[[Scope, str], Any] | None = None
    create: Callable[[Scope, dict[str, Any]], Any] | None = None
    change: Callable[[Scope, Any, dict[str, Any]], Any] | None = None
    delete: Callable[[Scope, Any], None] | None = None
    hidden: Callable[[Scope, Any], bool] | None = None
    actions: Mapping[str, Callable[[Scope, Any], None]] = field(default_factory=dict)
    navigation: Mapping[str, Navigation] = field(default_factory=dict)
    streams: Mapping[str, Stream] = field(default_factory=dict)
    deep: Mapping[str, str] = field(default_factory=dict)
    key: Callable[[Any], str] = lambda row: str(row.id)
    key_field: str = "id"
    number_field: str = ""
    change_field: str = "lastModifiedDateTime"
    quoted_key: bool = False
    tagged: bool = True
    single: bool = False
    content: Callable[[Any], str] = lambda _row: ""

    def etag(self, row: Any) -> str:
        """The row's ETag."""
        return etag(f"{self.name}{self.key(row)}{self.content(row)}", row.version if isinstance(row, Row) else 1)
