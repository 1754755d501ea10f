"""Polls of BILL: what is read from where, in which order it becomes durable, and when the next one is due."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tieout.domain.errors import Retry
from tieout.domain.schedule import BillSchedule
from tieout.events.cursors import BillCursor
from tieout.events.envelope import Message, Payload, time_text
from tieout.events.raw import BillDocument
from tieout_bill_writer.poll_run import EDGE, OVERLAP, PollRun, Wanted, moved, news, next_run, since
from tieout_bill_writer.polling import KINDS, due
from tieout_bill_writer.raw import LARGEST, Origin, Trail, document_message
from tieout_connectors.bill.raw import RawKind, RawRecords
from tieout_connectors.bill.wire.lists import RawPage
from tieout_connectors.bill.wire.raw import RawRecord, read_raw

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CUTOVER = date(2026, 1, 1)
PAYMENTS = Wanted("acme", RawKind.PAYMENT, CUTOVER)


def row(key: str, seconds: float) -> RawRecord:
    """A record that was changed so many seconds after noon."""
    stamp = NOON + timedelta(seconds=seconds)
    return RawRecord(key, stamp, {"id": key, "updatedTime": stamp.isoformat()})


def cursor(**changes: Any) -> BillCursor:
    """A cursor that has come to noon."""
    base = BillCursor(kind="payment", run=3, started=NOON, ended=NOON, begins=CUTOVER, position=NOON)
    return base.model_copy(update=changes)


def test_the_first_poll_begins_at_the_cut_over_of_every_time_zone() -> None:
    """A company in Auckland begins its day before UTC does; nothing of the day of the cut-over is missed."""
    first = next_run(PAYMENTS, None, NOON)
    assert (first.run, first.position) == (1, None)
    assert since(first) == datetime(2025, 12, 31, 10, 0, tzinfo=UTC)


def test_an_earlier_cut_over_is_read_from_there() -> None:
    """The owner sets the cut-over back by a month: what lies in between is read too, under a higher number."""
    earlier = next_run(Wanted("acme", RawKind.PAYMENT, date(2025, 12, 1)), cursor(edge={"a": "v"}), NOON)
    assert (earlier.run, earlier.position, earlier.edge) == (4, None, {})
    later = next_run(Wanted("acme", RawKind.PAYMENT, date(2026, 2, 1)), cursor(), NOON)
    assert (later.run, later.position) == (4, NOON)


def test_a_record_that_shows_itself_late_is_stored_and_an_unchanged_one_is_not() -> None:
    """BILL's list lags: a change older than the newest one seen appears at the next poll."""
    after = moved(cursor(), [row("a", 10), row("b", 60)])
    assert since(after) == NOON + timedelta(seconds=60) - OVERLAP
    again = [row("late", 5), row("a", 10), row("b", 60)]
    assert [one.key for one in news(after, again)] == ["late"]
    assert [one.key for one in news(after, [row("b", 61)])] == ["b"]


def test_the_cursor_never_goes_back_and_keeps_a_bounded_edge() -> None:
    """A page of older rows, a row without a stamp and a mass import leave it in order."""
    assert moved(cursor(), [row("a", -300)]).position == NOON
    assert moved(cursor(), [RawRecord("x", None, {})]) == cursor()
    assert moved(cursor(position=None), [RawRecord("x", None, {})]).position is None
    many = moved(cursor(), [row(f"r{n}", n / 100) for n in range(EDGE + 50)])
    assert len(many.edge) == EDGE
    assert f"r{EDGE + 49}" in many.edge
    assert moved(many, [row("z", 3600)]).edge == {"z": time_text(NOON + timedelta(hours=1))}


def cursors(**ages: float) -> dict[RawKind, BillCursor]:
    """All kinds polled at noon, or so many seconds later."""
    found = {}
    for kind in KINDS:
        at = NOON + timedelta(seconds=ages.get(kind, 0))
        found[kind] = cursor(kind=kind, started=at, ended=at)
    return found


