"""Lists: filtered, ordered and cut into pages, using a table's indexes where the filter allows."""

import base64
import bisect
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import total_ordering
from itertools import islice
from typing import Any

from tieout_sandbox.business_central.books.store import BEGINNING
from tieout_sandbox.business_central.odata.filters import Bound, Filter
from tieout_sandbox.business_central.odata.query import Options, Page
from tieout_sandbox.business_central.odata.sets import EntitySet, Scope
from tieout_sandbox.business_central.refusals import Refusal

Order = list[tuple[str, bool]]


@dataclass(frozen=True)
class _Rows:
    """Candidates, and whether they come in the wanted order and from the token's place on."""

    rows: Iterable[Any]
    ordered: bool
    placed: bool


def page(entity_set: EntitySet, scope: Scope, options: Options, limit: int) -> Page:
    """One page of a list of at most ``limit`` rows."""
    options.check()
    wanted, token = options.filter(entity_set.type), options.get("$skiptoken")
    scope = scope.filtered(wanted)
    if token is not None and scope.switches.get("skiptokens_expired"):
        raise Refusal("bad_skiptoken")
    sorter = _Sorter(entity_set, scope, options.orderby(entity_set.type))
    found = _candidates(sorter, wanted, token)
    rows = (row for row in found.rows if _visible(entity_set, scope, row, wanted))
    top, skip = options.number("$top"), (options.number("$skip") or 0) if token is None else 0
    counting = options.get("$count") == "true"
    if found.ordered and (found.placed or token is None) and not counting:
        return _cut(list(islice(rows, skip, skip + limit + 1)), None, top, limit, sorter)
    whole = list(rows) if found.ordered else sorter.sorted(rows)
    start = sorter.position(whole, token) if token is not None and not found.placed else skip
    return _cut(whole[start:], len(whole) if counting else None, top, limit, sorter)


def _candidates(sorter: "_Sorter", wanted: Filter | None, token: str | None) -> _Rows:
    """The fewest rows known to hold every match."""
    entity_set, scope = sorter.entity_set, sorter.scope
    if entity_set.table is None or entity_set.source is not None:
        rows = entity_set.source(scope) if entity_set.source else ()
        return _Rows(rows, ordered=not sorter.order, placed=False)
    table, bounds = entity_set.table(scope.books), wanted.bounds if wanted else ()
    for bound in bounds:
        if bound.operator == "eq" and bound.field in (entity_set.key_field, entity_set.number_field):
            return _Rows(_named(sorter, bound), ordered=True, placed=False)
    since = max((b.value for b in bounds if _starts(b, entity_set.change_field)), default=None)
    if sorter.order == [(entity_set.change_field, False)]:
        return _Rows(_by_time(sorter, since, token), ordered=True, placed=True)
    if since is not None or sorter.order:
        return _Rows(table if since is None else table.since(since), ordered=False, placed=False)
    return _Rows(_by_key(sorter, bounds, token), ordered=True, placed=True)


def _by_key(sorter: "_Sorter", bounds: tuple[Bound, ...], token: str | None) -> Iterable[Any]:
    """Rows in key order, from the token's place or the filter's lower bound on."""
    entity_set = sorter.entity_set
    table = entity_set.table(sorter.scope.books) if entity_set.table else None
    if table is None:
        return ()
    if token is not None:
        return table.after(table.key(sorter.row_of(token)))
    first = max((b.value for b in bounds if _starts(b, entity_set.number_field)), default=None)
    return table if first is None else table.after(first, inclusive=True)


def _starts(bound: Bound, field: str) -> bool:
    return bound.field == field and bound.operator in ("gt", "ge") and bound.value is not None


def _named(sorter: "_Sorter", bound: Bound) -> list[Any]:
    """The row of a key or number."""
    entity_set, scope = sorter.entity_set, sorter.scope
    table = entity_set.table(scope.books) if entity_set.table else None
    if table is None:
        return []
    if bound.field == entity_set.number_field:
        row = table.find(bound.value)
    else:
        row = entity_set.get(scope, bound.value) if entity_set.get else table.get(str(bound.value))
    return [] if row is None else [row]


