"""erp-poller's run: what is durable when, and that no crash loses a row."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tieout.domain.errors import Fatal, Reject, Retry
from tieout.domain.records import Kind, ReadContext
from tieout.events.cursors import ErpCursor
from tieout.events.envelope import Message, Payload
from tieout.events.raw import ErpRow, ErpRun
from tieout.log.produce import Fenced
from tieout_connectors.spi.erp import Page, RawRow, Watermark
from tieout_erp_poller import asking
from tieout_erp_poller.patience import TRIES
from tieout_erp_poller.raw import RunName
from tieout_erp_poller.run import Ended, Run, Surroundings
from tieout_erp_poller.shown import Shown

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


class PowerCut(Exception):
    """The process dies here."""


@dataclass
class Erp:
    """``rows`` changes, ``size`` a page; ``errors`` are raised before the n-th call of a page or of the context."""

    rows: int = 7
    size: int = 3
    errors: Mapping[int, Exception] = field(default_factory=dict)
    calls: int = 0
    read_from: list[str] = field(default_factory=list)

    def _called(self) -> None:
        self.calls += 1
        if self.calls in self.errors:
            raise self.errors[self.calls]

    async def context(self) -> ReadContext:
        """The company."""
        self._called()
        return ReadContext(company="c1", local_currency="USD")

    async def changes(self, kind: Kind, since: Watermark) -> AsyncIterator[Page]:
        """What follows the position, which counts changes."""
        self.read_from.append(since.position)
        start = int(since.position or "0")
        for first in range(start, max(self.rows, start + 1), self.size):
            self._called()
            numbers = range(first + 1, min(first + self.size, self.rows) + 1)
            rows = tuple(RawRow(kind, f"v{number}", str(number), {"number": number}) for number in numbers)
            edge = {f"v{number}": str(number) for number in numbers}
            yield Page(rows, Watermark(str(numbers[-1]), edge) if rows else since)

    async def check(self) -> list[Any]:
        """Not asked here."""
        raise AssertionError

    async def close(self) -> None:
        """Nothing to give back."""


@dataclass
class Log:
    """What is durable, in order. The power goes off at the ``dies``-th write, before or after it is durable."""

    dies: int = -1
    after: bool = False
    told: list[str] = field(default_factory=list)
    cursors: list[ErpCursor] = field(default_factory=list)
    messages: list[Message[Payload]] = field(default_factory=list)
    writes: int = 0

    async def commit(self, connection: str, cursor: ErpCursor) -> None:
        """A cursor."""
        self._write(lambda: self.cursors.append(cursor), f"cursor {connection} run {cursor.run} at {cursor.position}")

    async def write(self, messages: Sequence[Message[Payload]]) -> None:
        """Raw messages."""
        self._write(lambda: self.messages.extend(messages), " ".join(map(_word, messages)))

    async def keep(self, *_: Any) -> Any:
        """No document here."""
        raise AssertionError

    def _write(self, durable: Any, told: str) -> None:
        self.writes += 1
        if self.writes == self.dies and not self.after:
            raise PowerCut
        durable()
        self.told.append(told)
        if self.writes == self.dies:
            raise PowerCut

    def versions(self) -> list[str]:
        """The rows that are stored, in order."""
        return [message.data.version for message in self.messages if isinstance(message.data, ErpRow)]


def _word(message: Message[Payload]) -> str:
    data = message.data
    return data.version if isinstance(data, ErpRow) else f"{data.phase} {data.rows}" if isinstance(data, ErpRun) else ""


@dataclass
class Pauses:
    """Sleeps without time."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        """Note it."""
        self.seconds.append(seconds)


def make(erp: Erp, log: Log, cursor: ErpCursor | None = None, shown: Shown | None = None, **around: Any) -> Run:
    """The next run behind a cursor."""
    number = cursor.run + 1 if cursor else 1
    began = NOW + timedelta(minutes=number)
    next_cursor = (cursor or ErpCursor(kind=Kind.VENDOR, run=0, started=NOW)).model_copy(
        update={"run": number, "started": began}
    )
    name = RunName("cronus-us", "fake", Kind.VENDOR, number)
    options: dict[str, Any] = {"clock": lambda: began, "places": asyncio.Semaphore(1), "sleep": Pauses(), **around}
    return Run(name, next_cursor, erp, Surroundings(log=log, **options), shown)  # type: ignore[arg-type]


async def test_a_run_leaves_its_traces_in_this_order() -> None:
    """Number, begun, each page's rows before the cursor passes them, ended, end."""
    log = Log()
    assert await make(Erp(), log).go() is Ended.ENDED
    assert log.told == [
        "cursor cronus-us run 1 at ",
        "begun 0",
        "1 2 3",
        "cursor cronus-us run 1 at 3",
        "4 5 6",
        "cursor cronus-us run 1 at 6",
        "7",
        "ended 7",
        "cursor cronus-us run 1 at 7",
    ]
    assert log.cursors[-1].edge == {"v7": "7"}
    assert [cursor.ended is None for cursor in log.cursors] == [True, True, True, False]