def test_the_schedule_counts_from_the_last_beginning() -> None:
    """A restart polls nobody early, and a company that was not polled for long at once."""
    schedule, now = BillSchedule(), NOON + timedelta(minutes=3)
    assert due(cursors(), schedule, CUTOVER, now) == NOON + timedelta(minutes=10)
    assert due(cursors(payment=60), schedule, CUTOVER, now) == NOON + timedelta(minutes=10)
    daily = BillSchedule.model_validate({"default": "daily 02:00", "time_zone": "Europe/Oslo"})
    assert due(cursors(), daily, CUTOVER, now) == datetime(2026, 3, 3, 1, 0, tzinfo=UTC)


def test_the_default_finds_a_lost_webhook_within_a_quarter_of_an_hour() -> None:
    """What is promised for a lost notification holds without any setting."""
    assert due(cursors(), BillSchedule(), CUTOVER, NOON) - NOON <= timedelta(minutes=15)


@pytest.mark.parametrize("what", ["never", "cut off", "failed first", "earlier cut-over"])
def test_what_did_not_come_to_its_end_is_polled_at_once(what: str) -> None:
    """A kind that was never polled, or whose run was cut off by a crash, does not wait for the schedule."""
    known, begins = cursors(), CUTOVER
    if what == "never":
        del known[RawKind.BILL]
    elif what == "cut off":
        known[RawKind.BILL] = cursor(started=NOON + timedelta(seconds=1))
    elif what == "failed first":
        known[RawKind.BILL] = cursor(ended=None)
    else:
        begins = date(2025, 1, 1)
    assert due(known, BillSchedule(), begins, NOON + timedelta(seconds=5)) == NOON + timedelta(seconds=5)


class Outside:
    """BILL's list and our log, as one history of what was done."""

    def __init__(self, *pages: Sequence[RawRecord]) -> None:
        self.pages = pages
        self.done: list[str] = []
        self.cursor: BillCursor | None = None
        self.stored: list[str] = []
        self.fails = ""

    async def changed(self, _kind: RawKind, _since: datetime) -> AsyncGenerator[Sequence[RawRecord], None]:
        """BILL's pages; after the last one it may break off."""
        for page in self.pages:
            self.done.append("read")
            yield page
        if self.fails == "read":
            raise Retry("no answer")

    async def commit(self, _connection: str, cursor: BillCursor) -> None:
        """The cursor is stored."""
        self.done.append("cursor")
        self.cursor = cursor

    async def write(self, messages: Sequence[Message[Payload]]) -> None:
        """Rows are stored, or not."""
        if self.fails == "write":
            raise OSError("the broker is gone")
        self.done.append("rows")
        documents = [one.data for one in messages]
        self.stored += [one.key for one in documents if isinstance(one, BillDocument)]

    def run(self, last: BillCursor | None = None) -> PollRun:
        """A run that goes on from there."""
        records: Any = SimpleNamespace(changed=self.changed)
        return PollRun(PAYMENTS, next_run(PAYMENTS, last, NOON), records, self, self.write, lambda: NOON)


async def test_number_rows_and_cursor_become_durable_in_this_order() -> None:
    """A superseded process is stopped before it reads; a cursor never stands behind what is not stored."""
    outside = Outside([row("a", 1), row("b", 2)], [row("b", 2)], [row("c", 3)])
    await outside.run().go()
    assert outside.done == ["cursor", "read", "rows", "cursor", "read", "read", "rows", "cursor", "cursor"]
    assert outside.stored == ["a", "b", "c"]
    assert outside.cursor is not None
    assert (outside.cursor.position, outside.cursor.ended) == (row("c", 3).updated, NOON)


async def test_a_run_that_breaks_off_goes_on_behind_what_is_stored() -> None:
    """An interruption repeats nothing that is stored and loses nothing; the run counts as not ended."""
    outside = Outside([row("a", 1)])
    outside.fails = "read"
    with pytest.raises(Retry):
        await outside.run().go()
    assert outside.cursor is not None
    assert (outside.cursor.position, outside.cursor.ended) == (row("a", 1).updated, None)
    on = Outside([row("a", 1), row("b", 2)])
    await on.run(outside.cursor).go()
    assert on.stored == ["b"]


