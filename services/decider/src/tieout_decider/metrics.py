"""What the decider counts. Labels are fixed words and partitions; a connection or a record is never one.

How many holds are open and what waits is a question to the state: control-plane's projection answers it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tieout.log.loop import Position

FACTS: Final = Counter(
    "tieout_decider_facts",
    "Facts decided, by what followed. command: an effect outside is asked for. held: a person has to act. entry: only "
    "the state changed. nothing: it was known already.",
    ["type", "result"],
)
COMMANDS: Final = Counter("tieout_decider_commands", "Commands issued to the writers.", ["intent"])
REQUESTS: Final = Counter("tieout_decider_requests", "Reads asked of erp-poller.", ["type"])
HELD: Final = Counter(
    "tieout_decider_holds_set",
    "Holds set or set anew. fault: a defect, alarm above 0; the log has the trace.",
    ["reason"],
)
FREED: Final = Counter("tieout_decider_holds_gone", "Holds that went by themselves or were released.")
BATCH_FACTS: Final = Histogram(
    "tieout_decider_batch_facts", "Facts of a transaction.", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500)
)
DECIDE_SECONDS: Final = Histogram(
    "tieout_decider_batch_seconds",
    "Deciding a batch, without its transaction; divided by the batch's facts, a decision.",
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
TRANSACTION_SECONDS: Final = Histogram(
    "tieout_decider_transaction_seconds",
    "From beginning a batch's transaction to its commit. The brokers roll one back that takes 15.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
AGE_SECONDS: Final = Histogram(
    "tieout_decider_fact_age_seconds",
    "How long the oldest fact of a batch was known in the log when what follows from it was committed.",
    buckets=(0.1, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200),
)


class Positions(Collector):
    """Where each partition owned here stands, asked when somebody looks, so that a batch costs nothing for it."""

    def __init__(self, ask: Callable[[], Iterable[Position]]) -> None:
        self._ask = ask

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Both gauges; no sample for a partition of another process."""
        position = GaugeMetricFamily(
            "tieout_decider_position", "The next offset of sync.facts to be decided.", labels=["partition"]
        )
        lag = GaugeMetricFamily(
            "tieout_decider_lag",
            "Offsets of sync.facts behind the position, ends of transactions included: a few at rest.",
            labels=["partition"],
        )
        for one in self._ask():
            position.add_metric([str(one.partition)], one.next)
            if one.end is not None:
                lag.add_metric([str(one.partition)], max(0, one.end - one.next))
        yield position
        yield lag
