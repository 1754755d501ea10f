"""A clock that runs with the real one until somebody moves it."""

import asyncio
from datetime import UTC, datetime, timedelta


class Clock:
    """UTC. ``advance`` moves it forward; it never goes back."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = (start - datetime.now(UTC)) if start else timedelta(0)
        self._sleepers: set[asyncio.Future[None]] = set()

    def now(self) -> datetime:
        """The simulated time."""
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> datetime:
        """Move forward by some seconds, wake who slept until then, and return the new time."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self._offset += timedelta(seconds=seconds)
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        return self.now()

    async def sleep_until(self, moment: datetime) -> None:
        """Return once the simulated time has reached ``moment``, however it got there."""
        while (remaining := (moment - self.now()).total_seconds()) > 0:
            moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._sleepers.add(moved)
            try:
                await asyncio.wait({moved}, timeout=remaining)
            finally:
                self._sleepers.discard(moved)
