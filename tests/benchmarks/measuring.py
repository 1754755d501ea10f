"""What a benchmark hands over: ratios of two measurements that were made in turn, and the verdict on their median."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import ge, le
from statistics import median
from typing import Any, Final, Literal

BETTER: Final[Mapping[str, Callable[[float, float], bool]]] = {"at least": ge, "at most": le}


@dataclass(frozen=True)
class Pair:
    """One round: what ours and what the bare thing did, in the same unit, one right after the other."""

    ours: float
    bare: float

    @property
    def ratio(self) -> float:
        """Ours to bare."""
        return self.ours / self.bare


@dataclass(frozen=True)
class Goal:
    """A ratio that is to be reached; ``goal`` None for a figure that is only shown."""

    name: str
    unit: str
    rounds: tuple[Pair, ...]
    goal: float | None = None
    sense: Literal["at least", "at most"] = "at least"
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: a round that the machine disturbed moves it little."""
        return median(pair.ratio for pair in self.rounds)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met, None without one."""
        return None if self.goal is None else BETTER[self.sense](self.ratio, self.goal)

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        ratios = [pair.ratio for pair in self.rounds]
        return {
            "name": self.name,
            "unit": self.unit,
            "ratio": round(self.ratio, 4),
            "lowest": round(min(ratios), 4),
            "highest": round(max(ratios), 4),
            "goal": self.goal,
            "sense": self.sense,
            "met": self.met,
            "ours": round(median(pair.ours for pair in self.rounds), 6),
            "bare": round(median(pair.bare for pair in self.rounds), 6),
            "rounds": len(self.rounds),
            "notes": dict(self.notes),
        }
