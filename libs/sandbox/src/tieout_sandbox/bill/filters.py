"""The ``filters`` and ``sort`` parameters of BILL's lists.

Strict where the pages are clear: date-times, ``in``/``nin`` lists and ``sw`` values stand in double quotes, plain
values do not; a comma, colon or quote inside a plain value has no escape and is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.store import Row
from tieout_sandbox.bill.times import read_day, read_moment


class As(Enum):
    """How a filter's value is read."""

    TEXT = "text"
    FLAG = "flag"
    NUMBER = "number"
    DAY = "day"
    MOMENT = "moment"


EQ = ("eq", "ne", "in")
SET = ("eq", "ne", "in", "nin")
RANGE = ("gt", "gte", "lt", "lte")

Filterable = Mapping[str, tuple[As, tuple[str, ...]]]
TIMES: Filterable = {"createdTime": (As.MOMENT, RANGE), "updatedTime": (As.MOMENT, RANGE)}
ROW: Filterable = {"id": (As.TEXT, EQ), "archived": (As.FLAG, ("eq", "ne")), **TIMES}

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value == wanted[0],
    "ne": lambda value, wanted: value != wanted[0],
    "in": lambda value, wanted: value in wanted,
    "nin": lambda value, wanted: value not in wanted,
    "gt": lambda value, wanted: value is not None and value > wanted[0],
    "gte": lambda value, wanted: value is not None and value >= wanted[0],
    "lt": lambda value, wanted: value is not None and value < wanted[0],
    "lte": lambda value, wanted: value is not None and value <= wanted[0],
    "sw": lambda value, wanted: isinstance(value, str) and value.startswith(wanted[0]),
}


@dataclass(frozen=True)
class Condition:
    """One part of a filter, read."""

    field: str
    kind: As
    operator: str
    values: tuple[Any, ...]

    def holds(self, row: Row) -> bool:
        """Whether a row passes."""
        value = row.value(self.field)
        if self.kind is As.DAY and isinstance(value, str):
            value = date.fromisoformat(value)
        if self.kind is As.FLAG:
            value = bool(value)
        return _COMPARE[self.operator](value, self.values)


def read_filters(text: str, filterable: Filterable) -> list[Condition]:
    """All conditions; the first wrong one is a Refusal."""
    return [_condition(part, filterable) for part in _parts(text)] if text else []


def read_sort(text: str, sortable: frozenset[str]) -> list[tuple[str, bool]]:
    """Fields with whether they run downwards; without any, by createdTime upwards."""
    order: list[tuple[str, bool]] = []
    for part in text.split(",") if text else []:
        name, _, direction = part.partition(":")
        if name not in sortable or direction not in ("asc", "desc"):
            raise refuse("BDC_1129", f"sort: {part!r} is not a sortable field with asc or desc")
        order.append((name, direction == "desc"))
    return order or [("createdTime", False)]


def _parts(text: str) -> list[str]:
    """Split at the commas outside double quotes."""
    parts = [""]
    quoted = False
    for sign in text:
        quoted ^= sign == '"'
        if sign == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    if quoted:
        raise refuse("BDC_1129", "filters: a double quote is not closed")
    return parts


def _condition(part: str, filterable: Filterable) -> Condition:
    name, _, rest = part.partition(":")
    operator, colon, text = rest.partition(":")
    if not colon:
        raise refuse("BDC_1129", f"filters: {part!r} is not field:operator:value")
    if name not in filterable:
        raise refuse("BDC_1130", name)
    kind, operators = filterable[name]
    if operator not in operators:
        raise refuse("BDC_1131", f"{name}:{operator}")
    quoted = len(text) >= 2 and text[0] == text[-1] == '"'
    inside = text[1:-1] if quoted else text
    if '"' in inside or quoted != _wants_quotes(kind, operator, inside):
        raise refuse("BDC_1129", f"filters: the value of {name} is not quoted as {operator} wants it")
    values = inside.split(",") if operator in ("in", "nin") else [inside]
    return Condition(name, kind, operator, tuple(_read(kind, name, value) for value in values))


def _wants_quotes(kind: As, operator: str, inside: str) -> bool:
    if kind in (As.MOMENT, As.DAY):
        # A date alone is safe either way; the pages show it both ways.
        return "T" in inside
    return operator in ("in", "nin", "sw")


def _read(kind: As, name: str, text: str) -> Any:
    try:
        if kind is As.MOMENT:
            return read_moment(text)
        if kind is As.DAY:
            return read_day(text)
        if kind is As.NUMBER:
            return Decimal(text)
        if kind is As.FLAG:
            return {"true": True, "false": False}[text]
    except (ValueError, KeyError, InvalidOperation):
        raise refuse("BDC_1129", f"filters: {text!r} is not a value for {name}") from None
    if ":" in text:
        raise refuse("BDC_1129", f"filters: the value of {name} holds a colon")
    return text


def sort_value(row: Row, name: str) -> tuple[bool, Any]:
    """Something to sort by; rows without the property come first."""
    value = row.value(name)
    return (value is not None, value if value is not None else "")
