"""What fact-mapper counts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

MAPPED: Final = Counter(
    "tieout_mapper_facts", "Facts written to sync.facts and acknowledged by all replicas.", ["type"]
)
READ: Final = Counter("tieout_mapper_messages", "Raw messages whose facts are written.", ["topic"])
BATCH_SECONDS: Final = Histogram(
    "tieout_mapper_batch_seconds",
    "From a batch of raw messages to its facts on all replicas.",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
LAG: Final = Gauge("tieout_mapper_lag", "Raw messages not mapped yet, in the partitions held now.", ["topic"])
STUCK_SECONDS: Final = Gauge(
    "tieout_mapper_stuck_seconds", "Seconds since the last batch while there is lag; at 60 the process ends."
)
