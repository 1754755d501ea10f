"""One command, from its arrival to its end: look, log the intent, call once, log the end."""

import asyncio
from enum import Enum
from typing import Final

from tieout.domain.errors import Executed, Fatal, InDoubt, RecoveryError, Reject, Retry
from tieout.effects import metrics
from tieout.effects.desk import Desk, sound
from tieout.effects.lanes import LaneBusy
from tieout.effects.messages import Answer, Received
from tieout.effects.patience import Patience
from tieout.effects.port import Done, Effect, UnknownEffect, Verdict
from tieout.effects.protocol import EXPIRES, Standing
from tieout.effects.settling import look_again, settle
from tieout.events.commands import CommandFrame
from tieout.events.facts import Result
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger

log = logger(__name__)

# A command decided under settings this process has not seen yet waits so long for them; the topic of connections is
# usually a few milliseconds behind the commands.
SETTINGS_WAIT: Final = 30.0
# A lane stays busy so long only behind a doubt that cannot be settled. Then the command is given back, to be decided
# again, because its offset would keep the position of the whole partition.
LANE_WAIT: Final = 600.0
# How old a look may be when the call leaves: retries and the wait for a turn come between. Older ones are repeated,
# since a person may have entered the same thing meanwhile.
LOOK_HOLDS: Final = 60.0
# A call that took so much longer than its time-outs was cut in two by a process that stood still.
STOOD_STILL: Final = 5.0


class _Go(Enum):
    """How one go ended."""

    AGAIN = "again"
    ENDED = "ended"
    DOUBT = "doubt"


def lane_of(command: CommandFrame) -> str:
    """What must not be interleaved with the command."""
    return f"{command.organization}/{command.lane}"


async def take_up(desk: Desk, order: Received, standing: Standing) -> None:
    """An intent that a predecessor left open: in doubt, and looked up before anything else of its lane."""
    async with desk.lanes.lane(lane_of(order.frame)):
        if not standing.in_doubt:
            await desk.book.doubt(order, "the process that called ended before the answer was written")
        await settle(desk, order, None, standing.lookups)


