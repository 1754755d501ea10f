"""erp-poller on a real broker: killed between any two steps, superseded in the middle, and asked."""

import asyncio
import http.client
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tieout.domain.records import Kind
from tieout.domain.settings import ConnectionSettings, Side
from tieout.events import catalogue
from tieout.events.connections import ConnectionApplied
from tieout.events.cursors import ErpCursor
from tieout.events.envelope import Message, Payload, decode
from tieout.events.facts import RunPhase
from tieout.events.raw import ErpRow, ErpRun
from tieout.events.requests import CheckAnswered, CheckAsked, CheckStatus, SyncAsked
from tieout.log.admin import apply_topics
from tieout.log.clients import KafkaAccess
from tieout.log.compacted import read_to_end
from tieout.log.outgoing import outgoing
from tieout.log.produce import Fenced, PlainProducer, TransactionalProducer
from tieout.log.topics import Names, Topic
from tieout_devstack import processes
from tieout_devstack.ports import free_port
from tieout_erp_poller.cursors import PartitionCursors
from tieout_erp_poller.poller import RawLog
from tieout_erp_poller.raw import RunName
from tieout_erp_poller.run import Run, Surroundings

pytest_plugins = ["tieout_devstack.fixtures"]

NAME = "cronus-us"
STEPS = (
    "answer",
    "begun",
    "check",
    "context",
    "cursor.end",
    "cursor.number",
    "cursor.page",
    "ended",
    "page",
    "requests",
    "rows",
)
POINTS = {f"erp-poller.{step}.{when}" for step in STEPS for when in ("before", "after")}
# What is durable after one step is what is durable before the next: these are all the states a crash can leave.
DEATHS = (*(f"erp-poller.{step}.before" for step in STEPS), "erp-poller.cursor.end.after")


@dataclass
class World:
    """The topics of one installation, a fake ERP's folder, and the pollers a test started."""

    access: KafkaAccess
    names: Names
    folder: Path
    started: list[processes.Background] = field(default_factory=list)
    changes: int = 0

    def __post_init__(self) -> None:
        self.producer = PlainProducer(self.access)

    @property
    def erp(self) -> Path:
        """What the fake ERP holds for the connection."""
        return self.folder / "erp" / NAME

    def change(self, count: int) -> None:
        """Vendors change in the ERP."""
        self.erp.mkdir(parents=True, exist_ok=True)
        with (self.erp / "rows.jsonl").open("a", encoding="utf-8") as file:
            for _ in range(count):
                self.changes += 1
                row = {"id": f"v{self.changes % 5}", "name": "A", "change": self.changes}
                file.write(json.dumps(row) + "\n")

    def apply(self, state: str, generation: int = 1, schedule: str = "1s") -> None:
        """The connection as control-plane writes it."""
        erp = {"kind": "business-central", "tenant": "t", "company": "C", "schedule": {"default": schedule}}
        bill = {"environment": "sandbox", "organization": "00801ABC"}
        settings = ConnectionSettings.model_validate({"connection": NAME, "state": state, "erp": erp, "bill": bill})
        data = ConnectionApplied(generation=generation, settings=settings, secret_versions={Side.ERP: 1})
        producer = TransactionalProducer(self.access, f"{self.names.prefix}.test")
        producer.open()
        producer.commit([outgoing(self.names, Topic.CONNECTIONS, self.message(data))])

    def message(self, data: Payload) -> Message[Payload]:
        """Any message of the connection."""
        return Message(
            id=secrets.token_hex(8),
            source="/test",
            type=catalogue.name_of(data),
            subject=NAME,
            time=datetime.now(UTC),
            partitionkey=NAME,
            data=data,
        )

    def ask(self, data: Payload) -> str:
        """A request on ``erp.polls``; its id."""
        message = self.message(data)
        self.producer.send_now([outgoing(self.names, Topic.ERP_POLLS, message)])
        return message.id

    def ask_sync(self, generation: int = 1) -> str:
        """Poll now."""
        return self.ask(SyncAsked(connection=NAME, generation=generation, deadline=later(60)))

    def ask_check(self, generation: int = 1, seconds: float = 60) -> str:
        """Check the ERP."""
        deadline = later(seconds)
        return self.ask(
            CheckAsked(connection=NAME, side=Side.ERP, generation=generation, secret_version=1, deadline=deadline)
        )

    def start(self, **extra: str) -> tuple[processes.Background, int]:
        """A poller, always with the same name, and its port."""
        port, mark = free_port(), secrets.token_hex(4)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parent),
            "FAKE_ERP": str(self.folder / "erp"),
            "TIEOUT_KAFKA_BOOTSTRAP": self.access.bootstrap,
            "TIEOUT_PREFIX": self.names.prefix,
            "TIEOUT_PARTITIONS": str(self.names.partitions),
            "TIEOUT_INSTANCE": "p-0",
            "TIEOUT_HTTP_PORT": str(port),
            "TIEOUT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            **extra,
        }
        process = processes.start(
            "erp-poller",
            [sys.executable, "-m", "fake_erp.run_poller"],
            log=self.folder / f"{mark}.log",
            env=environment,
            pid_file=self.folder / f"{mark}{processes.PID_SUFFIX}",
        )
        self.started.append(process)
        return process, port

    def read(self, topic: Topic) -> list[Message[Payload]]:
        """Everything of the connection in a topic, in order."""
        partition = self.names.partition_of(NAME)
        messages = read_to_end(self.access, self.names.topic(topic), partition, timeout=20)
        return [decode(message.headers(), message.value(), catalogue) for message in messages]

    def cursors(self) -> list[ErpCursor]:
        """The history of the cursor."""
        return [message.data for message in self.read(Topic.CURSORS) if isinstance(message.data, ErpCursor)]

    def calls(self) -> list[str]:
        """Who read the fake ERP, and what."""
        log = self.erp / "calls.log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@pytest.fixture
