"""What becomes of one command: its looks, its call, its end, and what may happen in between."""

import asyncio
import random
from datetime import timedelta
from typing import Any

from support.fake_effects import (
    FAST,
    FakeConnections,
    FakeEffect,
    Outside,
    Part,
    Process,
    Thing,
    command,
    marks,
    names,
    until,
)
from support.virtual_time import run, wall
from tieout.domain.errors import Fatal, InDoubt, Reject, Retry
from tieout.effects.book import REMEMBERED
from tieout.effects.port import Admission, Done, UnknownEffect, Verdict
from tieout.effects.store import Commit
from tieout.events.commands import Priority
from tieout.events.facts import Candidate, Result, SideFact


class World:
    """One partition, one outside without faults, one process."""

    def __init__(self, make: Any = None, *, latency: tuple[float, float] = (0.1, 0.2), lag: float = 0.0) -> None:
        self.part = Part()
        self.outside = Outside(random.Random(1), latency=latency, lag=lag)
        self.connections = FakeConnections(self.outside)
        if make is not None:
            self.connections.make = make
        self.process = Process(self.part, self.connections)

    async def carried_out(self, *messages: Any, seconds: float = 600) -> list[str]:
        """Ask for them and wait for their ends; all results in their order."""
        for message in messages:
            self.part.ask(message)
        await until(lambda: self.all_ended(messages), seconds)
        return names(self.part.outcomes())

    def all_ended(self, messages: Any) -> bool:
        """Whether each has a final outcome."""
        final = {fact.command for fact in self.part.outcomes() if fact.result is not Result.IN_DOUBT}
        return all(message.id in final for message in messages)


def made(**methods: Any) -> Any:
    """A kind of effect that differs from the usual one by some methods or attributes."""
    return type("Made", (FakeEffect,), methods)


def failing(error: Exception, times: int = 1) -> Any:
    """A method that fails so often and then does what it should."""
    left = [times]

    async def perform(self: FakeEffect, deadline: float) -> Done:
        if left[0]:
            left[0] -= 1
            raise error
        return await FakeEffect.perform(self, deadline)

    return perform


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


def test_absence_takes_two_looks_apart() -> None:
    """The list shows the thing only after the first look-up: it is found by the second, not created again."""

    async def story() -> None:
        world = World()

        async def perform(self: FakeEffect, deadline: float) -> Done:
            world.outside.things.append(Thing("t0", "v1", asyncio.get_running_loop().time() + 13.5))
            raise InDoubt("no answer")

        world.connections.make = made(perform=perform)
        assert await world.carried_out(command("v1")) == ["in_doubt", "applied"]
        assert marks(world.outside) == {"v1": 1}

    run(story())


def test_what_nobody_executed_is_absent_after_two_looks() -> None:
    """The command ends, to be decided again."""

    async def story() -> None:
        world = World(made(perform=failing(InDoubt("no answer"))))
        assert await world.carried_out(command("v1")) == ["in_doubt", "absent"]

    run(story())


def test_several_results_are_a_persons_to_judge() -> None:
    """Two things that may be the result end as escalated, with both."""

    async def story() -> None:
        async def settle(_self: FakeEffect) -> tuple[Done, ...]:
            return (Done("a"), Done("b"))

        world = World(made(perform=failing(InDoubt("no answer")), settle=settle))
        assert await world.carried_out(command("v1")) == ["in_doubt", "escalated"]
        assert [each.id for each in world.part.outcomes()[-1].candidates] == ["a", "b"]

    run(story())


def test_a_doubt_that_cannot_be_read_proves_no_absence() -> None:
    """A refused look-up is shown to a person instead of being taken for nothing there."""

    async def story() -> None:
        async def settle(_self: FakeEffect) -> tuple[Done, ...]:
            raise Reject("row 7 cannot be read", code="unreadable")

        world = World(made(perform=failing(InDoubt("no answer")), settle=settle))
        assert await world.carried_out(command("v1")) == ["in_doubt", "escalated"]
        assert world.part.outcomes()[-1].code == "unreadable"

    run(story())


