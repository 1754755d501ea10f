"""Tables in memory with what a database gives: identity, unique keys, indexes, stamps, and transactions that undo.

Every write goes through a Table, inside ``Store.transaction()``; when the block raises, everything it wrote is undone.
Transactions nest: an inner one is a savepoint. The stamp of a row is the time of the write, not of the commit.
"""

import bisect
import copy
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.kernel.clock import Clock

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(kw_only=True, eq=False)
class Row:
    """What every record has. ``version`` rises with every write and makes the ETag."""

    id: str = ""
    created: datetime = BEGINNING
    modified: datetime = BEGINNING
    version: int = 0


R = TypeVar("R", bound=Row)
Listener = Callable[[str, Row, str], None]


class Store:
    """The clock, the running transaction and all tables."""

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.tables: dict[str, Table[Any]] = {}
        self.listeners: list[Listener] = []
        self.fixed_stamp: datetime | None = None
        self.lag: Callable[[], timedelta] = timedelta
        self._random = random.Random(seed)  # noqa: S311  ids of a sandbox, repeatable while the world is loaded
        self._undo: list[Callable[[], None]] | None = None
        self._changes: list[tuple[str, Row, str]] = []

    def stamp(self) -> datetime:
        """The time a write made now carries."""
        return self.fixed_stamp or (self.clock.now() - self.lag())

    def new_id(self) -> str:
        """A fresh guid, lower-case."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def reseed(self) -> None:
        """From now on ids differ from run to run, as after a restore of the same backup."""
        self._random = random.Random()  # noqa: S311

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; listeners hear of it after the outermost commit."""
        outer = self._undo is None
        if self._undo is None:
            self._undo, self._changes = [], []
        undo, mark, changes = self._undo, len(self._undo), len(self._changes)
        try:
            yield
        except BaseException:
            while len(undo) > mark:
                undo.pop()()
            del self._changes[changes:]
            if outer:
                self._undo = None
            raise
        if outer:
            self._undo, told, self._changes = None, self._changes, []
            for change in told:
                for listener in self.listeners:
                    listener(*change)

    def on_rollback(self, undo: Callable[[], None]) -> None:
        """Remember how to undo a write that was just made; outside a transaction writes stand at once."""
        if self._undo is not None:
            self._undo.append(undo)

    def changed(self, table: str, row: Row, kind: str) -> None:
        """Tell the listeners, at commit."""
        if self._undo is not None:
            self._changes.append((table, row, kind))
            return
        for listener in self.listeners:
            listener(table, row, kind)

    def snapshot(self) -> dict[str, list[Row]]:
        """A backup: copies of all rows."""
        return {name: [copy.deepcopy(row) for row in table] for name, table in self.tables.items()}

    def restore(self, backup: dict[str, list[Row]]) -> None:
        """Back to a backup, as an administrator restores a database."""
        for name, table in self.tables.items():
            table.replace([copy.deepcopy(row) for row in backup[name]])
        self.reseed()


@dataclass(frozen=True)
class _Place:
    """Where a row stands in a table: by key, by change time, in each index."""

    key: Any
    modified: datetime
    indexed: tuple[Any, ...]


