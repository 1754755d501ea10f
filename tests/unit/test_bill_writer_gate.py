"""What stands before every call: places of an organization, the hour of a developer key, and who owns it."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from support.fake_effects import FakeStore, Part
from support.virtual_time import START, run, wall
from tieout.domain.errors import Retry
from tieout.effects.budget import CALLS, HOUR, LOGINS, SKEW, hour_of, vital
from tieout.effects.log import EffectsLog
from tieout.log.topics import Names
from tieout_bill_writer.gate import OrganizationGate
from tieout_bill_writer.meters import Meters, after_pause
from tieout_connectors.bill.gate import Limit

LIMITS = {CALLS: 300, LOGINS: 10}
NAMES = Names("t", 1)


def owner(part: Part) -> tuple[Meters, EffectsLog]:
    """A process that takes the partition of the budgets over."""
    log = EffectsLog(FakeStore(part), clock=wall)
    log.fence()
    restored = log.open(part.position, part.checkpoint)
    log.start()
    meters = Meters("bill-writer", NAMES, LIMITS, clock=wall)
    meters.attach(0, log, restored)
    return meters, log


async def call(gate: OrganizationGate, seconds: float = 1.0) -> None:
    """A call that takes its time."""
    async with await gate.call("GET /v3/vendors"):
        await asyncio.sleep(seconds)


def test_the_hour_is_kept_across_organizations_and_takeovers() -> None:
    """Three companies and two processes use one developer key: no clock hour sees more than its limit."""

    async def story() -> None:
        part, counted = Part(), Counter[object]()

        async def work(gate: OrganizationGate) -> None:
            while True:
                async with await gate.call("GET /v3/vendors"):
                    counted[hour_of(wall())] += 1
                    await asyncio.sleep(2)

        for _ in range(3):
            meters, log = owner(part)
            gates = [OrganizationGate(f"o{n}", meters.of("main"), meters.slots) for n in range(3)]
            tasks = [asyncio.create_task(work(gate)) for gate in gates for _ in range(4)]
            await asyncio.sleep(2400)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await log.close()
        assert len(counted) == 2
        assert max(counted.values()) <= LIMITS[CALLS]
        assert min(counted.values()) >= 50

    run(story())


def test_a_call_that_waits_for_its_place_is_charged_when_it_leaves() -> None:
    """Asked for before the full hour and made after it, it is the new hour's."""

    async def story() -> None:
        await asyncio.sleep(3600 - 90)
        meters, log = owner(Part())
        gate = OrganizationGate("o", meters.of("main"), meters.slots)
        await asyncio.gather(*(call(gate, 130) for _ in range(3)), call(gate))
        assert wall() > START + HOUR + SKEW
        assert meters.of("main")._budget.spent(CALLS) == 1
        await log.close()

    run(story())


def test_a_doubt_is_looked_up_in_a_full_hour() -> None:
    """While everything waits for the next hour, what is vital still gets a place and a call."""

    async def story() -> None:
        await asyncio.sleep(60)
        meters, log = owner(Part())
        gate = OrganizationGate("o", meters.of("main"), meters.slots)
        waiting = [asyncio.create_task(call(gate, 0)) for _ in range(320)]
        await asyncio.sleep(60)
        assert sum(task.done() for task in waiting) == 270
        begun = wall()
        with vital():
            await call(gate, 0)
        assert wall() - begun < timedelta(seconds=10)
        await asyncio.gather(*waiting)
        assert wall() >= START + HOUR + SKEW
        await log.close()

    run(story())


def test_used_up_sign_ins_stop_no_calls() -> None:
    """One company that signs in again and again does not keep the others from calling."""

    async def story() -> None:
        await asyncio.sleep(60)
        meters, log = owner(Part())
        noisy, other = (OrganizationGate(name, meters.of("main"), meters.slots) for name in "ab")

        async def sign_in() -> None:
            async with await noisy.login():
                await asyncio.sleep(0.1)

        tasks = [asyncio.create_task(sign_in()) for _ in range(20)]
        await asyncio.sleep(30)
        assert sum(task.done() for task in tasks) == 9
        begun = wall()
        await call(other, 0)
        await call(noisy, 0)
        assert wall() - begun < timedelta(seconds=10)
        for task in tasks:
            task.cancel()
        await log.close()

    run(story())


