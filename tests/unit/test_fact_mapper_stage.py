"""fact-mapper's stage: what is acknowledged, when, and what ends the process."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from tieout.domain.records import Kind
from tieout.events import catalogue
from tieout.events.envelope import Message, encode
from tieout.events.facts import RunPhase
from tieout.events.raw import ErpRun
from tieout.log.topics import Names
from tieout_fact_mapper.guard import Skipped, Spot
from tieout_fact_mapper.stage import Stage, Unreadably

NAMES = Names("t", 4)
TP = Spot("t.erp.changes", 1)
CONNECTION = "contoso"


@dataclass
class Faust:
    """What the stage uses of faust, with sends that a test answers by hand."""

    consumer_generation_id: int = 1
    sends: list["asyncio.Future[None]"] = field(default_factory=list)
    partitions: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.consumer = SimpleNamespace(
            _committed_offset=defaultdict(lambda: None), assignment=lambda: {TP}, highwater=lambda _tp: 9
        )
        self.producer = self

    def topic(self, *_: str, **__: Any) -> None:
        """The raw topics."""

    def agent(self, *_: Any, **__: Any) -> Any:
        """A decorator."""
        return lambda fun: fun

    async def send(self, *arguments: Any) -> "asyncio.Future[None]":
        """The future of the broker's answer."""
        self.partitions.append(arguments[3])
        self.sends.append(asyncio.get_running_loop().create_future())
        return self.sends[-1]


@dataclass
class Stream:
    """One stream of prepared batches."""

    batches: list[list[Any]]

    def noack(self) -> "Stream":
        """Events are acknowledged by hand."""
        return self

    async def noack_take(self, *_: Any) -> Any:
        """The batches."""
        for batch in self.batches:
            yield batch


@dataclass
class Bench:
    """A stage on the fake, what it acknowledged, and what it would have died of."""

    app: Faust
    acked: list[int] = field(default_factory=list)
    died: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage = Stage(self.app, NAMES, self.died.append)

    def event(self, offset: int, *, generation: int = 1, type_name: str = "") -> Any:
        """The end of a poll run at an offset."""
        data = ErpRun(erp="fake", kind=Kind.VENDOR, run=offset, phase=RunPhase.ENDED)
        raw = Message(
            id=str(offset),
            source="/erp-poller",
            type=type_name or catalogue.name_of(data),
            subject="s",
            time=datetime(2026, 1, 1, tzinfo=UTC),
            partitionkey=CONNECTION,
            data=data,
        )
        headers, value = encode(raw)
        message = SimpleNamespace(
            topic=TP.topic,
            partition=TP.partition,
            tp=TP,
            offset=offset,
            generation_id=generation,
            headers=headers,
            value=value,
        )
        return SimpleNamespace(message=message, ack=lambda: self.acked.append(offset))

    async def run(self, *batches: list[Any]) -> "asyncio.Task[None]":
        """Start the agent and let it come as far as it can."""
        task = asyncio.ensure_future(self.stage._map_all(Stream(list(batches))))
        for _ in range(20):
            await asyncio.sleep(0)
        return task


@pytest.fixture
async def bench() -> Bench:
    """A stage in a running loop."""
    return Bench(Faust())


async def test_nothing_is_acknowledged_before_every_fact_is_stored(bench: Bench) -> None:
    """A crash while facts are on their way repeats the batch."""
    task = await bench.run([bench.event(0), bench.event(1)])
    bench.app.sends[0].set_result(None)
    await asyncio.sleep(0)
    assert bench.acked == []
    bench.app.sends[1].set_result(None)
    await task
    assert bench.acked == [0, 1]
    assert bench.died == []


async def test_facts_go_to_the_connections_partition(bench: Bench) -> None:
    """Everything of one connection stands in one partition, in order."""
    await bench.run([bench.event(0), bench.event(1)])
    assert NAMES.partition_of(CONNECTION) == 2
    assert bench.app.partitions == [2, 2]
    for send in bench.app.sends:
        send.cancel()


async def test_a_fact_that_is_not_taken_ends_the_process(bench: Bench) -> None:
    """The broker refuses one fact: none of the batch is acknowledged."""
    task = await bench.run([bench.event(0), bench.event(1)])
    bench.app.sends[0].set_result(None)
    bench.app.sends[1].set_exception(KafkaTimeoutError())
    await task
    assert bench.acked == []
    assert [type(error) for error in bench.died] == [KafkaTimeoutError]


async def test_a_hole_in_the_input_ends_the_process(bench: Bench) -> None:
    """Offset 1 was never handed over: nothing behind it may be acknowledged."""
    await bench.run([bench.event(0), bench.event(2)])
    assert [type(error) for error in bench.died] == [Skipped]
    assert bench.acked == []
    bench.app.sends[0].cancel()


async def test_a_start_behind_the_committed_offset_ends_the_process(bench: Bench) -> None:
    """The committed offset is faust's own; the guard reads it under its private name."""
    bench.app.consumer._committed_offset[TP] = 3
    await bench.run([bench.event(4)])
    assert [type(error) for error in bench.died] == [Skipped]


async def test_a_message_of_ours_that_is_not_known_ends_the_process_with_its_place(bench: Bench) -> None:
    """Somebody has to be told topic, partition and offset."""
    await bench.run([bench.event(0, type_name="tieout.raw.erp.run.v2")])
    (error,) = bench.died
    assert isinstance(error, Unreadably)
    assert (error.place.topic, error.place.partition, error.place.offset) == ("t.erp.changes", 1, 0)
    assert bench.acked == []


async def test_messages_of_an_assignment_that_ended_are_left_to_the_next(bench: Bench) -> None:
    """After a rebalance they are read again from the committed offset."""
    bench.app.consumer_generation_id = 2
    task = await bench.run([bench.event(7, generation=1), bench.event(0, generation=2)])
    assert len(bench.app.sends) == 1
    bench.app.sends[0].set_result(None)
    await task
    assert bench.acked == [0]
    assert bench.died == []


async def test_a_rebalance_in_the_middle_of_a_batch_acknowledges_nothing(bench: Bench) -> None:
    """Facts that were written stay, and are written again by whoever has the partition now."""
    task = await bench.run([bench.event(0)])
    bench.app.consumer_generation_id = 2
    bench.app.sends[0].set_result(None)
    await task
    assert bench.acked == []


async def test_lag_is_what_was_not_mapped_yet(bench: Bench) -> None:
    """The number that an alarm watches."""
    task = await bench.run([bench.event(0), bench.event(1)])
    for send in bench.app.sends:
        send.set_result(None)
    await task
    assert bench.stage.lag() == {"t.erp.changes": 7, "t.bill.events": 0}
