"""Reading one JSON object of Business Central, with a path for every complaint.

The service never leaves a declared field out and never sends null: empty text is ``""``, an empty date ``0001-01-01``,
an empty reference a GUID of zeros, an option's name is escaped where XML would not allow it. A missing field therefore
means that the document is not what it claims to be.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from tieout.domain.money import decimal_of
from tieout.domain.records import ReadContext
from tieout_connectors.spi.wire import Unreadable

NO_ID: Final = "00000000-0000-0000-0000-000000000000"
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
Choice = TypeVar("Choice")


def unescaped(name: str) -> str:
    """An option's name as people know it: ``Credit_x0020_Memo`` is ``Credit Memo``, ``_x0020_`` a blank."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), name)


class Fields:
    """One JSON object and where it stands."""

    def __init__(self, raw: object, path: str = "") -> None:
        if not isinstance(raw, Mapping):
            raise Unreadable(path, f"an object was expected, not {_kind(raw)}")
        self.raw: Mapping[str, Any] = raw
        self._path = path

    def at(self, key: str) -> str:
        """The path of one of its fields."""
        return f"{self._path}.{key}" if self._path else key

    def has(self, key: str) -> bool:
        """Whether the field is there with a value: servers of different age have different fields."""
        return self.raw.get(key) is not None

    def text(self, key: str) -> str:
        """Text as it stands; ``""`` where it is empty or where this server does not have the field."""
        value = self.raw.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Unreadable(self.at(key), f"text was expected, not {_kind(value)}")
        return value

    def needed(self, key: str) -> str:
        """Text that must be there and must not be blank."""
        value = self.text(key)
        if not value.strip():
            raise Unreadable(self.at(key), "missing")
        return value

    def reference(self, key: str) -> str:
        """A GUID in small letters, ``""`` for the one of zeros."""
        value = self.text(key).strip("{}").lower()
        return "" if value == NO_ID else value

    def needed_reference(self, key: str) -> str:
        """A GUID that must not be the one of zeros."""
        value = self.reference(key)
        if not value:
            raise Unreadable(self.at(key), "missing")
        return value

    def amount(self, key: str) -> Decimal:
        """An exact number that must be there. A float is refused: it has already lost digits."""
        value = self.raw.get(key)
        if value is None or value == "":
            raise Unreadable(self.at(key), "missing")
        if not isinstance(value, int | Decimal | str):
            raise Unreadable(self.at(key), f"an exact number was expected, not {_kind(value)}")
        try:
            return decimal_of(value)
        except (ValueError, TypeError) as error:
            raise Unreadable(self.at(key), "not a finite number") from error

    def whole(self, key: str) -> int:
        """A whole number that must be there."""
        value = self.amount(key)
        if value != value.to_integral_value():
            raise Unreadable(self.at(key), "a whole number was expected")
        return int(value)

    def flag(self, key: str) -> bool:
        """True or false, which must be there."""
        value = self.raw.get(key)
        if not isinstance(value, bool):
            raise Unreadable(
                self.at(key), "missing" if value is None else f"true or false was expected, not {_kind(value)}"
            )
        return value

    def day(self, key: str) -> date | None:
        """A date without time; None for the empty date."""
        value = self.text(key)
        if not value or value.startswith("0001-01-01"):
            return None
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise Unreadable(self.at(key), "not a date") from error

    def needed_day(self, key: str) -> date:
        """A date that must not be the empty one."""
        value = self.day(key)
        if value is None:
            raise Unreadable(self.at(key), "missing")
        return value

    def moment(self, key: str) -> datetime | None:
        """A point in time in UTC; None for the empty one."""
        value = self.text(key)
        if not value or value.startswith("0001-01-01"):
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise Unreadable(self.at(key), "not a time") from error
        if moment.tzinfo is None:
            raise Unreadable(self.at(key), "a time without an offset")
        return moment.astimezone(UTC)

    def option(self, key: str, members: Mapping[str, Choice]) -> Choice:
        """A member of an option, looked up by its name as people know it; an unknown one is unreadable."""
        name = unescaped(self.text(key)).strip().lower()
        if name not in members:
            known = ", ".join(repr(member) for member in members)
            raise Unreadable(self.at(key), f"an unknown option; known are {known}")
        return members[name]

    def currency(self, key: str, context: ReadContext) -> str:
        """The ISO 4217 code of a currency; of the ledger's own where the field is blank."""
        try:
            return context.iso(self.text(key))
        except ValueError as error:
            raise Unreadable(self.at(key), "no ISO 4217 code is known for it; name it in the connection") from error

    def inner(self, key: str) -> "Fields | None":
        """An object inside, None if there is none."""
        value = self.raw.get(key)
        return None if value is None else Fields(value, self.at(key))

    def needed_inner(self, key: str) -> "Fields":
        """An object that must be there."""
        value = self.inner(key)
        if value is None:
            raise Unreadable(self.at(key), "missing")
        return value

    def items(self, key: str) -> Iterator["Fields"]:
        """The objects of a list that must be there."""
        value = self.raw.get(key)
        if not isinstance(value, list | tuple):
            raise Unreadable(self.at(key), "missing" if value is None else f"a list was expected, not {_kind(value)}")
        for number, one in enumerate(value):
            yield Fields(one, f"{self.at(key)}[{number}]")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a float"}
    return names.get(type(value), type(value).__name__)
