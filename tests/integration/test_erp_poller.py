"""erp-poller on a real broker: killed between any two steps, superseded in the middle, and asked."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.fake_erp.reader import KEY
from support.fake_erp.world import NAME, World, get, metrics_of, until
from tieout.connections.documents import opened, read_chunks
from tieout.domain.records import Kind
from tieout.domain.settings import Side
from tieout.events.cursors import ErpCursor
from tieout.events.facts import RunPhase
from tieout.events.raw import ErpDocument, ErpRow, ErpRun
from tieout.events.requests import CheckAnswered, CheckStatus
from tieout.log.admin import apply_topics
from tieout.log.clients import KafkaAccess
from tieout.log.produce import Fenced
from tieout.log.topics import Names, Topic
from tieout_erp_poller.cursors import PartitionCursors
from tieout_erp_poller.poller import RawLog
from tieout_erp_poller.raw import RunName
from tieout_erp_poller.run import Run, Surroundings

pytest_plugins = ["tieout_devstack.fixtures"]

STEPS = (
    "again",
    "again.context",
    "again.rows",
    "answer",
    "begun",
    "check",
    "context",
    "cursor.end",
    "cursor.number",
    "cursor.page",
    "document",
    "document.kept",
    "document.told",
    "documents",
    "ended",
    "page",
    "requests",
    "rows",
)
POINTS = {f"erp-poller.{step}.{when}" for step in STEPS for when in ("before", "after")}
# What is durable after one step is what is durable before the next: these are all the states a crash can leave.
# A start is mostly waiting for brokers, so many installations die side by side.
LANES = 10
DEATHS = (*(f"erp-poller.{step}.before" for step in STEPS), "erp-poller.cursor.end.after")


@pytest.fixture
def worlds(kafka_bootstrap: str, topic_prefix: str, devstack_folder: Path) -> Iterator[Callable[[int], World]]:
    """Makes installations without services, of so many partitions."""
    made: list[World] = []

    def make(partitions: int) -> World:
        prefix = f"{topic_prefix}n{len(made)}"
        folder = devstack_folder / prefix
        folder.mkdir()
        made.append(World(KafkaAccess(bootstrap=kafka_bootstrap), Names(prefix, partitions), folder))
        apply_topics(made[-1].access, made[-1].names)
        return made[-1]

    yield make
    for world in made:
        for process in world.started:
            process.kill()
        world.log.close()


@pytest.fixture
def world(worlds: Callable[[int], World]) -> World:
    """An installation without services."""
    return worlds(1)


def stored(world: World) -> set[int]:
    """The changes that stand in ``erp.changes``."""
    rows = (message.data for message in world.read(Topic.ERP_CHANGES))
    return {int(row.version) for row in rows if isinstance(row, ErpRow)}


def assert_sound(world: World) -> None:
    """Numbers rise, each run's rows stand between its ends, and the cursor is behind nothing that was not stored."""
    cursors = world.cursors() or [ErpCursor(kind=Kind.VENDOR, run=0, started=now())]
    numbers = [cursor.run for cursor in cursors]
    assert numbers == sorted(numbers)
    current = 0
    for message in world.read(Topic.ERP_CHANGES):
        found = message.data
        if not isinstance(found, ErpRow | ErpRun) or found.kind is not Kind.VENDOR:
            assert isinstance(found, ErpRun | ErpDocument)
        elif isinstance(found, ErpRun) and found.phase is RunPhase.BEGUN:
            assert found.run > current
            current = found.run
        else:
            assert found.run == current
    assert current <= numbers[-1]
    assert set(range(1, int(cursors[-1].position or 0) + 1)) <= stored(world)


def die_at_each(world: World, points: Sequence[str]) -> None:
    """Kill a poller at each point in turn; each restart first recovers from the kill before."""
    world.change(7)
    world.attach("scan.pdf", b"a scan")
    world.apply("active", schedule="1h")
    for number, point in enumerate(points):
        world.change(7)
        ask_everything(world, f"i-{number}")
        process, _ = world.start(TIEOUT_CRASH_AT=point)
        assert process.wait_gone(seconds=20), f"{point} was not reached"
        if "cursor" in point:
            assert_sound(world)
    world.change(7)
    ask_everything(world, "i-end")
    listing = world.folder / "points"
    process, _ = world.start(TIEOUT_CRASH_LIST=str(listing))
    until(lambda: cursor_of(world, NAME).position == str(world.changes))
    until(lambda: world.acknowledged() == 4 * len(points) + 4)
    assert process.stop()
    assert set(listing.read_text(encoding="utf-8").split()) == POINTS, "a new durable write or call has to be tried"
    assert stored(world) == set(range(1, world.changes + 1))
    assert_sound(world)
    assert {found.invoice for found in files(world)} == {"i-end", *(f"i-{number}" for number in range(len(points)))}


