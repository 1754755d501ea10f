"""What webhook-ingest counts. Labels are fixed words; a connection or a record is never one."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

REQUESTS: Final = Counter(
    "tieout_webhook_requests",
    "Requests by what became of them. stored: durable, answered 200. unsigned, wrong_signature, no_key: refused, an "
    "attack or a key that is not ours. not_durable, busy, keys_unavailable: BILL comes again; alarm if they go on.",
    ["result"],
)
EVENTS: Final = Counter(
    "tieout_webhook_events",
    "Notifications stored, by what they are about. unreadable: becomes a hold. foreign: of another organization that "
    "shares the subscription; nothing follows from it.",
    ["about"],
)
SECONDS: Final = Histogram(
    "tieout_webhook_seconds",
    "From the head of a request to its answer, of notifications that were stored. BILL gives up at 10.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7, 10),
)
IN_WORK: Final = Gauge("tieout_webhook_requests_in_work", "Requests being read or waiting for Kafka.")
KEY_READS: Final = Counter(
    "tieout_webhook_key_reads",
    "Reads of webhook keys by result: read, failed. limited: not made, so that forgeries cannot hammer the database.",
    ["result"],
)
