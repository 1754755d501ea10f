"""How things stand, for the metrics: a few queries of the projection every quarter of a minute, over all connections.

Labels are kinds, phases, reasons and currencies; what belongs to one connection is asked of the API. Retired
connections do not count: nobody acts on theirs any more.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, text

from tieout.connections.registry import ConnectionView
from tieout.connections.secrets import StoreNotReady, told_plainly
from tieout.domain.settings import State
from tieout.observability.logging import logger

log = logger(__name__)

# A scrape comes every 15 seconds; the queries take milliseconds for ten thousands of links, and the database has
# other work.
EVERY_SECONDS: Final = 15.0
STOP_SECONDS: Final = 20.0
# In these phases a link is where it is to be, or nothing is wanted of it.
SETTLED: Final = ("linked", "ignored")

_COUNTERS: Final = text(
    "SELECT name, sum(count) FROM counters WHERE connection = ANY(:connections) AND count <> 0 GROUP BY name"
)
_UNSETTLED: Final = text(f"""
SELECT kind, phase, split_part(value->>'waits', ':', 1), count(*), extract(epoch FROM min(since))
FROM links WHERE connection = ANY(:connections) AND phase NOT IN {SETTLED}
GROUP BY 1, 2, 3
""")  # noqa: S608 - constants
_IN_FLIGHT: Final = text(f"""
SELECT coalesce(c.currency, ''), l.phase, count(*), coalesce(sum(p.amount), 0)
FROM links l
JOIN payments p ON p.connection = l.connection AND p.payment = l.record
LEFT JOIN LATERAL (
    SELECT i.value->>'currency' AS currency
    FROM payment_parts part
    JOIN links b ON b.connection = part.connection AND b.target = part.bill AND b.kind = 'bill'
    JOIN state_rows i ON i.connection = b.connection AND i.row = 'invoice/' || b.record
    WHERE part.connection = p.connection AND part.payment = p.payment
    ORDER BY part.place LIMIT 1
) c ON true
WHERE l.connection = ANY(:connections) AND l.kind = 'payment' AND l.phase NOT IN {SETTLED}
GROUP BY 1, 2
""")  # noqa: S608 - constants
_CLOSED: Final = text("""
SELECT split_part(row, '/', 2), count(*) FROM state_rows
WHERE connection = ANY(:connections) AND row IN ('window/bill', 'window/erp') AND (value->>'closed')::boolean
GROUP BY 1
""")


@dataclass
class Reading:
    """What one look found. ``since`` are seconds of the epoch, of the link that has been in its phase longest."""

    connections: Counter[str] = field(default_factory=Counter)
    links: Counter[tuple[str, str]] = field(default_factory=Counter)
    holds: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    waiting: Counter[tuple[str, str]] = field(default_factory=Counter)
    since: dict[tuple[str, str], float] = field(default_factory=dict)
    payments: Counter[tuple[str, str]] = field(default_factory=Counter)
    money: dict[str, Decimal] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=lambda: {"bill": 0, "erp": 0})
    taken: float = field(default_factory=time.time)


class Standing(Collector):
    """Looks from a thread of its own; what was found last is what is told, with the time it was found at."""

    def __init__(self, engine: Engine, connections: Callable[[], Sequence[ConnectionView]]) -> None:
        self._engine = engine
        self._connections = connections
        self._reading: Reading | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="standing", daemon=True)

    def start(self) -> None:
        """Begin to look; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Raises TimeoutError if it does not end."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError("the thread that reads how things stand did not end")

    def look(self) -> None:
        """Read once. Raises StoreNotReady; what was found before stays."""
        reading = Reading()
        views = self._connections()
        reading.connections.update(view.settings.state.value for view in views)
        names = [view.connection for view in views if view.settings.state is not State.RETIRED]
        with told_plainly(), self._engine.connect() as database:
            _read(database, names, reading)
        self._reading = reading

    def _run(self) -> None:
        failing = False
        while not self._stopping.is_set():
            try:
                self.look()
                failing = False
            except StoreNotReady as error:
                if not failing:
                    log.warning("how things stand cannot be read", reason=str(error))
                failing = True
            self._stopping.wait(EVERY_SECONDS)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All gauges; without samples until the first look."""
        reading = self._reading
        for name, about, labels, values in METRICS:
            family = GaugeMetricFamily(name, about, labels=labels)
            for key, value in ({} if reading is None else values(reading)).items():
                family.add_metric([key] if isinstance(key, str) else list(key), float(value))
            yield family


def _read(database: Connection, names: Sequence[str], reading: Reading) -> None:
    told = {"connections": list(names)}
    for name, count in database.execute(_COUNTERS, told):
        table, _, rest = name.partition("/")
        if table == "link":
            kind, _, phase = rest.partition("/")
            reading.links[kind, phase] = int(count)
        elif table in ("hold", "task"):
            (reading.holds if table == "hold" else reading.tasks)[rest] = int(count)
    for kind, phase, awaited, count, since in database.execute(_UNSETTLED, told):
        reading.since[kind, phase] = min(float(since), reading.since.get((kind, phase), float(since)))
        if phase == "waiting":
            reading.waiting[kind, awaited or ""] += int(count)
    for currency, phase, count, amount in database.execute(_IN_FLIGHT, told):
        reading.payments[currency, phase] = int(count)
        reading.money[currency] = reading.money.get(currency, Decimal(0)) + amount
    for side, count in database.execute(_CLOSED, told):
        reading.closed[side] = int(count)


def _ages(reading: Reading) -> dict[Any, float]:
    now = time.time()
    return {key: max(0.0, now - since) for key, since in reading.since.items()}


METRICS: Final[Sequence[tuple[str, str, list[str], Callable[[Reading], dict[Any, Any]]]]] = (
    ("tieout_connections", "Connections by state.", ["state"], lambda r: r.connections),
    ("tieout_links", "Links by kind and phase.", ["kind", "phase"], lambda r: r.links),
    (
        "tieout_links_oldest_seconds",
        "How long the link has been in its phase that is there longest. doubtful: a write whose answer was lost.",
        ["kind", "phase"],
        _ages,
    ),
    (
        "tieout_links_waiting",
        "Links that wait for another record to be in BILL, by what they wait for.",
        ["kind", "awaits"],
        lambda r: r.waiting,
    ),
    ("tieout_holds", "Open holds by reason: a person has to act.", ["reason"], lambda r: r.holds),
    ("tieout_tasks", "Open tasks outside, by why.", ["why"], lambda r: r.tasks),
    (
        "tieout_payments_in_flight",
        "Payments whose money BILL has taken and that the ERP's ledger does not show applied yet.",
        ["currency", "phase"],
        lambda r: r.payments,
    ),
    ("tieout_money_in_flight", "The amount of these payments.", ["currency"], lambda r: r.money),
    (
        "tieout_sides_closed",
        "Connections of which a side is sick: its commands wait until it answers again. Alarm above 0.",
        ["side"],
        lambda r: r.closed,
    ),
    (
        "tieout_standing_read_timestamp_seconds",
        "When the figures above were read, in seconds of the epoch. Alarm when it is minutes old.",
        [],
        lambda r: {(): r.taken},
    ),
)
"""Name, meaning, labels, and the samples of a reading by label values."""