class Table(Generic[R]):
    """Rows of one kind by id, by unique key (which is also their order), by change time and by further indexes."""

    def __init__(
        self,
        store: Store,
        name: str,
        key: Callable[[R], Any],
        label: Callable[[R], str] | None = None,
        **indexes: Callable[[R], Any],
    ) -> None:
        self.name = name
        self.key = key
        self._label = label or (lambda row: f"No.='{key(row)}'")
        self._store = store
        self._of = tuple(indexes.values())
        self._indexes: dict[str, dict[Any, dict[str, R]]] = {index: {} for index in indexes}
        self._clear()
        store.tables[name] = self

    def _clear(self) -> None:
        self._rows: dict[str, R] = {}
        self._by_key: dict[Any, R] = {}
        self._keys: list[Any] = []
        self._times: list[tuple[datetime, str]] = []
        for groups in self._indexes.values():
            groups.clear()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[R]:
        return (self._by_key[key] for key in self._keys)

    def get(self, identity: str) -> R | None:
        """By id."""
        return self._rows.get(identity.lower())

    def find(self, key: Any) -> R | None:
        """By unique key."""
        return self._by_key.get(key)

    def where(self, index: str, value: Any) -> list[R]:
        """Rows of an index value, in key order."""
        return sorted(self._indexes[index].get(value, {}).values(), key=self.key)

    def last(self) -> R | None:
        """The row with the highest key."""
        return self._by_key[self._keys[-1]] if self._keys else None

    def after(self, key: Any, *, inclusive: bool = False) -> Iterator[R]:
        """Rows beyond a key, in order."""
        cut = bisect.bisect_left if inclusive else bisect.bisect_right
        return (self._by_key[k] for k in self._keys[cut(self._keys, key) :])

    def since(self, moment: datetime, identity: str = "") -> Iterator[R]:
        """Rows written at or after a moment, oldest first, ties by id; those after ``identity`` within the moment."""
        start = bisect.bisect_right(self._times, (moment, identity))
        return (self._rows[one] for _, one in self._times[start:])

    def insert(self, row: R) -> R:
        """Add; a taken key is refused."""
        if self.key(row) in self._by_key:
            raise Refusal("same_key", table=self.name, key=self._label(row))
        row.id = row.id or self._store.new_id()
        row.created = row.modified = self._store.stamp()
        row.version = 1
        self._link(row, self._place(row))
        self._store.on_rollback(lambda: self._unlink(row, self._place(row)))
        self._store.changed(self.name, row, "created")
        return row

    def change(self, row: R, *, touch: bool = True, quiet: bool = False, **values: Any) -> R:
        """Write fields. Without ``touch`` the stamp stays; ``quiet`` is for computed values: no version, no webhook."""
        before = {name: getattr(row, name) for name in values}
        before.update(modified=row.modified, version=row.version)
        after = dict(values)
        if not quiet:
            after["version"] = row.version + 1
            if touch:
                after["modified"] = self._store.stamp()
        self._write(row, after)
        self._store.on_rollback(lambda: self._write(row, before))
        if not quiet:
            self._store.changed(self.name, row, "updated")
        return row

    def remove(self, row: R) -> None:
        """Delete."""
        self._unlink(row, self._place(row))
        self._store.on_rollback(lambda: self._link(row, self._place(row)))
        self._store.changed(self.name, row, "deleted")

    def replace(self, rows: list[R]) -> None:
        """Exactly these rows, with their ids and stamps."""
        self._clear()
        for row in rows:
            self._link(row, self._place(row))

    def _place(self, row: R) -> _Place:
        return _Place(self.key(row), row.modified, tuple(of(row) for of in self._of))

    def _write(self, row: R, values: dict[str, Any]) -> None:
        before, kept = self._place(row), {name: getattr(row, name) for name in values}
        for name, value in values.items():
            setattr(row, name, value)
        after = self._place(row)
        if after == before:
            return
        if after.key != before.key and after.key in self._by_key:
            label = self._label(row)
            for name, value in kept.items():
                setattr(row, name, value)
            raise Refusal("same_key", table=self.name, key=label)
        self._unlink(row, before)
        self._link(row, after)

    def _link(self, row: R, place: _Place) -> None:
        self._rows[row.id] = row
        self._by_key[place.key] = row
        bisect.insort(self._keys, place.key)
        bisect.insort(self._times, (place.modified, row.id))
        for groups, value in zip(self._indexes.values(), place.indexed, strict=True):
            groups.setdefault(value, {})[row.id] = row

    def _unlink(self, row: R, place: _Place) -> None:
        del self._rows[row.id]
        del self._by_key[place.key]
        del self._keys[bisect.bisect_left(self._keys, place.key)]
        del self._times[bisect.bisect_left(self._times, (place.modified, row.id))]
        for groups, value in zip(self._indexes.values(), place.indexed, strict=True):
            del groups[value][row.id]
            if not groups[value]:
                del groups[value]
