"""One connection's polls: what is due, what was asked for, one run after another, and what a failure means."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tieout.connections.registry import ConnectionView
from tieout.domain.errors import Fatal, RecoveryError, Reject, Retry
from tieout.domain.records import POLLED, Kind
from tieout.domain.settings import Side
from tieout.events.cursors import ErpCursor
from tieout.observability.logging import logger
from tieout_erp_poller import metrics
from tieout_erp_poller.connectors import PolledErp, shown_whole
from tieout_erp_poller.raw import RunName
from tieout_erp_poller.reads import Answering, Reads
from tieout_erp_poller.run import Ended, Run, Surroundings
from tieout_erp_poller.shown import Shown

log = logger(__name__)

# An ERP that did not answer at 02:00 is asked again so many seconds later, not only at 02:00 of the next day.
AGAIN_SECONDS: Final = 900.0
LONGEST_NAP: Final = 3600.0
"""Seconds; the clock of the machine may be set while we wait for a time of day."""


class Cursors(Protocol):
    """Where polls stand."""

    def get(self, connection: str, kind: Kind) -> ErpCursor | None:
        """None before the first run."""
        ...


class Readers(Protocol):
    """Opens a connection's ERP with the settings and credentials of a view. Raises Fatal, or Retry."""

    async def open(self, view: ConnectionView) -> PolledErp:
        """A reader; the caller closes it."""
        ...


class Access(Readers, Protocol):
    """What a connection's secrets open."""

    async def document_key(self, connection: str) -> bytes:
        """What its documents are sealed with. Raises Fatal, or Retry."""
        ...


@dataclass
class Asked:
    """Somebody wants these kinds polled. ``done`` is called once a run of each began after the question came."""

    kinds: set[Kind]
    done: Callable[[], None]


@dataclass
class Turn:
    """What is known of one kind beside its cursor: the last try in this process, and bounds of the next.

    ``not_before`` is an ERP's wish to be left alone, ``not_after`` ends the wait of a kind that is polled once a day.
    """

    tried: datetime | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None


