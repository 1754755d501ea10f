"""What payment-writeback counts beside the runtime. No labels: connections are many."""

from typing import Final

from prometheus_client import Gauge

SICK: Final = Gauge(
    "tieout_writeback_sick_connections",
    "Connections whose ERP is parked until credentials, rights or address are mended.",
)
OPEN: Final = Gauge("tieout_writeback_open_writers", "Connections whose ERP has been opened by this process.")