async def test_an_idle_company_costs_two_cursors_and_two_messages() -> None:
    """A poll that finds nothing new says that it ran, and nothing else."""
    log = Log()
    await make(Erp(), log).go()
    idle = Log()
    await make(Erp(), idle, log.cursors[-1]).go()
    assert idle.told == [
        "cursor cronus-us run 2 at 7",
        "begun 0",
        "ended 0",
        "cursor cronus-us run 2 at 7",
    ]


async def test_who_is_fenced_reads_nothing() -> None:
    """A poller that was replaced does not even ask the ERP."""

    class Taken(Log):
        async def commit(self, connection: str, cursor: ErpCursor) -> None:
            raise Fenced(f"{connection} {cursor.run}")

    erp = Erp()
    with pytest.raises(Fenced):
        await make(erp, Taken()).go()
    assert erp.calls == 0


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies", range(1, 10))
async def test_a_crash_at_any_write_repeats_rows_and_loses_none(dies: int, after: bool) -> None:  # noqa: FBT001
    """However far a run came, the next one begins at or before the first row that is not stored."""
    log = Log(dies=dies, after=after)
    with pytest.raises(PowerCut):
        await make(Erp(), log).go()
    restored = log.cursors[-1] if log.cursors else None
    passed = int(restored.position or "0") if restored else 0
    assert log.versions()[:passed] == [str(number) for number in range(1, passed + 1)]
    erp = Erp(rows=9)
    await make(erp, log, restored).go()
    assert set(log.versions()) == {str(number) for number in range(1, 10)}
    runs = [message.data.run for message in log.messages if isinstance(message.data, ErpRun | ErpRow)]
    assert runs == sorted(runs)


async def test_a_busy_erp_is_asked_again_behind_the_last_stored_page() -> None:
    """429 in the middle: a pause of at least what the ERP asks for, then on from where it was."""
    log, pauses = Log(), Pauses()
    erp = Erp(errors={3: Retry("busy", code="429", after=7)})
    assert await make(erp, log, sleep=pauses).go() is Ended.ENDED
    assert erp.read_from == ["", "3"]
    assert log.versions() == ["1", "2", "3", "4", "5", "6", "7"]
    assert len(pauses.seconds) == 1
    assert 7 < pauses.seconds[0] <= 8


async def test_an_erp_that_does_not_answer_ends_the_run_after_its_tries() -> None:
    """The rest waits for the schedule; what was stored is behind the cursor already."""
    log, pauses = Log(), Pauses()
    erp = Erp(errors=dict.fromkeys(range(4, 100), Retry("busy")))
    with pytest.raises(Retry):
        await make(erp, log, sleep=pauses).go()
    assert len(pauses.seconds) == TRIES
    assert sum(pauses.seconds) < 60
    assert log.cursors[-1].position == "3"
    assert log.versions() == ["1", "2", "3", "4", "5", "6"]


async def test_a_page_that_comes_makes_patience_new() -> None:
    """A slow but living ERP is read to its end, with many pauses in all."""
    log, pauses = Log(), Pauses()
    busy = {call: Retry("busy") for call in range(2, 40) if call % 3}
    assert await make(Erp(rows=30, errors=busy), log, sleep=pauses).go() is Ended.ENDED
    assert len(pauses.seconds) > TRIES
    assert len(log.versions()) == 30


async def test_an_erp_that_asks_for_a_long_pause_is_left_alone() -> None:
    """Ten minutes are no pause inside a run."""
    pauses = Pauses()
    with pytest.raises(Retry) as caught:
        await make(Erp(errors={2: Retry("later", after=600)}), Log(), sleep=pauses).go()
    assert caught.value.after == 600
    assert pauses.seconds == []


@pytest.mark.parametrize("error", [Fatal("wrong secret"), Reject("not_supported")])
async def test_a_refusal_before_the_first_page_leaves_no_message(error: Exception) -> None:
    """A sick connection fills the log with nothing but its cursor."""
    log = Log()
    with pytest.raises(type(error)):
        await make(Erp(errors={1: error}), log).go()
    assert log.messages == []


