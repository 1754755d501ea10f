"""A clock that runs with the real one until somebody moves it."""

from datetime import UTC, datetime, timedelta


class Clock:
    """UTC. ``advance`` moves it forward; it never goes back."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = (start - datetime.now(UTC)) if start else timedelta(0)

    def now(self) -> datetime:
        """The simulated time."""
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> datetime:
        """Move forward by some seconds and return the new time."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self._offset += timedelta(seconds=seconds)
        return self.now()
