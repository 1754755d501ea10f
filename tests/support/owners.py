"""Both sides' owners, played by a thread: it answers requests for snapshots with what a test gives it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from tieout.domain.settings import Side
from tieout.events import catalogue
from tieout.events.envelope import decode
from tieout.events.requests import CheckLine, SnapshotAsked
from tieout.events.snapshots import Snapshot, answers
from tieout.log.clients import KafkaAccess
from tieout.log.outgoing import outgoing
from tieout.log.produce import PlainProducer
from tieout.log.topics import Names, Topic

Answer = Callable[[SnapshotAsked], Snapshot | CheckLine | None]


class Owners:
    """Answers until it is stopped. ``asked`` keeps the requests."""

    def __init__(self, access: KafkaAccess, names: Names, answer: Answer) -> None:
        self._access = access
        self._names = names
        self.answer = answer
        self.asked: list[SnapshotAsked] = []
        self.failure: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)
        if self.failure is not None:
            raise self.failure

    def of(self, side: Side) -> list[SnapshotAsked]:
        """What one side was asked."""
        return [asked for asked in self.asked if asked.side is side]

    def _run(self) -> None:
        producer = PlainProducer(self._access)
        consumer = Consumer(self._access.consumer("-"))
        try:
            topics = [self._names.topic(topic) for topic in (Topic.BILL_READS, Topic.ERP_POLLS)]
            places = [(topic, number) for topic in topics for number in range(self._names.partitions)]
            consumer.assign([TopicPartition(topic, number, 0) for topic, number in places])
            while not self._stopping.is_set():
                for message in consumer.consume(100, 0.1):
                    error = message.error()
                    if error is not None:
                        _harmless(error)
                        continue
                    request = decode(message.headers(), message.value(), catalogue)
                    if not isinstance(request.data, SnapshotAsked):
                        continue
                    self.asked.append(request.data)
                    found = self.answer(request.data)
                    if found is not None:
                        parts = answers(request, request.data, found, "/test", datetime.now(UTC))
                        producer.send_now([outgoing(self._names, Topic.SNAPSHOTS, part) for part in parts])
        except BaseException as error:  # noqa: BLE001 - told when the test ends
            self.failure = error
        finally:
            consumer.close()


def _harmless(error: KafkaError) -> None:
    """The end of a partition is none."""
    if error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
