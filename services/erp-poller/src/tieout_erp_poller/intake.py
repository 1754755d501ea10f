"""Ownership: a thread that consumes ``erp.polls`` and hands partitions and requests to the event loop.

Whoever owns a partition polls its connections. A partition is opened (fence, then restore) before its first request is
read; its runs are cancelled before it is given away, and the next owner goes on from its cursors.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, UnreadableMessage, decode
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names, Topic
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger
from tieout_erp_poller.cursors import SERVICE, PartitionCursors
from tieout_erp_poller.prefix import Prefix

log = logger(__name__)

# Requests held in memory per process; above it no more are read until half of them are served.
PENDING: Final = 1_000
# Handing something to the event loop takes microseconds; this is for a loop that hangs, and ends the process.
LOOP_SECONDS: Final = 60.0
# Opening a partition waits for a transaction coordinator most of its half second, so several are opened at once.
OPENED_AT_ONCE: Final = 8

Served = Callable[[], None]


class Owner(Protocol):
    """What lives in the event loop. ``failure`` ends the process."""

    failure: "asyncio.Future[None]"

    async def begin(self, opened: list[PartitionCursors]) -> None:
        """These partitions are ours from now on."""
        ...

    async def end(self, partitions: list[int]) -> None:
        """These are not ours any more; nothing of them may run after this returns."""
        ...

    async def received(self, partition: int, message: Message[Payload], served: Served) -> None:
        """A request; ``served`` is called, from any thread, once it need not be read again."""
        ...


class Intake:
    """Blocking; ``run`` returns after ``stop`` and raises what must end the process."""

    def __init__(
        self, access: KafkaAccess, names: Names, instance: str, owner: Owner, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._access = access
        self._names = names
        self._topic = names.topic(Topic.ERP_POLLS)
        self._owner = owner
        self._loop = loop
        self._consumer = Consumer(access.consumer(names.group(SERVICE), instance=instance))
        self._pool = ThreadPoolExecutor(OPENED_AT_ONCE, thread_name_prefix="open")
        self._stopping = threading.Event()
        self._prefixes: dict[int, Prefix] = {}
        self._committed: dict[int, int] = {}
        self._paused = False
        self.joined = threading.Event()
        """Set once the group has told what is ours, even if that is nothing."""
        self.alive = time.monotonic()
        """When the thread last went round."""

    def stop(self) -> None:
        """Ask ``run`` to give everything back and return."""
        self._stopping.set()

    def run(self) -> None:
        """Consume until stopped.

        Raises:
            UnreadableMessage: a request that this release does not know.
            KafkaException, TimeoutError: the brokers; and whatever ended a run of ours, such as Fenced.
        """
        self._consumer.subscribe(
            [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )
        try:
            while not self._stopping.is_set():
                for message in self._consumer.consume(200, 0.1):
                    self._take(message)
                if self._owner.failure.done():
                    self._owner.failure.result()
                self._commit()
                self._balance()
                self.alive = time.monotonic()
            self._in_loop(self._owner.end(list(self._prefixes)))
            self._commit()
        finally:
            self._stopping.set()
            self._consumer.close()
            self._pool.shutdown(wait=False)

    def _take(self, message: KafkaMessage) -> None:
        error = message.error()
        if error is not None:
            if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - librdkafka's public name
                raise KafkaException(error)
            log.warning("consume", error=str(error))
            return
        partition, offset = message.partition(), message.offset()
        prefix = self._prefixes.get(partition)
        if prefix is None:
            return
        try:
            request = decode(message.headers(), message.value(), catalogue)
        except UnreadableMessage as problem:
            raise UnreadableMessage(f"{self._topic}/{partition} offset {offset}: {problem}") from problem
        prefix.received(offset)
        self._in_loop(self._owner.received(partition, request, lambda: prefix.served(offset)))

    def _commit(self) -> None:
        """Commit what is served and was not committed before."""
        moved = {
            partition: position
            for partition, prefix in self._prefixes.items()
            if (position := prefix.position()) is not None and self._committed.get(partition) != position
        }
        if not moved:
            return
        places = [TopicPartition(self._topic, partition, position) for partition, position in moved.items()]
        reach("erp-poller.requests.before")
        try:
            self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            # A rebalance came between: whoever has the partition now is asked again, and polling twice harms nobody.
            log.warning("requests are not committed", error=str(error))
            return
        reach("erp-poller.requests.after")
        self._committed |= moved

    def _balance(self) -> None:
        waiting = sum(prefix.waiting for prefix in self._prefixes.values())
        places = [TopicPartition(self._topic, partition) for partition in self._prefixes]
        if not self._paused and waiting > PENDING:
            self._consumer.pause(places)
            self._paused = True
        elif self._paused and waiting < PENDING // 2:
            self._consumer.resume(places)
            self._paused = False

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        if self._stopping.is_set():
            consumer.incremental_assign([])
            return
        numbers = [place.partition for place in places]
        opened = list(self._pool.map(lambda n: PartitionCursors(self._access, self._names, n).taken_over(), numbers))
        for number in numbers:
            self._prefixes[number] = Prefix()
        self._in_loop(self._owner.begin(opened))
        consumer.incremental_assign(places)
        self.joined.set()

    def _revoked(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        numbers = [place.partition for place in places]
        self._in_loop(self._owner.end(numbers))
        self._commit()
        for number in numbers:
            self._prefixes.pop(number, None)
            self._committed.pop(number, None)
        consumer.incremental_unassign(places)

    def _in_loop(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(LOOP_SECONDS)
