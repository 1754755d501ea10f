"""erp-poller's schedule: what is due when, what an error changes, and when somebody who asked is served."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tieout.connections.registry import ConnectionView
from tieout.domain.errors import Fatal, RecoveryError, Reject, Retry
from tieout.domain.records import Kind, ReadContext
from tieout.domain.settings import ConnectionSettings, Side
from tieout.events.cursors import ErpCursor
from tieout.events.envelope import Message
from tieout.events.raw import ErpRow
from tieout.events.requests import RowsAsked
from tieout_connectors.spi.erp import Page, RawRow, Watermark
from tieout_erp_poller.connection import ConnectionPoller, oldest_ends
from tieout_erp_poller.reads import PAUSES, Pending
from tieout_erp_poller.run import Surroundings

START = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
VENDORS = (Kind.VENDOR,)
BOTH = (Kind.ACCOUNT, Kind.VENDOR)


@dataclass
class World:
    """An ERP, a clock and a log in memory, and the poller of one connection on them."""

    schedule: dict[str, str] = field(default_factory=lambda: {"default": "15m"})
    kinds: Sequence[Kind] = VENDORS
    now: datetime = START
    error: RecoveryError | None = None
    gate: asyncio.Event | None = None
    runs: list[tuple[Kind, datetime]] = field(default_factory=list)
    opened: list[tuple[int, int]] = field(default_factory=list)
    closed: int = 0
    stands: dict[Kind, ErpCursor] = field(default_factory=dict)
    pages: int = 1
    between: asyncio.Event | None = None
    since: list[tuple[Kind, str]] = field(default_factory=list)
    written: list[Any] = field(default_factory=list)
    served: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        around = Surroundings(log=self, clock=lambda: self.now, places=asyncio.Semaphore(1))
        self.poller = ConnectionPoller(self.view(), self, self, around, self.kinds)

    def view(self, generation: int = 1, secret: int = 1, state: str = "active") -> ConnectionView:
        """The connection."""
        erp = {"kind": "business-central", "tenant": "t", "company": "C", "schedule": self.schedule}
        bill = {"environment": "sandbox", "organization": "00801ABC"}
        settings = ConnectionSettings.model_validate(
            {"connection": "cronus-us", "state": state, "erp": erp, "bill": bill}
        )
        return ConnectionView("cronus-us", generation, settings, {Side.ERP: secret})

    def get(self, _connection: str, kind: Kind) -> ErpCursor | None:
        """The cursors."""
        return self.stands.get(kind)

    async def commit(self, _connection: str, cursor: ErpCursor) -> None:
        """The log, which takes a cursor's first write for the beginning of a run."""
        if cursor.kind not in self.stands or self.stands[cursor.kind].run != cursor.run:
            self.runs.append((cursor.kind, self.now))
        self.stands[cursor.kind] = cursor

    async def write(self, messages: Sequence[Any]) -> None:
        """Raw messages."""
        self.written += [message.data for message in messages]

    async def keep(self, *_: Any) -> Any:
        """No document here."""
        raise AssertionError

    async def document_key(self, _connection: str) -> bytes:
        """The same."""
        raise AssertionError

    async def rows(self, kind: Kind, keys: Sequence[str]) -> AsyncIterator[RawRow]:
        """All that are asked for."""
        for key in keys:
            yield RawRow(kind, key, "1", {})

    def ask(self, key: str = "i-1") -> Pending:
        """Somebody wants an invoice read again."""
        question = RowsAsked(connection="cronus-us", kind=Kind.PURCHASE_INVOICE, keys=(key,))
        message: Message[Any] = Message("r1", "/test", "t", "s", START, "cronus-us", question)
        pending = Pending(message, question, lambda: self.served.append(key))
        self.poller.reads.add(pending)
        self.poller.wake()
        return pending

    async def open(self, view: ConnectionView) -> "World":
        """The reader of the connection."""
        self.opened.append((view.generation, view.secret_version(Side.ERP)))
        return self

    async def context(self) -> ReadContext:
        """The first call of a run: it may fail, or wait."""
        if self.error is not None:
            raise self.error
        if self.gate is not None:
            await self.gate.wait()
        return ReadContext(company="c1", local_currency="USD")

    async def changes(self, kind: Kind, since: Watermark) -> AsyncIterator[Page]:
        """Pages without rows; the position counts them."""
        self.since.append((kind, since.position))
        for number in range(self.pages):
            if number and self.between is not None:
                await self.between.wait()
            yield Page((), Watermark(str(int(since.position or 0) + number + 1)))

    async def check(self) -> list[Any]:
        """Not asked here."""
        raise AssertionError

    async def close(self) -> None:
        """A reader is given back."""
        self.closed += 1

    async def at(self, moment: datetime) -> None:
        """Let the time be that, and the poller do what is due."""
        self.now = moment
        self.poller._changed.set()
        await settle()


