"""Commands from their topic to the runners: one consumer thread, one runner per partition, everything else in the loop.

The thread opens a partition's effects log before it reads the first command (fence, then fold), never holds a
transaction across ``consume`` and never waits for a call to the outside.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from tieout.effects.log import EffectsLog
from tieout.effects.protocol import Restored
from tieout.effects.runtime import Runner
from tieout.effects.store import KafkaStore
from tieout.events import catalogue
from tieout.events.commands import CommandFrame
from tieout.events.envelope import Message, UnreadableMessage, decode
from tieout.log.clients import KafkaAccess
from tieout.log.halts import Halts
from tieout.log.produce import Fenced
from tieout.log.topics import Names, Topic
from tieout.observability.logging import logger

log = logger(__name__)

# Commands held in memory per partition: bounds memory and what a restart reads again.
PENDING: Final = 2000
# All of a revocation, however many partitions: below max.poll.interval (300 s), the pods' grace period (60 s) and what
# a service's stop allows (25 s).
DRAIN: Final = 15.0
LOOP_TIMEOUT: Final = 60.0
# Opening a partition waits for a transaction coordinator most of its half second, so several are opened at once.
OPENED_AT_ONCE: Final = 8


@dataclass
class Owned:
    """A partition of the commands' topic that belongs to this process."""

    partition: int
    effects: EffectsLog
    runner: Runner
    paused: bool = False
    halted: bool = False


@dataclass(frozen=True)
class _Opened:
    partition: int
    position: int
    effects: EffectsLog
    restored: Restored


NewRunner = Callable[[int, EffectsLog, Restored], Runner]
Closed = Callable[[int], Awaitable[None]]


async def _nothing(_partition: int) -> None:
    """Nobody has to be told of a closed partition."""


