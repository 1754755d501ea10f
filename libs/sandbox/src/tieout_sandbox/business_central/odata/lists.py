"""Lists: filtered, ordered and cut into pages, using a table's indexes where the filter allows."""

import base64
import bisect
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import total_ordering
from typing import Any

from tieout_sandbox.business_central.odata.filters import Filter
from tieout_sandbox.business_central.odata.query import Options, Page
from tieout_sandbox.business_central.odata.sets import EntitySet, Scope
from tieout_sandbox.business_central.refusals import Refusal

Order = list[tuple[str, bool]]


def candidates(entity_set: EntitySet, scope: Scope, wanted: Filter | None) -> Iterable[Any]:
    """The fewest rows known to hold every match, in key order or, from the change index, in change order."""
    if entity_set.table is None or entity_set.source is not None:
        return entity_set.source(scope) if entity_set.source else ()
    table = entity_set.table(scope.books)
    for bound in wanted.bounds if wanted else ():
        if bound.field == entity_set.key_field and bound.operator == "eq":
            row = entity_set.get(scope, bound.value) if entity_set.get else table.get(str(bound.value))
            return [row] if row is not None else []
        if bound.field == entity_set.number_field and bound.operator == "eq":
            row = table.find(bound.value)
            return [row] if row is not None else []
        if bound.field == entity_set.number_field and bound.operator in ("gt", "ge"):
            return table.after(bound.value, inclusive=bound.operator == "ge")
        if bound.field == entity_set.change_field and bound.operator in ("gt", "ge"):
            return table.since(bound.value)
    return table


def page(entity_set: EntitySet, scope: Scope, options: Options, limit: int) -> Page:
    """One page of a list of at most ``limit`` rows."""
    options.check()
    wanted = options.filter(entity_set.type)
    scope = scope.filtered(wanted)
    order = options.orderby(entity_set.type)
    rows = [row for row in candidates(entity_set, scope, wanted) if _visible(entity_set, scope, row, wanted)]
    count = len(rows) if options.get("$count") == "true" else None
    sorter = _Sorter(entity_set, scope, order)
    rows = sorter.sorted(rows, by_time=bool(wanted and any(b.field == entity_set.change_field for b in wanted.bounds)))
    token = options.get("$skiptoken")
    if token is not None:
        rows = rows[sorter.position(rows, token) :]
    rows = rows[options.number("$skip") or 0 :] if token is None else rows
    return _cut(rows, count, options.number("$top"), limit, sorter)


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

    def sorted(self, rows: list[Any], *, by_time: bool) -> list[Any]:
        if self.order:
            return sorted(rows, key=self._key)
        if by_time and self.entity_set.table is not None and self.entity_set.source is None:
            return sorted(rows, key=self.entity_set.table(self.scope.books).key)
        return rows

    def token(self, row: Any) -> str:
        identity = self.entity_set.key(row)
        if not self.order:
            return identity
        values = [_pack(self._get(name, row)) for name, _ in self.order]
        return base64.urlsafe_b64encode(json.dumps([values, identity]).encode()).decode().rstrip("=")

    def position(self, rows: list[Any], token: str) -> int:
        """The index after the token's place; a place that is gone makes an unordered token invalid."""
        if self.scope.switches.get("skiptokens_expired"):
            raise Refusal("bad_skiptoken")
        if not self.order:
            return self._position_of(rows, token)
        try:
            values, identity = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            place = (*(_Side(_unpack(v), desc) for v, (_, desc) in zip(values, self.order, strict=True)), identity)
        except (ValueError, TypeError) as error:
            raise Refusal("bad_skiptoken") from error
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