async def settle() -> None:
    """Let every task come as far as it can without time passing."""
    for _ in range(60):
        await asyncio.sleep(0)


@pytest.fixture
async def poll() -> AsyncIterator[Callable[..., World]]:
    """Starts pollers, and ends them."""
    tasks = []

    def start(**options: Any) -> World:
        world = World(**options)
        tasks.append(asyncio.ensure_future(world.poller.run()))
        return world

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def minutes(number: float) -> datetime:
    """So long after the start."""
    return START + timedelta(minutes=number)


Start = Callable[..., World]


async def test_a_new_connection_is_polled_at_once_and_then_by_its_schedule(poll: Start) -> None:
    """15m means: 15 minutes after the last run began, not after it ended."""
    world = poll()
    await settle()
    for moment in (1, 14.9, 15, 16, 30):
        await world.at(minutes(moment))
    assert world.runs == [(Kind.VENDOR, minutes(0)), (Kind.VENDOR, minutes(15)), (Kind.VENDOR, minutes(30))]


async def test_each_kind_has_its_own_schedule(poll: Start) -> None:
    """Accounts once a day, vendors every hour."""
    schedule = {"default": "1h", "accounts": "daily 09:00"}
    world = poll(kinds=BOTH, schedule=schedule)
    await settle()
    for moment in (30, 60, 90):
        await world.at(minutes(moment))
    assert world.runs == [
        (Kind.ACCOUNT, minutes(0)),
        (Kind.VENDOR, minutes(0)),
        (Kind.ACCOUNT, minutes(30)),
        (Kind.VENDOR, minutes(60)),
    ]


async def test_a_time_of_day_is_of_the_schedules_zone(poll: Start) -> None:
    """Two in the morning in New York is seven in the morning in UTC, in winter."""
    world = poll(schedule={"default": "daily 02:00", "time_zone": "America/New_York"})
    await settle()
    await world.at(datetime(2026, 3, 2, 6, 59, tzinfo=UTC))
    await world.at(datetime(2026, 3, 2, 7, 0, tzinfo=UTC))
    assert [moment for _, moment in world.runs] == [START, datetime(2026, 3, 2, 7, 0, tzinfo=UTC)]


async def test_after_a_restart_the_schedule_goes_on(poll: Start) -> None:
    """A restart of the service polls nobody early."""
    cursor = ErpCursor(kind=Kind.VENDOR, run=4, started=minutes(-5), ended=minutes(-4))
    world = poll(stands={Kind.VENDOR: cursor})
    await settle()
    assert world.runs == []
    await world.at(minutes(10))
    assert world.runs == [(Kind.VENDOR, minutes(10))]
    assert world.stands[Kind.VENDOR].run == 5


async def test_a_run_that_was_cut_off_is_done_again_at_once(poll: Start) -> None:
    """After a crash nobody waits a day for the rest."""
    cursor = ErpCursor(kind=Kind.VENDOR, run=4, started=minutes(-1), ended=minutes(-900))
    world = poll(stands={Kind.VENDOR: cursor}, schedule={"default": "daily 02:00"})
    await settle()
    assert world.runs == [(Kind.VENDOR, START)]


async def test_who_asks_is_served_by_a_run_that_begins_after_the_question(poll: Start) -> None:
    """What changed a moment before somebody asked is seen."""
    world = poll(gate=asyncio.Event())
    await settle()
    served: list[str] = []
    world.poller.ask((), lambda: served.append("a"))
    await settle()
    assert world.gate is not None
    world.gate.set()
    await settle()
    assert len(world.runs) == 2
    assert served == ["a"]


async def test_who_asks_for_several_kinds_is_served_after_the_last(poll: Start) -> None:
    """One question, two runs, one answer."""
    world = poll(kinds=BOTH)
    await settle()
    served: list[int] = []
    world.poller.ask(BOTH, lambda: served.append(len(world.runs)))
    await settle()
    assert served == [4]


