"""What erp-poller counts. Labels are kinds of ERPs and of records; a connection is never a label."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

RUNS: Final = Counter(
    "tieout_poller_runs",
    "Poll runs by their end: ended, stopped (asked to), gave_up (the ERP did not answer), refused, fatal.",
    ["erp", "kind", "result"],
)
ROWS: Final = Counter("tieout_poller_rows", "Rows written to erp.changes, on all replicas.", ["erp", "kind"])
UNREADABLE: Final = Counter(
    "tieout_poller_unreadable", "Rows that the log cannot hold, told in their stead.", ["erp", "kind"]
)
RETRIES: Final = Counter("tieout_poller_retries", "Reads that are tried again after a pause.", ["erp", "kind"])
RUN_SECONDS: Final = Histogram(
    "tieout_poller_run_seconds",
    "A run from its number to its end, pauses included.",
    ["erp", "kind"],
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200),
)
CONNECTIONS: Final = Gauge("tieout_poller_connections", "Active connections that this process polls.", ["erp"])
SICK: Final = Gauge(
    "tieout_poller_sick_connections",
    "Connections whose credentials, rights or address are refused; a person must act. Alarm above 0.",
    ["erp"],
)
OLDEST_SECONDS: Final = Gauge(
    "tieout_poller_oldest_run_seconds",
    "Seconds since a run ended, of the kind and connection where it is longest ago. Silence is an alarm.",
    ["erp"],
)
PARTITIONS: Final = Gauge("tieout_poller_partitions", "Partitions of erp.polls that this process owns.")
REQUESTS: Final = Counter(
    "tieout_poller_requests",
    "Requests on erp.polls by what became of them: served, expired, not_active, put_off (written again behind others).",
    ["result"],
)
DOCUMENTS: Final = Counter(
    "tieout_poller_documents",
    "Files of invoices by what became of them: stored, missing, too_large.",
    ["erp", "result"],
)
READS_WAITING: Final = Gauge(
    "tieout_poller_reads_waiting", "Records and files that were asked for and not read yet; grows while an ERP is away."
)
CHECKS: Final = Counter("tieout_poller_checks", "Checks answered, by their worst line.", ["erp", "status"])
