"""What becomes of one command: its looks, its call, its end, and what may happen in between."""

import asyncio
from datetime import timedelta
from typing import Any

from support.effects_world import World, failing, made
from support.fake_effects import (
    FakeConnections,
    FakeEffect,
    Outside,
    Process,
    command,
    marks,
    names,
    until,
)
from support.virtual_time import run, wall
from tieout.domain.errors import InDoubt, Retry
from tieout.effects.book import REMEMBERED
from tieout.effects.port import Admission, Done, UnknownEffect, Verdict
from tieout.effects.store import Commit
from tieout.events.commands import Priority


def test_a_repeat_is_answered_as_before_and_holds_nothing_up() -> None:
    """A command that comes three times is carried out once; the position passes all three."""

    async def story() -> None:
        world = World()
        message = command("v1")
        world.part.ask(message)
        world.part.ask(message)
        await world.carried_out()
        await until(lambda: world.all_ended([message]))
        world.part.ask(message)
        await until(lambda: world.part.position == len(world.part.input) - 1)
        assert marks(world.outside) == {"v1": 1}
        assert set(names(world.part.outcomes())) == {"applied"}
        assert len({fact.id for fact in world.part.facts}) == 1

    run(story())


def test_a_repeat_that_waits_in_its_lane_is_covered_with_the_first() -> None:
    """Two arrivals of one command without an intent yet: neither offset stands still for ever."""

    async def story() -> None:
        world = World()
        first, message = command("v1", lane="same"), command("v2", lane="same")
        for each in (first, message, message):
            world.part.ask(each)
        await until(lambda: world.all_ended([first, message]))
        assert marks(world.outside) == {"v1": 1, "v2": 1}
        assert world.part.position == len(world.part.input) - 1

    run(story())


def test_a_command_of_last_week_is_not_called() -> None:
    """It was decided on a world that is gone."""

    async def story() -> None:
        world = World()
        message = command("v1", issued=wall() - timedelta(days=7, seconds=1))
        assert await world.carried_out(message) == ["expired"]
        assert world.outside.writes == 0

    run(story())


def test_a_pause_reaches_commands_that_wait_for_their_turn() -> None:
    """A connection that is paused meanwhile gets no further call, only the ones already under way."""

    async def story() -> None:
        world = World(latency=(1, 1))
        messages = [command(f"v{n}") for n in range(30)]
        for message in messages:
            world.part.ask(message)
        await until(lambda: world.outside.writes >= 2)
        world.connections.verdict = Admission(Verdict.STALE, "settings are at generation 2")
        before = world.outside.writes
        await until(lambda: world.all_ended(messages))
        assert world.outside.writes - before <= 6
        assert names(world.part.outcomes()).count("stale") >= 20

    run(story())


def test_payments_pass_a_backfill() -> None:
    """What a payment waits for is called before the bulk that came first."""

    async def story() -> None:
        world = World(latency=(1, 1))
        bulk = [command(f"b{n}", priority=Priority.BACKFILL) for n in range(40)]
        payment = command("p", priority=Priority.PAYMENT)
        for message in (*bulk, payment):
            world.part.ask(message)
        await until(lambda: world.all_ended([payment]))
        assert len(world.part.outcomes()) <= 14

    run(story())


def test_a_slow_outside_is_not_taken_for_a_dead_one() -> None:
    """Hundreds of commands before a slow outside wait for their turn without an intent that would run out."""

    async def story() -> None:
        world = World(latency=(1.5, 2))
        await world.carried_out(*(command(f"v{n}") for n in range(150)), seconds=3000)
        assert set(names(world.part.outcomes())) == {"applied"}
        assert sum("intent" in message.type for message in world.part.effects) == 150

    run(story())


def test_a_drain_ends_what_calls_and_drops_what_waits() -> None:
    """At a rebalance the call under way is finished and recorded; the rest is the successor's, at once."""

    async def story() -> None:
        world = World(latency=(3, 3))
        for number in range(20):
            world.part.ask(command(f"v{number}"))
        await until(lambda: world.outside.writes >= 6)
        begun = asyncio.get_running_loop().time()
        await world.process.leave()
        assert asyncio.get_running_loop().time() - begun < 5
        assert len(world.outside.things) == len(world.part.outcomes()) == world.outside.writes
        successor = Process(world.part, FakeConnections(world.outside))
        assert not [standing for standing in successor.restored.commands.values() if standing.is_open]
        await until(lambda: len({fact.link for fact in world.part.outcomes()}) == 20)
        assert set(marks(world.outside).values()) == {1}

    run(story())


