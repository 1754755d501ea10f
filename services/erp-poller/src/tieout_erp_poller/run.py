"""One poll run, from its number to its end.

1. The run's number is committed with the cursor. Who was superseded is fenced here, before its first read.
2. ``begun``, the rows page by page, and ``ended`` go to ``erp.changes``, each awaited on all replicas.
3. The cursor moves past a page only once its rows are stored, and past the last one together with the run's end.

So a crash anywhere repeats rows and loses none, and a run that did not end is followed by one with a higher number.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tieout.connections.documents import DocumentName
from tieout.domain.errors import Retry
from tieout.domain.records import ReadContext
from tieout.events.commands import DocumentPlace
from tieout.events.cursors import ErpCursor
from tieout.events.envelope import Message, Payload
from tieout.events.facts import RunPhase
from tieout.events.raw import ErpUnreadable
from tieout.observability.crash_points import reach
from tieout_connectors.spi.erp import Page, RawRow, Watermark
from tieout_erp_poller import metrics
from tieout_erp_poller.asking import asked
from tieout_erp_poller.connectors import PolledErp
from tieout_erp_poller.patience import Patience
from tieout_erp_poller.raw import RunName, row_message, run_message
from tieout_erp_poller.shown import Shown


class RunLog(Protocol):
    """Where a run leaves what it saw and how far it came. All return once it is durable."""

    async def commit(self, connection: str, cursor: ErpCursor) -> None:
        """The cursor, in a transaction. Raises Fenced."""
        ...

    async def write(self, messages: Sequence[Message[Payload]]) -> None:
        """Raw messages, plain and in order."""
        ...

    async def keep(self, key: bytes, name: DocumentName, content: bytes) -> DocumentPlace:
        """A document, sealed."""
        ...


class Ended(StrEnum):
    """How a run came back."""

    ENDED = "ended"
    STOPPED = "stopped"
    """Asked to stop between two pages; everything stored so far is behind the cursor."""


async def _nobody_waits(_reader: PolledErp) -> None:
    """What is done between two pages while nobody asks for anything."""


@dataclass(frozen=True)
class Surroundings:
    """What runs share: the log, the time (UTC), ``places`` for pages in memory, and whether to stop between pages.

    ``between`` is awaited between two pages, with the reader: others who wait for this ERP need not wait for the end.
    """

    log: RunLog
    clock: Callable[[], datetime]
    places: asyncio.Semaphore
    stopping: Callable[[], bool] = lambda: False
    between: Callable[[PolledErp], Awaitable[None]] = _nobody_waits
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    patience: Callable[[], Patience] = Patience


class Run:
    """One run of one kind of one connection. ``cursor`` is where the last one left off, with this run's number.

    ``shown`` is what the last run showed, of a kind that is shown whole every time.
    """

    def __init__(
        self, name: RunName, cursor: ErpCursor, reader: PolledErp, around: Surroundings, shown: Shown | None = None
    ) -> None:
        self._name = name
        self._cursor = cursor
        self._reader = reader
        self._around = around
        self._shown = shown
        self._patience = around.patience()
        self._rows = 0

    async def go(self) -> Ended:
        """Run.

        Raises:
            Retry: the ERP did not answer for longer than a run waits.
            Reject, Fatal: it refused.
            Fenced: somebody else owns the connection now.
            KafkaException: the log does not take what was read.
        """
        await self._commit("number", self._cursor)
        context = await self._context()
        await self._write("begun", [run_message(self._name, RunPhase.BEGUN, self._around.clock())])
        if await self._pages(context) is Ended.STOPPED:
            return Ended.STOPPED
        ended = run_message(self._name, RunPhase.ENDED, self._around.clock(), rows=self._rows)
        await self._write("ended", [ended])
        await self._commit("end", self._cursor.model_copy(update={"ended": self._around.clock()}))
        return Ended.ENDED

    async def _context(self) -> ReadContext:
        while True:
            try:
                async with self._around.places:
                    return await asked("context", self._reader.context())
            except Retry as error:
                await self._wait(error)

    async def _pages(self, context: ReadContext) -> Ended:
        """All pages; after an interruption it goes on behind the last page that was stored."""
        stored = _watermark_of(self._cursor)
        while True:
            try:
                changes = self._reader.changes(self._name.kind, stored)
                async with aclosing(changes) as pages:  # type: ignore[type-var]  # connectors write generators
                    while (page := await self._page(pages, stored, context)) is not None:
                        stored = page.next
                        self._patience.got_on()
                        if self._around.stopping():
                            await self._advance(stored)
                            return Ended.STOPPED
                        await self._around.between(self._reader)
            except Retry as error:
                await self._wait(error)
            else:
                self._cursor = _moved(self._cursor, stored)
                return Ended.ENDED

    async def _page(self, pages: AsyncIterator[Page], stored: Watermark, context: ReadContext) -> Page | None:
        """Read and store the next page, None after the last. It holds a place only meanwhile, not in a pause."""
        async with self._around.places:
            page = await asked("page", anext(pages, None))
            if page is not None:
                await self._advance(stored)
                await self._store(page, context)
            return page

    async def _store(self, page: Page, context: ReadContext) -> None:
        rows = page.rows if self._shown is None else self._shown.news(page.rows)
        if rows:
            reach("erp-poller.rows.before")
            await write_rows(self._around, self._name, rows, context)
            reach("erp-poller.rows.after")
        self._rows += len(rows)
        if self._shown is not None:
            self._shown.stored(page.rows)
            if page.whole:
                self._shown.ended()

    async def _advance(self, stored: Watermark) -> None:
        """Commit that the rows up to here are stored; the last page's watermark goes with the run's end."""
        if stored != _watermark_of(self._cursor):
            await self._commit("page", _moved(self._cursor, stored))

    async def _commit(self, what: str, cursor: ErpCursor) -> None:
        reach(f"erp-poller.cursor.{what}.before")
        await self._around.log.commit(self._name.connection, cursor)
        reach(f"erp-poller.cursor.{what}.after")
        self._cursor = cursor

    async def _write(self, what: str, messages: list[Message[Payload]]) -> None:
        reach(f"erp-poller.{what}.before")
        await self._around.log.write(messages)
        reach(f"erp-poller.{what}.after")

    async def _wait(self, error: Retry) -> None:
        seconds = self._patience.pause(error)
        metrics.RETRIES.labels(self._name.erp, self._name.kind).inc()
        await self._around.sleep(seconds)


def _watermark_of(cursor: ErpCursor) -> Watermark:
    return Watermark(cursor.position, dict(cursor.edge))


def _moved(cursor: ErpCursor, to: Watermark) -> ErpCursor:
    return cursor.model_copy(update={"position": to.position, "edge": dict(to.edge)})


async def write_rows(around: Surroundings, name: RunName, rows: Sequence[RawRow], context: ReadContext) -> None:
    """Store rows as this run saw them, and count them."""
    now = around.clock()
    messages = [row_message(name, row, context, now) for row in rows]
    await around.log.write(messages)
    metrics.ROWS.labels(name.erp, name.kind).inc(len(messages))
    refused = sum(isinstance(message.data, ErpUnreadable) for message in messages)
    metrics.UNREADABLE.labels(name.erp, name.kind).inc(refused)
