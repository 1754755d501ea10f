"""Rows with the indices that BILL's lists need."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# How many earlier versions of a row a lagging list can still show.
MAX_EARLIER = 8


@dataclass
class Row:
    """One record. ``fields`` has BILL's own names, amounts are Decimal, times are UTC in whole milliseconds."""

    id: str
    fields: dict[str, Any]
    created: datetime
    updated: datetime
    archived: bool = False
    created_by: str = ""
    earlier: list["Row"] = field(default_factory=list)

    def value(self, path: str) -> Any:
        """A property by its dotted path, None if it is not there."""
        own = {"id": self.id, "archived": self.archived, "createdTime": self.created, "updatedTime": self.updated}
        if path in own:
            return own[path]
        value: Any = self.fields
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


class Collection:
    """All rows of one kind of one organization."""

    def __init__(self, indexed: tuple[str, ...] = ()) -> None:
        self._rows: dict[str, Row] = {}
        self._by_value: dict[str, dict[Any, dict[str, None]]] = {name: {} for name in indexed}
        self._by_time: dict[str, list[tuple[datetime, str]]] = {"createdTime": [], "updatedTime": []}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def get(self, row_id: str) -> Row | None:
        """A row by its id, exactly as it is written."""
        return self._rows.get(row_id)

    def add(self, row: Row) -> Row:
        """Store a new row."""
        if row.id in self._rows:
            raise ValueError(f"there is a row {row.id} already")
        self._rows[row.id] = row
        self._enter(row)
        return row

    def change(self, row: Row, now: datetime | None, alter: Callable[[Row], None], *, keep: bool = False) -> None:
        """Alter a row and keep the indices right; ``now`` becomes its updated time unless None.

        ``keep`` remembers how it was, for lists that lag behind.
        """
        if keep:
            row.earlier = [*row.earlier, snapshot(row)][-MAX_EARLIER:]
        self._leave(row)
        alter(row)
        if now is not None:
            row.updated = max(now, row.created)
        self._enter(row)

    def remove(self, row: Row) -> None:
        """Forget a row."""
        self._leave(row)
        del self._rows[row.id]

    def indexed(self, path: str) -> bool:
        """Whether rows can be found by the value of this property without looking at all of them."""
        return path in self._by_value

    def having(self, path: str, values: Iterable[Any]) -> list[Row]:
        """The rows with one of these values in an indexed property."""
        found: dict[str, None] = {}
        for value in values:
            found.update(self._by_value[path].get(value, {}))
        return [self._rows[row_id] for row_id in found]

    def in_time(
        self, path: str, first: tuple[datetime, str] | None, last: datetime | None, *, backwards: bool = False
    ) -> Iterator[Row]:
        """Rows in the order of their created or updated time and id, between two ends, both included."""
        index = self._by_time[path]
        low = bisect_left(index, first) if first else 0
        high = bisect_right(index, (last, "\U0010ffff")) if last else len(index)
        span = range(high - 1, low - 1, -1) if backwards else range(low, high)
        for at in span:
            yield self._rows[index[at][1]]

    def _enter(self, row: Row) -> None:
        for path, index in self._by_value.items():
            index.setdefault(row.value(path), {})[row.id] = None
        for path, times in self._by_time.items():
            insort(times, (row.value(path), row.id))

    def _leave(self, row: Row) -> None:
        for path, index in self._by_value.items():
            same = index[row.value(path)]
            del same[row.id]
            if not same:
                del index[row.value(path)]
        for path, times in self._by_time.items():
            del times[bisect_left(times, (row.value(path), row.id))]


def snapshot(row: Row) -> Row:
    """The row as it is now, untouched by what happens to it later."""
    return Row(row.id, deepcopy(row.fields), row.created, row.updated, row.archived, row.created_by)
