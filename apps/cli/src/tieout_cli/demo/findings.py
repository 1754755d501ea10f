"""What the stages found, for the report."""

from dataclasses import dataclass, field
from typing import Any

from tieout_cli.demo.figures import Difference


@dataclass
class Again:
    """What a second synchronization did. ``writes`` and ``changed`` are the simulators' word, and should be empty."""

    cold: bool
    writes: dict[str, list[str]]
    changed: dict[str, list[str]]
    calls: dict[str, dict[str, int]]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """For the report: how many writes, and where a ledger changed."""
        return {
            "cold": self.cold,
            "writes": {side: len(calls) for side, calls in self.writes.items()},
            "changed": self.changed,
            "calls": self.calls,
            "elapsed_s": round(self.seconds, 1),
        }


@dataclass
class Findings:
    """What none of the stages told is None. ``people`` are calls that people made at BILL's API."""

    warnings: list[str] = field(default_factory=list)
    payments_applied: int | None = None
    payments_reversed: int | None = None
    tieout: dict[str, Any] | None = None
    tieout_differences: list[Difference] = field(default_factory=list)
    people: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    seconds: dict[str, float | None] = field(default_factory=dict)
    again: Again | None = None
