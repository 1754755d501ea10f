"""BILL's lists: ``max``, ``page``, ``sort``, ``filters``; pages with opaque tokens.

Switches: ``paging`` is ``keyset`` (a page goes on behind the last row shown) or ``offset`` (rows that move while
somebody pages are skipped or shown twice); ``empty_pages`` ``middle`` or ``end`` gives a page without rows but with a
token; ``null_page_tokens`` prints null instead of leaving the token out; ``repeated_page_token`` never ends;
``list_lag_seconds`` hides what happened just now.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any
from uuid import uuid4

from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.filters import Condition, Filterable, read_filters, read_sort, sort_value
from tieout_sandbox.bill.store import Collection, Row, snapshot

MAX_PAGE = 100
DEFAULT_PAGE = 20
# Tokens are kept here and mean nothing outside. A client that holds one longer than this many pages starts again.
MAX_CURSORS = 20_000
TIME_FIELDS = ("createdTime", "updatedTime")


@dataclass(frozen=True)
class ListSpec:
    """What a list lets a client filter and sort by."""

    filterable: Filterable
    sortable: frozenset[str] = frozenset({"createdTime", "updatedTime"})


@dataclass(frozen=True)
class Cursor:
    """Where a page starts: behind a row (keyset) or after so many rows (offset), and how to go back."""

    sort: str
    behind: Row | None = None
    offset: int = 0
    previous: str | None = None
    empty: bool = False


@dataclass
class Cursors:
    """The page tokens given out, the oldest forgotten."""

    _given: OrderedDict[str, Cursor] = field(default_factory=OrderedDict)

    def give(self, cursor: Cursor) -> str:
        """A new opaque token."""
        token = uuid4().hex
        self._given[token] = cursor
        if len(self._given) > MAX_CURSORS:
            self._given.popitem(last=False)
        return token

    def take(self, token: str, sort: str) -> Cursor:
        """Where a token leads; one that is unknown or was given for another order is refused."""
        cursor = self._given.get(token)
        if cursor is None or cursor.sort != sort:
            raise refuse("BDC_1129", "page: the token is not one of this list")
        return cursor


@dataclass(frozen=True)
class Listing:
    """One list request, read."""

    query: Mapping[str, str]
    now: datetime
    switches: Mapping[str, Any]
    cursors: Cursors


def read_max(query: Mapping[str, str]) -> int:
    """The ``max`` parameter: 1..100, 20 if it is not given."""
    text = query.get("max", str(DEFAULT_PAGE))
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PAGE:
        raise refuse("BDC_1129", f"max: must be between 1 and {MAX_PAGE}")
    return int(text)


def page(rows: Collection, spec: ListSpec, asked: Listing, show: Callable[[Row], Any]) -> dict[str, Any]:
    """One page of a list as BILL prints it."""
    size = read_max(asked.query)
    conditions = read_filters(asked.query.get("filters", ""), spec.filterable)
    sort = asked.query.get("sort", "")
    order = read_sort(sort, spec.sortable)
    token = asked.query.get("page")
    start = asked.cursors.take(token, sort) if token is not None else Cursor(sort)
    token = token or asked.cursors.give(start)
    if start.empty:
        return _printed([], asked.cursors.give(Cursor(sort, start.behind, start.offset, token)), start, asked)
    found = _matching(rows, conditions, order, start, asked)
    if asked.switches["paging"] == "offset":
        found = islice(found, start.offset, None)
    shown = list(islice(found, size + 1))
    following = _following(shown, size, start, token, asked)
    return _printed([show(row) for row in shown[:size]], following, start, asked)


def _following(shown: list[Row], size: int, start: Cursor, token: str, asked: Listing) -> str | None:
    """The token of the next page, None at the end."""
    if asked.switches["repeated_page_token"] and start.previous is not None:
        return token
    more = len(shown) > size
    empty = asked.switches["empty_pages"]
    if not more and (empty != "end" or not shown):
        return None
    # The row as it is now: it may move before the next page is asked for.
    last = snapshot(shown[:size][-1])
    middle = empty == "middle" and start.previous is None
    return asked.cursors.give(Cursor(start.sort, last, start.offset + size, token, empty=middle))


def _printed(results: list[Any], following: str | None, start: Cursor, asked: Listing) -> dict[str, Any]:
    tokens = {"nextPage": following, "prevPage": start.previous}
    nulls = asked.switches["null_page_tokens"]
    return {"results": results, **{name: one for name, one in tokens.items() if one is not None or nulls}}


def _matching(
    rows: Collection, conditions: list[Condition], order: list[tuple[str, bool]], start: Cursor, asked: Listing
) -> Iterator[Row]:
    """The rows that pass, in order, behind the start."""
    behind = start.behind if asked.switches["paging"] == "keyset" else None
    candidates, ordered = _candidates(rows, conditions, order, behind)
    lag = timedelta(seconds=float(asked.switches["list_lag_seconds"]))
    seen = (_as_of(row, asked.now - lag) for row in candidates) if lag else candidates
    passing: Iterator[Row] = (row for row in seen if row is not None and all(one.holds(row) for one in conditions))
    if behind is not None:
        passing = (row for row in passing if _compare(row, behind, order) > 0)
    return passing if ordered else iter(_sorted(passing, order))


def _candidates(
    rows: Collection, conditions: list[Condition], order: list[tuple[str, bool]], behind: Row | None
) -> tuple[Iterator[Row], bool]:
    """The fewest rows that an index can name, and whether they come in the wanted order."""
    for condition in conditions:
        if condition.operator not in ("eq", "in"):
            continue
        if condition.field == "id":
            named = (rows.get(row_id) for row_id in dict.fromkeys(condition.values))
            return (row for row in named if row is not None), False
        if rows.indexed(condition.field):
            return iter(rows.having(condition.field, condition.values)), False
    sorted_by, backwards = order[0]
    bounded = [one for one in conditions if one.field in TIME_FIELDS and one.operator in ("gt", "gte")]
    in_order = len(order) == 1 and sorted_by in TIME_FIELDS
    path = sorted_by if in_order else next((one.field for one in bounded), "createdTime")
    first, last = _bounds(path, conditions)
    if in_order and behind is not None and not backwards:
        edge = (behind.value(path), behind.id)
        first = max(first, edge) if first else edge
    if in_order and behind is not None and backwards:
        last = min(last, behind.value(path)) if last else behind.value(path)
    return rows.in_time(path, first, last, backwards=backwards and in_order), in_order


def _bounds(path: str, conditions: list[Condition]) -> tuple[tuple[datetime, str] | None, datetime | None]:
    low = [one.values[0] for one in conditions if one.field == path and one.operator in ("gt", "gte")]
    high = [one.values[0] for one in conditions if one.field == path and one.operator in ("lt", "lte")]
    return (max(low), "") if low else None, min(high) if high else None


def _compare(one: Row, two: Row, order: list[tuple[str, bool]]) -> int:
    """Order of two rows: the wanted fields, then the id."""
    for name, backwards in order:
        first, second = sort_value(one, name), sort_value(two, name)
        if first != second:
            return -1 if (first < second) != backwards else 1
    if one.id == two.id:
        return 0
    return -1 if (one.id < two.id) != order[0][1] else 1


def _sorted(rows: Iterable[Row], order: list[tuple[str, bool]]) -> list[Row]:
    """As ``_compare`` orders them: the last field first, since sorting keeps what is equal in its order."""
    result = sorted(rows, key=lambda row: row.id, reverse=order[0][1])
    for name, backwards in reversed(order):
        result.sort(key=partial(sort_value, name=name), reverse=backwards)
    return result


def _as_of(row: Row, moment: datetime) -> Row | None:
    """The row as a lagging list still shows it, None if it was not there yet."""
    if row.created > moment:
        return None
    if row.updated <= moment:
        return row
    return next((old for old in reversed(row.earlier) if old.updated <= moment), row)
