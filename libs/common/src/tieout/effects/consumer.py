"""Commands from their topic to the runners: one consumer thread, one runner per partition, everything else in the loop.

The thread opens a partition's effects log before it reads the first command (fence, then fold), never holds a
transaction across ``consume`` and never waits for a call to the outside.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from tieout.effects.log import EffectsLog
from tieout.effects.protocol import Restored
from tieout.effects.runtime import Runner
from tieout.events import catalogue
from tieout.events.commands import CommandFrame
from tieout.events.envelope import Message, UnreadableMessage, decode
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names, Topic
from tieout.observability.logging import logger

log = logger(__name__)

# Commands held in memory per partition: bounds memory and what a restart reads again.
PENDING: Final = 2000
# All of a revocation: below max.poll.interval (300 s) and the pods' grace period (60 s).
DRAIN: Final = 20.0
LOOP_TIMEOUT: Final = 60.0


@dataclass
class Owned:
    """A partition of the commands' topic that belongs to this process."""

    partition: int
    effects: EffectsLog
    runner: Runner
    paused: bool = False


NewRunner = Callable[[int, EffectsLog, Restored], Runner]


class CommandConsumer:
    """Owns partitions of one topic of commands. ``run`` blocks its thread until ``stop`` or a failure."""

    def __init__(
        self,
        access: KafkaAccess,
        names: Names,
        service: str,
        *,
        commands: Topic,
        effects: Topic,
        instance: str,
        new_runner: NewRunner,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._access = access
        self._names = names
        self._service = service
        self._commands = commands
        self._effects = effects
        self._new_runner = new_runner
        self._loop = loop
        self._consumer = Consumer(access.consumer(names.group(service), instance=instance))
        self._metadata: Any = None
        self._stopping = threading.Event()
        self.owned: dict[int, Owned] = {}

    def stop(self) -> None:
        """Ask ``run`` to drain and return."""
        self._stopping.set()

    def run(self) -> None:
        """Consume until stopped.

        Raises:
            Fenced, UnreadableMessage, KafkaException: the process must end; what is open is found by the next owner.
        """
        topic = self._names.topic(self._commands)
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
        try:
            while not self._stopping.is_set():
                messages = self._consumer.consume(200, 0.1)
                self._metadata = self._consumer.consumer_group_metadata()
                self._deliver(messages)
                self._check()
        finally:
            self._stopping.set()
            self._close_all(DRAIN)
            self._consumer.close()

    def _deliver(self, messages: list[KafkaMessage]) -> None:
        by_partition: dict[int, list[tuple[int, Message[CommandFrame]]]] = {}
        for message in messages:
            error = message.error()
            if error is not None:
                if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - librdkafka's public name
                    raise KafkaException(error)
                log.warning("consume", error=str(error))
                continue
            if message.partition() in self.owned:
                decoded = _command(message)
                by_partition.setdefault(message.partition(), []).append((message.offset(), decoded))
        for partition, received in by_partition.items():
            runner = self.owned[partition].runner
            self._in_loop(_hand_over(runner, received))

    def _check(self) -> None:
        for owned in self.owned.values():
            if owned.runner.failure.done():
                owned.runner.failure.result()
            place = [TopicPartition(self._names.topic(self._commands), owned.partition)]
            if not owned.paused and owned.runner.busy > PENDING:
                self._consumer.pause(place)
                owned.paused = True
            elif owned.paused and owned.runner.busy < PENDING // 2:
                self._consumer.resume(place)
                owned.paused = False

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        if self._stopping.is_set():
            consumer.incremental_assign([])
            return
        starts = []
        for committed in consumer.committed(places, 30) if places else []:
            position = max(0, committed.offset)
            # Without metadata (a first start, an offset somebody set by hand) everything is read again.
            checkpoint = int(committed.metadata) if committed.metadata and committed.offset >= 0 else 0
            effects = EffectsLog(
                self._access,
                self._names,
                self._service,
                commands=self._commands,
                effects=self._effects,
                partition=committed.partition,
                group_metadata=lambda: self._metadata,
            )
            restored = effects.open(position, checkpoint)
            owned = self._in_loop(self._begin(committed.partition, effects, restored))
            self.owned[committed.partition] = owned
            starts.append(TopicPartition(committed.topic, committed.partition, position))
            log.debug("assigned", partition=committed.partition, position=position, checkpoint=checkpoint)
        consumer.incremental_assign(starts)

    async def _begin(self, partition: int, effects: EffectsLog, restored: Restored) -> Owned:
        effects.start()
        runner = self._new_runner(partition, effects, restored)
        runner.resume(restored)
        return Owned(partition, effects, runner)

    def _revoked(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._metadata = consumer.consumer_group_metadata()
        for place in places:
            self._close(place.partition, DRAIN)
        consumer.incremental_unassign(places)

    def _lost(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        for place in places:
            self._close(place.partition, 0)
        consumer.incremental_unassign(places)

    def _close_all(self, drain: float) -> None:
        for partition in list(self.owned):
            self._close(partition, drain)

    def _close(self, partition: int, drain: float) -> None:
        owned = self.owned.pop(partition, None)
        if owned is not None and self._loop.is_running():
            self._in_loop(_shut(owned, drain))

    def _in_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LOOP_TIMEOUT)


async def _hand_over(runner: Runner, received: list[tuple[int, Message[CommandFrame]]]) -> None:
    for offset, message in received:
        runner.received(offset, message)


async def _shut(owned: Owned, drain: float) -> None:
    await owned.runner.drain(drain)
    await owned.effects.close()


def _command(message: KafkaMessage) -> Message[CommandFrame]:
    """Read a command.

    Raises:
        UnreadableMessage: our own topic holds what this release cannot read: skipping it would lose an effect.
    """
    place = f"{message.topic()}/{message.partition()}/{message.offset()}"
    try:
        decoded = decode(message.headers(), message.value(), catalogue)
    except UnreadableMessage as error:
        raise UnreadableMessage(f"{place}: {error}") from error
    if not isinstance(decoded.data, CommandFrame):
        raise UnreadableMessage(f"{place}: {decoded.type} is not a command")
    return decoded  # type: ignore[return-value]  # its payload was just checked
