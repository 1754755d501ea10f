"""How long a service wants to be left alone: kept by every call of one user, not by the one that was refused."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from tieout.domain.errors import Retry

# Statuses whose Retry-After asks everybody to wait. Elsewhere (a redirect, a long job) it is about one resource.
PAUSES: Final = frozenset({429, 502, 503, 504})

# A day's Retry-After is a slip of a proxy, and would stop a company until somebody restarts the process.
LONGEST: Final = 3600.0


def seconds_of(header: str) -> float | None:
    """Seconds of a Retry-After header; None for none or for one that cannot be understood.

    It may also be a date; against which clock is then a guess, so that it is left to our own back-off.
    """
    try:
        seconds = float(header)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


class Pace:
    """Use from one event loop. ``clock`` is seconds that only rise."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._over = float("-inf")

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer came; its header names are lower case. A pause is never shortened by another one."""
        if status in PAUSES:
            self.rest(seconds_of(headers.get("retry-after", "")))

    def rest(self, seconds: float | None) -> None:
        """Call nobody for so long; None for no wish."""
        if seconds is not None:
            self._over = max(self._over, self._clock() + min(seconds, LONGEST))

    def keep(self, call: str) -> None:
        """Raise Retry, with the seconds left, while the service wants to be left alone; nothing is written then."""
        left = self._over - self._clock()
        if left > 0:
            raise Retry("the service asked for a pause", code="asked_to_wait", call=call, after=left)