class CommandConsumer:
    """Owns partitions of one topic of commands. ``run`` blocks its thread until ``stop`` or a failure.

    In the event loop ``new_runner`` is called when a partition was opened, and ``closed`` once its runner is drained
    and its log closed. ``guard`` is asked in the consumer's thread on every round; what it raises ends ``run``.
    """

    def __init__(  # noqa: PLR0913 - the wiring of one service
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
        closed: Closed = _nothing,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self._access = access
        self._names = names
        self._service = service
        self._commands = commands
        self._effects = effects
        self._new_runner = new_runner
        self._closed = closed
        self._guard = guard
        self._loop = loop
        settings = access.consumer(names.group(service), instance=instance)
        self._consumer = Consumer(settings | {"enable.partition.eof": True})
        self._pool = ThreadPoolExecutor(OPENED_AT_ONCE, thread_name_prefix="open")
        self._metadata: Any = None
        self._stopping = threading.Event()
        self.halts = Halts(service, names.topic(commands))
        """Partitions that are stopped at a command, for readiness."""
        self.owned: dict[int, Owned] = {}
        self.joined = threading.Event()
        """Set once the group has told what is ours, even if that is nothing."""

    def stop(self) -> None:
        """Ask ``run`` to drain and return."""
        self._stopping.set()

    def run(self) -> None:
        """Consume until stopped.

        A command that cannot be read, and one that fails three times, stop their partition only: see ``halts``.

        Raises:
            Fenced, KafkaException: the process must end; what is open is found by the next owner.
        """
        topic = self._names.topic(self._commands)
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
        try:
            while not self._stopping.is_set():
                messages = self._consumer.consume(200, 0.1)
                self._metadata = self._consumer.consumer_group_metadata()
                self._deliver(messages)
                self._check()
                self._guard()
        finally:
            self._stopping.set()
            self._close(list(self.owned), DRAIN)
            self._consumer.close()
            self._pool.shutdown(wait=False)

    def _deliver(self, messages: list[KafkaMessage]) -> None:
        by_partition: dict[int, list[tuple[int, Message[CommandFrame]]]] = {}
        for message in messages:
            partition, offset, error = message.partition() or 0, message.offset() or 0, message.error()
            owned = self.owned.get(partition)
            if error is not None:
                self._failed(partition, offset, error)
            elif owned is not None and not owned.halted:
                try:
                    by_partition.setdefault(partition, []).append((offset, _command(message)))
                except UnreadableMessage as unreadable:
                    self.halts.stop(partition, offset, unreadable)
                    owned.halted = True
                    self._consumer.pause([self._place(partition)])
        for partition, received in by_partition.items():
            self._in_loop(_hand_over(self.owned[partition].runner, received))

    def _failed(self, partition: int, offset: int, error: KafkaError) -> None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name
            owned = self.owned.get(partition)
            if owned is not None and offset >= owned.effects.until:
                self._loop.call_soon_threadsafe(owned.runner.caught_up)
        elif error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - the same
            raise KafkaException(error)
        else:
            log.warning("consume", error=str(error))

    def _check(self) -> None:
        for owned in list(self.owned.values()):
            if owned.runner.failure.done():
                self._restart(owned)
            elif owned.halted:
                continue
            elif not owned.paused and owned.runner.busy > PENDING:
                self._consumer.pause([self._place(owned.partition)])
                owned.paused = True
            elif owned.paused and owned.runner.busy < PENDING // 2:
                self._consumer.resume([self._place(owned.partition)])
                owned.paused = False

    def _restart(self, owned: Owned) -> None:
        """A runner failed: as after a crash its partition is opened anew, without the others' noticing.

        Raises:
            Fenced, KafkaException: as they are; the process must end.
        """
        error = owned.runner.failure.exception()
        if not isinstance(error, Exception) or isinstance(error, Fenced | KafkaException):
            owned.runner.failure.result()
            return
        partition = owned.partition
        self._close([partition], 0)
        if owned.halted:
            log.error("a stopped partition failed", partition=partition, exc_info=error)
            return
        place = self._place(partition)
        self._consumer.pause([place])
        (committed,) = self._consumer.committed([place], 30)
        if self.halts.failed(partition, max(0, committed.offset), error):
            return
        (opened,) = self._open([place])
        self._consumer.seek(TopicPartition(place.topic, partition, opened.position))
        self._consumer.resume([place])

    def _place(self, partition: int) -> TopicPartition:
        return TopicPartition(self._names.topic(self._commands), partition)

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        if self._stopping.is_set():
            consumer.incremental_assign([])
            return
        # What a predecessor left open is answered at once: before the `consume` that brought us here has returned.
        self._metadata = consumer.consumer_group_metadata()
        opened = self._open(places)
        topic = self._names.topic(self._commands)
        consumer.incremental_assign([TopicPartition(topic, one.partition, one.position) for one in opened])
        consumer.resume(places)
        self.joined.set()

    def _open(self, places: list[TopicPartition]) -> list[_Opened]:
        """Take partitions over, and begin with what their predecessor left."""
        logs = {place.partition: self._log_of(place.partition) for place in places}
        # The fence comes before everything that is read: a predecessor that still commits would make it untrue.
        list(self._pool.map(EffectsLog.fence, logs.values()))
        committed = self._consumer.committed(places, 30) if places else []
        opened = list(self._pool.map(partial(_opened, logs), committed))
        for one in opened:
            self.owned[one.partition] = self._in_loop(self._begin(one))
        return opened

    def _log_of(self, partition: int) -> EffectsLog:
        store = KafkaStore(
            self._access,
            self._names,
            self._service,
            commands=self._commands,
            effects=self._effects,
            partition=partition,
            group_metadata=lambda: self._metadata,
        )
        return EffectsLog(store)

    async def _begin(self, opened: _Opened) -> Owned:
        opened.effects.start()
        runner = self._new_runner(opened.partition, opened.effects, opened.restored)
        runner.resume(opened.restored)
        if opened.position >= opened.effects.until:
            runner.caught_up()
        return Owned(opened.partition, opened.effects, runner)

    def _revoked(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._metadata = consumer.consumer_group_metadata()
        self._give_away(places, DRAIN)
        consumer.incremental_unassign(places)

    def _lost(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._give_away(places, 0)
        consumer.incremental_unassign(places)

    def _give_away(self, places: list[TopicPartition], drain: float) -> None:
        self._close([place.partition for place in places], drain)
        for place in places:
            self.halts.passed(place.partition)

    def _close(self, partitions: Iterable[int], drain: float) -> None:
        """Drain all of them at once: they share the time there is."""
        closing = [owned for number in partitions if (owned := self.owned.pop(number, None)) is not None]
        if closing and self._loop.is_running():
            self._in_loop(self._shut(closing, drain))

    async def _shut(self, closing: list[Owned], drain: float) -> None:
        await asyncio.gather(*(owned.runner.drain(drain) for owned in closing))
        for owned in closing:
            await owned.effects.close()
            await self._closed(owned.partition)

    def _in_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LOOP_TIMEOUT)


def _opened(logs: dict[int, EffectsLog], committed: TopicPartition) -> _Opened:
    position = max(0, committed.offset)
    # Without metadata (a first start, an offset somebody set by hand) everything is read again.
    checkpoint = int(committed.metadata) if committed.metadata and committed.offset >= 0 else 0
    effects = logs[committed.partition]
    restored = effects.open(position, checkpoint)
    log.debug("assigned", partition=committed.partition, position=position, checkpoint=checkpoint)
    return _Opened(committed.partition, position, effects, restored)


async def _hand_over(runner: Runner, received: list[tuple[int, Message[CommandFrame]]]) -> None:
    for offset, message in received:
        try:
            runner.received(offset, message)
        except Exception as error:  # noqa: BLE001 - the partition is opened anew, and stopped if that does not help
            if not runner.failure.done():
                runner.failure.set_exception(error)
            return


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
