"""What runs side by side: lanes in order, calls within limits, turns by priority, and pauses with an end."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fake_effects import FAST
from support.virtual_time import run
from tieout.domain.errors import Fatal, Retry
from tieout.effects.lanes import LaneBusy, Lanes, Slots, Turns
from tieout.effects.patience import LONGEST, Patience


def test_a_lane_is_serial_and_in_order() -> None:
    """The first to ask is the first to go, one at a time; other lanes do not wait."""

    async def story() -> None:
        lanes, order = Lanes(), list[str]()

        async def work(key: str, name: str) -> None:
            async with lanes.lane(key):
                order.append(f"+{name}")
                await asyncio.sleep(1)
                order.append(f"-{name}")

        await asyncio.gather(work("a", "1"), work("a", "2"), work("b", "3"))
        assert order == ["+1", "+3", "-1", "-3", "+2", "-2"]
        assert not lanes._locks
        assert not lanes._users

    run(story())


def test_a_lane_that_is_not_free_in_time_is_told() -> None:
    """Who waited leaves nothing behind, and the lane goes on."""

    async def story() -> None:
        lanes = Lanes()
        async with lanes.lane("a"):
            with pytest.raises(LaneBusy):
                async with lanes.lane("a", wait=5):
                    raise AssertionError("it is held")
        async with lanes.lane("a", wait=5):
            pass
        assert not lanes._locks

    run(story())


events = st.lists(
    st.tuples(st.integers(1, 5), st.floats(0, 10), st.floats(0.1, 3), st.booleans()), min_size=1, max_size=25
)


@settings(max_examples=150, deadline=None)
@given(events)
def test_turns_are_never_more_than_the_limit_and_never_lost(story: list[tuple[int, float, float, bool]]) -> None:
    """Some give up while they wait or hold: everybody else still gets a turn, at most three at a time."""

    async def play() -> None:
        turns, inside, served = Turns(3), [0], [0]

        async def one(priority: int, begins: float, takes: float) -> None:
            await asyncio.sleep(begins)
            async with turns.turn("org", priority):
                inside[0] += 1
                try:
                    assert inside[0] <= 3
                    await asyncio.sleep(takes)
                    served[0] += 1
                finally:
                    inside[0] -= 1

        tasks = [asyncio.create_task(one(priority, begins, takes)) for priority, begins, takes, _gives_up in story]
        for task, (_priority, begins, takes, gives_up) in zip(tasks, story, strict=True):
            if gives_up:
                asyncio.get_running_loop().call_later(begins + takes / 2, task.cancel)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [error for error in results if isinstance(error, Exception)]
        assert served[0] >= sum(not gives_up for *_rest, gives_up in story)
        assert not turns._holders
        assert not turns._waiting

    run(play())


def test_turns_go_by_priority_then_by_order() -> None:
    """A payment passes those who wait, not those who hold."""

    async def story() -> None:
        turns, order = Turns(1), list[str]()

        async def one(name: str, priority: int) -> None:
            async with turns.turn("org", priority):
                order.append(name)
                await asyncio.sleep(1)

        await asyncio.gather(one("held", 50), one("late", 50), one("later", 50), one("payment", 10))
        assert order == ["held", "payment", "late", "later"]

    run(story())


def test_slots_hold_three_calls_per_organization() -> None:
    """The fourth waits; another organization does not."""

    async def story() -> None:
        slots, running, most = Slots(), dict.fromkeys("ab", 0), dict.fromkeys("ab", 0)

        async def call(organization: str) -> None:
            async with slots.call(organization):
                running[organization] += 1
                most[organization] = max(most[organization], running[organization])
                await asyncio.sleep(1)
                running[organization] -= 1

        await asyncio.gather(*(call("a") for _ in range(9)), call("b"))
        assert most == {"a": 3, "b": 1}
        assert asyncio.get_running_loop().time() == pytest.approx(3, abs=0.1)

    run(story())


def test_pauses_grow_to_a_cap_and_end() -> None:
    """Little at first, never more than the cap, and no more after the time that was set."""

    async def story() -> None:
        loop, patience, pauses = asyncio.get_running_loop(), Patience(FAST), []
        while True:
            before = loop.time()
            if not await patience.pause(Fatal("no")):
                break
            pauses.append(loop.time() - before)
        assert 0.25 <= pauses[0] <= 0.5
        assert max(pauses) <= FAST.retry_cap
        assert FAST.retry_for < loop.time() <= FAST.retry_for + FAST.retry_cap + 0.1

    run(story())


def test_a_wish_of_the_outside_is_granted_but_not_a_slip() -> None:
    """It is waited for as long as it asked, and never for days."""

    async def story() -> None:
        loop, patience = asyncio.get_running_loop(), Patience(FAST)
        assert await patience.pause(Retry("hour is full", after=12))
        assert 12 <= loop.time() <= 13
        patience, before = Patience(FAST), loop.time()
        assert await patience.pause(Retry("tomorrow", after=86_400))
        assert loop.time() - before <= LONGEST + 1

    run(story())
