"""The topic catalogue: every topic of an installation, with its policy. Nothing is created by itself.

All topics of one installation carry one prefix and one partition count, chosen once. The partition of a message is its
connection's (its budget's on the topics of BILL's writer), so that one connection's facts have one order.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from tieout.log.partitions import murmur2

DAY_MS: Final = 24 * 3600 * 1000
FOREVER: Final = -1
# Twice the largest message we write (1 MiB), so that headers and batching never push one over the broker's limit.
MESSAGE_LIMIT: Final = 2 * 1024 * 1024
# A reader that was away for a week still sees every tombstone; compaction stays an hour behind the writers.
TOMBSTONES_MS: Final = 7 * DAY_MS
COMPACTION_LAG_MS: Final = 3600 * 1000


class Topic(StrEnum):
    """Names without the installation's prefix."""

    CONNECTIONS = "connections"
    ERP_POLLS = "erp.polls"
    BILL_READS = "bill.reads"
    CURSORS = "cursors"
    ERP_CHANGES = "erp.changes"
    BILL_EVENTS = "bill.events"
    FACTS = "sync.facts"
    JOURNAL = "sync.journal"
    STATE = "sync.state"
    BILL_COMMANDS = "bill.commands"
    BILL_EFFECTS = "bill.effects"
    ERP_COMMANDS = "erp.commands"
    ERP_EFFECTS = "erp.effects"
    SNAPSHOTS = "snapshots"
    TIE_OUTS = "tie.outs"
    DEAD_LETTERS = "dead.letters"


@dataclass(frozen=True)
class Policy:
    """How a topic is kept. ``transactional`` topics are read committed and written in transactions only."""

    compacted: bool
    retention_ms: int
    transactional: bool
    meaning: str

    def config(self) -> dict[str, str]:
        """The topic's settings on the broker."""
        settings = {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "max.message.bytes": str(MESSAGE_LIMIT),
        }
        if self.compacted:
            settings |= {
                "delete.retention.ms": str(TOMBSTONES_MS),
                "min.compaction.lag.ms": str(COMPACTION_LAG_MS),
                "min.cleanable.dirty.ratio": "0.3",
            }
        else:
            settings["retention.ms"] = str(self.retention_ms)
        return settings


def _compacted(meaning: str) -> Policy:
    return Policy(compacted=True, retention_ms=FOREVER, transactional=True, meaning=meaning)


def _kept(days: int, meaning: str, *, transactional: bool) -> Policy:
    kept = FOREVER if days == FOREVER else days * DAY_MS
    return Policy(compacted=False, retention_ms=kept, transactional=transactional, meaning=meaning)


CATALOGUE: Final[dict[Topic, Policy]] = {
    Topic.CONNECTIONS: _compacted("the settings of every connection, for services"),
    Topic.ERP_POLLS: _kept(7, "reads of an ERP that somebody asks for", transactional=False),
    Topic.BILL_READS: _kept(7, "reads of BILL that somebody asks for", transactional=False),
    Topic.CURSORS: _compacted("where each poll goes on, and its run's number"),
    Topic.ERP_CHANGES: _kept(FOREVER, "what ERPs showed, as seen", transactional=False),
    Topic.BILL_EVENTS: _kept(FOREVER, "what BILL showed, as seen", transactional=False),
    Topic.FACTS: _kept(FOREVER, "the one ordered log of each connection", transactional=True),
    Topic.JOURNAL: _kept(FOREVER, "every decision in order: the audit trail", transactional=True),
    Topic.STATE: _compacted("the latest state of every link"),
    Topic.BILL_COMMANDS: _kept(180, "effects asked of BILL's writer", transactional=True),
    Topic.BILL_EFFECTS: _kept(FOREVER, "the write-ahead log of BILL's writer", transactional=True),
    Topic.ERP_COMMANDS: _kept(180, "effects asked of the ERPs' writer", transactional=True),
    Topic.ERP_EFFECTS: _kept(FOREVER, "the write-ahead log of the ERPs' writer", transactional=True),
    Topic.SNAPSHOTS: _kept(7, "answers in chunks, documents encrypted", transactional=False),
    Topic.TIE_OUTS: _kept(FOREVER, "finished tie-outs with their inputs", transactional=True),
    Topic.DEAD_LETTERS: _kept(FOREVER, "what could not be read, with its place", transactional=False),
}


@dataclass(frozen=True)
class Names:
    """The names of one installation: topics, consumer groups and transactional ids all carry its prefix."""

    prefix: str
    partitions: int

    def topic(self, topic: Topic) -> str:
        """The topic's name on the broker."""
        return f"{self.prefix}.{topic}"

    def group(self, service: str) -> str:
        """A service's consumer group."""
        return f"{self.prefix}.{service}"

    def transactional_id(self, service: str, partition: int | None = None) -> str:
        """Fences one service's partition, or the whole service where it is single."""
        tail = "" if partition is None else f".{partition}"
        return f"{self.prefix}.{service}{tail}"

    def partition_of(self, key: str) -> int:
        """The partition of a connection or a budget; the same as every murmur2 client's."""
        return _hash(key) % self.partitions


@lru_cache(maxsize=4096)
def _hash(key: str) -> int:
    """Asked for every message, about few keys: connections and budgets."""
    return murmur2(key.encode())