def test_a_doubt_is_settled_with_new_credentials() -> None:
    """The password was changed while a write was in doubt: once it is mended the doubt is settled by itself."""

    async def story() -> None:
        world = World()
        good = asyncio.Event()

        async def settle(self: FakeEffect) -> tuple[Done, ...]:
            if not good.is_set() or self is world.connections.made[0]:
                raise Fatal("wrong password", code="BDC_1101")
            return await FakeEffect.settle(self)

        world.connections.make = made(perform=failing(InDoubt("no answer")), settle=settle)
        message = command("v1")
        world.part.ask(message)
        await asyncio.sleep(100)
        assert names(world.part.outcomes()) == ["in_doubt"]
        good.set()
        world.connections.outdated |= {id(effect) for effect in world.connections.made}
        await until(lambda: world.all_ended([message]))
        assert names(world.part.outcomes()) == ["in_doubt", "absent"]

    run(story())


def test_a_doubt_of_a_retired_connection_ends() -> None:
    """Nobody will ever mend its credentials, so it does not keep the log open for ever."""

    async def story() -> None:
        async def settle(_self: FakeEffect) -> tuple[Done, ...]:
            raise Fatal("no credentials", code="no_credentials")

        world = World(made(perform=failing(InDoubt("no answer")), settle=settle))
        world.connections.over.add("acme")
        assert await world.carried_out(command("v1")) == ["in_doubt", "escalated"]
        assert world.process.log.progress.checkpoint() == len(world.part.effects)

    run(story())


def test_every_parked_command_is_followed_by_a_healed_also_across_a_restart() -> None:
    """The window that a parked command closes is opened again, even if the process that parked it is gone."""

    async def story() -> None:
        world = World(made(perform=failing(Fatal("no permission", code="BDC_1145"), times=9)))
        world.connections.heals_after = 1e9
        assert await world.carried_out(command("v1")) == ["parked"]
        await world.carried_out(command("v2"), command("v3"))
        await world.process.kill()
        assert world.part.checkpoint == 1
        successor = FakeConnections(world.outside)
        process = Process(world.part, successor)
        assert set(successor.sick) == {"acme"}
        await until(lambda: any(isinstance(fact.data, SideFact) for fact in world.part.facts))
        await process.kill()
        assert not Process(world.part, FakeConnections(world.outside)).restored.sick

    run(story())


def test_a_defect_stops_one_command_only() -> None:
    """An error nobody foresaw ends as refused before a call and as doubt after it; other commands go on."""

    async def story() -> None:
        async def look(self: FakeEffect) -> tuple[Candidate, ...]:
            if self._mark == "odd":
                raise KeyError("surprise")
            return ()

        async def perform(self: FakeEffect, deadline: float) -> Done:
            done = await FakeEffect.perform(self, deadline)
            if self._mark == "lost":
                raise TypeError("surprise")
            return done

        world = World(made(look=look, perform=perform))
        await world.carried_out(command("odd"), command("lost"), command("fine"))
        results = {fact.link: fact for fact in world.part.outcomes()}
        assert (results["odd"].result, results["odd"].code) == (Result.REJECTED, "defect")
        assert results["lost"].result is Result.APPLIED
        assert results["fine"].result is Result.APPLIED
        assert not world.process.runner.failure.done()

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
        async def perform(self: FakeEffect, deadline: float) -> Done:
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


def test_a_slow_effect_is_looked_up_later() -> None:
    """A call that may show its result only minutes later is not held absent before."""

    async def story() -> None:
        world = World(made(perform=failing(InDoubt("no answer")), slow=500.0))
        begun = asyncio.get_running_loop().time()
        await world.carried_out(command("v1"), seconds=2000)
        waited = asyncio.get_running_loop().time() - begun
        assert waited > 500 + FAST.http + FAST.settle

    run(story())


def test_a_refusal_as_duplicate_is_looked_for_and_linked() -> None:
    """The outside says that it is there: it is found, even if lists show it a little later."""

    async def story() -> None:
        world = World()

        async def perform(self: FakeEffect, deadline: float) -> Done:
            world.outside.things.append(Thing("t0", "v1", asyncio.get_running_loop().time() + 1))
            raise Reject("exists", code="BDC_1171", duplicate=True)

        world.connections.make = made(perform=perform)
        assert await world.carried_out(command("v1")) == ["found"]

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
