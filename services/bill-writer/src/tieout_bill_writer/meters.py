"""The hour's budget of each developer key whose partition is owned here: waiting for it, reserving it in the log."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client import Gauge

from tieout.domain.errors import Retry
from tieout.effects.budget import CALLS, COUNTS, HOUR, LOGINS, Budget, Exhausted, hour_of
from tieout.effects.lanes import Slots
from tieout.effects.log import Append, EffectsLog
from tieout.effects.messages import Scribe
from tieout.effects.patience import LONGEST
from tieout.effects.protocol import Restored
from tieout.log.produce import Fenced
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
        self._closed: dict[str, datetime] = {}
        self._gauges = {resource: HEADROOM.labels(name, resource) for resource in (CALLS, LOGINS)}

    async def take(self, *resources: str) -> datetime | None:
        """Charge one of each: None. Or, if the hour is used up and nothing was charged: when the next one begins."""
        async with self._lock:
            if (opens := self._opens(*resources)) is not None:
                return opens
            try:
                await self._budget.take(*resources)
            except Exhausted as error:
                return error.until
            for resource in resources:
                self._gauges[resource].set(self._budget.headroom(resource))
            return None

    async def room(self) -> None:
        """Wait until a call could be charged at once."""
        while (opens := self._opens(CALLS)) is not None or not self._budget.has_room(CALLS):
            await self.nap(opens or hour_of(self._clock()) + HOUR)

    def close(self, resource: str, seconds: float) -> None:
        """BILL has counted more than we have, since other programs use the key: nobody takes one for so long."""
        until = after_pause(self._clock(), seconds)
        self._closed[resource] = max(until, self._closed.get(resource, until))
        self._gauges[resource].set(0)

    def _opens(self, *resources: str) -> datetime | None:
        """Until when one of them is closed, None if all are open."""
        now = self._clock()
        return max((at for one in resources if (at := self._closed.get(one, now)) > now), default=None)

    def now(self) -> datetime:
        """By the clock that the hours go by, UTC."""
        return self._clock()

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

    def quiet_until(self, organization: str) -> datetime | None:
        """Until when calls of a process that died may still be under way in BILL, which counts them; None if none are.

        It is known of writes: their intents are open. A read that was cut off leaves no trace.
        """
        return max(
            (
                standing.intent.deadline + self._ahead
                for _effects, restored in self._logs.values()
                for standing in restored.commands.values()
                if standing.intent is not None and standing.is_open
                if standing.intent.command.organization == organization
            ),
            default=None,
        )

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
            try:
                await effects.append(Append(effects=(("", False, message),), pin=pin, pin_until=until))
            except Fenced as error:
                # The partition is being given away or opened anew; whether it is lost is for its runner to find out.
                raise Retry(f"budget {budget} is changing hands", code="other_owner") from error

        account = Budget(reserve, self._clock, self._limits, self._ahead)
        for reservation in restored.reservations:
            if reservation.budget == budget:
                account.restore(reservation.hour, reservation.resource, reservation.amount)
        return Meter(budget, account, self._clock)


def _pin(budget: str, hour: datetime) -> str:
    return f"{budget}/{hour.isoformat()}"


def after_pause(now: datetime, seconds: float) -> datetime:
    """When a pause that BILL asked for is over. A little later: others who were told the same do not come back then."""
    return now + timedelta(seconds=min(seconds, LONGEST) + random.uniform(0, 1))  # noqa: S311 - no secret
