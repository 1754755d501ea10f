"""Metrics of control-plane. Labels are bounded: no name of a connection is ever one."""

from typing import Final

from prometheus_client import Counter, Gauge

TICKS: Final = Counter("tieout_ticks_total", "Ticks written. None for a minute: nobody's deadlines pass.")
APPLIED: Final = Counter(
    "tieout_connections_applied_total", "Connections applied, by what became of them.", ["outcome"]
)
REFUSED: Final = Counter(
    "tieout_api_refused_total",
    "Calls refused, by our word for it. unauthorized rising: somebody tries tokens.",
    ["code"],
)
UNANSWERED: Final = Counter("tieout_checks_unanswered_total", "Checks that a side's owner left unanswered.", ["side"])
COMPARED: Final = Counter(
    "tieout_compared_total",
    "Tie-outs, by result: clean, differs, or incomplete where an equation lacked something.",
    ["result"],
)
PROJECTED: Final = Counter("tieout_projection_messages_total", "Messages of the log written into the tables.")
PROJECTION_BEHIND: Final = Gauge(
    "tieout_projection_behind_seconds",
    "Age of the newest decision when it was written into the tables. Above a minute: what people see is old.",
)