def test_a_drain_makes_no_further_call() -> None:
    """A call that is refused for the moment while the partition is given away is not tried again here."""

    async def story() -> None:
        async def perform(_self: FakeEffect, _deadline: float) -> Done:
            world.outside.writes += 1
            await asyncio.sleep(1)
            raise Retry("too many calls")

        world = World(made(perform=perform))
        world.part.ask(command("v1"))
        await until(lambda: world.outside.writes == 1)
        begun = asyncio.get_running_loop().time()
        await world.process.leave()
        assert asyncio.get_running_loop().time() - begun < 2
        assert world.outside.writes == 1

    run(story())


def test_a_repeat_that_comes_while_the_end_is_written_is_covered() -> None:
    """It has found no intent and no end yet, and must not stand in the way of the position for ever."""

    async def story() -> None:
        world = World()
        world.outside.execute("v1")
        message, commit = command("v1"), world.process.store.commit

        async def while_written(wanted: Commit) -> list[int]:
            if len(world.part.input) == 2:
                world.process.runner.received(world.part.ask(message), message)
                world.process._next = len(world.part.input)
            return await commit(wanted)

        world.process.store.commit = while_written  # type: ignore[method-assign]
        world.part.ask(message)
        await until(lambda: world.part.position == len(world.part.input) - 1, seconds=5)
        assert set(names(world.part.outcomes())) == {"found"}

    run(story())


def test_a_lane_that_stays_busy_gives_its_commands_back() -> None:
    """A doubt that cannot be settled does not keep the partition's position for ever."""

    async def story() -> None:
        async def settle(_self: FakeEffect) -> tuple[Done, ...]:
            raise Retry("BILL is down")

        world = World(made(perform=failing(InDoubt("no answer")), settle=settle))
        stuck, behind = command("v1", lane="same"), command("v2", lane="same")
        world.part.ask(stuck)
        world.part.ask(behind)
        await until(lambda: world.all_ended([behind]), seconds=1000)
        assert names(world.part.outcomes(behind.id)) == ["stale"]
        assert world.part.position == len(world.part.input) - 1

    run(story())


def test_an_old_look_is_repeated_before_the_call() -> None:
    """The outside asked for a long pause; somebody entered the thing by hand in that time, so it is found."""

    async def story() -> None:
        world = World()
        world.connections.make = made(perform=failing(Retry("wait", after=300)))
        message = command("v1")
        world.part.ask(message)
        await asyncio.sleep(100)
        world.outside.execute("v1")
        await until(lambda: world.all_ended([message]))
        assert names(world.part.outcomes()) == ["found"]
        assert len(world.outside.things) == 1

    run(story())


def test_steps_have_an_intent_each() -> None:
    """Two calls of one command: both are intended before they are made, and it ends once."""

    async def story() -> None:
        async def perform(self: FakeEffect, deadline: float) -> Done:
            self.steps = getattr(self, "steps", 0) + 1
            done = await FakeEffect.perform(self, deadline)
            return Done(done.target, complete=self.steps == 2)

        world = World(made(perform=perform))
        assert await world.carried_out(command("v1")) == ["applied"]
        kinds = [message.type.split(".")[2] for message in world.part.effects]
        assert kinds == ["intent", "intent", "end"]
        assert world.outside.writes == 2

    run(story())


def test_an_unknown_kind_is_refused() -> None:
    """Every command gets an answer."""

    async def story() -> None:
        world = World()

        def make(_outside: Outside, _command: Any) -> Any:
            raise UnknownEffect("?")

        world.connections.make = make
        assert await world.carried_out(command("v1")) == ["rejected"]
        assert world.part.outcomes()[0].code == "unknown"

    run(story())


def test_memory_does_not_grow_with_what_has_ended() -> None:
    """Of ended commands only the outcomes are kept, and of those only the newest."""

    async def story() -> None:
        world = World(latency=(0, 0))
        messages = [command(f"v{n}", organization=f"o{n % 50}") for n in range(REMEMBERED + 300)]
        await world.carried_out(*messages, seconds=5000)
        standings = world.process.runner._book._standings
        assert len(standings) == REMEMBERED
        assert all(standing.intent is None for standing in standings.values())
        assert not world.process.runner._book._uncovered
        assert not world.process.runner._desk.lanes._locks

    run(story())
