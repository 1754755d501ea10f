"""Reading one JSON object with a path for every complaint, and writing JSON with exact decimals.

BILL leaves unpopulated fields out instead of sending null, so an absent field, null and ``""`` read the same.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from json import dumps
from typing import Any, TypeVar

from tieout.domain.money import decimal_of
from tieout_connectors.spi.wire import Unreadable

Choice = TypeVar("Choice", bound=StrEnum)


class Fields:
    """One JSON object and where it stands."""

    def __init__(self, raw: object, path: str) -> None:
        if not isinstance(raw, Mapping):
            raise Unreadable(path, f"an object was expected, not {_kind(raw)}")
        self._raw: Mapping[str, Any] = raw
        self.path = path

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}"

    def has(self, key: str) -> bool:
        """Whether there is a value."""
        return self._raw.get(key) is not None

    def text(self, key: str) -> str:
        """Text, ``""`` if absent. A whole number is taken as its digits: BILL sends some numbers where text is due."""
        value = self._raw.get(key)
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise Unreadable(self._at(key), f"text was expected, not {_kind(value)}")
        return value

    def needed(self, key: str) -> str:
        """Text that must be there."""
        value = self.text(key)
        if not value:
            raise Unreadable(self._at(key), "missing")
        return value

    def amount(self, key: str) -> Decimal | None:
        """An exact number, None if absent. A float means that the JSON was not parsed exactly and is refused."""
        value = self._raw.get(key)
        if value is None:
            return None
        if not isinstance(value, int | Decimal | str):
            raise Unreadable(self._at(key), f"an exact number was expected, not {_kind(value)}")
        try:
            return decimal_of(value)
        except (ValueError, TypeError) as error:
            raise Unreadable(self._at(key), "not a number") from error

    def needed_amount(self, key: str) -> Decimal:
        """An exact number that must be there."""
        value = self.amount(key)
        if value is None:
            raise Unreadable(self._at(key), "missing")
        return value

    def whole(self, key: str) -> int | None:
        """A whole number, None if absent."""
        value = self.amount(key)
        if value is None:
            return None
        if value != value.to_integral_value():
            raise Unreadable(self._at(key), "a whole number was expected")
        return int(value)

    def flag(self, key: str) -> bool | None:
        """True or false, None if absent."""
        value = self._raw.get(key)
        if value is not None and not isinstance(value, bool):
            raise Unreadable(self._at(key), f"true or false was expected, not {_kind(value)}")
        return value

    def day(self, key: str) -> date | None:
        """A date without time. REST sends a date, webhooks a date-time at midnight: its own date, never shifted."""
        value = self.text(key)
        if not value:
            return None
        head, mark, tail = value.partition("T")
        try:
            day = date.fromisoformat(head)
            if mark:
                datetime.fromisoformat(f"{head}T{tail}")
        except ValueError as error:
            raise Unreadable(self._at(key), "not a date") from error
        return day

    def moment(self, key: str) -> datetime | None:
        """A point in time in UTC, None if absent."""
        value = self.text(key)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise Unreadable(self._at(key), "not a time") from error
        if moment.tzinfo is None:
            raise Unreadable(self._at(key), "a time without an offset")
        return moment.astimezone(UTC)

    def choice(self, key: str, among: type[Choice], unknown: Choice) -> Choice:
        """A member of a list that BILL may lengthen: what is absent or not known yet reads as ``unknown``."""
        value = self.text(key)
        return among(value) if value in among.__members__.values() else unknown

    def inner(self, key: str) -> "Fields":
        """An object inside, an empty one if absent."""
        value = self._raw.get(key)
        return Fields({} if value is None else value, self._at(key))

    def items(self, key: str) -> Iterator["Fields"]:
        """The objects of a list inside, none if absent."""
        value = self._raw.get(key)
        yield from () if value is None else rows(value, self._at(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list inside, none if absent."""
        value = self._raw.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Unreadable(self._at(key), "a list of texts was expected")
        return tuple(value)


def rows(raw: object, path: str) -> Iterator[Fields]:
    """The objects of a bare list."""
    if not isinstance(raw, list):
        raise Unreadable(path, f"a list was expected, not {_kind(raw)}")
    for number, one in enumerate(raw):
        yield Fields(one, f"{path}[{number}]")


def filled(**values: Any) -> dict[str, Any]:
    """An object of the values that are there; absent ones are left out, as BILL does itself."""
    return {key: value for key, value in values.items() if value not in (None, "", {}, [], ())}


def encode(value: Any) -> bytes:
    """JSON without blanks, a Decimal as a number with exactly its digits.

    Raises:
        TypeError: for a float, which has no exact digits, and for what JSON has no form for.
    """
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError(f"{value} is no number of JSON")
        return format(value, "f")
    if value is None or isinstance(value, bool | int | str):
        return dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{dumps(str(key))}:{_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, date) and not isinstance(value, datetime):
        return dumps(value.isoformat())
    raise TypeError(f"cannot write a {type(value).__name__} as JSON")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a float"}
    return names.get(type(value), type(value).__name__)
