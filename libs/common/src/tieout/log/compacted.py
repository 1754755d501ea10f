"""Reading a partition from a place to its end of now."""

import time
from collections.abc import Iterator
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tieout.log.clients import KafkaAccess

READ_TIMEOUT: Final = 120.0
WATERMARK_TIMEOUT: Final = 10.0
# Said for a moment after a topic was created or its leader has moved.
_ELECTING: Final = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


def high_watermark(access: KafkaAccess, topic: str, partition: int) -> tuple[int, int]:
    """The first offset still kept and the high watermark, seen uncommitted.

    The last stable offset would not do: an unfinished transaction hides what is behind it.
    """
    consumer = Consumer(access.consumer("-", committed=False))
    try:
        limit = time.monotonic() + WATERMARK_TIMEOUT
        while True:
            try:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=WATERMARK_TIMEOUT)
            except KafkaException as error:
                if error.args[0].code() not in _ELECTING or time.monotonic() > limit:
                    raise
                # A leader is being elected: it takes milliseconds, and the broker tells nobody when it is done.
                time.sleep(0.05)
            else:
                return low, high
    finally:
        consumer.close()


def read_to_end(
    access: KafkaAccess, topic: str, partition: int, *, start: int = 0, timeout: float = READ_TIMEOUT
) -> Iterator[Message]:
    """Every committed message from ``start`` to the high watermark of now.

    The end is reached by the end-of-partition event, which passes control records and aborted batches; the last
    message's offset does not.

    Raises:
        TimeoutError: the end was not reached in time.
        KafkaException: the broker refused.
    """
    low, end = high_watermark(access, topic, partition)
    if end == 0 or start >= end:
        return
    consumer = Consumer(access.consumer("-") | {"enable.partition.eof": True, "queued.min.messages": 20_000})
    consumer.assign([TopicPartition(topic, partition, max(start, low))])
    limit = time.monotonic() + timeout
    try:
        while True:
            for message in consumer.consume(5000, 0.2):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name
                    raise KafkaException(error)
                elif message.offset() >= end:
                    return
            if time.monotonic() > limit:
                raise TimeoutError(f"{topic}/{partition}: high watermark {end} was not reached in {timeout} s")
    finally:
        consumer.close()
