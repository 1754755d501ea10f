"""erp-poller on a real broker: killed between any two steps, superseded in the middle, and asked."""

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
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
from tieout.log.produce import PlainProducer, TransactionalProducer
from tieout.log.topics import Names, Topic
from tieout_devstack import processes
from tieout_devstack.ports import free_port

pytest_plugins = ["tieout_devstack.fixtures"]

NAME = "cronus-us"
POINTS = {
    f"erp-poller.{step}.{when}"
    for step in (
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
    for when in ("before", "after")
}


@dataclass
class World:
    """The topics of one installation, a fake ERP's folder, and the pollers a test started."""

    access: KafkaAccess
    names: Names
    folder: Path
    started: list[processes.Background] = field(default_factory=list)
    changes: int = 0

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
        PlainProducer(self.access).send_now([outgoing(self.names, Topic.ERP_POLLS, message)])
        return message.id

    def ask_sync(self, seconds: float = 60) -> str:
        """Poll now."""
        return self.ask(SyncAsked(connection=NAME, generation=1, deadline=later(seconds)))

    def ask_check(self, seconds: float = 60) -> str:
        """Check the ERP."""
        return self.ask(
            CheckAsked(connection=NAME, side=Side.ERP, generation=1, secret_version=1, deadline=later(seconds))
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
            pid_file=self.folder / f"{mark}.pid",
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
def world(kafka_bootstrap: str, topic_prefix: str, devstack_folder: Path) -> Iterator[World]:
    """An installation without services."""
    folder = devstack_folder / topic_prefix
    folder.mkdir()
    made = World(KafkaAccess(bootstrap=kafka_bootstrap), Names(topic_prefix, 4), folder)
    apply_topics(made.access, made.names)
    yield made
    for process in made.started:
        process.kill()


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
    numbers = [cursor.run for cursor in world.cursors()]
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
    assert set(range(1, int(world.cursors()[-1].position) + 1)) <= stored(world)


def test_killed_at_every_step_it_repeats_rows_and_loses_none(world: World) -> None:
    """A power cut before or after any durable write, and before or after any call of the ERP."""
    world.change(7)
    world.apply("active")
    world.ask_sync()
    world.ask_check()
    listing = world.folder / "points"
    process, _ = world.start(TIEOUT_CRASH_LIST=str(listing))
    until(lambda: listing.exists() and set(listing.read_text().split()) >= POINTS)
    assert process.stop()
    assert set(listing.read_text().split()) == POINTS
    for point in sorted(POINTS):
        world.change(7)
        world.ask_sync()
        world.ask_check()
        process, _ = world.start(TIEOUT_CRASH_AT=point)
        assert process.wait_gone(seconds=20), f"{point} was not reached"
        assert_sound(world)
    calls = len(world.calls())
    process, _ = world.start()
    until(lambda: world.cursors()[-1].position == str(world.changes))
    assert len(world.calls()) > calls
    assert process.stop()
    assert stored(world) == set(range(1, world.changes + 1))
    assert_sound(world)
