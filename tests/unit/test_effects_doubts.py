"""Answers that are lost, refused or cannot be read: nothing is repeated blindly and everything ends."""

import asyncio

from support.effects_world import World, failing, made
from support.fake_effects import (
    FAST,
    FakeConnections,
    FakeEffect,
    Process,
    Thing,
    command,
    marks,
    names,
    until,
)
from support.virtual_time import run
from tieout.domain.errors import Fatal, InDoubt, Reject
from tieout.effects import metrics
from tieout.effects.port import Done
from tieout.events.facts import Candidate, Result, SideFact


def test_absence_takes_two_looks_apart() -> None:
    """The list shows the thing only after the first look-up: it is found by the second, not created again."""

    async def story() -> None:
        world = World()

        async def perform(_self: FakeEffect, _deadline: float) -> Done:
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

        async def perform(_self: FakeEffect, _deadline: float) -> Done:
            world.outside.things.append(Thing("t0", "v1", asyncio.get_running_loop().time() + 1))
            raise Reject("exists", code="BDC_1171", duplicate=True)

        world.connections.make = made(perform=perform)
        assert await world.carried_out(command("v1")) == ["found"]

    run(story())


def test_a_process_that_stood_still_around_a_call_is_noticed() -> None:
    """The one case the protocol cannot prevent is counted and named in the log."""

    async def story() -> None:
        async def perform(_self: FakeEffect, _deadline: float) -> Done:
            await asyncio.sleep(FAST.write_within + FAST.http + 6)
            raise InDoubt("no answer")

        before = metrics.LATE.labels("writer")._value.get()
        assert await World(made(perform=failing(InDoubt("soon")))).carried_out(command("v1")) == ["in_doubt", "absent"]
        assert metrics.LATE.labels("writer")._value.get() == before
        await World(made(perform=perform)).carried_out(command("v1"))
        assert metrics.LATE.labels("writer")._value.get() == before + 1

    run(story())
