"""One poll of one kind of record: from its number to its end.

1. The run's number is committed with the cursor. Who was superseded is fenced here, before its first read.
2. Every page goes to ``bill.events``, awaited on all replicas.
3. The cursor moves past a page only once it is stored, so a crash anywhere repeats records and loses none.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol

from prometheus_client import Counter

from tieout.events.cursors import BillCursor
from tieout.events.envelope import Message, Payload
from tieout.observability.crash_points import reach
from tieout_bill_writer.raw import Origin, Trail, document_message, version_of
from tieout_connectors.bill.raw import RawKind, RawRecords
from tieout_connectors.bill.wire.raw import RawRecord

# Read again behind the newest stamp seen, all by BILL's own clock: its lists lag by seconds and its machines' clocks
# differ by less than a second or two, so a record may show itself late with an older stamp. Ten times that; what it
# costs is a page per poll, since what is at the edge and unchanged is not stored again.
OVERLAP: Final = timedelta(minutes=2)
# Records at the edge that a restart remembers: 100 KB of a cursor's 256. Further ones are stored once more, which is
# harmless; that many within two minutes are a mass import.
EDGE: Final = 1000
# The cut-over is a day of the company's calendar, at most fourteen hours ahead of UTC.
ZONES: Final = timedelta(hours=14)

ROWS: Final = Counter(
    "tieout_bill_poll_rows", "Records that polls found changed. stored: written to bill.events.", ["kind"]
)


class Commit(Protocol):
    """Where the cursor is kept."""

    async def commit(self, connection: str, cursor: BillCursor) -> None:
        """Return once it is. Raises Fenced."""
        ...


Write = Callable[[Sequence[Message[Payload]]], Awaitable[None]]


@dataclass(frozen=True)
class Wanted:
    """A poll to make: of which connection, which kind, and the cut-over with which the first one begins."""

    connection: str
    kind: RawKind
    begins: date


def next_run(wanted: Wanted, last: BillCursor | None, now: datetime) -> BillCursor:
    """The cursor with which the next run begins: the first at the cut-over, also if that was set to an earlier day."""
    if last is None or wanted.begins < last.begins:
        run = 1 if last is None else last.run + 1
        ended = None if last is None else last.ended
        return BillCursor(kind=wanted.kind, run=run, started=now, ended=ended, begins=wanted.begins)
    return last.model_copy(update={"run": last.run + 1, "started": now})


def since(cursor: BillCursor) -> datetime:
    """From which of BILL's stamps on the run reads."""
    first = datetime.combine(cursor.begins, time(), UTC) - ZONES
    return first if cursor.position is None else max(first, cursor.position - OVERLAP)


def moved(cursor: BillCursor, rows: Sequence[RawRecord]) -> BillCursor:
    """The cursor behind a page that is stored. It never goes back."""
    stamps = [row.updated for row in rows if row.updated is not None]
    position = max([*stamps, *([] if cursor.position is None else [cursor.position])], default=None)
    if position is None:
        return cursor
    edge = dict(cursor.edge) | {row.key: version_of(row) for row in rows if row.updated is not None}
    # Versions are BILL's stamps in one form, so they are ordered as texts are.
    oldest = version_of(RawRecord("", position - OVERLAP, {}))
    kept = sorted((version, key) for key, version in edge.items() if version >= oldest)[-EDGE:]
    return cursor.model_copy(update={"position": position, "edge": {key: version for version, key in kept}})


def news(cursor: BillCursor, rows: Sequence[RawRecord]) -> list[RawRecord]:
    """The rows that are not stored yet, as far as the cursor remembers; those without a stamp always are."""
    return [row for row in rows if row.updated is None or cursor.edge.get(row.key) != version_of(row)]


class PollRun:
    """One run. ``cursor`` is ``next_run``'s."""

    def __init__(
        self,
        wanted: Wanted,
        cursor: BillCursor,
        records: RawRecords,
        cursors: Commit,
        write: Write,
        clock: Callable[[], datetime],
    ) -> None:
        self._wanted = wanted
        self._cursor = cursor
        self._records = records
        self._cursors = cursors
        self._write = write
        self._clock = clock
        self._trail = Trail.of_run(wanted.connection, wanted.kind, cursor.run)

    async def go(self) -> None:
        """Run.

        Raises:
            Retry, Reject, Fatal: BILL did not answer, or refused; what was stored so far is behind the cursor.
            Fenced: somebody else owns the budget now. KafkaException: the log does not take what was read.
        """
        await self._commit("number", self._cursor)
        reach("bill-writer.poll.page.before")
        async with aclosing(self._records.changed(self._wanted.kind, since(self._cursor))) as pages:
            async for rows in pages:
                reach("bill-writer.poll.page.after")
                await self._store(rows)
                reach("bill-writer.poll.page.before")
        await self._commit("end", self._cursor.model_copy(update={"ended": self._clock()}))

    async def _store(self, rows: Sequence[RawRecord]) -> None:
        unseen = news(self._cursor, rows)
        if unseen:
            now, wanted = self._clock(), self._wanted
            messages = [
                document_message(wanted.connection, wanted.kind, row, Origin.POLL, self._trail, now) for row in unseen
            ]
            reach("bill-writer.poll.rows.before")
            await self._write(messages)
            reach("bill-writer.poll.rows.after")
            ROWS.labels(wanted.kind).inc(len(messages))
        after = moved(self._cursor, rows)
        if after != self._cursor:
            await self._commit("page", after)

    async def _commit(self, what: str, cursor: BillCursor) -> None:
        reach(f"bill-writer.poll.{what}.before")
        await self._cursors.commit(self._wanted.connection, cursor)
        reach(f"bill-writer.poll.{what}.after")
        self._cursor = cursor