async def test_the_cursor_stays_where_rows_were_not_stored() -> None:
    """The broker does not take them: the next run reads them again."""
    outside = Outside([row("a", 1)])
    outside.fails = "write"
    with pytest.raises(OSError, match="broker"):
        await outside.run().go()
    assert outside.cursor is not None
    assert outside.cursor.position is None


class Shifting:
    """A list whose tokens count rows; while it is read a record of the first page changes and moves to the end."""

    def __init__(self, count: int, size: int) -> None:
        self.rows = {f"r{n}": n for n in range(count)}
        self.size = size
        self.calls = 0

    async def pages(self, _call: Any, *, filters: Sequence[Any], sort: str) -> AsyncGenerator[RawPage, None]:
        """Pages by offset."""
        assert sort == "updatedTime:asc"
        beginning, offset = str(filters[0]), 0
        while True:
            self.calls += 1
            assert self.calls < 50, "the list does not end"
            there = sorted((seconds, key) for key, seconds in self.rows.items())
            found = [row(key, seconds) for seconds, key in there if _stamp(seconds) >= beginning]
            page = found[offset : offset + self.size]
            offset += self.size
            yield RawPage(tuple(one.document for one in page), "more" if offset < len(found) else "")
            if self.calls == 1:
                self.rows["r0"] = len(self.rows) + 1
            if offset >= len(found):
                return


def _stamp(seconds: float) -> str:
    text = (NOON + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'updatedTime:gte:"{text}"'


@pytest.mark.parametrize("together", [False, True])
async def test_a_record_that_changes_while_the_list_is_read_hides_no_other(*, together: bool) -> None:
    """It moves to the end and pulls one over the edge of a page; all are read, also many of one stamp."""
    shifting = Shifting(9, 3)
    if together:
        shifting.rows |= {f"r{n}": 4 for n in range(2, 9)}
    seen = set()
    caller: Any = shifting
    async for page in RawRecords(caller).changed(RawKind.BILL, NOON):
        seen |= {one.key for one in page}
    assert seen == {f"r{n}" for n in range(9)}


def test_what_the_log_cannot_hold_is_named_with_the_reason() -> None:
    """A bill of a megabyte, half a character, an object without id: each becomes a message that leads to a hold."""
    trail = Trail.of_run("acme", RawKind.BILL, 1)
    large = RawRecord("00n1", NOON, {"id": "00n1", "text": "x" * LARGEST})
    broken = RawRecord("00n2", NOON, {"id": "00n2", "text": "\ud800"})
    for record in (large, broken):
        message = document_message("acme", RawKind.BILL, record, Origin.POLL, trail, NOON)
        assert isinstance(message.data, BillDocument)
        assert set(message.data.document) == {"reason"}
    nameless = document_message("acme", RawKind.BILL, read_raw({"updatedTime": "x"}), Origin.POLL, trail, NOON)
    assert nameless.subject.startswith("bill/bill/unnamed-")


def test_one_record_and_version_is_one_message() -> None:
    """Read by a notice or found by a poll, in whatever form BILL prints the offset: the same id."""
    raw = {"id": "stp1", "updatedTime": "2026-03-02T12:00:00.000+00:00"}
    other = {"id": "stp1", "updatedTime": "2026-03-02T13:00:00+01:00"}
    polled = document_message(
        "acme", RawKind.PAYMENT, read_raw(raw), Origin.POLL, Trail.of_run("acme", RawKind.PAYMENT, 1), NOON
    )
    read = document_message("acme", RawKind.PAYMENT, read_raw(other), Origin.READ, Trail("n1", "c", "t"), NOON)
    changed = read_raw(raw | {"updatedTime": "2026-03-02T12:00:01Z"})
    next_one = document_message("acme", RawKind.PAYMENT, changed, Origin.READ, Trail("n1", "c", "t"), NOON)
    assert polled.id == read.id != next_one.id
    assert (read.causationid, read.correlationid, read.traceparent) == ("n1", "c", "t")