@dataclass
class ConnectionPoller:
    """Polls one active connection, in the event loop. ``run`` ends by cancellation or by a failure of ours.

    ``reads`` are served between two runs, and between two pages of a run.
    """

    view: ConnectionView
    cursors: Cursors
    access: Access
    around: Surroundings
    kinds: Sequence[Kind] = POLLED
    reads: Reads = field(default_factory=Reads)
    _asked: list[Asked] = field(default_factory=list)
    _turns: dict[Kind, Turn] = field(default_factory=dict)
    _shown: dict[Kind, Shown] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _reader: tuple[tuple[int, int], PolledErp] | None = None
    _stopping: bool = False
    sick: str = ""
    """What a person has to mend, "" if nothing."""

    def __post_init__(self) -> None:
        self.around = replace(self.around, stopping=lambda: self._stopping, between=self._answer)

    def update(self, view: ConnectionView) -> None:
        """Settings or credentials changed. What was refused is tried again at once."""
        changed = _identity(view) != _identity(self.view)
        self.view = view
        if changed:
            self.reads.hurry(mended=True)
        if changed and self.sick:
            self._turns.clear()
            self.ask((), _nobody_waits)
        self.wake()

    def wake(self) -> None:
        """Look again at what there is to do: somebody has added to the reads."""
        self._changed.set()

    def ask(self, kinds: Sequence[Kind], done: Callable[[], None]) -> None:
        """Poll these kinds now (all if none is named); ``done`` is called whatever comes of it."""
        wanted = set(kinds or self.kinds) & set(self.kinds)
        if not wanted:
            done()
            return
        self._asked.append(Asked(wanted, done))
        self._changed.set()

    def stop(self) -> None:
        """Begin no run any more, and end one in work between two pages."""
        self._stopping = True
        self._changed.set()

    def dismiss(self) -> None:
        """The connection is not polled any more: nobody need wait for what was asked."""
        asked, self._asked = self._asked, []
        for each in asked:
            each.done()

    async def run(self) -> None:
        """Run whatever is due, until stopped.

        Raises:
            Fenced, KafkaException: the process, or the ownership of the partition, must end.
        """
        try:
            while not self._stopping:
                self._changed.clear()
                await self._answer()
                kind, due = self._next()
                wait = (due - self.around.clock()).total_seconds()
                if wait > 0:
                    await self._nap(min(wait, self._until_reads(), LONGEST_NAP))
                else:
                    await self._poll(kind)
        finally:
            await self._close()

    async def _nap(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _until_reads(self) -> float:
        """Seconds until reads are due."""
        due = self.reads.due()
        return LONGEST_NAP if due is None else max(0.0, (due - self.around.clock()).total_seconds())

    async def _answer(self, reader: PolledErp | None = None) -> None:
        """Serve the reads that are due; what the ERP does not answer is asked again after a pause."""
        now, due, view = self.around.clock(), self.reads.due(), self.view
        if due is None or due > now:
            return
        try:
            answering = Answering(
                connection=view.connection,
                erp=view.settings.erp.kind,
                reader=reader or await self._open(view),
                around=self.around,
                run=self._newest,
                key=lambda: self.access.document_key(view.connection),
                shown=self._shown.get,
            )
            await answering.serve(self.reads)
        except Retry as error:
            self.reads.failed(now, error.after)
            log.warning("reads are put off", connection=view.connection, reason=str(error))
        except Fatal as error:
            # Whether the whole connection is sick is for its polls to find out: files may have a right of their own.
            self.reads.refused(now)
            log.error("reads are refused", connection=view.connection, reason=str(error), cure=error.cure)  # noqa: TRY400
        else:
            self.reads.hurry(mended=True)

    def _newest(self, kind: Kind) -> int:
        cursor = self.cursors.get(self.view.connection, kind)
        return cursor.run if cursor else 0

    def _next(self) -> tuple[Kind, datetime]:
        """The kind that is due first; of several that are due, the first of the kinds."""
        now = self.around.clock()
        dues = [(kind, max(self._due(kind), now)) for kind in self.kinds]
        return min(dues, key=lambda each: each[1])

    def _due(self, kind: Kind) -> datetime:
        turn = self._turns.get(kind, Turn())
        earliest = turn.not_before or datetime.min.replace(tzinfo=UTC)
        if any(kind in asked.kinds for asked in self._asked):
            return earliest
        last = turn.tried or self._ended_run(kind)
        if last is None:
            return earliest
        schedule = self.view.settings.erp.schedule
        due = schedule.of(kind).next_after(last, _zone(schedule.time_zone))
        return max(earliest, min(due, turn.not_after or due))

    def _ended_run(self, kind: Kind) -> datetime | None:
        """When the newest run began, None if it did not end: then its rest is due now, whatever the schedule says."""
        cursor = self.cursors.get(self.view.connection, kind)
        if cursor is None or cursor.ended is None or cursor.ended < cursor.started:
            return None
        return cursor.started

    async def _poll(self, kind: Kind) -> None:
        erp, view = self.view.settings.erp.kind, self.view
        began = self.around.clock()
        self._turns[kind] = Turn(tried=began)
        served = [asked for asked in self._asked if kind in asked.kinds]
        try:
            reader = await self._open(view)
            result = await self._run(view, kind, reader)
            self._well()
            self.reads.hurry()
        except Retry as error:
            result = "gave_up"
            self._turns[kind].not_before = began + timedelta(seconds=error.after or 0)
            self._turns[kind].not_after = began + timedelta(seconds=AGAIN_SECONDS)
            log.warning("poll gave up until its next time", connection=view.connection, kind=kind, reason=str(error))
        except Reject as error:
            result = "refused"
            self._refused(kind, error)
        except Fatal as error:
            result = "fatal"
            self._sicken(error)
        metrics.RUNS.labels(erp, kind, result).inc()
        metrics.RUN_SECONDS.labels(erp, kind).observe((self.around.clock() - began).total_seconds())
        if result != Ended.STOPPED:
            self._serve(served, kind)

    async def _run(self, view: ConnectionView, kind: Kind, reader: PolledErp) -> str:
        name, erp = view.connection, view.settings.erp.kind
        before = self.cursors.get(name, kind)
        number = before.run + 1 if before else 1
        cursor = before or ErpCursor(kind=kind, run=0, started=self.around.clock(), generation=view.generation)
        cursor = cursor.model_copy(update={"run": number, "started": self.around.clock()})
        shown = self._shown.setdefault(kind, Shown()) if kind in shown_whole(erp) else None
        if cursor.generation != view.generation:
            # What is mapped otherwise now has to be seen again, and nothing in the ERP has changed to show it.
            cursor = cursor.model_copy(update={"position": "", "edge": {}, "generation": view.generation})
            if shown is not None:
                shown.forget()
        return await Run(RunName(name, erp, kind, number), cursor, reader, self.around, shown).go()

    def _serve(self, served: Sequence[Asked], kind: Kind) -> None:
        for asked in served:
            asked.kinds.discard(kind)
            if not asked.kinds:
                self._asked.remove(asked)
                asked.done()

    async def _open(self, view: ConnectionView) -> PolledErp:
        """The reader of these settings and credentials; a reader of others is closed."""
        if self._reader is not None and self._reader[0] == _identity(view):
            return self._reader[1]
        await self._close()
        self._reader = (_identity(view), await self.access.open(view))
        return self._reader[1]

    async def _close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader[1].close()

    def _refused(self, kind: Kind, error: Reject) -> None:
        name = self.view.connection
        log.error("poll refused", connection=name, kind=kind, reason=str(error), cure=error.cure)

    def _sicken(self, error: RecoveryError) -> None:
        if self.sick != str(error):
            log.error("connection is sick", connection=self.view.connection, reason=str(error), cure=error.cure)
        self.sick = str(error)

    def _well(self) -> None:
        if self.sick:
            log.info("connection is well again", connection=self.view.connection)
        self.sick = ""


@cache
def _zone(name: str) -> tzinfo:
    """A time zone; UTC, said once in the log, where this machine has no data for it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        log.error("time zone is not known here; daily polls go by UTC", zone=name, cure="Install tzdata.")  # noqa: TRY400
        return UTC


def _nobody_waits() -> None:
    """What is done once a poll that we asked for ourselves has run."""


def _identity(view: ConnectionView) -> tuple[int, int]:
    """What a reader is made of; compared for equality."""
    return view.generation, view.secret_version(Side.ERP)


def oldest_ends(pollers: Mapping[str, ConnectionPoller], now: datetime) -> dict[str, float]:
    """Per kind of ERP the seconds since a run ended, where that is longest ago."""
    found: dict[str, float] = {}
    for poller in pollers.values():
        erp = poller.view.settings.erp.kind
        for kind in poller.kinds:
            cursor = poller.cursors.get(poller.view.connection, kind)
            if cursor is not None:
                age = (now - (cursor.ended or cursor.started)).total_seconds()
                found[erp] = max(found.get(erp, 0.0), age)
    return found
