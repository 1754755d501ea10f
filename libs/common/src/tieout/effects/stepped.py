"""One order of several steps, from its arrival to its end, which may be weeks later.

    find ─► next step ─► intent committed ─► perform ─► result committed ─► find …  ─► prove ─► end and outcome

Every go begins with a look, so a crash between two steps, a lost answer, a person's hand and a takeover are one case.
What was open before the first step is logged with the first intent, because proofs measure from it. An order is given
back (parked, stale) only while nothing of it can stand in the ERP by our hand; afterwards this goes on until the ledger
proves it, a refusal is taken back, or a person has to decide.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tieout.domain.erp_outcomes import NotYet, Waiting
from tieout.domain.errors import Fatal, InDoubt, RecoveryError, Reject, Retry
from tieout.effects.carrying import LANE_WAIT, parked, refusal
from tieout.effects.desk import Desk, sound
from tieout.effects.lanes import LaneBusy
from tieout.effects.messages import Answer, Received
from tieout.effects.orders import OrderConnections
from tieout.effects.patience import Patience
from tieout.effects.protocol import EXPIRES
from tieout.effects.resting import WaitingRoom
from tieout.effects.stepping import Again, Ended, Next, Paused, Rest, Steps
from tieout.effects.trail import Trail
from tieout.events.commands import ErpCommand
from tieout.events.facts import Result
from tieout.observability.logging import logger

log = logger(__name__)

# Waiting orders older than this in the log are written anew: a restart then reads days of it and not months.
RENEWED_AFTER: Final = 24 * 3600.0
# How often a paused connection is asked whether it may go on. It is a look into memory.
PAUSED_LOOK: Final = 2.0

T = TypeVar("T")


class Stepped:
    """Carries one order out. ``run`` and ``resume`` return once its end is committed; they raise only Fenced."""

    def __init__(
        self, desk: Desk, connections: OrderConnections, room: WaitingRoom, order: Received, frame: ErpCommand
    ) -> None:
        self._desk = desk
        self._connections = connections
        self._room = room
        self._order = order
        self._frame = frame
        self._trail = Trail(desk, order)
        self._steps = Steps(desk, connections, self._trail, order, frame)
        self._patience = Patience(desk.timings)
        self._pause = 0.0
        self._written = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """A command that has just arrived."""
        if self._desk.clock() - self._frame.issued > EXPIRES:
            await self._trail.end(Answer(Result.EXPIRED, message="waited more than seven days"))
            return
        refused = await refusal(self._desk, self._frame)
        if refused is not None:
            await self._trail.end(refused)
            return
        await self._carry(lambda: None)

    async def resume(self, in_lane: Callable[[], None]) -> None:
        """What a predecessor left. ``in_lane`` is called once its lane is held, or need not be held before others."""
        standing = self._trail.standing
        self._trail.count()
        if standing.calling and not standing.in_doubt:
            await self._trail.doubt("the process that called ended before the answer was written")
        elif standing.waiting is not None and not standing.in_doubt:
            in_lane()
            since = standing.since or self._desk.clock()
            with self._desk.rest(), self._room.waits(self._order.id, standing.waiting.why, since):
                await self._room.spread()
        await self._carry(in_lane)

    async def _carry(self, in_lane: Callable[[], None]) -> None:
        try:
            while True:
                self._patience = Patience(self._desk.timings)
                lane = await self._lane()
                if lane is None:
                    return
                try:
                    async with self._desk.lanes.lane(f"{self._frame.connection}/{lane}", LANE_WAIT):
                        in_lane()
                        how = await self._in_lane()
                except LaneBusy:
                    how = await self._not_our_turn()
                if isinstance(how, Ended):
                    return
                if isinstance(how, Rest):
                    await self._rest(how)
        finally:
            self._trail.count(over=True)

    async def _lane(self) -> str | None:
        """The order's lane, None if the order has ended meanwhile."""

        async def ask() -> str:
            async with self._connections.writer(self._frame.connection) as writer:
                return writer.lane(self._frame.order)

        while True:
            how = await self._tried(lambda: sound(ask(), Reject))
            if isinstance(how, str):
                return how
            if isinstance(how, Ended):
                return None
            if isinstance(how, Paused):
                await self._until_able(how)

    async def _not_our_turn(self) -> Next:
        if self._trail.bound:
            return Again()
        await self._trail.end(Answer(Result.STALE, message="the order before it in its lane is not settled"))
        return Ended()

    async def _in_lane(self) -> Next:
        """Go until it has ended or everything is done that can be done now."""
        await self._settled()
        while True:
            if not self._trail.bound and (refused := await refusal(self._desk, self._frame)) is not None:
                await self._trail.end(refused)
                return Ended()
            how = await self._tried(self._steps.go)
            if isinstance(how, Ended | Rest):
                return how
            if isinstance(how, Paused):
                await self._until_able(how)
            elif how.after:
                await asyncio.sleep(how.after)
            await self._settled()

    async def _settled(self) -> None:
        """After a lost answer: wait until the call has surely taken its effect or never will."""
        standing = self._trail.standing
        if not standing.in_doubt or standing.intent is None:
            return
        left = (standing.intent.settled - self._desk.clock()).total_seconds()
        if left > 0:
            await asyncio.sleep(left)
            self._patience = Patience(self._desk.timings)
        if standing.lookups and not self._steps.looked:
            # The look before it may have been the last thing the predecessor did.
            await asyncio.sleep(self._desk.timings.lookup_gap)
            self._steps.looked = True

    async def _tried(self, work: Callable[[], Awaitable[T]]) -> T | Next:
        """One go, and what its failure means."""
        try:
            how = await work()
        except Reject as error:
            return await self._unreadable(error)
        except (Retry, InDoubt, Fatal) as error:
            return await self._failed(error)
        self._patience = Patience(self._desk.timings)
        return how

    async def _unreadable(self, error: Reject) -> Next:
        """What cannot be planned or read: refused while nothing of ours stands, else a person has to look."""
        result = Result.ESCALATED if self._trail.bound else Result.REJECTED
        await self._trail.end(Answer(result, code=error.code, message=error.message, cure=error.cure))
        return Ended()

    async def _failed(self, error: RecoveryError) -> Next:
        trail, frame, connections = self._trail, self._frame, self._connections
        if not isinstance(error, Fatal) and await self._patience.pause(error):
            return Again()
        self._patience = Patience(self._desk.timings)
        if not trail.bound:
            await trail.end(parked(error))
            return Ended()
        if connections.is_over(frame.connection):
            await trail.end(Answer(Result.ESCALATED, code="retired", message=f"not finished, and now retired: {error}"))
            return Ended()
        left = await self._steps.leave(error)
        if left is not None:
            return left
        if not trail.standing.in_doubt:
            await trail.wait(NotYet(why=Waiting.STEPS, detail=str(error)), None, ())
        if not isinstance(error, Fatal):
            return Again()
        connections.sicken(frame.connection, self._order.key, str(error))
        return Paused(writing=False)

    async def _until_able(self, paused: Paused) -> None:
        """In the lane: nothing else of it may come between two steps."""
        connections, connection = self._connections, self._frame.connection
        while not connections.is_over(connection) and (  # noqa: ASYNC110 - settings come by another thread
            connections.is_sick(connection) or (paused.writing and not connections.may_write(connection))
        ):
            await asyncio.sleep(PAUSED_LOOK)

    async def _rest(self, rest: Rest) -> None:
        """Wait outside the lane, then look again; while the owner has paused the connection, not even that."""
        self._pause = self._room.pauses.next(0.0 if rest.changed else self._pause)
        loop = asyncio.get_running_loop()
        if rest.changed:
            self._written = loop.time()
        elif loop.time() - self._written > RENEWED_AFTER:
            await self._trail.renew()
            self._written = loop.time()
        since = self._trail.standing.since or self._desk.clock()
        with self._desk.rest(), self._room.waits(self._order.id, rest.why, since):
            await self._room.pause(self._pause)
            while self._is_paused():  # noqa: ASYNC110 - settings come by another thread
                await asyncio.sleep(PAUSED_LOOK)

    def _is_paused(self) -> bool:
        connection = self._frame.connection
        return not self._connections.may_write(connection) and not self._connections.is_over(connection)
