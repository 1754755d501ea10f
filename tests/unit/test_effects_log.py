"""The effects log as a promise: what is appended is committed once, or whoever appended hears that it is not."""

import asyncio
from datetime import timedelta

import pytest

from support.fake_effects import KEY, FakeStore, Part, command
from support.virtual_time import START, run, wall
from tieout.effects.log import ABORTS, Append, EffectsLog
from tieout.effects.messages import Answer, Received, Scribe
from tieout.effects.protocol import restore
from tieout.effects.store import Commit
from tieout.events.facts import Result
from tieout.log.produce import Fenced


def opened(part: Part, store: FakeStore | None = None) -> EffectsLog:
    """A log that commits."""
    log = EffectsLog(store or FakeStore(part), clock=wall)
    log.fence()
    log.open(part.position, part.checkpoint)
    log.start()
    return log


def intent(link: str, tries: int = 1) -> Append:
    """An open intent."""
    message = command(link)
    order = Received(message.id, KEY, message.data)
    return Append(effects=((order.id, True, Scribe("writer", wall).intent(order, tries, wall(), wall())),))


def end(link: str, result: Result = Result.APPLIED, pin: str = "") -> Append:
    """An end."""
    message, scribe = command(link), Scribe("writer", wall)
    order = Received(message.id, KEY, message.data)
    outcome = scribe.outcome(order, Answer(result, message="no"))
    return Append(effects=((order.id, False, scribe.end(order, outcome)),), facts=(outcome,), pin=pin)


def test_what_is_ready_together_is_committed_together() -> None:
    """Ten appends at once are one transaction, in their order."""

    async def story() -> None:
        part = Part()
        log = opened(part)
        await asyncio.gather(*(log.append(intent(f"v{n}")) for n in range(10)))
        assert part.commits == 1
        assert [message.correlationid for message in part.effects] == [f"v{n}" for n in range(10)]
        await log.close()

    run(story())


def test_a_rolled_back_commit_is_tried_again() -> None:
    """A rebalance aborts two transactions: the third has everything, once."""

    async def story() -> None:
        part = Part()
        log = opened(part, FakeStore(part, aborts=2))
        await log.append(intent("v1"))
        assert len(part.effects) == 1
        await log.close()

    run(story())


def test_aborts_without_end_are_a_lost_partition() -> None:
    """Whoever appended hears it, instead of waiting for ever."""

    async def story() -> None:
        part = Part()
        log = opened(part, FakeStore(part, aborts=ABORTS))
        with pytest.raises(Fenced, match="aborts in a row"):
            await log.append(intent("v1"))
        with pytest.raises(Fenced, match="closed"):
            await log.append(intent("v2"))
        await log.close()

    run(story())


def test_an_error_nobody_foresaw_leaves_nobody_waiting() -> None:
    """The process ends; it does not stand still."""

    class Broken(FakeStore):
        async def commit(self, commit: Commit) -> list[int]:  # noqa: ARG002 - the protocol
            raise MemoryError

    async def story() -> None:
        part = Part()
        log = opened(part, Broken(part))
        with pytest.raises(Fenced, match="MemoryError"):
            await log.append(intent("v1"))
        await log.close()

    run(story())


def test_a_place_that_is_not_told_stops_the_partition() -> None:
    """Without it the checkpoint could pass an open intent."""

    class Silent(FakeStore):
        async def commit(self, commit: Commit) -> list[int]:
            await super().commit(commit)
            return []

    async def story() -> None:
        part = Part()
        log = opened(part, Silent(part))
        with pytest.raises(Fenced, match="did not tell"):
            await log.append(intent("v1"))
        await log.close()

    run(story())


def test_closing_answers_those_who_have_just_appended() -> None:
    """A close within the few milliseconds of a group leaves nobody waiting."""

    async def story() -> None:
        part = Part()
        log = opened(part)
        waiting = asyncio.create_task(log.append(intent("v1")))
        await asyncio.sleep(0.001)
        await log.close()
        with pytest.raises(Fenced, match="closed"):
            await waiting

    run(story())


def test_pins_hold_the_checkpoint_until_their_time_is_over() -> None:
    """A reservation of an hour that is long gone does not keep the log from moving on, even if none follows it."""

    async def story() -> None:
        part = Part()
        log = opened(part)
        note = Scribe("writer", wall).reserved(KEY, START, "calls", 100)
        until = wall() + timedelta(hours=2)
        await log.append(Append(effects=(("", False, note),), pin="calls", pin_until=until))
        await log.append(end("v1"))
        assert log.progress.checkpoint() == 0
        await asyncio.sleep(2 * 3600)
        await log.append(end("v2"))
        assert log.progress.checkpoint() == 3
        await log.close()

    run(story())


def test_a_pin_goes_with_what_unpins_it_and_no_earlier() -> None:
    """Parked while `healed` was being written: the later one is still owed."""

    async def story() -> None:
        part = Part()
        log = opened(part)
        await log.append(end("v1", Result.PARKED, pin="sick"))
        note, fact = Scribe("writer", wall).healed(KEY, "acme", "bill", "well")
        healed = Append(effects=(("", False, note),), facts=(fact,), unpin="sick")
        await asyncio.gather(log.append(healed), log.append(end("v2", Result.PARKED, pin="sick")))
        assert log.progress.checkpoint() == 2
        assert restore(enumerate(part.effects)).sick["acme"].offset == 2
        await log.append(healed)
        assert log.progress.checkpoint() == 4
        assert not restore(enumerate(part.effects)).sick
        await log.close()

    run(story())


def test_a_command_asked_for_again_after_its_end_is_open_again() -> None:
    """Its second intent is not hidden behind the first end: a crash would leave it unsettled."""

    async def story() -> None:
        part = Part()
        log = opened(part)
        for append in (intent("v1"), end("v1"), intent("v1", tries=2)):
            await log.append(append)
        (standing,) = restore(enumerate(part.effects)).commands.values()
        assert standing.is_open
        await log.close()

    run(story())


def test_an_outcome_is_never_too_large_to_be_written() -> None:
    """However much the outside says and finds, the message stays small."""

    async def story() -> None:
        message, scribe = command("v1"), Scribe("writer", wall)
        order = Received(message.id, KEY, message.data)
        data = scribe.outcome(order, Answer(Result.REJECTED, message="x" * 10_000_000)).data
        assert len(data.message) == 2000

    run(story())