def _by_time(sorter: "_Sorter", since: datetime | None, token: str | None) -> Iterable[Any]:
    """Rows in change order, from the token's place if there is one."""
    table = sorter.entity_set.table(sorter.scope.books) if sorter.entity_set.table else None
    if table is None:
        return ()
    if token is None:
        return table.since(since or BEGINNING)
    values, identity = sorter.read(token)
    return table.since(values[0], identity)


def _visible(entity_set: EntitySet, scope: Scope, row: Any, wanted: Filter | None) -> bool:
    if entity_set.hidden is not None and entity_set.hidden(scope, row):
        return False
    return wanted is None or wanted.matches(row, scope.books)


def _cut(rows: list[Any], count: int | None, top: int | None, limit: int, sorter: "_Sorter") -> Page:
    if top is not None and top <= limit:
        return Page(rows[:top], count)
    more = len(rows) > limit
    kept = rows[:limit]
    if not more:
        return Page(kept, count)
    return Page(kept, count, sorter.token(kept[-1]), None if top is None else top - limit)


@dataclass(frozen=True)
class _Sorter:
    """The order of a list and how a skip token marks a place in it."""

    entity_set: EntitySet
    scope: Scope
    order: Order

    def sorted(self, rows: Iterable[Any]) -> list[Any]:
        """In the wanted order, else in that of the table's key."""
        if self.order or self.entity_set.table is None:
            return sorted(rows, key=self._key)
        return sorted(rows, key=self.entity_set.table(self.scope.books).key)

    def token(self, row: Any) -> str:
        """What marks the place after a row."""
        identity = self.entity_set.key(row)
        if not self.order:
            return identity
        values = [_pack(self._get(name, row)) for name, _ in self.order]
        return base64.urlsafe_b64encode(json.dumps([values, identity]).encode()).decode().rstrip("=")

    def read(self, token: str) -> tuple[list[Any], str]:
        """Values and key of the row a token of an ordered list was made from."""
        try:
            values, identity = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            read = [_unpack(value) for value in values]
        except (ValueError, TypeError, KeyError) as error:
            raise Refusal("bad_skiptoken") from error
        if len(read) != len(self.order):
            raise Refusal("bad_skiptoken")
        return read, str(identity)

    def row_of(self, token: str) -> Any:
        """The row a token of a list in key order was made from; without it the token is no longer valid."""
        entity_set, scope = self.entity_set, self.scope.by_key()
        table = entity_set.table(scope.books) if entity_set.table else None
        row = entity_set.get(scope, token) if entity_set.get else (table.get(token) if table is not None else None)
        if row is None:
            raise Refusal("bad_skiptoken")
        return row

    def position(self, rows: list[Any], token: str) -> int:
        """The index after the token's place."""
        if not self.order:
            return self._position_of(rows, token)
        values, identity = self.read(token)
        place = (*(_Side(value, desc) for value, (_, desc) in zip(values, self.order, strict=True)), identity)
        return bisect.bisect_right([self._key(row) for row in rows], place)

    def _position_of(self, rows: list[Any], token: str) -> int:
        key = self.entity_set.key
        for index, row in enumerate(rows):
            if key(row) == token:
                return index + 1
        raise Refusal("bad_skiptoken")

    def _get(self, name: str, row: Any) -> Any:
        return self.entity_set.type.fields[name].get(row, self.scope.books)

    def _key(self, row: Any) -> tuple[Any, ...]:
        return (*(_Side(self._get(name, row), desc) for name, desc in self.order), self.entity_set.key(row))


@total_ordering
class _Side:
    """A value in a sort key: empty first, turned round where the order descends."""

    __slots__ = ("descending", "value")

    def __init__(self, value: Any, descending: bool) -> None:  # noqa: FBT001  one flag of a value object
        self.value = (value is not None, value if value is not None else 0)
        self.descending = descending

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Side) and self.value == other.value

    def __lt__(self, other: "_Side") -> bool:
        return bool(other.value < self.value) if self.descending else bool(self.value < other.value)

    def __hash__(self) -> int:
        return hash(self.value)


def _pack(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return value


def _unpack(packed: Any) -> Any:
    if not isinstance(packed, dict):
        return packed
    ((kind, text),) = packed.items()
    readers: dict[str, Any] = {"time": datetime.fromisoformat, "date": date.fromisoformat, "decimal": Decimal}
    return readers[kind](text)