def worlds(kafka_bootstrap: str, topic_prefix: str, devstack_folder: Path) -> Iterator[Callable[[], World]]:
    """Makes installations without services."""
    made: list[World] = []

    def make() -> World:
        prefix = f"{topic_prefix}n{len(made)}"
        folder = devstack_folder / prefix
        folder.mkdir()
        made.append(World(KafkaAccess(bootstrap=kafka_bootstrap), Names(prefix, 4), folder))
        apply_topics(made[-1].access, made[-1].names)
        return made[-1]

    yield make
    for world in made:
        for process in world.started:
            process.kill()


@pytest.fixture
def world(worlds: Callable[[], World]) -> World:
    """An installation without services."""
    return worlds()


def later(seconds: float) -> datetime:
    """A deadline."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not true after {seconds} s"
        time.sleep(0.05)


def stored(world: World) -> set[int]:
    """The changes that stand in ``erp.changes``."""
    rows = (message.data for message in world.read(Topic.ERP_CHANGES))
    return {int(row.version) for row in rows if isinstance(row, ErpRow)}


def assert_sound(world: World) -> None:
    """Numbers rise, each run's rows stand between its ends, and the cursor is behind nothing that was not stored."""
    cursors = world.cursors() or [ErpCursor(kind=Kind.VENDOR, run=0, started=datetime.now(UTC))]
    numbers = [cursor.run for cursor in cursors]
    assert numbers == sorted(numbers)
    current = 0
    for message in world.read(Topic.ERP_CHANGES):
        if isinstance(message.data, ErpRun) and message.data.phase is RunPhase.BEGUN:
            assert message.data.run > current
            current = message.data.run
        else:
            assert isinstance(message.data, ErpRow | ErpRun)
            assert message.data.run == current
    assert current <= numbers[-1]
    assert set(range(1, int(cursors[-1].position or 0) + 1)) <= stored(world)


def die_at_each(world: World, points: Sequence[str]) -> None:
    """Kill a poller at each point in turn; each restart first recovers from the kill before."""
    world.change(7)
    world.apply("active")
    for point in points:
        world.change(7)
        world.ask_sync()
        world.ask_check()
        process, _ = world.start(TIEOUT_CRASH_AT=point)
        assert process.wait_gone(seconds=20), f"{point} was not reached"
        if "cursor" in point:
            assert_sound(world)
    process, _ = world.start()
    until(lambda: world.cursors()[-1].position == str(world.changes))
    assert process.stop()
    assert stored(world) == set(range(1, world.changes + 1))
    assert_sound(world)


def test_killed_at_every_step_it_repeats_rows_and_loses_none(worlds: Callable[[], World]) -> None:
    """A power cut between any two durable writes, before and after any call of the ERP."""
    both = worlds(), worlds()
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(die_at_each, one, DEATHS[half::2]) for half, one in enumerate(both)]:
            done.result()


def test_the_crash_points_are_those_that_are_tried(world: World) -> None:
    """A new durable write or a new call of the ERP has to be named, and tried."""
    world.change(7)
    world.apply("active")
    world.ask_sync()
    world.ask_check()
    listing = world.folder / "points"
    process, _ = world.start(TIEOUT_CRASH_LIST=str(listing))
    until(lambda: listing.exists() and set(listing.read_text().split()) >= POINTS)
    assert process.stop()
    assert set(listing.read_text().split()) == POINTS


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


class Unasked:
    """An ERP that must not be called."""

    def __getattr__(self, verb: str) -> Any:
        raise AssertionError(f"{verb} was called")


async def test_who_was_superseded_is_fenced_before_its_first_read(world: World) -> None:
    """Two processes believe that they own a partition: the older one does not read the ERP any more."""
    partition = world.names.partition_of(NAME)
    older = PartitionCursors(world.access, world.names, partition).open()
    newer = PartitionCursors(world.access, world.names, partition).open()
    cursor = ErpCursor(kind=Kind.VENDOR, run=1, started=datetime.now(UTC))
    around = Surroundings(
        log=RawLog(world.names, world.producer, older), clock=lambda: datetime.now(UTC), places=asyncio.Semaphore(1)
    )
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


def get(port: int, path: str) -> tuple[int, str]:
    """Ask the poller's own address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except ConnectionRefusedError:
        return 0, ""
    finally:
        connection.close()


def metrics_of(port: int) -> str:
    """What Prometheus would read."""
    return get(port, "/metrics")[1]
