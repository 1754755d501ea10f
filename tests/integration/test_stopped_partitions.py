"""A message of our own that nobody here can process stops its partition, and nobody else's work."""

import asyncio
import json
import random
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from support.commanding import Writer, bill, bill_content
from support.fake_effects import FakeConnections, Outside, command, marks
from support.installation import Installation, eventually
from support.simulators import Running, running
from support.writing import observe, settings, vendor
from tieout.effects.consumer import CommandConsumer
from tieout.effects.log import EffectsLog
from tieout.effects.protocol import Restored, Timings
from tieout.effects.runtime import Runner
from tieout.events import catalogue
from tieout.events.commands import CommandFrame
from tieout.events.envelope import Message
from tieout.events.facts import Result
from tieout.events.identity import command_id
from tieout.log.compacted import read_to_end
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing
from tieout.log.topics import Topic
from tieout_devstack.ports import free_port
from tieout_sandbox.bill import BillSimulator

SECONDS: Final = 40


@pytest.fixture
def bill_side() -> Iterator[Running]:
    """BILL, simulated."""
    with running(BillSimulator()) as one:
        yield one


def of_tomorrow(sent: Outgoing) -> Outgoing:
    """The same message in a version that this release does not know."""
    headers = [(name, value.replace(b".v1", b".v9") if name == "ce_type" else value) for name, value in sent.headers]
    return replace(sent, headers=headers)


def write_raw(made: Installation, *messages: Outgoing) -> None:
    """Commit messages as they are."""
    made.write()
    assert made._producer is not None
    made._producer.commit(list(messages))


def place_of_odd(made: Installation, topic: Topic) -> tuple[int, int]:
    """Partition and offset of the message of tomorrow."""
    for partition in range(made.partitions):
        for raw in read_to_end(made.access, made.names.topic(topic), partition):
            if dict(raw.headers() or [])["ce_type"].endswith(b".v9"):
                return partition, raw.offset() or 0
    raise AssertionError("there is none")


def missing(port: int) -> dict[str, str]:
    """What the service says it is not ready for; it must be alive once it listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            found = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        found = json.loads(error.read())
    except OSError as error:
        found = {"missing": {"start": str(error)}}
    told: dict[str, str] = found["missing"]
    return told


def metrics(port: int) -> str:
    """The service's exposition."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text: str = answer.read().decode()
    return text


def test_a_fact_of_tomorrow_stops_its_partition_only(made: Installation, bill_side: Running) -> None:
    """The facts before it are decided, those behind it wait, another connection goes on, and it is told where."""
    here = made.names.partition_of("acme")
    other = next(name for name in map("other-{}".format, range(50)) if made.names.partition_of(name) != here)
    made.apply(settings(bill_side))
    made.apply(settings(bill_side, connection=other))
    observe(made, vendor(1))
    odd = of_tomorrow(outgoing(made.names, Topic.FACTS, made.message("acme", vendor(2))))
    write_raw(made, odd)
    observe(made, vendor(3))
    port = free_port()
    process = made.start("tieout_decider", http_port=str(port))

    def links(connection: str) -> set[str]:
        return {key.rpartition("/")[2] for key in made.state() if key.startswith(f"{connection}/link/vendor/")}

    eventually(lambda: "facts" in missing(port), seconds=SECONDS, what="the stop")
    topic, (partition, offset) = made.names.topic(Topic.FACTS), place_of_odd(made, Topic.FACTS)
    assert partition == here
    assert f"{topic}/{here} is stopped at {offset}: UnreadableMessage" in missing(port)["facts"]
    labels = f'partition="{here}",service="decider",topic="{topic}"'
    assert f"tieout_stopped_partition_offset{{{labels}}} {offset}.0" in metrics(port)
    made.write((Topic.FACTS, made.message(other, vendor(4))))
    eventually(lambda: links(other), seconds=SECONDS, what="the other connection's vendor")
    assert len(links("acme")) == 1
    assert made.folded() == made.state()
    assert process.running()


