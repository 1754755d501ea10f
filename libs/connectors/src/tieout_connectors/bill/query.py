"""BILL's filter language. It has no escape: a value that holds its own signs cannot be asked for.

Such a value is looked for by a safe beginning, and what comes back is compared here.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

_SIGNS: Final = re.compile(r"[,:\"\\\r\n\t]")

# A look-up is to find a record also when its end was edited in BILL ("Ltd" to "Limited"), so only the beginning is
# asked for. Shorter finds more that is compared here for nothing; the worst is a company whose vendors all begin alike.
PREFIX: Final = 12


# For polls: what is missed at the end of one is at the beginning of the next.
OLDEST_CHANGE_FIRST: Final = "updatedTime:asc"

# For look-ups: of two records that answer to one description the older is the original.
OLDEST_FIRST: Final = "createdTime:asc"


@dataclass(frozen=True)
class Filter:
    """One condition, already in BILL's form. Several are joined by AND."""

    text: str

    def __str__(self) -> str:
        return self.text


def safe_prefix(value: str, longest: int = PREFIX) -> str:
    """The beginning of a value that can be asked for, ``""`` if it begins with a sign of the language."""
    return _SIGNS.split(value.strip(), maxsplit=1)[0][:longest].strip()


def equal(field: str, value: str | date) -> Filter:
    """A field equals a plain value.

    Raises:
        ValueError: if the value holds a sign of the filter language.
    """
    text = value.isoformat() if isinstance(value, date) else value
    if not text or _SIGNS.search(text):
        raise ValueError(f"{field}: {text!r} cannot stand in a filter")
    return Filter(f"{field}:eq:{text}")


def archived(*, yes: bool) -> Filter:
    """Only records out of use, or only those in use; without it BILL lists both."""
    return Filter(f"archived:eq:{'true' if yes else 'false'}")


def among(field: str, values: tuple[str, ...]) -> Filter:
    """A field is one of some ids.

    Raises:
        ValueError: if there is none, or one holds a sign of the filter language.
    """
    if not values or any(not value or _SIGNS.search(value) for value in values):
        raise ValueError(f"{field}: {values!r} cannot stand in a filter")
    return Filter(f'{field}:in:"{",".join(values)}"')


def starts_with(field: str, prefix: str) -> Filter:
    """A text begins with a safe prefix.

    Raises:
        ValueError: if it is empty or holds a sign of the filter language.
    """
    if not prefix or _SIGNS.search(prefix):
        raise ValueError(f"{field}: {prefix!r} cannot stand in a filter")
    return Filter(f'{field}:sw:"{prefix}"')


def since(field: str, moment: datetime) -> Filter:
    """A time is at or after a moment."""
    return Filter(f'{field}:gte:"{utc_text(moment)}"')


def until(field: str, moment: datetime) -> Filter:
    """A time is at or before a moment."""
    return Filter(f'{field}:lte:"{utc_text(moment)}"')


def utc_text(moment: datetime) -> str:
    """A time in the form that BILL takes.

    Raises:
        ValueError: for a time without an offset.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without an offset cannot be asked for")
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def same_text(left: str, right: str) -> bool:
    """Whether two texts are one for a person: case and blanks do not count."""
    return " ".join(left.split()).casefold() == " ".join(right.split()).casefold()


def changes(is_archived: bool | None, updated_since: datetime | None) -> list[Filter]:  # noqa: FBT001 - three values
    """What narrows a list of changes: in use or not (None is both), and changed at or after a moment."""
    filters = [] if is_archived is None else [archived(yes=is_archived)]
    if updated_since is not None:
        filters.append(since("updatedTime", updated_since))
    return filters
