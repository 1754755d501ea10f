"""erp-poller's schedule: what is due when, what an error changes, and when somebody who asked is served."""

import asyncio
from datetime import UTC, datetime

import pytest

from support.polled_connection import BOTH, START, Start, minutes, settle
from tieout.domain.errors import Fatal, Reject, Retry
from tieout.domain.records import Kind
from tieout.events.cursors import ErpCursor


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
