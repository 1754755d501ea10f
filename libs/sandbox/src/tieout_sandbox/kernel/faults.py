"""Faults that a tester asks for: which call, what happens instead, how often.

A fault matches by method and a regular expression on the path; the first live one wins and is used up ``times`` times.

| action | the handler runs | the client sees |
| --- | --- | --- |
| ``drop_before`` | no | a closed connection |
| ``drop_after`` | yes, at once | a closed connection: the write is stored, the answer lost |
| ``late`` | after ``seconds`` | a closed connection, at once |
| ``status`` | no | ``status``, ``headers`` and ``body`` as given |
| ``status_after`` | yes, at once | the same: what was asked for is done, the answer says otherwise |
| ``slow`` | after ``seconds`` | the true answer, late |
| ``slow_answer`` | at once | the true answer after ``seconds`` |
| ``cut`` | yes | the status line and half of the body |
"""

import re
from dataclasses import asdict, dataclass, field
from typing import Any

ACTIONS = ("drop_before", "drop_after", "late", "status", "status_after", "slow", "slow_answer", "cut")


@dataclass
class Fault:
    """One order of a tester."""

    action: str
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = ""
    hits: int = 0

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"unknown action {self.action!r}; one of: {', '.join(ACTIONS)}")
        for pattern in (self.path, self.method):
            try:
                re.compile(pattern)
            except re.error as wrong:
                raise ValueError(f"{pattern!r} is no regular expression: {wrong}") from wrong


class Faults:
    """The faults of one simulator, in the order they were asked for."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, order: dict[str, Any]) -> Fault:
        """Take an order; a wrong one is a ValueError or TypeError that says what is wrong."""
        fault = Fault(**order)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this call, counted, or None."""
        for fault in self._faults:
            if fault.hits >= fault.times or not re.fullmatch(fault.method, method) or not re.search(fault.path, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.hits += 1
            return fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        """All faults with their hits."""
        return [asdict(fault) for fault in self._faults]
