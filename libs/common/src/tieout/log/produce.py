"""Producers: plain ones whose answer is awaited, and one transaction at a time."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

from tieout.log.clients import KafkaAccess

INIT_TIMEOUT: Final = 30.0
COMMIT_TIMEOUT: Final = 20.0


class Fenced(Exception):
    """Somebody else owns the partition, or its fate is unknown: write nothing more and let the process end."""


class Aborted(Exception):
    """The transaction was rolled back; the same messages may be tried again with fresh group metadata."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to produce. ``delivered`` gets its offset once the broker has it; in a transaction, before it ends."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    delivered: Callable[[int], None] | None = None


class Offsets(Protocol):
    """What is committed with a transaction: positions of the input and the group's metadata, both of this moment."""

    def positions(self) -> list[TopicPartition]:
        """Next offsets of the input."""
        ...

    def metadata(self) -> Any:
        """The consumer group's metadata, taken after the last ``consume``."""
        ...


class TransactionalProducer:
    """One ``transactional.id``. Blocking: call it from one thread that belongs to the partition.

    ``open`` fences every predecessor. After an error it cannot explain it is ``Fenced``: whether the last transaction
    was committed is then found out by the next owner, from the log.
    """

    def __init__(self, access: KafkaAccess, transactional_id: str) -> None:
        self._settings = access.transactional(transactional_id)
        self._producer: Producer | None = None

    def open(self) -> None:
        """Fence predecessors and roll back what they left open.

        Raises:
            KafkaException: the broker did not let us in within the time-out.
        """
        self._producer = None
        producer = Producer(self._settings)
        _resumed(lambda: producer.init_transactions(INIT_TIMEOUT))
        self._producer = producer

    def commit(self, messages: Iterable[Outgoing], offsets: Offsets | None = None) -> None:
        """Write all messages and the offsets, or nothing.

        Raises:
            Aborted: rolled back, may be tried again.
            Fenced: superseded, or the commit's fate is unknown.
        """
        producer = self._producer
        if producer is None:
            raise Fenced("the producer is not open")
        try:
            producer.begin_transaction()
            for message in messages:
                _produce(producer, message)
            if offsets is not None:
                producer.send_offsets_to_transaction(offsets.positions(), offsets.metadata(), INIT_TIMEOUT)
            producer.commit_transaction(COMMIT_TIMEOUT)
        except KafkaException as error:
            self._settle(producer, error)

    def _settle(self, producer: Producer, error: KafkaException) -> None:
        cause: KafkaError = error.args[0]
        if cause.fatal() or not cause.txn_requires_abort():
            self._producer = None
            raise Fenced(str(cause)) from error
        try:
            _resumed(lambda: producer.abort_transaction(INIT_TIMEOUT))
        except KafkaException as second:
            self._producer = None
            raise Fenced(str(second.args[0])) from second
        raise Aborted(str(cause)) from error

    def close(self) -> None:
        """Forget the producer; an open transaction is rolled back by the next owner."""
        self._producer = None


def _produce(producer: Producer, message: Outgoing) -> None:
    def report(error: KafkaError | None, delivered: Message) -> None:
        if error is None and message.delivered is not None:
            message.delivered(delivered.offset())

    while True:
        try:
            producer.produce(
                message.topic,
                value=message.value,
                key=message.key,
                partition=message.partition,
                headers=message.headers,
                on_delivery=report if message.delivered is not None else None,
            )
        except BufferError:
            producer.poll(0.05)
        else:
            return


def _resumed(call: Callable[[], object], tries: int = 5) -> None:
    """Repeat a resumable call (init, abort) while the broker says that it may be."""
    for attempt in range(tries):
        try:
            call()
        except KafkaException as error:
            if not error.args[0].retriable() or attempt == tries - 1:
                raise
        else:
            return


class PlainProducer:
    """An idempotent producer for raw and plain topics; ``send`` returns once all replicas have everything."""

    def __init__(self, access: KafkaAccess) -> None:
        self._producer = Producer(access.producer())
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="produce")

    async def send(self, messages: Iterable[Outgoing]) -> None:
        """Produce and wait for the broker's answers.

        Raises:
            KafkaException: a message was not taken; none of them may be held as stored.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self.send_now, list(messages))

    def send_now(self, messages: list[Outgoing], timeout: float = 15.0) -> None:
        """The same for a thread."""
        failures: list[KafkaError] = []
        done = 0

        def report(delivered: Callable[[int], None] | None, error: KafkaError | None, message: Message) -> None:
            nonlocal done
            done += 1
            if error is not None:
                failures.append(error)
            elif delivered is not None:
                delivered(message.offset() or 0)

        for message in messages:
            while True:
                try:
                    self._producer.produce(
                        message.topic, value=message.value, key=message.key, partition=message.partition,
                        headers=message.headers, on_delivery=partial(report, message.delivered),
                    )  # fmt: skip
                except BufferError:
                    self._producer.poll(0.05)
                else:
                    break
        self._producer.flush(timeout)
        if failures:
            raise KafkaException(failures[0])
        if done < len(messages):
            unanswered = f"{len(messages) - done} messages unanswered"
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, unanswered))  # noqa: SLF001 - librdkafka's public name

    async def close(self) -> None:
        """Give the thread back."""
        self._thread.shutdown(wait=True)