class Carrying:
    """Carries one command out; ``run`` returns once its end is committed."""

    def __init__(self, desk: Desk, order: Received) -> None:
        self._desk = desk
        self._order = order
        self._effect: Effect | None = None
        self._looked: float | None = None
        self._tries = 0

    async def run(self) -> None:
        """Everything that comes of it is written in the log.

        Raises:
            Fenced: the partition is somebody else's.
        """
        frame = self._order.frame
        if self._desk.clock() - frame.issued > EXPIRES:
            await self._end(Answer(Result.EXPIRED, message="waited more than seven days"))
            return
        # Asked before the lane too: a sick connection's commands do not queue up behind its own doubt.
        refused = await self._refused()
        if refused is not None:
            await self._end(refused)
            return
        try:
            async with self._desk.lanes.lane(lane_of(frame), LANE_WAIT):
                await self._carry_out()
        except LaneBusy:
            await self._end(Answer(Result.STALE, message="the command before it in its lane is not settled"))

    async def _refused(self) -> Answer | None:
        return await refusal(self._desk, self._order.frame)

    async def _carry_out(self) -> None:
        """Go until the command has ended; again only if the go before is known not to have changed anything."""
        patience = Patience(self._desk.timings)
        while True:
            how = await self._refused() or await self._tried(patience)
            if isinstance(how, Answer):
                await self._end(how)
                return
            if how is _Go.DOUBT:
                await settle(self._desk, self._order, self._effect, 0)
            if how is not _Go.AGAIN:
                return

    async def _tried(self, patience: Patience) -> _Go | Answer:
        """One go, and what its failure means."""
        try:
            return await self._go()
        except UnknownEffect:
            return Answer(Result.REJECTED, code="unknown", message=f"{self._order.frame.intent} is not known here")
        except (Retry, InDoubt) as error:
            return _Go.AGAIN if await patience.pause(error) else parked(error)
        except Fatal as error:
            return parked(error)
        except Reject as error:
            return await self._refusal(error)

    async def _go(self) -> _Go:
        """Look, then call, in a turn of the organization."""
        frame, connections = self._order.frame, self._desk.connections
        effect = await self._desk.effect(frame, self._effect)
        if effect is not self._effect:
            self._effect, self._looked = effect, None
        await sound(effect.room(), Reject)
        async with self._desk.turns.turn(frame.organization, frame.priority):
            # Much may have happened while it waited: a pause, other credentials, a side that fell ill.
            if connections.admit(frame).verdict is not Verdict.PROCEED or not connections.is_current(effect):
                return _Go.AGAIN
            if await self._found(effect):
                return _Go.ENDED
            while True:
                done = await self._call(effect)
                if done is None:
                    return _Go.DOUBT
                if done.complete:
                    return _Go.ENDED

    async def _found(self, effect: Effect) -> bool:
        """Whether the look found something, which ends the command; a look that is fresh enough is not repeated."""
        loop = asyncio.get_running_loop()
        if self._looked is not None and loop.time() - self._looked <= LOOK_HOLDS:
            return False
        begun = loop.time()
        reach(f"{self._desk.service}.look.before")
        candidates = await sound(effect.look(), Reject)
        reach(f"{self._desk.service}.look.after")
        if candidates:
            await self._end(Answer(Result.FOUND, candidates=candidates))
            return True
        self._looked = begun
        return False

    async def _call(self, effect: Effect) -> Done | None:
        """One intended call; None if its answer was lost, which is written then.

        Raises:
            Retry, Fatal, Reject: the call did not take effect.
        """
        desk, order = self._desk, self._order
        loop = asyncio.get_running_loop()
        self._tries += 1
        with desk.call():
            deadline = desk.timings.deadline(desk.clock())
            limit = loop.time() + desk.timings.write_within
            await desk.book.intent(order, self._tries, deadline, desk.timings.settled(deadline, effect.slow))
            try:
                reach(f"{desk.service}.call.before:{effect.name}")
                done = await sound(effect.perform(limit), InDoubt)
                reach(f"{desk.service}.call.after:{effect.name}")
            except InDoubt as error:
                await desk.book.doubt(order, str(error))
                return None
            finally:
                stood_still(desk, order, loop.time() - limit, effect.slow)
            if done.complete:
                await self._end(Answer(Result.APPLIED, target=done.target, version=done.version))
            return done

    async def _end(self, answer: Answer) -> None:
        await self._desk.book.end(self._order, answer)

    async def _refusal(self, error: Reject) -> Answer:
        """How a refused call ends: a refusal as duplicate means that it is there, so it is looked for and linked."""
        if error.executed is Executed.YES and self._effect is not None:
            candidates = await look_again(self._desk, self._effect)
            if candidates:
                return Answer(Result.FOUND, candidates=candidates)
        return Answer(Result.REJECTED, code=error.code, message=error.message, cure=error.cure)


async def refusal(desk: Desk, frame: CommandFrame) -> Answer | None:
    """None if a command may go on, else how it ends. Settings that have not been seen here are waited for."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + SETTINGS_WAIT
    while True:
        admission = desk.connections.admit(frame)
        if admission.verdict is Verdict.PROCEED:
            return None
        if admission.verdict is Verdict.STALE:
            return Answer(Result.STALE, message=admission.reason)
        if admission.verdict is Verdict.PARK or loop.time() > limit:
            return Answer(Result.PARKED, message=admission.reason)
        await asyncio.sleep(0.05)


def stood_still(desk: Desk, order: Received, after_deadline: float, slow: float) -> None:
    """Detect the one case that the protocol cannot prevent: a process that stood still around its write."""
    if after_deadline > desk.timings.http + slow + STOOD_STILL:
        metrics.LATE.labels(desk.service).inc()
        log.error("stood still around a call", command=order.id, seconds=round(after_deadline, 1))


def parked(error: RecoveryError) -> Answer:
    """Given back to be decided again, once the side is well."""
    return Answer(Result.PARKED, code=error.code, message=str(error), cure=error.cure)
