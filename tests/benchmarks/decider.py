"""The decider's loop on a fixed mix of facts, beside the same loop with an empty decision.

Both loops are ``TransactionalLoop`` with ``Decider``: they consume, decode, and commit rows, messages and offsets in
one transaction per batch. In the bare one ``decide`` says that nothing follows, so its transactions hold the position
only.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final
from unittest.mock import patch

from confluent_kafka import Message as KafkaMessage

from benchmarks.company import Company, mix
from benchmarks.measuring import Goal, Pair
from benchmarks.servers import Servers
from tieout.decide.state import Decision, Origin, View
from tieout.events.envelope import Message, Payload
from tieout.events.journal import Entry
from tieout.log.loop import BATCH, TransactionalLoop
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing, TransactionalProducer
from tieout.log.rows import BatchRows
from tieout.log.topics import Names, Topic
from tieout_decider import deciding
from tieout_decider.deciding import Decider

GOAL: Final = 0.40
# Of the mix: 7 for an invoice, 5 for a vendor, 4 for a payment, none for what is unchanged.
ENTRIES: Final = 4
# Long enough for a batch on a machine that does other things too.
PATIENCE: Final = 120.0


Decide = Callable[[View, Origin, Payload], Decision]


@dataclass(frozen=True)
class Size:
    """``batches`` of ``batch`` facts are timed in each of ``rounds``."""

    rounds: int = 5
    batches: int = 5
    batch: int = BATCH


@dataclass
class Side:
    """A loop with its own topics. ``starts`` are the moments at which its batches begin, with their sizes."""

    servers: Servers
    names: Names
    batch: int
    decide: Decide | None = None
    """In place of the real one."""
    starts: list[tuple[float, int]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None
    _due: int = 0

    def __post_init__(self) -> None:
        self._decider = Decider(self.names)
        self._producer = TransactionalProducer(self.servers.access, self.names.transactional_id("feed"))
        self._producer.open()
        self._loop = TransactionalLoop(
            self.servers.access, self.names, "decider", source=Topic.FACTS, state=Topic.STATE, process=self._process,
            batch=self.batch,
        )  # fmt: skip

    def run(self) -> None:
        """The loop's thread."""
        try:
            self._loop.run()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            self.failure = error
            self.done.set()

    def stop(self) -> None:
        """Ask the loop to end."""
        self._loop.stop()
        self._producer.close()

    def feed(self, facts: Sequence[Message[Payload]]) -> None:
        """Show the loop facts, all at once, and wait until it has begun a batch after them."""
        self.starts.clear()
        self.done.clear()
        self._due = len(facts)
        # In one transaction: readers of the committed see nothing of it before they see all.
        self._producer.commit([outgoing(self.names, Topic.FACTS, fact) for fact in facts])
        if not self.done.wait(PATIENCE):
            raise TimeoutError(f"the loop has not taken {len(facts)} facts within {PATIENCE:.0f} s")
        if self.failure is not None:
            raise self.failure

    def rate(self) -> float:
        """Facts per second, from the begin of the second batch to the begin of the last."""
        times = self.starts[1:]
        return sum(size for _, size in times[:-1]) / (times[-1][0] - times[0][0])

    def _process(self, partition: int, messages: Sequence[KafkaMessage], rows: BatchRows) -> list[Outgoing]:
        self.starts.append((time.perf_counter(), len(messages)))
        with nullcontext() if self.decide is None else patch.object(deciding, "decide", self.decide):
            out = self._decider.process(partition, messages, rows)
        self._due -= len(messages)
        if self._due <= 0:
            self.done.set()
        return out


def nothing(_view: View, _origin: Origin, _fact: Payload) -> Decision:
    """The empty decision."""
    return Decision()


def blank(_view: View, origin: Origin, _fact: Payload) -> Decision:
    """As many entries as a fact of the mix has on average, with nothing in them."""
    return Decision(tuple(Entry(what="", row=f"{origin.fact}/{number}", value={}) for number in range(ENTRIES)))


def measure(servers: Servers, size: Size) -> list[Goal]:
    """The loops in turn, on equal facts."""
    count = size.batch * (size.batches + 2)
    per_company = max(1, size.rounds * count // 10 // 25)
    sides = [Side(servers, servers.topics(1), size.batch, decide) for decide in (None, nothing, blank)]
    threads = [threading.Thread(target=side.run, daemon=True) for side in sides]
    for thread in threads:
        thread.start()
    companies = [Company(f"acme{number}", 6, 26) for number in range(per_company)]
    known = [fact for company in companies for fact in company.facts]
    rates: list[list[float]] = []
    try:
        for side in sides:
            side.feed(known)
        for _ in range(size.rounds):
            facts = mix(companies, count)
            rates.append([])
            for side in sides:
                side.feed(facts)
                rates[-1].append(side.rate())
    finally:
        for side, thread in zip(sides, threads, strict=True):
            side.stop()
            thread.join(PATIENCE)
    to_nothing = tuple(Pair(ours, bare) for ours, bare, _ in rates)
    to_blank = tuple(Pair(ours, blank_one) for ours, _, blank_one in rates)
    return [
        Goal("decider / the same loop with an empty decision", "facts/s", to_nothing, GOAL),
        Goal(f"decider / the same loop with {ENTRIES} blank entries a fact", "facts/s", to_blank),
    ]
