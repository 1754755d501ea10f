"""The transactional read-process-write loop.

One ``transactional.id`` per input partition, and no transaction is open across ``consume``.

A batch of one partition is processed into messages and rows; consumed offsets, messages and rows commit together or not
at all. Rows are kept in a compacted topic beside a position row, which must equal the group's offset at every opening.

A batch that fails is gone through message by message, so that what stands before the one at fault is committed; that
one is tried three times and then stops its partition.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tieout.log.clients import KafkaAccess
from tieout.log.compacted import read_to_end
from tieout.log.halts import Halts
from tieout.log.produce import Aborted, Fenced, Outgoing, TransactionalProducer
from tieout.log.rows import BatchRows, RowStore
from tieout.log.topics import Names, Topic
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger

log = logger(__name__)

POSITION: Final = b"#pos"
BATCH: Final = 500
# An abort follows a rebalance and passes once `consume` has brought new metadata; twenty in a row are something else.
ABORTS: Final = 20
# Lag and no batch for so long: the process is stuck in a way nobody foresaw, and a restart is the cure.
STUCK: Final = 60.0
ENDS_SECONDS: Final = 1.0


class WrongPosition(RuntimeError):
    """The state's position and the group's offset differ: somebody reset one of them. The service refuses to start."""


Process = Callable[[int, Sequence[Message], BatchRows], list[Outgoing]]


@dataclass(frozen=True)
class Committed:
    """A batch that is committed, and the seconds that its processing and its transaction took."""

    partition: int
    messages: int
    process_seconds: float
    commit_seconds: float


@dataclass(frozen=True)
class Position:
    """Where an owned partition stands: its next offset, and the log's end if the brokers have told it yet."""

    partition: int
    next: int
    end: int | None


@dataclass(frozen=True)
class _Offsets:
    place: TopicPartition
    group: Any

    def positions(self) -> list[TopicPartition]:
        return [self.place]

    def metadata(self) -> Any:
        return self.group


class _Partition:
    """One owned partition: its producer, its rows, its next offset."""

    def __init__(self, loop: "TransactionalLoop", number: int) -> None:
        self._loop = loop
        self.number = number
        self.next = 0
        self.held: list[Message] = []
        self.paused = False
        self._aborts = 0
        self._singly_until = -1
        self._producer = TransactionalProducer(loop.access, loop.names.transactional_id(loop.service, number))
        self.rows = RowStore(loop.folder)

    def open(self) -> "_Partition":
        self._producer.open()
        state = self._loop.names.topic(self._loop.state)
        batch: list[tuple[bytes, bytes | None]] = []
        for message in read_to_end(self._loop.access, state, self.number):
            key, value = message.key() or b"", message.value()
            if key == POSITION:
                self.next = int(value or b"0")
                continue
            batch.append((key, value))
            if len(batch) >= BATCH:
                self.rows.apply(batch)
                batch = []
        self.rows.apply(batch)
        return self

    def run(self, messages: list[Message], group: Any) -> int:
        """Process and commit messages from the first on; how many. The others have to come again, with new metadata."""
        first = messages[0].offset() or 0
        batch = messages[:1] if first <= self._singly_until else messages
        rows = BatchRows(self.rows)
        began = time.perf_counter()
        try:
            out = self._loop.process(self.number, batch, rows)
        except Exception as error:  # logged with its trace; the third at one message stops the partition
            self._singly_until = messages[-1].offset() or 0
            if len(batch) == 1:
                self._loop.halts.failed(self.number, first, error)
            else:
                log.warning("a batch failed", partition=self.number, offset=first, count=len(batch), exc_info=error)
            return 0
        processed = time.perf_counter()
        if not self._commit(batch, out, rows, group):
            return 0
        self._loop.told(Committed(self.number, len(batch), processed - began, time.perf_counter() - processed))
        return len(batch)

    def _commit(self, messages: list[Message], out: list[Outgoing], rows: BatchRows, group: Any) -> bool:
        end = (messages[-1].offset() or 0) + 1
        state = self._loop.names.topic(self._loop.state)
        out += [Outgoing(state, self.number, key, value, []) for key, value in rows.new.items()]
        out.append(Outgoing(state, self.number, POSITION, str(end).encode(), []))
        place = TopicPartition(self._loop.names.topic(self._loop.source), self.number, end)
        reach(f"{self._loop.service}.commit.before")
        try:
            self._producer.commit(out, _Offsets(place, group))
        except Aborted as error:
            self._aborts += 1
            if self._aborts >= ABORTS:
                raise Fenced(f"partition {self.number}: {ABORTS} aborts in a row at {self.next}") from error
            return False
        reach(f"{self._loop.service}.commit.after")
        self.rows.apply(rows.new.items())
        self.next, self._aborts = end, 0
        self._loop.halts.passed(self.number)
        return True

    def close(self) -> None:
        self._producer.close()
        self.rows.close()


