"""fact-mapper on a real broker: killed, stopped, and fed what nobody can read."""

import http.client
import json
import os
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support import forks
from support.fake_erp.log_reader import LogReader
from tieout.domain.records import Kind, ReadContext
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload
from tieout.events.facts import RunFact, RunPhase, UnreadableFact, VendorObserved
from tieout.events.raw import ErpRow, ErpRun
from tieout.log.admin import apply_topics
from tieout.log.clients import KafkaAccess
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing, PlainProducer
from tieout.log.topics import Names, Topic
from tieout_devstack import processes
from tieout_devstack.ports import free_port

pytest_plugins = ["tieout_devstack.fixtures"]

CONNECTIONS = ("cronus-us", "cronus-de", "adatum", "fabrikam", "contoso")
TIME = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
CONTEXT = ReadContext(company="c1", local_currency="USD")
# Padding keeps the rows busy for long enough that a stop meets the mapper at work.
PADDING = "x" * 4_000
POINTS = {f"fact-mapper.{step}.{when}" for step in ("facts", "ack") for when in ("before", "after")}
# In the second batch: what is acknowledged is committed by itself within a second, so these are all states there are.
DEATHS = ("fact-mapper.facts.before#2", "fact-mapper.facts.after#2")


@dataclass
class World:
    """The topics of one installation, and what a test does to them."""

    access: KafkaAccess
    names: Names
    folder: Path
    started: list[processes.Background] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._producer = PlainProducer(self.access)
        self.log = LogReader(self.access)

    def write(self, messages: list[Outgoing]) -> None:
        """To the raw topics, as the poller does."""
        self._producer.send_now(messages)

    def start(self, instance: str = "m-0", **extra: str) -> tuple[processes.Background, int]:
        """A mapper of its own, and its port."""
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "TIEOUT_KAFKA_BOOTSTRAP": self.access.bootstrap,
            "TIEOUT_PREFIX": self.names.prefix,
            "TIEOUT_PARTITIONS": str(self.names.partitions),
            "TIEOUT_INSTANCE": instance,
            "TIEOUT_HTTP_PORT": str(port),
            "TIEOUT_WORK_FOLDER": str(self.folder / f"faust-{instance}"),
            **extra,
        }
        mark = secrets.token_hex(4)
        process = forks.start(
            "support.fake_erp.run_mapper",
            "fact-mapper",
            log=self.folder / f"{instance}-{mark}.log",
            env=environment,
            pid_file=self.folder / f"{mark}{processes.PID_SUFFIX}",
        )
        self.started.append(process)
        return process, port

    def facts(self) -> list[Message[Payload]]:
        """Everything in ``sync.facts``, in order within each partition."""
        topic = self.names.topic(Topic.FACTS)
        return [fact for number in range(self.names.partitions) for fact in self.log.read(topic, number)]

    def count(self) -> int:
        """How many facts there are now, repeats included."""
        return sum(self.ends().values())

    def ends(self) -> dict[int, int]:
        """Where ``sync.facts`` ends now."""
        topic = self.names.topic(Topic.FACTS)
        return {number: self.log.end(topic, number) for number in range(self.names.partitions)}

    def committed(self) -> int:
        """How many raw messages the mapper has committed."""
        return sum(self.committed_by_partition().values())

    def committed_by_partition(self) -> dict[int, int]:
        """The mapper group's committed offsets on the ERP's raw topic."""
        group, topic = self.names.group("fact-mapper"), self.names.topic(Topic.ERP_CHANGES)
        return self.log.committed(group, topic, range(self.names.partitions))


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
    made.log.close()


def message(connection: str, data: Payload, identity: str) -> Message[Payload]:
    """A raw message as the poller writes it."""
    return Message(
        id=identity,
        source="/erp-poller",
        type=catalogue.name_of(data),
        subject=identity,
        time=TIME,
        partitionkey=connection,
        data=data,
    )


def row(connection: str, key: str, change: int, **document: str) -> Message[Payload]:
    """The ``change``-th change of a vendor."""
    data = ErpRow(
        erp="fake",
        kind=Kind.VENDOR,
        key=key,
        version=str(change),
        run=change,
        context=CONTEXT,
        document={"id": key, "change": change, **(document or {"name": f"{key} in change {change}", "pad": PADDING})},
    )
    return message(connection, data, f"{connection}/{key}/{change}")


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not true after {seconds} s"
        time.sleep(0.02)


def get(port: int, path: str) -> tuple[int, str]:
    """Ask the mapper's own address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def changes_by_vendor(facts: list[Message[Payload]]) -> dict[str, list[int]]:
    """Per vendor the changes in the order in which they were first seen."""
    seen = set()
    found = defaultdict(list)
    for fact in facts:
        assert isinstance(fact.data, VendorObserved)
        if fact.id not in seen:
            seen.add(fact.id)
            found[f"{fact.partitionkey}/{fact.data.vendor.id}"].append(int(fact.data.vendor.version))
    return found


def behind_the_last_fact(world: World, rows: list[Message[Payload]], before: dict[int, int]) -> dict[int, int]:
    """Per partition that got facts since ``before``: the offset behind the last one's row, which a stop commits."""
    raw: dict[int, list[str]] = {number: [] for number in range(world.names.partitions)}
    for each in rows:
        raw[world.names.partition_of(each.partitionkey)].append(each.id)
    topic = world.names.topic(Topic.FACTS)
    found = {}
    for number, start in before.items():
        for fact in world.log.read(topic, number)[start:]:
            found[number] = raw[number].index(fact.causationid) + 1
    return found


