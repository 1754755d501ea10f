"""Records that notifications name are read again, whole, and written to ``bill.events``.

A notification says that something has changed and never all of it: no division of a payment, no lines of a bill. So the
record is read, once for all notices of it that wait together, and a notice is done with when the record is durable.

A notice is the quick way and not the only one: polling finds the same change from its cursor, which never passes what
is not stored. So what cannot be read for long, because the connection is sick or paused, is left to polling.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from prometheus_client import Counter

from tieout.connections.registry import Registry
from tieout.domain.errors import Fatal, RecoveryError, Reject, Retry
from tieout.domain.settings import State
from tieout.events.envelope import Message, Payload
from tieout.events.requests import NoticeSeen
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger
from tieout_bill_writer.organization import Organization
from tieout_bill_writer.raw import Origin, RawLog, Trail, document_message
from tieout_connectors.bill.raw import RawKind

log = logger(__name__)

# Of an organization's three calls at a time, notices take two at most: a burst leaves a place for commands, and stands
# behind a handful of calls and never behind a backfill, whose commands wait their turn before they ask for a place.
AT_ONCE: Final = 2
# A connection that cannot be read keeps a notice for so long, against short outages. It holds back what is committed of
# its partition, and a restart reads everything behind it again, so it must stay within a poll's interval or two.
KEPT: Final = timedelta(minutes=10)
# Notices that sick connections keep, all together. Above it a healthy connection's would not be read any more: the
# reader stops at 500 unanswered requests.
MOST_KEPT: Final = 200
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
NOT_FOUND: Final = frozenset({"BDC_1205", "BDC_1120"})

NOTICES: Final = Counter(
    "tieout_bill_notices",
    "Notices by result. read: the record is in bill.events. merged: another notice's read answered it. not_found: BILL "
    "has no such record, a test or a deletion. left: to polling, the connection is sick or paused. gone: it is "
    "retired. refused: BILL does not show it, see the log.",
    ["result"],
)

Record = tuple[str, RawKind, str]


class Clients(Protocol):
    """Who opens the BILL side of a connection."""

    async def organization(self, connection: str) -> Organization:
        """Raises Fatal or Retry."""
        ...


class Notices:
    """Use from the event loop."""

    def __init__(
        self,
        registry: Registry,
        clients: Clients,
        raw: RawLog,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._registry = registry
        self._clients = clients
        self._raw = raw
        self._clock = clock
        self._waiting: dict[Record, asyncio.Task[str]] = {}
        self._reading: set[asyncio.Task[str]] = set()
        self._places: dict[str, asyncio.Semaphore] = {}
        self._kept = 0

    async def handle(self, request: Message[NoticeSeen]) -> Message[Payload] | None:
        """Return once the record is durable, or need not be: see the metric's results. Nobody waits for an answer."""
        notice = request.data
        try:
            record = notice.connection, RawKind(notice.kind), notice.key
        except ValueError:
            log.warning("a notice of a kind that is not read", kind=notice.kind)
            NOTICES.labels("refused").inc()
            return None
        reading = self._waiting.get(record)
        if reading is None:
            reading = self._waiting[record] = asyncio.get_running_loop().create_task(self._answer(record, request))
            self._reading.add(reading)
            reading.add_done_callback(self._reading.discard)
            NOTICES.labels(await asyncio.shield(reading)).inc()
        else:
            await asyncio.shield(reading)
            NOTICES.labels("merged").inc()
        return None

    async def close(self) -> None:
        """Give up what is under way: its notices are not committed and come again."""
        for reading in self._reading:
            reading.cancel()
        if self._reading:
            await asyncio.wait(self._reading, timeout=1.0)

    async def _answer(self, record: Record, request: Message[Any]) -> str:
        connection, _kind, _key = record
        until, pause, kept = self._clock() + KEPT, FIRST_PAUSE, False
        places = self._places.setdefault(connection, asyncio.Semaphore(AT_ONCE))
        try:
            while True:
                if (over := self._over(connection)) is not None:
                    return over
                try:
                    async with places:
                        # A notice that comes from here on may be of a later change: it gets a read of its own.
                        self._forget(record)
                        return await self._read(record, request)
                except Reject as error:
                    return _rejected(record, error)
                except (Retry, Fatal) as error:
                    if not self._worth_keeping(error, until, kept=kept):
                        return "left"
                    self._kept, kept = self._kept + (not kept), True
                    # Those that come meanwhile wait for the next try with it.
                    self._waiting.setdefault(record, _current())
                    asked = error.after if isinstance(error, Retry) and error.after else pause
                    await asyncio.sleep(min(asked, KEPT.total_seconds()) * random.uniform(1.0, 1.3))  # noqa: S311
                    pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._kept -= kept
            self._forget(record)

    async def _read(self, record: Record, request: Message[Any]) -> str:
        connection, kind, key = record
        organization = await self._clients.organization(connection)
        reach("bill-writer.notice.read.before")
        shown = await organization.client.raw.get(kind, key)
        reach("bill-writer.notice.read.after")
        message = document_message(connection, kind, shown, Origin.READ, Trail.of_request(request), self._clock())
        reach("bill-writer.notice.stored.before")
        await self._raw.write([message])
        reach("bill-writer.notice.stored.after")
        return "read"

    def _over(self, connection: str) -> str | None:
        """Why a connection's records are not read now, None if they are."""
        view = self._registry.get(connection)
        if view is None or view.settings.state is State.RETIRED:
            return "gone"
        # One that is resumed polls first of all, from where it stood.
        return None if view.settings.state is State.ACTIVE else "left"

    def _worth_keeping(self, error: RecoveryError, until: datetime, *, kept: bool) -> bool:
        elsewhere = error.code == "other_owner"
        return not elsewhere and self._clock() < until and (kept or self._kept < MOST_KEPT)

    def _forget(self, record: Record) -> None:
        """Notices from now on are not answered by this task."""
        if self._waiting.get(record) is _current():
            del self._waiting[record]


def _current() -> "asyncio.Task[str]":
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - only asked for inside of one
    return task


def _rejected(record: Record, error: Reject) -> str:
    connection, kind, key = record
    if error.code in NOT_FOUND or error.status == 404:
        log.debug("BILL has no such record", connection=connection, kind=kind, record=key)
        return "not_found"
    log.warning("BILL does not show a record", connection=connection, kind=kind, record=key, reason=str(error))
    return "refused"