class TransactionalLoop:
    """Blocking; ``run`` returns after ``stop`` and raises what must end the process."""

    def __init__(  # noqa: PLR0913 - the wiring of one service
        self,
        access: KafkaAccess,
        names: Names,
        service: str,
        *,
        source: Topic,
        state: Topic,
        process: Process,
        instance: str = "",
        batch: int = BATCH,
        folder: Path | None = None,
        told: Callable[[Committed], None] = lambda _batch: None,
    ) -> None:
        self.access = access
        self.names = names
        self.service = service
        self.source = source
        self.state = state
        self.process = process
        self.folder = folder
        self.told = told
        self._batch = batch
        self._consumer = Consumer(access.consumer(names.group(service), instance=instance))
        self._parts: dict[int, _Partition] = {}
        self._pool = ThreadPoolExecutor(8, thread_name_prefix=service)
        self._stopping = threading.Event()
        self._ends: dict[int, int] = {}
        self._looked = 0.0
        self.halts = Halts(service, names.topic(source))
        self.progressed = time.monotonic()

    @property
    def assigned(self) -> bool:
        """Whether this process owns at least one partition."""
        return bool(self._parts)

    def positions(self) -> list[Position]:
        """Where each owned partition stands, for any thread; asks nobody. The ends are at most a second old."""
        return [Position(part.number, part.next, self._ends.get(part.number)) for part in list(self._parts.values())]

    def stop(self) -> None:
        """Ask ``run`` to finish its batch and return."""
        self._stopping.set()

    def run(self) -> None:
        """Consume, process, commit, until stopped.

        Raises:
            Fenced, WrongPosition, KafkaException: end the process; nothing is half done.
        """
        topic = self.names.topic(self.source)
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        try:
            while not self._stopping.is_set():
                messages = self._consumer.consume(1, 0.1)
                if messages:
                    messages += self._consumer.consume(self._batch - 1, 0)
                self._look_at_ends()
                # Taken now: later it could name another generation of the group, or none.
                self._step(messages, self._consumer.consumer_group_metadata())
        finally:
            self._stopping.set()
            self._consumer.close()
            for part in self._parts.values():
                part.close()
            self._pool.shutdown(wait=True)

    def _look_at_ends(self) -> None:
        """Take the logs' ends from what was fetched last.

        In this thread only: a consumer serves one thread at a time, and another would stand still while it consumes.
        """
        if time.monotonic() - self._looked < ENDS_SECONDS:
            return
        self._looked = time.monotonic()
        topic = self.names.topic(self.source)
        for number in self._parts:
            with suppress(KafkaException):  # not fetched yet
                known = self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
                if known is not None and known[1] >= 0:
                    self._ends[number] = known[1]

    def _step(self, messages: list[Message], group: Any) -> None:
        batches = {number: part.held for number, part in self._parts.items() if part.held}
        for message in messages:
            error = message.error()
            if error is not None:
                if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - librdkafka's public name
                    raise KafkaException(error)
                log.warning("consume", error=str(error))
                continue
            part = self._parts.get(message.partition() or 0)
            if part is not None and not self.halts.stopped(part.number) and (message.offset() or 0) >= part.next:
                batches.setdefault(part.number, []).append(message)
        if not batches:
            self.progressed = time.monotonic()
            return
        numbers = list(batches)
        done = list(self._pool.map(lambda n: self._parts[n].run(batches[n], group), numbers))
        for number, committed in zip(numbers, done, strict=True):
            self._keep(self._parts[number], batches[number][committed:])
            if committed:
                self.progressed = time.monotonic()
        if time.monotonic() - self.progressed > STUCK:
            raise Fenced(f"no batch was committed for {STUCK:.0f} s")

    def _keep(self, part: _Partition, rest: list[Message]) -> None:
        """What was not committed is tried again after the next `consume`, never with the old metadata.

        Meanwhile nothing more is fetched, and after a stop nothing at all.
        """
        stopped = self.halts.stopped(part.number)
        part.held = [] if stopped else rest
        if stopped or bool(rest) != part.paused:
            place = [TopicPartition(self.names.topic(self.source), part.number)]
            (self._consumer.pause if stopped or rest else self._consumer.resume)(place)
            part.paused = stopped or bool(rest)

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        if self._stopping.is_set():
            consumer.incremental_assign([])
            return
        opened = list(self._pool.map(lambda place: _Partition(self, place.partition).open(), places))
        # In this thread: from another one `committed` never returns while an assignment is served.
        offsets = {place.partition: max(0, place.offset) for place in consumer.committed(places, 30)} if places else {}
        for part in opened:
            if offsets[part.number] != part.next:
                raise WrongPosition(
                    f"{self.names.topic(self.source)}/{part.number}: the group stands at {offsets[part.number]}, the "
                    f"state at {part.next}; reset neither by hand, rebuild the state instead"
                )
        self._parts |= {part.number: part for part in opened}
        consumer.incremental_assign([TopicPartition(self.names.topic(self.source), p.number, p.next) for p in opened])
        consumer.resume(places)

    def _revoked(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        # No transaction is open across `consume`, so there is nothing to finish here.
        for place in places:
            part = self._parts.pop(place.partition, None)
            self.halts.passed(place.partition)
            if part is not None:
                part.close()
        consumer.incremental_unassign(places)