async def test_asking_for_one_kind_runs_only_that(poll: Start) -> None:
    """`tieout sync --kind vendor` leaves the accounts alone."""
    world = poll(kinds=BOTH)
    await settle()
    world.poller.ask((Kind.VENDOR,), lambda: None)
    await settle()
    assert [kind for kind, _ in world.runs] == [Kind.ACCOUNT, Kind.VENDOR, Kind.VENDOR]


async def test_asking_for_a_kind_that_is_not_polled_is_served_at_once(poll: Start) -> None:
    """Nobody waits for what this release does not read."""
    world = poll()
    served: list[bool] = []
    world.poller.ask((Kind.LEDGER_ENTRY,), lambda: served.append(True))
    assert served == [True]


async def test_an_erp_that_does_not_answer_is_asked_again_within_a_quarter_of_an_hour(poll: Start) -> None:
    """A daily poll that failed at two is not a day late."""
    world = poll(error=Retry("down", after=61), schedule={"default": "daily 02:00"})
    served: list[bool] = []
    world.poller.ask((), lambda: served.append(True))
    await settle()
    assert served == [True]
    assert world.poller.sick == ""
    world.error = None
    for moment in (1, 14.9, 15, 16):
        await world.at(minutes(moment))
    assert [moment for _, moment in world.runs] == [minutes(0), minutes(15)]


async def test_an_erp_that_asks_to_be_left_alone_is(poll: Start) -> None:
    """Half an hour of Retry-After outweighs the schedule, and people who ask."""
    world = poll(error=Retry("later", after=1800))
    await settle()
    world.error = None
    world.poller.ask((), lambda: None)
    for moment in (15, 29.9):
        await world.at(minutes(moment))
    assert len(world.runs) == 1
    await world.at(minutes(30))
    assert len(world.runs) == 2


async def test_a_sick_connection_is_tried_on_its_schedule(poll: Start) -> None:
    """A right that somebody gives back in the ERP heals the connection by itself."""
    world = poll(error=Fatal("no permission"))
    await settle()
    assert "no permission" in world.poller.sick
    await world.at(minutes(14))
    world.error = None
    await world.at(minutes(15))
    assert world.poller.sick == ""
    assert world.stands[Kind.VENDOR].ended == minutes(15)


@pytest.mark.parametrize(("generation", "secret"), [(2, 1), (1, 2)])
async def test_new_settings_or_credentials_are_tried_at_once(poll: Start, generation: int, secret: int) -> None:
    """Nobody waits for the schedule after mending a connection; the old reader is closed."""
    world = poll(error=Fatal("wrong secret"), schedule={"default": "daily 02:00"})
    await settle()
    world.error = None
    world.poller.update(world.view(generation, secret))
    await settle()
    assert world.poller.sick == ""
    assert world.opened == [(1, 1), (generation, secret)]
    assert world.closed == 1


async def test_an_update_that_changes_nothing_here_tries_nothing(poll: Start) -> None:
    """The other side's new secret does not spend calls on this one."""
    world = poll(error=Fatal("wrong secret"))
    await settle()
    world.poller.update(world.view())
    await settle()
    assert len(world.runs) == 1


async def test_a_healthy_connection_keeps_its_reader(poll: Start) -> None:
    """A token lives for an hour; a reader per run would spend a sign-in each time."""
    world = poll()
    for moment in (0, 15, 30):
        await world.at(minutes(moment))
    assert len(world.runs) == 3
    assert world.opened == [(1, 1)]


async def test_a_refused_kind_does_not_stop_the_others(poll: Start) -> None:
    """What the ERP cannot serve is said, counted, and asked again on the schedule."""
    world = poll(error=Reject("not published", code="not_supported"), kinds=BOTH)
    await settle()
    assert [kind for kind, _ in world.runs] == list(BOTH)
    assert world.poller.sick == ""


async def test_a_connection_that_is_not_polled_any_more_keeps_nobody_waiting(poll: Start) -> None:
    """Paused while somebody waits for a run."""
    world = poll(gate=asyncio.Event())
    await settle()
    served: list[bool] = []
    world.poller.ask((), lambda: served.append(True))
    world.poller.dismiss()
    assert served == [True]


async def test_a_stop_ends_the_poller_and_closes_its_reader(poll: Start) -> None:
    """SIGTERM leaves no session behind."""
    world = poll()
    await settle()
    world.poller.stop()
    await settle()
    assert world.closed == 1
    await world.at(minutes(15))
    assert len(world.runs) == 1