def ask_everything(world: World, invoice: str) -> None:
    """One request of each kind."""
    world.ask_sync()
    world.ask_check()
    world.ask_rows("v1")
    world.ask_files(invoice)


def files(world: World) -> list[ErpDocument]:
    """The files that were told of, each of which can be opened where it is said to lie."""
    found = [message.data for message in world.read(Topic.ERP_CHANGES) if isinstance(message.data, ErpDocument)]
    for one in found:
        assert one.place is not None
        chunks = read_chunks(world.access, world.names, one.place)
        assert opened(KEY, NAME, chunks, one.place) == b"a scan"
    return found


def test_killed_at_every_step_it_repeats_rows_and_loses_none(worlds: Callable[[int], World]) -> None:
    """A power cut between any two durable writes, before and after any call of the ERP; no request is lost either."""
    side_by_side = [worlds(1) for _ in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        for done in [pool.submit(die_at_each, one, DEATHS[number::LANES]) for number, one in enumerate(side_by_side)]:
            done.result()


def test_a_zombie_writes_no_cursor_and_loses_no_row(world: World) -> None:
    """A poller that was paused in the middle of a run, replaced, and woken up again: it is fenced and ends."""
    world.change(7)
    world.apply("active")
    gate = world.erp / "gate"
    gate.touch()
    zombie, _ = world.start()
    until(lambda: any("changes" in call for call in world.calls()))
    zombie.send(signal.SIGSTOP)
    successor, _ = world.start()
    until(lambda: any("changes" in call for call in world.calls() if call.startswith(f"{successor.pid} ")))
    gate.unlink()
    until(lambda: world.cursors()[-1].position == "7")
    assert successor.stop()
    before = world.cursors()
    zombie.send(signal.SIGCONT)
    assert zombie.wait_gone(seconds=20)
    assert world.cursors() == before
    assert [cursor.run for cursor in before][:2] == [1, 2]
    assert stored(world) == set(range(1, 8))
    world.change(1)
    process, _ = world.start()
    until(lambda: world.cursors()[-1].position == "8")
    assert process.stop()
    assert stored(world) == set(range(1, 9))


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Unasked:
    """An ERP that must not be called."""

    def __getattr__(self, verb: str) -> Any:
        raise AssertionError(f"{verb} was called")


async def test_who_was_superseded_is_fenced_before_its_first_read(world: World) -> None:
    """Two processes believe that they own a partition: the older one does not read the ERP any more."""
    partition = world.names.partition_of(NAME)
    older = PartitionCursors(world.access, world.names, partition).taken_over()
    newer = PartitionCursors(world.access, world.names, partition).taken_over()
    cursor = ErpCursor(kind=Kind.VENDOR, run=1, started=now())
    around = Surroundings(log=RawLog(world.names, world.producer, older, now), clock=now, places=asyncio.Semaphore(1))
    run = Run(RunName(NAME, "fake", Kind.VENDOR, 1), cursor, Unasked(), around)
    with pytest.raises(Fenced):
        await run.go()
    await newer.commit(NAME, cursor)
    assert world.cursors() == [cursor]
    older.close()
    newer.close()


def test_a_draft_answers_checks_and_is_not_polled(world: World) -> None:
    """`tieout check` works before anything is synchronized; a sync of a draft reads nothing."""
    world.change(1)
    world.apply("draft")
    process, _ = world.start()
    world.ask_sync()
    request = world.ask_check()
    until(lambda: world.read(Topic.SNAPSHOTS))
    (answer,) = world.read(Topic.SNAPSHOTS)
    assert isinstance(answer.data, CheckAnswered)
    assert (answer.data.request, answer.data.connection, answer.data.side) == (request, NAME, Side.ERP)
    assert [(line.name, line.status) for line in answer.data.lines] == [("sign-in", CheckStatus.OK)]
    assert answer.causationid == request
    assert [call.split()[1] for call in world.calls()] == ["check"]
    assert world.read(Topic.ERP_CHANGES) == []
    world.apply("active", 2, schedule="1h")
    until(lambda: stored(world) == {1})
    world.apply("paused", 3)
    world.change(1)
    world.ask_sync(generation=3)
    second = world.ask_check(generation=3)
    until(lambda: any(message.causationid == second for message in world.read(Topic.SNAPSHOTS)))
    assert stored(world) == {1}
    assert process.stop()


def test_a_refused_connection_is_an_alarm_until_its_credentials_change(world: World) -> None:
    """A wrong secret is visible at once and told by `check`; a new one is used without waiting for the schedule."""
    world.change(1)
    refuse = world.erp / "refuse"
    refuse.write_text("fatal")
    world.apply("active", schedule="1h")
    process, port = world.start()
    until(lambda: 'tieout_poller_sick_connections{erp="business-central"} 1.0' in metrics_of(port))
    assert get(port, "/readyz")[0] == 200
    world.ask_check()
    until(lambda: world.read(Topic.SNAPSHOTS))
    (answer,) = world.read(Topic.SNAPSHOTS)
    assert isinstance(answer.data, CheckAnswered)
    (line,) = answer.data.lines
    assert (line.status, line.detail, line.code, line.cure) == (
        CheckStatus.FAILED,
        "wrong secret",
        "7000215",
        "Set it.",
    )
    refuse.unlink()
    world.apply("active", 2, schedule="1h")
    until(lambda: stored(world) == {1})
    until(lambda: 'tieout_poller_sick_connections{erp="business-central"} 0.0' in metrics_of(port))
    assert process.stop()


def test_a_stop_ends_a_run_between_two_pages(world: World) -> None:
    """SIGTERM in the middle of a long first poll: what was stored is kept, the next start goes on behind it at once."""
    world.change(9)
    world.apply("active", schedule="1h")
    gate = world.erp / "gate"
    gate.touch()
    process, _ = world.start()
    until(lambda: stored(world) == {1, 2, 3})
    process.send(signal.SIGTERM)
    time.sleep(0.3)
    gate.unlink()
    assert process.wait_gone(seconds=10)
    last = world.cursors()[-1]
    assert (last.position, last.ended) == ("6", None)
    process, _ = world.start()
    until(lambda: world.cursors()[-1].position == "9")
    assert process.stop()
    versions = [message.data.version for message in world.read(Topic.ERP_CHANGES) if isinstance(message.data, ErpRow)]
    assert versions == [str(number) for number in range(1, 10)]


def test_a_second_poller_takes_its_share_and_no_run_is_lost_or_doubled(worlds: Callable[[int], World]) -> None:
    """Scaling out under way: each connection goes on with the next number, wherever it is polled from then on."""
    world = worlds(2)
    names = ["cronus-us", "company-3"]
    assert {world.names.partition_of(name) for name in names} == set(range(world.names.partitions))
    for name in names:
        world.change(4, name)
        world.apply("active", name=name)
    world.start()
    until(lambda: all(cursor_of(world, name).ended for name in names))
    _, port = world.start(TIEOUT_INSTANCE="p-1")
    until(lambda: "tieout_poller_partitions 1.0" in metrics_of(port))
    reached = {name: cursor_of(world, name).run for name in names}
    for name in names:
        world.change(3, name)
    until(lambda: all(cursor_of(world, name).position == "7" for name in names))
    assert all(process.running() for process in world.started)
    for name in names:
        numbers = [cursor.run for cursor in world.cursors(name)]
        assert numbers == sorted(numbers)
        assert cursor_of(world, name).run > reached[name]
        rows = [message.data for message in world.read(Topic.ERP_CHANGES, name) if isinstance(message.data, ErpRow)]
        assert len(rows) >= 7


def cursor_of(world: World, name: str) -> ErpCursor:
    """Where a connection stands."""
    return (world.cursors(name) or [ErpCursor(kind=Kind.VENDOR, run=0, started=now())])[-1]
