"""The hour's budget of a developer key: never overdrawn, by whatever clock and however often it changes hands."""

import asyncio
from collections import Counter
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.virtual_time import START, run, wall
from tieout.effects.budget import AHEAD, CALLS, HOUR, LOGINS, SKEW, Budget, Exhausted, hour_of, vital

LIMIT = 250
LIMITS = {CALLS: LIMIT, LOGINS: 10}


@dataclass
class Key:
    """A developer key as BILL counts it, and the reservations that its owners have written."""

    now: datetime = START
    skew: timedelta = timedelta()
    counted: Counter[tuple[datetime, str]] = field(default_factory=Counter)
    reserved: list[tuple[datetime, str, int]] = field(default_factory=list)

    def owner(self, slow: timedelta = timedelta()) -> Budget:
        """A process that takes the key over: it knows all reservations written before."""

        async def reserve(hour: datetime, resource: str, amount: int) -> None:
            self.reserved.append((hour, resource, amount))
            self.now += slow

        budget = Budget(reserve, lambda: self.now, LIMITS)
        for each in self.reserved:
            budget.restore(*each)
        return budget

    def call(self, resource: str, delay: timedelta) -> None:
        """A call arrives: BILL counts it by its own clock."""
        self.counted[hour_of(self.now + delay + self.skew), resource] += 1


# Around a full hour, where it is decided which hour a call is counted in.
moments = st.sampled_from([timedelta(seconds=each) for each in (0, 1, 10, 20, 29)])
steps = st.lists(
    st.tuples(
        st.sampled_from(("calls", "logins", "takeover", "zombie")),
        moments,
        st.sampled_from((1, 60, 120, 300)),
        st.sampled_from((timedelta(0), AHEAD / 2, AHEAD)),
    ),
    min_size=5,
    max_size=25,
)


@settings(max_examples=400, deadline=None)
@given(steps, st.sampled_from((-SKEW, timedelta(0), SKEW)), st.sampled_from((timedelta(0), SKEW)), st.booleans())
def test_no_clock_hour_sees_more_than_the_limit(
    story: list[tuple[str, timedelta, int, timedelta]],
    skew: timedelta,
    slow: timedelta,
    is_vital: bool,  # noqa: FBT001 - drawn
) -> None:
    """Bursts at any minute, slow reservations, take-overs, and a predecessor that goes on with what it had reserved."""
    key = Key(now=START + timedelta(minutes=58, seconds=30), skew=skew)
    owners = [key.owner(slow)]

    async def spend(budget: Budget, resource: str, count: int, delay: timedelta) -> None:
        for _ in range(count):
            try:
                await budget.take(resource)
            except Exhausted:
                return
            key.call(resource, delay)

    for what, passes, count, delay in story:
        key.now += passes
        if what == "takeover":
            owners.append(key.owner(slow))
        budget = owners[0] if what == "zombie" and len(owners) > 1 else owners[-1]
        if budget is not owners[-1]:
            budget._reserve = refuse  # fenced: it can use what it has, and reserve nothing
        work = spend(budget, LOGINS if what == "logins" else CALLS, count, delay)
        with vital() if is_vital else nullcontext(), suppress(Fence):
            asyncio.run(work)
    assert all(count <= LIMITS[resource] for (_hour, resource), count in key.counted.items())


class Fence(Exception):
    """A zombie wanted to reserve."""


async def refuse(_hour: datetime, _resource: str, _amount: int) -> None:
    """A fenced log."""
    raise Fence


async def drained(budget: Budget, resource: str) -> int:
    """How many can be taken now."""
    for count in range(10_000):
        try:
            await budget.take(resource)
        except Exhausted:
            return count
    raise AssertionError("no end")


def test_a_share_is_kept_for_settling_doubts() -> None:
    """However much is spent, a look-up still has calls and a sign-in."""

    async def story() -> None:
        budget = Key().owner()
        assert await drained(budget, CALLS) == LIMIT - 25
        assert not budget.has_room(CALLS)
        with vital():
            assert budget.has_room(CALLS)
            assert await drained(budget, CALLS) == 25
        assert (budget.spent(CALLS), budget.headroom(CALLS)) == (LIMIT, 0)
        assert await drained(budget, LOGINS) == 9

    run(story())


def test_the_next_hour_is_as_full_as_the_first() -> None:
    """Nothing is lost for it, apart from the minutes around the full hour that count for both."""

    async def story() -> None:
        key = Key()
        budget = key.owner()
        assert await drained(budget, CALLS) == LIMIT - 25
        key.now += HOUR + SKEW
        assert await drained(budget, CALLS) == LIMIT - 25

    run(story())


def test_a_reservation_that_outlasts_the_hour_is_charged_to_the_hour_of_the_call() -> None:
    """Writing it took a minute: the call that follows belongs to the next hour, and is counted there."""

    async def story() -> None:
        key = Key(now=START + timedelta(minutes=58, seconds=45))
        budget = key.owner(slow=timedelta(seconds=80))
        await budget.take(CALLS)
        assert key.now >= START + HOUR + SKEW
        assert {hour for hour, _resource, _amount in key.reserved} >= {START + HOUR}
        assert budget.spent(CALLS) == 1

    run(story())


def test_several_are_charged_together_or_not_at_all() -> None:
    """A sign-in without a call left is not charged as a sign-in."""

    async def story() -> None:
        budget = Key(now=START + HOUR / 2).owner()
        await drained(budget, CALLS)
        with pytest.raises(Exhausted, match="calls") as told:
            await budget.take(LOGINS, CALLS)
        assert told.value.until == START + HOUR + SKEW
        assert budget.spent(LOGINS) == 0

    run(story())


def test_old_hours_are_forgotten() -> None:
    """A month of work leaves nothing behind."""

    async def story() -> None:
        key = Key()
        budget = key.owner()
        for _ in range(50):
            await budget.take(CALLS)
            key.now += HOUR
        assert len(budget._reserved) <= 4
        assert len(budget._left) <= 4

    run(story())


def test_the_wall_clock_of_the_tests_moves_with_the_loop() -> None:
    """What the virtual clock says is what was waited for."""

    async def story() -> None:
        await asyncio.sleep(3600)
        assert wall() == START + HOUR

    run(story())
