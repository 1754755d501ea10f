"""Metrics of control-plane. Labels are bounded: no name of a connection is ever one."""

from typing import Final

from prometheus_client import Counter

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