async def test_a_stop_ends_a_run_behind_a_stored_page() -> None:
    """Nothing is read twice after an orderly stop."""
    log = Log()
    assert await make(Erp(), log, stopping=lambda: len(log.versions()) >= 6).go() is Ended.STOPPED
    assert log.cursors[-1].position == "6"
    assert log.cursors[-1].ended is None
    again = Log()
    await make(Erp(), again, log.cursors[-1]).go()
    assert again.versions() == ["7"]


async def test_a_pause_holds_no_place() -> None:
    """With a single place, one ERP that is busy for long does not keep another connection from being read."""
    places, paused, released = asyncio.Semaphore(1), asyncio.Event(), asyncio.Event()

    async def pause(_seconds: float) -> None:
        paused.set()
        await released.wait()

    slow = asyncio.ensure_future(make(Erp(errors={2: Retry("busy")}), Log(), places=places, sleep=pause).go())
    await paused.wait()
    log = Log()
    assert await asyncio.wait_for(make(Erp(), log, places=places).go(), 5) is Ended.ENDED
    released.set()
    assert await slow is Ended.ENDED


async def test_a_failure_gives_the_place_back() -> None:
    """A connection that fails in the middle of a page leaves room for the others."""
    places = asyncio.Semaphore(1)
    with pytest.raises(PowerCut):
        await make(Erp(), Log(dies=3), places=places).go()
    assert not places.locked()


async def test_an_erp_that_hangs_counts_as_one_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector whose own time-outs fail never keeps a place for good."""
    monkeypatch.setattr(asking, "READ_SECONDS", 0.01)

    class Hanging(Erp):
        async def context(self) -> ReadContext:
            await asyncio.Event().wait()
            raise AssertionError

    pauses = Pauses()
    with pytest.raises(Retry, match="no answer"):
        await make(Hanging(), Log(), sleep=pauses).go()
    assert len(pauses.seconds) == TRIES


class Ledger(Erp):
    """An ERP that shows all its entries with every poll, two a page."""

    def __init__(self, **entries: str) -> None:
        super().__init__()
        self.entries = entries

    async def changes(self, kind: Kind, since: Watermark) -> AsyncIterator[Page]:
        """All of them."""
        rows = [RawRow(kind, key, version, {}) for key, version in self.entries.items()]
        for first in range(0, len(rows), 2):
            self._called()
            yield Page(tuple(rows[first : first + 2]), since, whole=first + 2 >= len(rows))


async def test_of_what_is_shown_whole_only_changes_are_stored() -> None:
    """A thousand open entries that stand as they stood cost no message; a run counts what it stored."""
    shown, erp = Shown(), Ledger(e1="a", e2="a", e3="a")
    first = Log()
    await make(erp, first, shown=shown).go()
    assert first.versions() == ["a", "a", "a"]
    erp.entries["e3"] = "b"
    second = Log()
    await make(erp, second, first.cursors[-1], shown=shown).go()
    assert second.told[1:-1] == ["begun 0", "b", "ended 1"]
    await make(erp, third := Log(), second.cursors[-1], shown=shown).go()
    assert third.told[1:-1] == ["begun 0", "ended 0"]


async def test_an_entry_that_closes_and_opens_again_as_it_was_is_stored_again() -> None:
    """A payment that was taken back: the invoice is open as before, and that is news."""
    shown, erp, log = Shown(), Ledger(e1="a", e2="a"), Log()
    await make(erp, log, shown=shown).go()
    del erp.entries["e1"]
    await make(erp, log, log.cursors[-1], shown=shown).go()
    erp.entries["e1"] = "a"
    await make(erp, again := Log(), log.cursors[-1], shown=shown).go()
    assert again.told[1:-1] == ["begun 0", "a", "ended 1"]


@pytest.mark.parametrize("dies", range(1, 6))
async def test_a_crash_forgets_no_change_of_what_is_shown_whole(dies: int) -> None:
    """What was not stored is stored by the next run, also if the memory outlives the failure."""
    shown, erp, log = Shown(), Ledger(e1="a", e2="a", e3="a"), Log(dies=dies)
    with pytest.raises(PowerCut):
        await make(erp, log, shown=shown).go()
    await make(erp, log, log.cursors[-1] if log.cursors else None, shown=shown).go()
    keys = {message.data.key for message in log.messages if isinstance(message.data, ErpRow)}
    assert keys == {"e1", "e2", "e3"}
