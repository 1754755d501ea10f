"""A look into the installation's log: where links stand, what is held, and whether anything is still to be done.

Read only, without a consumer group of its own, so that nothing of the installation is touched.
"""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names, Topic
from tieout_cli.demo.place import CONNECTION

# Which service's group reads which topic, in the direction of the data: what moves on while they are looked at one
# after the other is seen further down.
READERS: Final = (
    ("erp-poller", Topic.ERP_POLLS),
    ("fact-mapper", Topic.ERP_CHANGES),
    ("fact-mapper", Topic.BILL_EVENTS),
    ("decider", Topic.FACTS),
    ("bill-writer", Topic.BILL_COMMANDS),
    ("bill-writer.reads", Topic.BILL_READS),
    ("payment-writeback", Topic.ERP_COMMANDS),
)
UNDER_WAY: Final = frozenset({"ready", "requested", "doubtful"})
_PREFIX: Final = f"{CONNECTION}/"
_CONSUME: Final = 5_000
_SECONDS: Final = 10.0
_CATCH_UP_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Held:
    """A hold: whose link, why, and the numbers its sentence names."""

    link: str
    reason: str
    params: dict[str, str]


@dataclass
class LogView:
    """Follows ``sync.state`` and the ends of the topics that services read."""

    access: KafkaAccess
    names: Names
    links: dict[str, dict[str, Any]] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    runs: dict[str, bool] = field(default_factory=dict)
    """Poll runs by kind: whether the newest has ended."""
    tasks: set[str] = field(default_factory=set)
    """Links that wait for somebody to do something outside."""
    _dues: dict[str, bool] = field(default_factory=dict)
    """A day's transfers by account, date and currency: whether less is booked than is due."""
    _pending: set[str] = field(default_factory=set)
    _last: dict[tuple[str, int], int] = field(default_factory=dict)
    """The last message's offset by topic and partition; markers of transactions are none."""

    def __post_init__(self) -> None:
        self._state = self.names.topic(Topic.STATE)
        self._reads = {self.names.topic(topic) for _group, topic in READERS}
        self._places = [
            (topic, number) for topic in sorted({self._state, *self._reads}) for number in range(self.names.partitions)
        ]
        self._ends: dict[tuple[str, int], int] = {}
        self._consumer = Consumer(self.access.consumer("-") | {"enable.partition.eof": True})
        self._consumer.assign([TopicPartition(topic, number, 0) for topic, number in self._places])
        # Sees unfinished transactions too: what is behind one has not been read, whatever its readers say.
        self._watermarks = Consumer(self.access.consumer("-", committed=False))
        self._groups = {group: Consumer(self.access.consumer(self.names.group(group))) for group, _topic in READERS}

    def refresh(self) -> None:
        """Take in what has come since."""
        while messages := self._consumer.consume(_CONSUME, 0.05):
            for message in messages:
                error = message.error()
                if error is None:
                    self._take(message)
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name
                    self._ends[(message.topic() or "", message.partition() or 0)] = message.offset() or 0
                else:
                    raise KafkaException(error)

    def _take(self, message: Message) -> None:
        topic = message.topic() or ""
        if topic in self._reads:
            self._last[(topic, message.partition() or 0)] = message.offset() or 0
        elif topic == self._state:
            key = (message.key() or b"").decode()
            if key.startswith(_PREFIX):
                self._row(key.removeprefix(_PREFIX), message.value())

    def _row(self, row: str, value: bytes | None) -> None:
        family, _, rest = row.partition("/")
        if family in ("ready", "todo"):
            (self._pending.discard if value is None else self._pending.add)(row)
        elif family == "link":
            _assign(self.links, rest, None if value is None else json.loads(value))
        elif family == "hold":
            content = None if value is None else json.loads(value)
            held = None if content is None else Held(rest, content["reason"], content.get("params", {}))
            _assign(self.holds, rest, held)
        elif family == "task":
            (self.tasks.discard if value is None else self.tasks.add)(rest)
        elif family == "due" and value is not None:
            due = json.loads(value)
            self._dues[rest] = Decimal(due["due"]) != sum(map(Decimal, due.get("booked", [])))
        elif family == "run" and value is not None:
            self.runs[rest] = bool(json.loads(value).get("ended", False))

    def quiet(self) -> bool:
        """Whether nothing is under way: every run has ended, every reader is at its end, no command is unanswered."""
        self.refresh()
        if self._busy():
            return False
        ends = self._high()
        if not self._caught_up(ends) or self._busy():
            return False
        return all(self._behind(group, topic) == 0 for group, topic in READERS) and self._high() == ends

    def _busy(self) -> bool:
        if not self.runs or not all(self.runs.values()) or self._pending:
            return True
        return any(link["phase"] in UNDER_WAY for link in self.links.values())

    def _high(self) -> dict[tuple[str, int], int]:
        """Where each partition ends now."""
        ends = {}
        for topic, number in self._places:
            _low, high = self._watermarks.get_watermark_offsets(TopicPartition(topic, number), timeout=_SECONDS)
            ends[(topic, number)] = high
        return ends

    def _caught_up(self, ends: dict[tuple[str, int], int]) -> bool:
        """Whether everything before these ends is taken in; not while a transaction before them is unfinished."""
        limit = time.monotonic() + _CATCH_UP_SECONDS
        while any(self._ends.get(place, 0) < end for place, end in ends.items()):
            if time.monotonic() > limit:
                return False
            self.refresh()
        return True

    def _behind(self, group: str, topic: Topic) -> int:
        name = self.names.topic(topic)
        last = {number: offset for (of, number), offset in self._last.items() if of == name}
        if not last:
            return 0
        asked = [TopicPartition(name, number) for number in last]
        committed = self._groups[group].committed(asked, timeout=_SECONDS)
        return sum(max(0, last[place.partition] + 1 - max(0, place.offset)) for place in committed)

    def phases(self, kind: str) -> Counter[str]:
        """How many links of a kind stand where."""
        return Counter(row["phase"] for link, row in self.links.items() if link.startswith(f"{kind}/"))

    def kinds(self) -> list[str]:
        """The kinds of links there are."""
        return sorted({link.partition("/")[0] for link in self.links})

    def seen(self, kind: str) -> bool:
        """Whether the ERP's records of a kind were read to the end at least once."""
        return self.runs.get(kind, False)

    def transfers_due(self) -> bool:
        """Whether a day's transfer is not booked whole yet, and not held either."""
        owed = (transfer for transfer, due in self._dues.items() if due)
        return any(self.links.get(f"transfer/{one}", {}).get("phase") != "held" for one in owed)

    def close(self) -> None:
        """Leave the brokers."""
        for consumer in (self._consumer, self._watermarks, *self._groups.values()):
            consumer.close()


def _assign(rows: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        rows.pop(key, None)
    else:
        rows[key] = value
