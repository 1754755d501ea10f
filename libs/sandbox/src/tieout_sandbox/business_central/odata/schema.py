"""Entity types: their fields, how a field is shown, and how a value of a request is read.

A type is written as a table, one field a line: name, kind, flags. Kinds: ``guid``, ``text<n>``, ``code<n>``
(upper-case, compared without case), ``date``, ``time``, ``decimal``, ``int``, ``bool``, ``enum`` (members given
apart), ``stream``. Flags: ``R`` read-only, ``X`` cannot be filtered on.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tieout_sandbox.business_central.odata import values
from tieout_sandbox.business_central.refusals import Refusal

Getter = Callable[[Any, Any], Any]
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_KIND = re.compile(r"([a-z]+)(\d*)")


@dataclass(frozen=True)
class Field:
    """One property. ``get(row, books)`` gives the stored value: str, date, datetime, Decimal, int, bool or None."""

    name: str
    kind: str
    get: Getter
    limit: int = 0
    read_only: bool = False
    filterable: bool = True
    members: tuple[str, ...] = ()

    def show(self, value: Any) -> Any:
        """The value in JSON."""
        shower = _SHOW.get(self.kind)
        return shower(value) if shower else value

    def read(self, value: Any) -> Any:
        """A value of a request body as it is stored; a Refusal says what is wrong with it."""
        try:
            return self._reader()(value)
        except (ValueError, InvalidOperation, TypeError) as error:
            raise Refusal("bad_value", type=_EDM[self.kind], value=value, field=self.name) from error

    def _reader(self) -> Callable[[Any], Any]:
        if self.kind in ("text", "code"):
            return self._read_text
        if self.kind == "enum":
            return self._read_enum
        return _READ[self.kind]

    def _read_text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError("not a text")
        text = value.strip().upper() if self.kind == "code" else value
        if self.limit and len(text) > self.limit:
            raise Refusal("too_long", length=len(text), limit=self.limit, value=value)
        return text

    def _read_enum(self, value: Any) -> str:
        member = values.unescape(str(value)) or " "
        if member not in self.members:
            options = ",".join(self.members)
            raise Refusal("bad_option", value=value, options=options)
        return member


def _read_guid(value: Any) -> str:
    if not isinstance(value, str) or not _GUID.fullmatch(value):
        raise TypeError("not a guid")
    return value.lower()


def _read_number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise TypeError("not a number")
    return Decimal(str(value))


def _read_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("not an integer")
    return value


def _read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not a boolean")
    return value


def _read_day(value: Any) -> date | None:
    if not isinstance(value, str):
        raise TypeError("not a date")
    return values.read_date(value)


def _read_moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise TypeError("not a time")
    return values.read_time(value)


def _show_guid(value: Any) -> Any:
    return value or values.ZERO_GUID


_SHOW: dict[str, Callable[[Any], Any]] = {
    "guid": _show_guid,
    "date": values.show_date,
    "time": values.show_time,
    "decimal": values.show_number,
    "enum": values.escape,
}
_READ: dict[str, Callable[[Any], Any]] = {
    "guid": _read_guid,
    "date": _read_day,
    "time": _read_moment,
    "decimal": _read_number,
    "int": _read_int,
    "bool": _read_bool,
}
_EDM = {
    "guid": "Guid",
    "date": "Date",
    "time": "DateTimeOffset",
    "decimal": "Decimal",
    "int": "Int32",
    "bool": "Boolean",
    "text": "String",
    "code": "String",
    "enum": "String",
    "stream": "Stream",
}


@dataclass(frozen=True)
class EntityType:
    """A named set of fields; ``shown`` are those a plain GET prints, streams as their read link."""

    name: str
    fields: dict[str, Field]
    shown: tuple[Field, ...] = field(default=())

    def field(self, name: str) -> Field:
        """The field, or the 400 of an unknown name in a query."""
        found = self.fields.get(name)
        if found is None:
            raise Refusal("no_property", field=name, type=self.name)
        return found

    def read_body(self, body: dict[str, Any], deep: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The stored values of a request body, in the body's order; ``deep`` properties are handed through."""
        read: dict[str, Any] = {}
        for name, value in body.items():
            if name.startswith("@") or "@" in name:
                continue
            if name in deep:
                read[name] = value
                continue
            known = self.fields.get(name)
            if known is None:
                raise Refusal("unknown_property", field=name, type=self.name)
            if known.read_only or known.kind == "stream":
                raise Refusal("read_only", field=name)
            read[name] = known.read(value)
        return read


def snake(name: str) -> str:
    """``addressLine1`` is ``address_line1``."""
    return _HUMP.sub(r"_\1", name).lower()


def attribute(name: str) -> Getter:
    """A getter of a row's attribute."""
    return lambda row, _books: getattr(row, name)


def entity(
    name: str,
    table: str,
    members: Mapping[str, tuple[str, ...]] | None = None,
    getters: Mapping[str, Getter] | None = None,
) -> EntityType:
    """A type from its table; a field without a getter is the row's attribute of the same name in snake case."""
    fields: dict[str, Field] = {}
    for line in table.strip().splitlines():
        label, kind, *flags = line.split()
        matched = _KIND.fullmatch(kind)
        if matched is None:
            raise ValueError(f"{name}.{label}: unknown kind {kind!r}")
        get = (getters or {}).get(label) or attribute(snake(label))
        fields[label] = Field(
            label,
            matched.group(1),
            get,
            int(matched.group(2) or 0),
            "R" in "".join(flags),
            "X" not in "".join(flags),
            (members or {}).get(label, ()),
        )
    shown = tuple(one for one in fields.values() if one.kind != "stream")
    return EntityType(name, fields, shown)
