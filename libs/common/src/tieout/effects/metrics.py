"""What the runtime counts. Labels are bounded: services, intents, results."""

from typing import Final

from prometheus_client import Counter, Gauge

EFFECTS: Final = Counter("tieout_effects", "Commands that ended.", ["service", "intent", "result"])
IN_DOUBT: Final = Gauge("tieout_effects_in_doubt", "Calls whose answer was lost and that are looked up.", ["service"])
WAITING: Final = Gauge("tieout_effects_waiting", "Commands received and not ended.", ["service"])
STEPS: Final = Counter(
    "tieout_effects_steps",
    "Calls of orders of several steps; the step without its number.",
    ["service", "step", "result"],
)
RESTING: Final = Gauge(
    "tieout_effects_resting", "Orders that wait for somebody or something outside.", ["service", "why"]
)
OLDEST: Final = Gauge(
    "tieout_effects_oldest_resting_seconds", "How long the order that waits longest has waited.", ["service"]
)
LATE: Final = Counter(
    "tieout_effects_late",
    "Requests whose answer took longer than any answer may: the process stood still around the write.",
    ["service"],
)