async def test_what_somebody_asks_for_is_read_while_nothing_is_due(poll: Start) -> None:
    """A hold that was cleared is seen now and not in a quarter of an hour; the row carries the newest run's number."""
    cursor = ErpCursor(kind=Kind.PURCHASE_INVOICE, run=4, started=START, ended=START)
    world = poll(stands={Kind.PURCHASE_INVOICE: cursor})
    await settle()
    world.ask()
    await settle()
    assert world.served == ["i-1"]
    (row,) = [one for one in world.written if isinstance(one, ErpRow)]
    assert (row.key, row.run) == ("i-1", 4)
    assert len(world.runs) == 1


async def test_what_somebody_asks_for_does_not_wait_for_the_end_of_a_long_run(poll: Start) -> None:
    """The first poll of a large company takes hours; between two pages there is room."""
    world = poll(pages=3, between=asyncio.Event())
    await settle()
    world.ask()
    await settle()
    assert world.served == []
    assert world.between is not None
    world.between.set()
    await settle()
    assert world.served == ["i-1"]
    assert world.runs == [(Kind.VENDOR, START)]


async def test_reads_of_an_erp_that_is_away_are_tried_again_and_a_poll_that_succeeds_ends_the_pause(
    poll: Start,
) -> None:
    """Nobody asks twice, and nobody waits longer than needed once the ERP is back."""
    world = poll()
    await settle()
    world.error = Retry("down", after=1200)
    world.ask()
    await settle()
    await world.at(minutes(14))
    assert (world.served, len(world.poller.reads)) == ([], 1)
    world.error = None
    await world.at(minutes(15))
    assert world.served == ["i-1"]


async def test_reads_are_tried_again_after_a_pause(poll: Start) -> None:
    """A request that was cut off goes on within seconds, without any poll."""
    world = poll()
    await settle()
    world.error = Retry("busy")
    world.ask()
    await settle()
    world.error = None
    await world.at(START + timedelta(seconds=PAUSES[0] - 0.1))
    assert world.served == []
    await world.at(START + timedelta(seconds=PAUSES[0]))
    assert world.served == ["i-1"]


async def test_refused_reads_do_not_make_a_polled_connection_sick(poll: Start) -> None:
    """Its polls say whether it is sick; what is asked for waits for new settings or credentials."""
    world = poll()
    await settle()
    world.error = Fatal("no right")
    world.ask()
    await settle()
    assert (world.poller.sick, world.served) == ("", [])
    world.error = None
    await world.at(minutes(1))
    assert world.served == []
    world.poller.update(world.view(secret=2))
    await settle()
    assert world.served == ["i-1"]


async def test_under_new_settings_the_next_run_of_every_kind_reads_everything_once(poll: Start) -> None:
    """A changed mapping reaches what has not changed in the ERP; the run after it is a small one again."""
    world = poll(kinds=BOTH)
    for moment in (0, 15):
        await world.at(minutes(moment))
    world.poller.update(world.view(generation=2))
    for moment in (15, 30, 45):
        await world.at(minutes(moment))
    of_each = {kind: [position for at, position in world.since if at is kind] for kind in BOTH}
    assert list(of_each.values()) == [["", "1", "", "1"]] * 2
    assert {kind: cursor.generation for kind, cursor in world.stands.items()} == dict.fromkeys(BOTH, 2)


async def test_a_first_reading_under_new_settings_that_was_cut_off_goes_on(poll: Start) -> None:
    """A restart in the middle of reading everything does not begin at the beginning."""
    cut_off = ErpCursor(kind=Kind.VENDOR, run=4, started=minutes(-1), ended=minutes(-9), position="7", generation=1)
    world = poll(stands={Kind.VENDOR: cut_off})
    await settle()
    assert world.since == [(Kind.VENDOR, "7")]
    older = poll(stands={Kind.VENDOR: cut_off.model_copy(update={"generation": 0})})
    await settle()
    assert older.since == [(Kind.VENDOR, "")]


async def test_silence_is_measured_from_the_last_end(poll: Start) -> None:
    """The oldest of all is what an alarm looks at."""
    world = poll(stands={Kind.VENDOR: ErpCursor(kind=Kind.VENDOR, run=1, started=minutes(-9), ended=minutes(-8))})
    await settle()
    assert oldest_ends({"cronus-us": world.poller}, START) == {"business-central": 480.0}
