"""What the log of one installation says, read on from where the last look ended."""

import time
from collections import defaultdict
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from support.installation import Installation
from tieout.decide.state import row_bytes
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, decode
from tieout.events.journal import Entry
from tieout.log.compacted import high_watermark
from tieout.log.topics import Topic

SECONDS: Final = 60.0
POSITION: Final = "#pos"
_READ: Final = (Topic.STATE, Topic.JOURNAL, Topic.BILL_COMMANDS, Topic.ERP_COMMANDS, Topic.BILL_EVENTS,
         Topic.BILL_READS)  # fmt: skip


class LogView:
    """State rows, the journal's fold, commands and raw messages; each look costs what is new only."""

    def __init__(self, made: Installation) -> None:
        self._made = made
        self.state: dict[str, bytes] = {}
        self.folded: dict[str, bytes] = {}
        self.commands: list[Message[Payload]] = []
        self.messages: dict[Topic, list[Message[Payload]]] = defaultdict(list)
        self._topics = {made.names.topic(topic): topic for topic in _READ}
        self._next = {(name, one): 0 for name in self._topics for one in range(made.partitions)}
        self._consumer = Consumer(made.access.consumer("-") | {"enable.partition.eof": True})
        self._consumer.assign([TopicPartition(name, one, OFFSET_BEGINNING) for name, one in self._next])

    def close(self) -> None:
        """Read no more."""
        self._consumer.close()

    def look(self) -> "LogView":
        """Read everything committed until now.

        Raises:
            TimeoutError: the end was not reached in time.
        """
        access = self._made.access
        ends = {place: high_watermark(access, *place)[1] for place in self._next}
        limit = time.monotonic() + SECONDS
        while any(self._next[place] < end for place, end in ends.items()):
            for message in self._consumer.consume(2000, 0.2):
                place = (message.topic() or "", message.partition() or 0)
                error = message.error()
                if error is None:
                    self._next[place] = (message.offset() or 0) + 1
                    self._take(self._topics[place[0]], message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    self._next[place] = max(self._next[place], message.offset() or 0)
                else:
                    raise KafkaException(error)
            if time.monotonic() > limit:
                raise TimeoutError(f"the end of the log was not reached: {self._next} of {ends}")
        return self

    def _take(self, topic: Topic, raw: Any) -> None:
        if topic is Topic.STATE:
            key = (raw.key() or b"").decode()
            if key != POSITION:
                _put(self.state, key, raw.value())
            return
        message = decode(raw.headers(), raw.value(), catalogue)
        if topic is Topic.JOURNAL:
            entry = message.data
            assert isinstance(entry, Entry)
            value = None if entry.value is None else row_bytes(entry.value)
            _put(self.folded, f"{message.partitionkey}/{entry.row}", value)
            return
        kept = self.commands if topic in (Topic.BILL_COMMANDS, Topic.ERP_COMMANDS) else self.messages[topic]
        kept.append(message)


def _put(rows: dict[str, bytes], key: str, value: bytes | None) -> None:
    if value is None:
        rows.pop(key, None)
    else:
        rows[key] = value
