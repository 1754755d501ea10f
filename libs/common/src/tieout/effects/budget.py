"""Hourly budgets of one BILL developer key: calls and logins, reserved in blocks before they are used.

BILL counts by the clock hour, of its own clock, when a call arrives. A call may arrive later than it was charged, and
BILL's clock is not ours, so a call near the full hour is charged to both hours it may fall into. A block is written to
the effects log before its first call; a successor counts every block as spent, so a takeover can waste a block but
never overdraw the hour.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Final

HOUR: Final = timedelta(hours=1)
# How far BILL's clock and ours may be apart. Larger than any clock kept by NTP, small against the hour.
SKEW: Final = timedelta(seconds=30)
# From the charge to the request's last header on the wire: at most the call's time-out, since it bounds the wait for a
# connection. Charging two hours for so long costs nothing unless a key is used up to its limit hour after hour.
AHEAD: Final = timedelta(seconds=30)
# A reservation counts until no call can fall into its hour any more, by anybody's clock.
COUNTS: Final = 2 * HOUR

CALLS: Final = "calls"
LOGINS: Final = "logins"
# BILL's limits per developer key and clock hour.
LIMITS: Final = {CALLS: 20_000, LOGINS: 200}
# Kept for look-ups and for calls that belong to a sign-in, so that a doubt can be settled even late in a full hour.
KEPT: Final = {CALLS: 1_000, LOGINS: 10}
# A takeover wastes at most one block of each: 0.5 % of the calls, 2.5 % of the logins.
BLOCKS: Final = {CALLS: 100, LOGINS: 5}

_VITAL: Final = ContextVar("vital", default=False)


@contextmanager
def vital() -> Iterator[None]:
    """Calls made inside may use what is kept of the hour: a doubt has to be settled whatever else is spent."""
    token = _VITAL.set(True)
    try:
        yield
    finally:
        _VITAL.reset(token)


Reserve = Callable[[datetime, str, int], Awaitable[None]]
Clock = Callable[[], datetime]


class Exhausted(Exception):
    """The hour's budget is used up; ``until`` is when the next one begins, UTC."""

    def __init__(self, resource: str, until: datetime) -> None:
        super().__init__(f"no {resource} left before {until:%H:%M} UTC")
        self.until = until


class Budget:
    """The hours of one developer key. Use from one event loop, one ``take`` at a time.

    ``reserve`` returns once a block is durable. ``ahead`` is how long a charged call may take until it is written.
    """

    def __init__(
        self, reserve: Reserve, clock: Clock, limits: dict[str, int] | None = None, ahead: timedelta = AHEAD
    ) -> None:
        self._reserve = reserve
        self._clock = clock
        self._limits = limits or LIMITS
        self._ahead = ahead
        self._reserved: dict[tuple[datetime, str], int] = {}
        self._left: dict[tuple[datetime, str], int] = {}

    def restore(self, hour: datetime, resource: str, amount: int) -> None:
        """A predecessor reserved a block: it counts as spent."""
        key = (hour.astimezone(UTC), resource)
        self._reserved[key] = self._reserved.get(key, 0) + amount

    async def take(self, *resources: str) -> None:
        """Charge one of each to every hour the call may fall into. Make the call at once afterwards.

        Raises:
            Exhausted: nothing is charged.
        """
        while True:
            # Taken anew after each reservation: writing one may take seconds, and the hour may be another by then.
            hours = self._hours()
            wanted = [(hour, resource) for hour in hours for resource in resources]
            for hour, resource in wanted:
                if not self._has(hour, resource):
                    raise Exhausted(resource, hour + HOUR + SKEW)
            missing = [key for key in wanted if self._left.get(key, 0) <= 0]
            if not missing:
                break
            await self._reserve_block(*missing[0])
        for key in wanted:
            self._left[key] -= 1
        self._forget(hours[0])

    def has_room(self, resource: str) -> bool:
        """Whether a call could be charged now without waiting for the next hour."""
        return all(self._has(hour, resource) for hour in self._hours())

    def spent(self, resource: str) -> int:
        """Calls or logins of the current hour that are used or can no longer be given back."""
        key = (hour_of(self._clock()), resource)
        return self._reserved.get(key, 0) - self._left.get(key, 0)

    def headroom(self, resource: str) -> int:
        """What is left of the current hour."""
        return self._limits[resource] - self.spent(resource)

    async def _reserve_block(self, hour: datetime, resource: str) -> None:
        key = (hour, resource)
        reserved = self._reserved.get(key, 0)
        block = min(BLOCKS[resource], self._limit(resource) - reserved)
        # Counted before it is durable: should writing it fail half-way, it counts as spent and not as free.
        self._reserved[key] = reserved + block
        await self._reserve(hour, resource, block)
        self._left[key] = self._left.get(key, 0) + block

    def _has(self, hour: datetime, resource: str) -> bool:
        key = (hour, resource)
        return self._left.get(key, 0) > 0 or self._reserved.get(key, 0) < self._limit(resource)

    def _limit(self, resource: str) -> int:
        kept = 0 if _VITAL.get() else min(KEPT[resource], self._limits[resource] // 10)
        return self._limits[resource] - kept

    def _hours(self) -> list[datetime]:
        now = self._clock()
        return sorted({hour_of(now - SKEW), hour_of(now), hour_of(now + SKEW + self._ahead)})

    def _forget(self, oldest: datetime) -> None:
        for table in (self._reserved, self._left):
            for key in [key for key in table if key[0] < oldest - HOUR]:
                del table[key]


def hour_of(moment: datetime) -> datetime:
    """The first moment of the clock hour, UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
