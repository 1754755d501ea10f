"""erp-poller: what somebody asks for between polls, and what new settings make of a poll."""

import asyncio
from datetime import timedelta

import pytest

from support.polled_connection import BOTH, START, Start, minutes, settle
from tieout.domain.errors import Fatal, Retry
from tieout.domain.records import Kind
from tieout.events.cursors import ErpCursor
from tieout.events.raw import ErpRow
from tieout_erp_poller import reads
from tieout_erp_poller.connection import oldest_ends
from tieout_erp_poller.reads import PAUSES


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
    world = poll(pages=3, between=asyncio.Semaphore(0))
    await settle()
    world.ask()
    await settle()
    assert world.served == []
    assert world.between is not None
    world.between.release()
    await settle()
    assert world.served == ["i-1"]
    assert world.stands[Kind.VENDOR].ended is None


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


async def test_the_end_of_a_pause_wakes_the_poller_by_itself(poll: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to poll, ask or apply anything for a read to be tried again."""
    monkeypatch.setattr(reads, "PAUSES", (0.01,))
    world = poll(real=True)
    await settle()
    world.error = Retry("busy")
    world.ask()
    await settle()
    world.error = None
    async with asyncio.timeout(5):
        while not world.served:  # noqa: ASYNC110 - the end of a pause is no event
            await asyncio.sleep(0.01)


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


async def test_under_new_settings_what_is_shown_whole_is_told_again(poll: Start) -> None:
    """Open ledger entries that stand as they stood are told once, and once more when the settings change."""
    world = poll(kinds=(Kind.LEDGER_ENTRY,), entries=("e1", "e2"))
    for moment in (0, 15):
        await world.at(minutes(moment))
    assert [one.key for one in world.written if isinstance(one, ErpRow)] == ["e1", "e2"]
    world.poller.update(world.view(generation=2))
    await world.at(minutes(30))
    assert [one.key for one in world.written if isinstance(one, ErpRow)] == ["e1", "e2", "e1", "e2"]


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
