"""Counts of a batch, kept in plain dictionaries while it is decided, and told to Prometheus once it is committed.

A batch that was rolled back is decided again and counts once.
"""

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from tieout.decide.state import Decision
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload
from tieout.log.loop import Committed
from tieout_decider import metrics

if TYPE_CHECKING:
    from datetime import datetime

HOLD: Final = "hold/"
UNKNOWN: Final = "unknown"


class Tally:
    """What a batch has come to so far. ``add`` costs a microsecond; nothing is told yet."""

    def __init__(self) -> None:
        self.facts: Counter[tuple[str, str]] = Counter()
        self.commands: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.freed = 0
        self.oldest: datetime | None = None

    def add(self, fact: Message[Payload], decision: Decision) -> None:
        """Count one decision."""
        if self.oldest is None or fact.time < self.oldest:
            self.oldest = fact.time
        result = "entry" if decision.entries else "nothing"
        for entry in decision.entries:
            if not entry.row.startswith(HOLD):
                continue
            if entry.value is None:
                self.freed += 1
            else:
                result = "held"
                self.held[str(entry.value.get("reason", UNKNOWN))] += 1
        for command in decision.commands:
            result = "command"
            self.commands[command.frame.intent.value] += 1
        for asked in decision.requests:
            self.requests[catalogue.name_of(asked)] += 1
        self.facts[fact.type, result] += 1


class Counting:
    """The tallies of the batches in work, by partition. A partition's batches follow one another in one thread each."""

    def __init__(self) -> None:
        self._tallies: dict[int, Tally] = {}

    def begin(self, partition: int) -> Tally:
        """A new batch; what an earlier one of the partition counted and did not commit is forgotten."""
        tally = self._tallies[partition] = Tally()
        return tally

    def committed(self, batch: Committed) -> None:
        """Tell what a batch came to."""
        metrics.BATCH_FACTS.observe(batch.messages)
        metrics.DECIDE_SECONDS.observe(batch.process_seconds)
        metrics.TRANSACTION_SECONDS.observe(batch.commit_seconds)
        tally = self._tallies.pop(batch.partition, None)
        if tally is None:
            return
        for (kind, result), count in tally.facts.items():
            metrics.FACTS.labels(kind, result).inc(count)
        for intent, count in tally.commands.items():
            metrics.COMMANDS.labels(intent).inc(count)
        for name, count in tally.requests.items():
            metrics.REQUESTS.labels(name).inc(count)
        for reason, count in tally.held.items():
            metrics.HELD.labels(reason).inc(count)
        if tally.freed:
            metrics.FREED.inc(tally.freed)
        if tally.oldest is not None:
            metrics.AGE_SECONDS.observe(max(0.0, time.time() - tally.oldest.timestamp()))
