"""A look into the log that a test can take many times: clients are kept, and only what is new is read."""

import time
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, decode
from tieout.log.clients import KafkaAccess


class LogReader:
    """Reads topics of one broker. Not thread-safe."""

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._asker = Consumer(access.consumer("-", committed=False))
        self._readers: dict[tuple[str, int], Consumer] = {}
        self._seen: dict[tuple[str, int], list[Message[Payload]]] = {}
        self._ends: dict[tuple[str, int], int] = {}
        self._groups: dict[str, Consumer] = {}

    def end(self, topic: str, partition: int) -> int:
        """The high watermark of now."""
        for _ in range(200):
            try:
                _, high = self._asker.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
                    raise
                time.sleep(0.05)
            else:
                return int(high)
        raise TimeoutError(f"{topic}/{partition} has no leader")

    def read(self, topic: str, partition: int, seconds: float = 20) -> list[Message[Payload]]:
        """Every committed message up to now."""
        place = (topic, partition)
        end = self.end(topic, partition)
        if place not in self._readers:
            self._readers[place] = Consumer(self._access.consumer("-") | {"enable.partition.eof": True})
            self._readers[place].assign([TopicPartition(topic, partition, 0)])
            self._seen[place] = []
        limit = time.monotonic() + seconds
        while self._ends.get(place, 0) < end:
            assert time.monotonic() < limit, f"{topic}/{partition}: {end} was not reached"
            message = self._readers[place].poll(0.5)
            if message is None:
                continue
            error = message.error()
            if error is None:
                self._seen[place].append(decode(message.headers(), message.value(), catalogue))
            elif error.code() == KafkaError._PARTITION_EOF:
                self._ends[place] = message.offset()
            else:
                raise KafkaException(error)
        return list(self._seen[place])

    def committed(self, group: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """A group's committed offsets, 0 where there is none."""
        if group not in self._groups:
            self._groups[group] = Consumer(self._access.consumer(group))
        spots = [TopicPartition(topic, number) for number in partitions]
        return {spot.partition: max(0, spot.offset) for spot in self._groups[group].committed(spots, timeout=10)}

    def close(self) -> None:
        """Give all clients back."""
        for consumer in (self._asker, *self._readers.values(), *self._groups.values()):
            consumer.close()
