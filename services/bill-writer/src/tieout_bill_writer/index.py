"""All records of one kind of one organization, in memory: one list read once and then only what changed.

BILL cannot be asked for a number, and a renamed record is not found by its name; so the whole list is kept.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from tieout.domain.errors import Reject
from tieout_connectors.bill.errors import FILTER_REFUSED

# Read again behind the newest change seen, by BILL's own stamps: its lists may lag by seconds. Rows seen again cost a
# page per hundred, a row missed would be created twice.
OVERLAP: Final = timedelta(seconds=60)
# How old the index may be for a look before a write. Our own writes are noted at once; only what people enter by hand
# in that time is not seen, and between any look and its write there is such a time.
FRESH: Final = 20.0


class Listed(Protocol):
    """What an index needs of a record."""

    @property
    def id(self) -> str:
        """BILL's id."""
        ...

    @property
    def updated(self) -> datetime | None:
        """BILL's stamp of the last change."""
        ...


R = TypeVar("R", bound=Listed)


def plain(text: str) -> str:
    """Text as it is compared: case and blanks do not count."""
    return " ".join(text.split()).casefold()


class Index(Generic[R]):
    """Use from one event loop. ``read`` lists what changed since a moment, or all; ``keys`` is what a record has."""

    def __init__(self, read: Callable[[datetime | None], AsyncIterator[R]], keys: Callable[[R], Iterable[str]]) -> None:
        self._read = read
        self._keys = keys
        self._by_id: dict[str, R] = {}
        self._ids: dict[str, dict[str, None]] = {}
        self._newest: datetime | None = None
        self._by_changes = True
        self._as_of = float("-inf")
        self._lock = asyncio.Lock()

    async def refreshed(self, within: float = 0.0) -> None:
        """Return once a refresh is done that began after this call, or less than ``within`` seconds before it.

        Those who wait together share one. Raises what BILL's answer is classified as.
        """
        loop = asyncio.get_running_loop()
        asked = loop.time() - within
        if self._as_of >= asked and within:
            return
        async with self._lock:
            if self._as_of < asked:
                begun = loop.time()
                await self._refresh()
                self._as_of = begun

    def find(self, *keys: str) -> tuple[R, ...]:
        """Records with any of these keys, each once."""
        ids: dict[str, None] = {}
        for key in keys:
            ids |= self._ids.get(key, {})
        return tuple(self._by_id[identity] for identity in ids)

    def note(self, record: R) -> None:
        """A record as a list or an answer showed it; an older reading than the one that is there changes nothing."""
        before = self._by_id.get(record.id)
        if before is not None and before.updated and record.updated and record.updated < before.updated:
            return
        for key in () if before is None else self._keys(before):
            self._ids[key].pop(record.id, None)
            if not self._ids[key]:
                del self._ids[key]
        self._by_id[record.id] = record
        for key in self._keys(record):
            self._ids.setdefault(key, {})[record.id] = None

    async def _refresh(self) -> None:
        if self._newest is None or not self._by_changes:
            await self._take(None)
            return
        try:
            await self._take(self._newest - OVERLAP)
        except Reject as error:
            if error.code not in FILTER_REFUSED:
                raise
            self._by_changes = False
            await self._take(None)

    async def _take(self, since: datetime | None) -> None:
        newest = self._newest
        async for record in self._read(since):
            self.note(record)
            if record.updated is not None:
                newest = record.updated if newest is None else max(newest, record.updated)
        # Only now: a list broken off in the middle has shown the newest rows of nothing.
        self._newest = newest