def test_kill_and_stop_lose_nothing_and_keep_the_order_of_each_record(world: World) -> None:
    """Killed around every durable write and stopped on the way: every change arrives, each vendor's in order."""
    vendors = [(connection, f"v{number}") for connection in CONNECTIONS for number in range(50)]
    rows = [row(connection, key, change) for change in range(1, 11) for connection, key in vendors]
    world.write([outgoing(world.names, Topic.ERP_CHANGES, each) for each in rows])
    for point in DEATHS:
        process, _ = world.start(TIEOUT_CRASH_AT=point)
        assert process.wait_gone(seconds=20), f"{point} was not reached"
    assert world.committed() < len(rows), "the kills came too late to prove anything"
    before, listing = world.ends(), world.folder / "points"
    process, _ = world.start(TIEOUT_CRASH_LIST=str(listing))
    until(lambda: world.ends() != before)
    asked = time.monotonic()
    assert process.stop(grace_seconds=10)
    assert time.monotonic() - asked < 5
    assert set(listing.read_text(encoding="utf-8").split()) == POINTS, "a new durable write has to be tried"
    assert 0 < world.committed() < len(rows), "the stop came too late to prove anything"
    last = behind_the_last_fact(world, rows, before)
    committed = world.committed_by_partition()
    assert {number: committed[number] for number in last} == last
    world.start()
    until(lambda: world.committed() == len(rows))
    facts = world.facts()
    wanted = {f"{connection}/{key}": list(range(1, 11)) for connection, key in vendors}
    assert changes_by_vendor(facts) == wanted


def test_the_unreadable_is_set_aside_and_an_unknown_version_stops(world: World) -> None:
    """A row without a name becomes a hold and the next row goes on; a message of a newer release stops the mapper."""
    good, bad, after = row("adatum", "v1", 1), row("adatum", "v2", 1, pad="x"), row("adatum", "v3", 1)
    begun = message("adatum", ErpRun(erp="fake", kind=Kind.VENDOR, run=1, phase=RunPhase.BEGUN), "begun")
    world.write([outgoing(world.names, Topic.ERP_CHANGES, each) for each in (begun, good, bad, after)])
    process, port = world.start()
    until(lambda: world.committed() == 4)
    kinds = [type(fact.data) for fact in world.facts()]
    assert kinds == [RunFact, VendorObserved, UnreadableFact, VendorObserved]
    unreadable = world.facts()[2].data
    assert isinstance(unreadable, UnreadableFact)
    place = (world.names.topic(Topic.ERP_CHANGES), world.names.partition_of("adatum"), 2)
    assert (unreadable.topic, unreadable.partition, unreadable.offset) == place
    assert unreadable.reason == "name: missing"
    assert (get(port, "/healthz")[0], get(port, "/readyz")[0]) == (200, 200)
    assert 'tieout_mapper_facts_total{type="tieout.fact.unreadable.v1"} 1.0' in get(port, "/metrics")[1]

    sent = outgoing(world.names, Topic.ERP_CHANGES, row("adatum", "v4", 1))
    newer = [(name, b"tieout.raw.erp.row.v2" if name == "ce_type" else value) for name, value in sent.headers]
    world.write([Outgoing(sent.topic, sent.partition, sent.key, sent.value, newer)])
    for attempt in range(2):
        process = process if attempt == 0 else world.start()[0]
        assert process.wait_gone(seconds=15)
        line = next(line for line in process.log.read_text().splitlines() if '"stopped"' in line)
        told = json.loads(line)
        assert (told["topic"], told["partition"], told["offset"]) == (place[0], place[1], 4)
    assert world.committed() == 4
    assert len(world.facts()) == 4


def test_a_rolling_restart_of_two_mappers_loses_nothing(world: World) -> None:
    """Both are replaced one after the other while rows come in: nothing is missing, each vendor's order is kept."""
    running = {name: world.start(name)[0] for name in ("m-0", "m-1")}
    vendors = [(connection, f"v{number}") for connection in CONNECTIONS for number in range(4)]
    done = threading.Event()
    written = 0

    def keep_writing() -> None:
        nonlocal written
        while not done.wait(0.05):
            written += 1
            rows = [row(connection, key, written) for connection, key in vendors]
            world.write([outgoing(world.names, Topic.ERP_CHANGES, each) for each in rows])

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        until(lambda: world.count() > 0)
        for name, process in running.items():
            assert process.stop(grace_seconds=10)
            before = world.count()
            world.start(name)
            until(lambda before=before: world.count() > before + 200)  # type: ignore[misc]
    finally:
        done.set()
        writer.join(timeout=30)
    until(lambda: world.committed() == written * len(vendors))
    wanted = {f"{connection}/{key}": list(range(1, written + 1)) for connection, key in vendors}
    assert changes_by_vendor(world.facts()) == wanted