def test_a_command_of_tomorrow_stops_its_partition_only(made: Installation, bill_side: Running) -> None:
    """What came before it is carried out; what comes behind it is not, and nothing is skipped."""
    writer = Writer(made, bill_side)
    port = free_port()
    writer.settings = {"http_port": str(port)}
    writer.begin()
    assert writer.answer(bill(bill_content("BEFORE"))).result is Result.APPLIED
    frame = bill(bill_content("ODD"))
    write_raw(made, of_tomorrow(outgoing(made.names, Topic.BILL_COMMANDS, _message(frame))))
    (behind,) = writer.ask(bill(bill_content("BEHIND")))
    eventually(lambda: "commands" in missing(port), seconds=SECONDS, what="the stop")
    partition, offset = place_of_odd(made, Topic.BILL_COMMANDS)
    assert f"/{partition} is stopped at {offset}: UnreadableMessage" in missing(port)["commands"]
    assert behind not in {one.command for one in writer.outcomes()}
    assert made.running["tieout_bill_writer"].running()
    made.running["tieout_bill_writer"].kill()
    writer.start(name="second")
    eventually(lambda: "commands" in missing(port), seconds=SECONDS, what="the stop, by the successor")
    assert behind not in {one.command for one in writer.outcomes()}


def _message(frame: CommandFrame) -> Message[Any]:
    identity = command_id(frame.link, frame.intent, frame.content_hash, frame.attempt)
    return Message(identity, "/decider", catalogue.name_of(frame), frame.link, frame.issued, "main", frame)


class Broken(Runner):
    """A runner that fails with every command of one link: a defect of ours."""

    def received(self, offset: int, message: Message[CommandFrame]) -> None:
        """As the real one, but for that link."""
        if message.data.link == "broken":
            raise ZeroDivisionError("a defect")
        super().received(offset, message)


async def test_a_defect_is_tried_three_times_and_then_stops_its_partition_only(made: Installation) -> None:
    """The partition is opened anew each time, as after a crash; another one goes on all the while."""
    outside = Outside(random.Random(0), lag=0, latency=(0.001, 0.01))  # noqa: S311 - to be repeated
    connections = FakeConnections(outside)
    opened: Counter[int] = Counter()

    def new_runner(partition: int, effects: EffectsLog, _restored: Restored) -> Runner:
        opened[partition] += 1
        return Broken("bill-writer", effects, connections, Timings())

    def ask(link: str, key: str) -> None:
        message = replace(command(link, issued=datetime.now(UTC)), partitionkey=key)
        write_raw(made, outgoing(made.names, Topic.BILL_COMMANDS, message))

    here = made.names.partition_of("main")
    other = next(name for name in map("other-{}".format, range(50)) if made.names.partition_of(name) != here)
    ask("before", "main")
    consumer = CommandConsumer(
        made.access, made.names, "bill-writer", commands=Topic.BILL_COMMANDS, effects=Topic.BILL_EFFECTS,
        instance="one", new_runner=new_runner, loop=asyncio.get_running_loop(),
    )  # fmt: skip
    running = asyncio.ensure_future(asyncio.to_thread(consumer.run))
    try:
        async with asyncio.timeout(SECONDS):
            while "before" not in marks(outside):  # noqa: ASYNC110 - it is made by another thread's input
                await asyncio.sleep(0.05)
            ask("broken", "main")
            ask("behind", "main")
            while not consumer.halts.stopped(here):  # noqa: ASYNC110 - it is stopped by another thread
                await asyncio.sleep(0.05)
            ask("elsewhere", other)
            while "elsewhere" not in marks(outside):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        assert not running.done()
    finally:
        consumer.stop()
        await running
    assert opened[here] == 3
    assert marks(outside) == {"before": 1, "elsewhere": 1}
    told = consumer.halts.problem()
    assert told is None, "what was given away is the next owner's to tell"
