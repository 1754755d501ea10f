"""A page of any list, and the answers about several records at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tieout_connectors.bill.wire.fields import Fields
from tieout_connectors.spi.wire import Unreadable

Read = TypeVar("Read")


@dataclass(frozen=True)
class RawPage:
    """The objects of a page, and the token of the next one, ``""`` at the end."""

    rows: tuple[Mapping[str, Any], ...]
    next: str


def read_page(raw: Any) -> RawPage:
    """A page; an empty one may name a next page all the same.

    The list of the rows must be there: a page without it is no page, and reading it as empty would hide every record.
    """
    page = Fields(raw, "page")
    rows = raw.get("results")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise Unreadable("page.results", "a list of objects was expected")
    return RawPage(tuple(rows), page.text("nextPage"))


def read_all(raw: Any, wrapper: str | None, reader: Callable[[Any], Read]) -> tuple[Read, ...]:
    """All records of an answer about several: below a name, or a bare list where there is none."""
    several = raw if wrapper is None else Fields(raw, "answer") and raw.get(wrapper)
    if not isinstance(several, list):
        raise Unreadable(f"answer.{wrapper}" if wrapper else "answer", "a list was expected")
    return tuple(reader(one) for one in several)
