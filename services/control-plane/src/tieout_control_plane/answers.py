"""Answers to what control-plane asked: the tail of ``snapshots``, read from its end at the start of the process."""

import asyncio
import threading
import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tieout.events import catalogue
from tieout.events.envelope import UnreadableMessage, attributes, decode
from tieout.events.requests import CheckAnswered, SnapshotAnswered
from tieout.events.snapshots import Incomplete, Joining, Snapshot
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names, Topic
from tieout.observability.logging import logger

ANSWER: Final = "tieout.answer."
POLL_SECONDS: Final = 0.1
STOP_SECONDS: Final = 15.0
METADATA_SECONDS: Final = 10.0
# Brokers name no leader for a moment after a topic was made; see also the registry.
OPEN_SECONDS: Final = 10.0
START_SECONDS: Final = 30.0
log = logger(__name__)


class Answers:
    """Brings answers to those who wait, snapshots put together again. Chunks of documents are passed by unread."""

    def __init__(self, access: KafkaAccess, names: Names) -> None:
        self._access = access
        self._names = names
        self._topic = names.topic(Topic.SNAPSHOTS)
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, asyncio.Future[CheckAnswered]] = {}
        self._joining: dict[str, tuple[asyncio.Future[Snapshot], Joining]] = {}
        self._stopping = threading.Event()
        self._placed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="answers", daemon=True)
        self._problem: str | None = "answers are not read yet"

    def start(self) -> None:
        """Begin to read, and return once no later answer can be missed. Blocks; TimeoutError if that takes too long."""
        self._thread.start()
        self._placed.wait(START_SECONDS)
        if self._problem is not None:
            raise TimeoutError(self._problem)

    def problem(self) -> str | None:
        """Why answers do not arrive, None if they do; for ``Health.probe``."""
        return self._problem

    def stop(self) -> None:
        """End the thread. Raises TimeoutError if it does not end."""
        self._stopping.set()
        if self._thread.ident is None:
            return
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError("the thread that reads answers did not end")

    def expect(self, request: str) -> "asyncio.Future[CheckAnswered]":
        """The answer to a request; to be called before it is sent, from the event loop."""
        future: asyncio.Future[CheckAnswered] = self._loop.create_future()
        self._waiting[request] = future
        future.add_done_callback(lambda _done: self._waiting.pop(request, None))
        return future

    def expect_snapshot(self, request: str) -> "asyncio.Future[Snapshot]":
        """The same for a snapshot; it raises ``Incomplete`` where the owner says why there is none."""
        future: asyncio.Future[Snapshot] = self._loop.create_future()
        self._joining[request] = (future, Joining())
        future.add_done_callback(lambda _done: self._joining.pop(request, None))
        return future

    def _run(self) -> None:
        try:
            consumer = Consumer(self._access.consumer("-"))
            try:
                consumer.assign(self._ends(consumer))
                self._problem = None
                self._placed.set()
                while not self._stopping.is_set():
                    for message in consumer.consume(500, POLL_SECONDS):
                        self._take(message)
            finally:
                consumer.close()
        except (KafkaException, UnreadableMessage, LookupError) as error:
            self._problem = f"{self._topic}: {error}"
            self._placed.set()
            log.error("answers are not read any more", problem=self._problem)  # noqa: TRY400 - the text has it all

    def _ends(self, consumer: Consumer) -> list[TopicPartition]:
        """Where each partition ends now; librdkafka's own 'end' would be looked up later, behind a quick answer."""
        partitions = [TopicPartition(self._topic, number) for number in range(self._names.partitions)]
        limit = time.monotonic() + OPEN_SECONDS
        while True:
            try:
                return [TopicPartition(self._topic, each.partition, self._end(consumer, each)) for each in partitions]
            except KafkaException:
                if time.monotonic() > limit or self._stopping.wait(POLL_SECONDS):
                    raise

    def _end(self, consumer: Consumer, partition: TopicPartition) -> int:
        _, high = consumer.get_watermark_offsets(partition, timeout=METADATA_SECONDS)
        return int(high)

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - librdkafka's public name
                raise KafkaException(error)
            return
        if not attributes(message.headers()).get("type", "").startswith(ANSWER):
            return
        data = decode(message.headers(), message.value(), catalogue).data
        if isinstance(data, CheckAnswered):
            self._loop.call_soon_threadsafe(self._bring, data)
        elif isinstance(data, SnapshotAnswered):
            self._loop.call_soon_threadsafe(self._join, data)

    def _bring(self, answer: CheckAnswered) -> None:
        future = self._waiting.get(answer.request)
        if future is not None and not future.done():
            future.set_result(answer)

    def _join(self, part: SnapshotAnswered) -> None:
        future, joining = self._joining.get(part.request, (None, Joining()))
        if future is None or future.done():
            return
        try:
            if joining.add(part):
                future.set_result(joining.snapshot())
        except Incomplete as error:
            future.set_exception(error)
