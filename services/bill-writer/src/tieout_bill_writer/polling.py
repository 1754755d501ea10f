"""What changed in BILL, read on each connection's schedule: the net below the webhooks.

For every active connection, bills, payments and vendors are read from their cursors on, in this order. A lost
notification is found within one interval; a silent feed costs nothing but that. The schedule counts from when the last
run began, so a restart polls nobody early; a run that was cut off goes on at once.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from prometheus_client import Counter, Gauge

from tieout.connections.registry import ConnectionView, Registry
from tieout.domain.errors import Fatal, Reject, Retry
from tieout.domain.schedule import BillSchedule
from tieout.domain.settings import State
from tieout.events.cursors import BillCursor
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names
from tieout.observability.logging import logger
from tieout_bill_writer.organization import Organization
from tieout_bill_writer.organizations import Organizations
from tieout_bill_writer.poll_cursors import PollCursors
from tieout_bill_writer.poll_run import PollRun, Wanted, next_run
from tieout_bill_writer.raw import RawLog
from tieout_bill_writer.tending import Tending
from tieout_connectors.bill.raw import RawKind

log = logger(__name__)

# In this order: a bill that was changed before it was paid is known to be changed when its payment is decided.
KINDS: Final = (RawKind.BILL, RawKind.PAYMENT, RawKind.VENDOR)
# Polls in memory at a time of one budget; each holds a page of 100 records. They wait for the hour of their own key, so
# one that is used up does not keep another's from polling.
AT_ONCE: Final = 4
# Within a run BILL is asked again so often without a page in between; what is left waits for the schedule.
TRIES: Final = 5
FIRST_PAUSE: Final = 1.0
# Asked to wait for longer than this, a run leaves it to the schedule: it holds a place meanwhile.
LONGEST_PAUSE: Final = 60.0
# How long a wait lasts at most before the clock is looked at again: it may have been moved.
STEP: Final = 30.0

POLLS: Final = Counter(
    "tieout_bill_polls",
    "Polls by kind and result: ended; gave_up: BILL did not answer; refused: see the log; parked: no sign-in.",
    ["kind", "result"],
)
OLDEST: Final = Gauge(
    "tieout_bill_poll_oldest_seconds",
    "Age of the oldest last poll of all active connections whose budget is owned here. Silence is an alarm: above two "
    "intervals somebody's payments are not seen unless webhooks bring them.",
)


class Result(StrEnum):
    """How a run came back."""

    ENDED = "ended"
    GAVE_UP = "gave_up"
    REFUSED = "refused"
    PARKED = "parked"


def due(cursors: Mapping[RawKind, BillCursor], schedule: BillSchedule, begins: date, now: datetime) -> datetime:
    """When a connection is polled next, UTC: at once for what was never polled, not to its end, or from too late on."""
    if any(_unfinished(cursors.get(kind), begins) for kind in KINDS):
        return now
    oldest = min(cursors[kind].started for kind in KINDS)
    return schedule.default.next_after(oldest, ZoneInfo(schedule.time_zone))


def _unfinished(cursor: BillCursor | None, begins: date) -> bool:
    return cursor is None or cursor.ended is None or cursor.ended < cursor.started or begins < cursor.begins


def _is_polled(view: ConnectionView) -> bool:
    return view.settings.state is State.ACTIVE and view.settings.cutover is not None


class Polling:
    """Use from the event loop."""

    def __init__(
        self,
        access: KafkaAccess,
        names: Names,
        registry: Registry,
        organizations: Organizations,
        raw: RawLog,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._access = access
        self._names = names
        self._organizations = organizations
        self._raw = raw
        self._clock = clock
        self._cursors: dict[int, PollCursors] = {}
        self._places: dict[str, asyncio.Semaphore] = {}
        self._polled: dict[str, float] = {}
        self._tending = Tending(registry, names, _is_polled, self._tend)
        self.guard = self._tending.guard
        self.wake = self._tending.wake
        OLDEST.set_function(self._oldest)

    def follow(self, partitions: Collection[int]) -> None:
        """The partitions of budgets owned from now on."""
        # Tasks end first: none of them may find its cursors closed.
        self._tending.follow(partitions)
        for partition in self._cursors.keys() - set(partitions):
            self._cursors.pop(partition).close()

    async def close(self) -> None:
        """Stop; a run that is cut off goes on where it was."""
        await self._tending.close()
        for cursors in self._cursors.values():
            cursors.close()
        self._cursors.clear()

    def _oldest(self) -> float:
        return max((time.monotonic() - at for at in self._polled.values()), default=0.0)

    async def _tend(self, view: ConnectionView, woken: asyncio.Event) -> None:
        """Poll one connection for ever."""
        settings = view.settings
        assert settings.cutover is not None  # noqa: S101 - others are not tended
        begins, schedule = settings.cutover.date, settings.bill.schedule
        cursors = self._of(self._names.partition_of(settings.bill.budget))
        places = self._places.setdefault(settings.bill.budget, asyncio.Semaphore(AT_ONCE))
        self._polled[view.connection] = time.monotonic()
        try:
            at = due(await cursors.of(view.connection), schedule, begins, self._clock())
            while True:
                await self._until(at, woken)
                woken.clear()
                began = self._clock()
                async with places:
                    ended = await self._round(view, cursors, begins)
                if ended:
                    self._polled[view.connection] = time.monotonic()
                # Counted from its beginning, but never without a pause: a poll may take longer than its interval.
                later = self._clock() + timedelta(seconds=1)
                at = max(later, schedule.default.next_after(began, ZoneInfo(schedule.time_zone)))
        finally:
            self._polled.pop(view.connection, None)

    def _of(self, partition: int) -> PollCursors:
        cursors = self._cursors.get(partition)
        if cursors is None:
            cursors = self._cursors[partition] = PollCursors(self._access, self._names, partition)
        return cursors

    async def _until(self, at: datetime, woken: asyncio.Event) -> None:
        while not woken.is_set() and (left := (at - self._clock()).total_seconds()) > 0:
            try:
                await asyncio.wait_for(woken.wait(), min(left, STEP))
            except TimeoutError:
                continue

    async def _round(self, view: ConnectionView, cursors: PollCursors, begins: date) -> bool:
        """All kinds once; whether every one came to its end."""
        results = []
        for kind in KINDS:
            result = await self._run(view, cursors, Wanted(view.connection, kind, begins))
            POLLS.labels(kind, result).inc()
            results.append(result)
            if result is Result.PARKED:
                break
        return results == [Result.ENDED] * len(KINDS)

    async def _run(self, view: ConnectionView, cursors: PollCursors, wanted: Wanted) -> Result:
        pause = FIRST_PAUSE
        for left in reversed(range(TRIES)):
            try:
                organization = await self._organizations.organization(view.connection)
            except Fatal as error:
                return self._refused(wanted, error, Result.PARKED)
            except Retry as error:
                problem = error
            else:
                last = (await cursors.of(view.connection)).get(wanted.kind)
                cursor = next_run(wanted, last, self._clock())
                run = PollRun(wanted, cursor, organization.client.raw, cursors, self._raw.write, self._clock)
                try:
                    await run.go()
                except Reject as error:
                    return self._refused(wanted, error, Result.REFUSED)
                except Fatal as error:
                    return self._refused(wanted, error, self._sickened(view, organization, error))
                except Retry as error:
                    problem = error
                else:
                    return Result.ENDED
            if not left or (problem.after or 0) > LONGEST_PAUSE:
                break
            await asyncio.sleep(max(pause, problem.after or 0) * random.uniform(1.0, 1.3))  # noqa: S311 - no secret
            pause *= 2
        log.warning("a poll gave up", connection=wanted.connection, kind=wanted.kind, reason=str(problem))
        return Result.GAVE_UP

    def _refused(self, wanted: Wanted, error: Reject | Fatal, result: Result) -> Result:
        log.warning("a poll is refused", connection=wanted.connection, kind=wanted.kind, reason=str(error))
        return result

    def _sickened(self, view: ConnectionView, organization: Organization, error: Fatal) -> Result:
        """Without a sign-in nothing goes on, and healing tries it again; a missing permission concerns one kind."""
        if organization.client.sessions.current is not None:
            return Result.REFUSED
        self._organizations.sicken(view.connection, view.settings.bill.budget, str(error))
        return Result.PARKED