@pytest.mark.parametrize("limit", [Limit.CALLS, Limit.ORGANIZATION])
def test_what_bill_has_had_enough_of_waits_a_little_longer_than_it_asked(limit: Limit) -> None:
    """Calls of the key, or of one organization: none passes early, vital ones neither; another's are not touched."""

    async def story() -> None:
        await asyncio.sleep(60)
        meters, log = owner(Part())
        noisy, other = (OrganizationGate(name, meters.of("main"), meters.slots) for name in "ab")
        begun = wall()
        noisy.refused(limit, 600)
        noisy.refused(limit, 5)
        with vital():
            await call(noisy, 0)
        assert timedelta(seconds=600) <= wall() - begun <= timedelta(seconds=602)
        noisy.refused(limit, 600)
        begun = wall()
        await call(other, 0)
        assert (wall() - begun >= timedelta(seconds=600)) is (limit is Limit.CALLS)
        await log.close()

    run(story())


def test_refused_sign_ins_keep_no_call_waiting() -> None:
    """BILL has counted more sign-ins of the key than we have: who has a session goes on."""

    async def story() -> None:
        await asyncio.sleep(60)
        meters, log = owner(Part())
        gate = OrganizationGate("o", meters.of("main"), meters.slots)
        gate.refused(Limit.LOGINS, 600)
        begun = wall()
        await call(gate, 0)
        assert wall() - begun < timedelta(seconds=1)
        async with await gate.login():
            assert wall() - begun >= timedelta(seconds=600)
        await log.close()

    run(story())


def test_a_retired_gate_lets_calls_end_and_lets_nobody_in() -> None:
    """New credentials: what is under way finishes on the old client; what waits is told to take the new one."""

    async def story() -> None:
        meters, log = owner(Part())
        gate = OrganizationGate("o", meters.of("main"), meters.slots)
        running = [asyncio.create_task(call(gate, 10)) for _ in range(3)]
        await asyncio.sleep(1)
        waiting = asyncio.create_task(call(gate))
        await asyncio.sleep(1)
        await gate.retire()
        assert all(task.done() for task in running)
        with pytest.raises(Retry, match="changed"):
            await waiting
        with pytest.raises(Retry, match="changed"):
            await call(gate)
        await log.close()

    run(story())


def test_a_budget_that_went_away_and_came_back_is_spent_through_its_new_log() -> None:
    """A partition is given away and taken over again by the same process: no call goes through the closed log."""

    async def story() -> None:
        part = Part()
        meters, log = owner(part)
        await meters.of("main").take(CALLS)
        await log.close()
        meters.detach(0)
        with pytest.raises(Retry, match="not this process's"):
            meters.of("main")
        again = EffectsLog(FakeStore(part), clock=wall)
        again.fence()
        meters.attach(0, again, again.open(part.position, part.checkpoint))
        again.start()
        assert await meters.of("main").take(CALLS) is None
        assert meters.of("main")._budget.headroom(CALLS) == LIMITS[CALLS] - 101
        await again.close()

    run(story())


def test_reservations_hold_the_checkpoint_only_while_they_count() -> None:
    """An idle key does not make every later start read the log from its last busy day on."""

    async def story() -> None:
        part = Part()
        meters, log = owner(part)
        await meters.of("main").take(CALLS)
        assert log.progress.checkpoint() == 0
        await asyncio.sleep(3 * 3600)
        await meters.of("other").take(CALLS)
        assert log.progress.checkpoint() >= 1
        await log.close()

    run(story())


def test_a_budget_that_changes_hands_is_waited_for_and_ends_nobody() -> None:
    """The partition is given away or opened anew while a poll reserves: the poll comes again, the process goes on."""

    async def story() -> None:
        meters, log = owner(Part())
        gate = OrganizationGate("o", meters.of("main"), meters.slots)
        await log.close()
        with pytest.raises(Retry) as told:
            await call(gate)
        assert told.value.code == "other_owner"

    run(story())


def test_a_pause_that_bill_asks_for_is_at_most_its_hour() -> None:
    """A gateway's slip of ten days, or of forty digits, silences nobody for so long."""
    for seconds in (864_000.0, 1e40):
        assert timedelta(hours=1) <= after_pause(START, seconds) - START <= timedelta(hours=1, minutes=2)
