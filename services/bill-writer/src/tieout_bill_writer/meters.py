"""The hour's budget of each developer key whose partition is owned here: waiting for it, reserving it in the log."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client import Gauge

from tieout.domain.errors import Retry
from tieout.effects.budget import CALLS, COUNTS, HOUR, LOGINS, Budget, Exhausted, hour_of
from tieout.effects.lanes import Slots
from tieout.effects.log import Append, EffectsLog
from tieout.effects.messages import Scribe
from tieout.effects.protocol import Restored
from tieout.log.topics import Names

# How long a wait for the next hour sleeps at a time, so that a stop or a moved clock is noticed.
STEP: Final = 5.0

HEADROOM = Gauge("tieout_bill_budget_headroom", "Calls or logins left in this clock hour.", ["budget", "resource"])


class Meter:
    """One developer key's budget. Those who wait for it hold nothing, so that vital calls pass them."""

    def __init__(self, name: str, budget: Budget, clock: Callable[[], datetime]) -> None:
        self._budget = budget
        self._clock = clock
        self._lock = asyncio.Lock()
        self._gauges = {resource: HEADROOM.labels(name, resource) for resource in (CALLS, LOGINS)}

    async def take(self, *resources: str) -> datetime | None:
        """Charge one of each: None. Or, if the hour is used up and nothing was charged: when the next one begins."""
        async with self._lock:
            try:
                await self._budget.take(*resources)
            except Exhausted as error:
                return error.until
            for resource in resources:
                self._gauges[resource].set(self._budget.headroom(resource))
            return None

    async def room(self) -> None:
        """Wait until a call could be charged at once."""
        while not self._budget.has_room(CALLS):
            await self.nap(hour_of(self._clock()) + HOUR)

    async def nap(self, until: datetime) -> None:
        """Sleep towards a moment, not all the way."""
        left = (until - self._clock()) / timedelta(seconds=1)
        await asyncio.sleep(min(STEP, max(0.05, left)))


class Meters:
    """The meters of all budgets of the partitions owned by this process. ``timeout`` is that of a call, in seconds."""

    def __init__(
        self,
        service: str,
        names: Names,
        limits: dict[str, int],
        *,
        timeout: float = 30.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._scribe = Scribe(service, clock)
        self._names = names
        self._limits = limits
        self._ahead = timedelta(seconds=timeout)
        self._clock = clock
        self._logs: dict[int, tuple[EffectsLog, Restored]] = {}
        self._meters: dict[str, Meter] = {}
        self.slots = Slots()

    def attach(self, partition: int, effects: EffectsLog, restored: Restored) -> None:
        """A partition was taken over: what its predecessor reserved counts as spent."""
        self._logs[partition] = (effects, restored)
        for reservation in restored.reservations:
            until = reservation.hour + COUNTS
            effects.progress.pin(_pin(reservation.budget, reservation.hour), reservation.offset, until)

    def detach(self, partition: int) -> None:
        """A partition was given away: whoever has it now spends its budgets."""
        self._logs.pop(partition, None)
        for budget in [budget for budget in self._meters if self._names.partition_of(budget) == partition]:
            del self._meters[budget]

    def of(self, budget: str) -> Meter:
        """The meter of a budget. Raises Retry if its partition is not owned here: then its calls are another's."""
        meter = self._meters.get(budget)
        if meter is None:
            owned = self._logs.get(self._names.partition_of(budget))
            if owned is None:
                raise Retry(f"budget {budget} is not this process's to spend", code="other_owner")
            meter = self._meters[budget] = self._new(budget, *owned)
        return meter

    def _new(self, budget: str, effects: EffectsLog, restored: Restored) -> Meter:
        async def reserve(hour: datetime, resource: str, amount: int) -> None:
            message = self._scribe.reserved(budget, hour, resource, amount)
            pin, until = _pin(budget, hour), hour + COUNTS
            await effects.append(Append(effects=(("", False, message),), pin=pin, pin_until=until))

        account = Budget(reserve, self._clock, self._limits, self._ahead)
        for reservation in restored.reservations:
            if reservation.budget == budget:
                account.restore(reservation.hour, reservation.resource, reservation.amount)
        return Meter(budget, account, self._clock)


def _pin(budget: str, hour: datetime) -> str:
    return f"{budget}/{hour.isoformat()}"
