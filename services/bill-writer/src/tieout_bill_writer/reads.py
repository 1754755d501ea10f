"""Reads of BILL that somebody asks for on ``bill.reads``, answered on ``snapshots``.

The partitions are not given by a group of its own: they are those whose commands this process owns, because a budget's
calls are one process's, reads and writes together. A request changes nothing outside and may be carried out twice, so a
crash or a takeover repeats what was not answered, and what nobody waits for any more is dropped.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage
from prometheus_client import Counter

from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, UnreadableMessage, decode
from tieout.log.clients import KafkaAccess
from tieout.log.outgoing import outgoing
from tieout.log.produce import PlainProducer
from tieout.log.topics import Names, Topic
from tieout.observability.logging import logger

log = logger(__name__)

# Requests being carried out at a time. They queue for their organization's places anyhow; more only hold memory.
AT_ONCE: Final = 16
# Requests taken from the topic and not answered; above it nothing more is read until half of them are.
PENDING: Final = 500
POLL_SECONDS: Final = 0.2
STOP_SECONDS: Final = 15.0

READS: Final = Counter("tieout_bill_reads", "Requests on bill.reads.", ["type", "result"])

Handler = Callable[[Message[Any]], Awaitable[Message[Payload] | Sequence[Message[Payload]] | None]]
"""Carries a request out; the answer, or its parts, go to ``snapshots``.

None: nobody waits for one, or it is told elsewhere.
"""


class _Partition:
    """Requests in their order and which of them are done; what is committed is the prefix of done ones."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.committed = position
        self._open: deque[int] = deque()
        self._done: set[int] = set()

    def received(self, offset: int) -> None:
        """A request was taken."""
        self._open.append(offset)

    def served(self, offset: int) -> None:
        """It need not be read again."""
        self._done.add(offset)
        while self._open and self._open[0] in self._done:
            done = self._open.popleft()
            self._done.discard(done)
            self.position = done + 1

    @property
    def waiting(self) -> int:
        """Requests taken and not answered."""
        return len(self._open)


class Reads:
    """A thread that reads requests; they are carried out in the event loop it was made in, by their handlers.

    A request of a type without handler is a hint that this release does not follow, and is dropped. Those of
    ``patient`` types wait long and by a limit of their own, so they take none of the places.
    """

    def __init__(
        self,
        access: KafkaAccess,
        names: Names,
        service: str,
        handlers: Mapping[type[Payload], Handler],
        patient: Collection[type[Payload]] = (),
    ) -> None:
        self._access = access
        self._names = names
        self._topic = names.topic(Topic.BILL_READS)
        self._group = names.group(f"{service}.reads")
        self._handlers = handlers
        self._patient = frozenset(patient)
        self._loop = asyncio.get_running_loop()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._producer = PlainProducer(access)
        self._wanted: frozenset[int] = frozenset()
        self._partitions: dict[int, _Partition] = {}
        self._paused = False
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reads", daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Begin to read what ``follow`` names."""
        self._thread.start()

    def follow(self, partitions: Collection[int]) -> None:
        """The partitions owned from now on."""
        self._wanted = frozenset(partitions)

    def guard(self) -> None:
        """Raise what ended the thread, if something did: the process must end with it."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the thread. From another thread than the event loop's."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    async def close(self) -> None:
        """Give up what is under way; it is asked for again by whoever still waits."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        await self._producer.close()

    # ── the thread ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        try:
            consumer = Consumer(self._access.consumer(self._group))
            try:
                while not self._stopping.is_set():
                    self._align(consumer)
                    for message in consumer.consume(100, POLL_SECONDS):
                        self._take(message)
                    self._commit(consumer)
                    self._balance(consumer)
            finally:
                consumer.close()
        except BaseException as error:  # noqa: BLE001 - told by guard, and the process ends with it
            self._failure = error

    def _align(self, consumer: Consumer) -> None:
        """Read exactly the wanted partitions, new ones from where the last owner was."""
        wanted = self._wanted
        gone, new = self._partitions.keys() - wanted, wanted - self._partitions.keys()
        if gone:
            self._commit(consumer)
            consumer.incremental_unassign([TopicPartition(self._topic, number) for number in gone])
            with self._lock:
                for number in gone:
                    del self._partitions[number]
        if new:
            places = consumer.committed([TopicPartition(self._topic, number) for number in sorted(new)], 30)
            starts = [TopicPartition(self._topic, place.partition, max(0, place.offset)) for place in places]
            with self._lock:
                for place in starts:
                    self._partitions[place.partition] = _Partition(place.offset)
            consumer.incremental_assign(starts)
            if self._paused:
                consumer.pause(starts)

    def _take(self, message: KafkaMessage) -> None:
        error = message.error()
        if error is not None:
            if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - librdkafka's public name
                raise KafkaException(error)
            log.warning("consume", error=str(error))
            return
        number, offset = message.partition() or 0, message.offset() or 0
        partition = self._partitions.get(number)
        if partition is None:
            return
        try:
            request = decode(message.headers(), message.value(), catalogue)
        except UnreadableMessage as problem:
            raise UnreadableMessage(f"{self._topic}/{number}/{offset}: {problem}") from problem
        with self._lock:
            partition.received(offset)
        self._loop.call_soon_threadsafe(self._begin, partition, offset, request)

    def _commit(self, consumer: Consumer) -> None:
        with self._lock:
            moved = {n: p.position for n, p in self._partitions.items() if p.position != p.committed}
        if not moved:
            return
        places = [TopicPartition(self._topic, number, position) for number, position in moved.items()]
        try:
            consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            log.warning("requests are not committed", error=str(error))
            return
        for number, position in moved.items():
            self._partitions[number].committed = position

    def _balance(self, consumer: Consumer) -> None:
        with self._lock:
            waiting = sum(partition.waiting for partition in self._partitions.values())
        places = [TopicPartition(self._topic, number) for number in self._partitions]
        if places and not self._paused and waiting > PENDING:
            consumer.pause(places)
            self._paused = True
        elif places and self._paused and waiting < PENDING // 2:
            consumer.resume(places)
            self._paused = False

    # ── in the event loop ───────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, partition: _Partition, offset: int, request: Message[Payload]) -> None:
        task = self._loop.create_task(self._serve(partition, offset, request))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = error

    async def _serve(self, partition: _Partition, offset: int, request: Message[Payload]) -> None:
        handler, result = self._handlers.get(type(request.data)), "unknown"
        async with nullcontext() if type(request.data) in self._patient else self._places:
            if handler is not None:
                answer = await handler(request)
                if answer is not None:
                    parts = [answer] if isinstance(answer, Message) else answer
                    await self._producer.send([outgoing(self._names, Topic.SNAPSHOTS, part) for part in parts])
                result = "dropped" if answer is None else "answered"
        READS.labels(request.type, result).inc()
        with self._lock:
            partition.served(offset)
