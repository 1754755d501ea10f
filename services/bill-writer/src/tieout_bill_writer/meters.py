"""What stands before every call to BILL: a place of the organization, and the hour's budget of the developer key."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client import Gauge

from tieout.effects.budget import CALLS, HOUR, LOGINS, Budget, Exhausted, hour_of
from tieout.effects.lanes import Slots
from tieout.effects.log import Append, EffectsLog
from tieout.effects.messages import Scribe
from tieout.effects.protocol import Restored
from tieout.log.topics import Names

# How long a wait for the next hour sleeps at a time, so that a stop or a moved clock is noticed.
STEP: Final = 5.0

HEADROOM = Gauge("tieout_bill_budget_headroom", "Calls or logins left in this clock hour.", ["budget", "resource"])


class Meter:
    """One developer key's budget, and the fairness of waiting for it."""

    def __init__(self, name: str, budget: Budget, clock: Callable[[], datetime]) -> None:
        self._budget = budget
        self._clock = clock
        self._lock = asyncio.Lock()
        self._gauges = {resource: HEADROOM.labels(name, resource) for resource in (CALLS, LOGINS)}

    async def take(self, resource: str) -> None:
        """Charge one, waiting for the next hour if this one is used up. First come, first served."""
        async with self._lock:
            while True:
                try:
                    await self._budget.take(resource)
                except Exhausted as error:
                    await self._sleep_until(error.until)
                else:
                    self._gauges[resource].set(self._budget.headroom(resource))
                    return

    async def room(self) -> None:
        """Wait until a call could be charged at once."""
        while not self._budget.has_room(CALLS):
            await self._sleep_until(hour_of(self._clock()) + HOUR)

    async def _sleep_until(self, moment: datetime) -> None:
        left = (moment - self._clock()) / timedelta(seconds=1)
        await asyncio.sleep(min(STEP, max(0.05, left)))


class Meters:
    """The meters of all budgets of the partitions owned by this process."""

    def __init__(
        self,
        service: str,
        names: Names,
        limits: dict[str, int],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._scribe = Scribe(service, clock)
        self._names = names
        self._limits = limits
        self._clock = clock
        self._logs: dict[int, tuple[EffectsLog, Restored]] = {}
        self._meters: dict[str, Meter] = {}
        self.slots = Slots()

    def attach(self, partition: int, effects: EffectsLog, restored: Restored) -> None:
        """A partition was taken over: what its predecessor reserved counts as spent."""
        self._logs[partition] = (effects, restored)
        for reservation in restored.reservations:
            if reservation.hour >= hour_of(self._clock()) - HOUR:
                effects.progress.pin(_pin(reservation.budget, reservation.hour), reservation.offset)
            self._meters.pop(reservation.budget, None)

    def of(self, budget: str) -> Meter:
        """The meter of a budget. KeyError if its partition is not owned here."""
        meter = self._meters.get(budget)
        if meter is None:
            effects, restored = self._logs[self._names.partition_of(budget)]
            meter = self._meters[budget] = self._new(budget, effects, restored)
        return meter

    def _new(self, budget: str, effects: EffectsLog, restored: Restored) -> Meter:
        async def reserve(hour: datetime, resource: str, amount: int) -> None:
            message = self._scribe.reserved(budget, hour, resource, amount)
            await effects.append(Append(effects=(("", False, message),), pin=_pin(budget, hour)))
            effects.progress.unpin(_pin(budget, hour - 2 * HOUR))

        account = Budget(reserve, self._clock, self._limits)
        for reservation in restored.reservations:
            if reservation.budget == budget:
                account.restore(reservation.hour, reservation.resource, reservation.amount)
        return Meter(budget, account, self._clock)


def _pin(budget: str, hour: datetime) -> str:
    return f"{budget}/{hour.isoformat()}"


class OrganizationGate:
    """The gate of one organization's client."""

    def __init__(self, organization: str, meter: Meter, slots: Slots) -> None:
        self._organization = organization
        self._meter = meter
        self._slots = slots

    async def call(self, call: str) -> AbstractAsyncContextManager[object]:  # noqa: ARG002 - the protocol's name
        """A place and a call of the budget."""
        return self._room(CALLS)

    async def login(self) -> AbstractAsyncContextManager[object]:
        """A place, a login, and the call it is as well."""
        return self._room(LOGINS, CALLS)

    @asynccontextmanager
    async def _room(self, *resources: str) -> AsyncIterator[None]:
        for resource in resources:
            await self._meter.take(resource)
        async with self._slots.call(self._organization):
            yield
