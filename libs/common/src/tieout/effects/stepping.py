"""One look at an order, and the one thing that follows from it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tieout.domain.erp_orders import ErpOrder
from tieout.domain.erp_outcomes import Found, Standing, Step, StepEffect, StepResult, Waiting
from tieout.domain.errors import Executed, InDoubt, RecoveryError, Reject
from tieout.effects import metrics
from tieout.effects.carrying import stood_still
from tieout.effects.desk import Desk, sound
from tieout.effects.judging import (
    UNPOSTED,
    End,
    Gone,
    Move,
    Take,
    applied,
    cure_of,
    judge,
    results_of,
    still_waiting,
    withdrawal,
)
from tieout.effects.messages import Answer, Received
from tieout.effects.orders import OrderConnections, OrderWriter
from tieout.effects.port import Verdict
from tieout.effects.settling import LOOKUPS
from tieout.effects.trail import BACK, Trail, kind_of
from tieout.events.commands import ErpCommand, Priority
from tieout.events.facts import Result
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger

log = logger(__name__)

# Answers of one step that may be lost before a person looks at what stands between us and the ERP. Each costs a settle
# time, minutes with some ERPs, and an order that goes on for ever would never be seen.
MOST_LOST: Final = 5


@dataclass(frozen=True)
class Again:
    """Look again, after so many seconds."""

    after: float = 0.0


@dataclass(frozen=True)
class Ended:
    """The end is committed."""


@dataclass(frozen=True)
class Rest:
    """It waits for somebody or something outside. ``changed``: and that is news."""

    why: Waiting
    changed: bool


@dataclass(frozen=True)
class Paused:
    """Look again once the side is well, and if ``writing`` once the owner lets it be written to."""

    writing: bool


Next = Again | Ended | Rest | Paused


@dataclass(frozen=True)
class _Walk:
    """What is being carried out: the order, or taking back what stands of it; ``prefix`` tells their steps apart."""

    order: ErpOrder
    prefix: str = ""


class Steps:
    """The goes of one order. ``looked``: a look of this process has seen the step in doubt not done."""

    def __init__(
        self, desk: Desk, connections: OrderConnections, trail: Trail, order: Received, frame: ErpCommand
    ) -> None:
        self._desk = desk
        self._order = order
        self._connections = connections
        self._trail = trail
        self._frame = frame
        self._taken = frozenset({*frame.taken, *frame.exclude})
        self._left: set[str] = set()
        self._tidying = ""
        self._lost: Counter[str] = Counter()
        self._claimed: Counter[str] = Counter()
        self._gone_since: float | None = None
        self.looked = False

    async def go(self) -> Next:
        """Look, and do what follows, in a turn of the connection.

        Raises:
            Retry, InDoubt, Fatal, Reject: of a look, or of a step that is known not to have been executed.
        """
        frame, trail = self._frame, self._trail
        priority = frame.priority if trail.standing.waiting is None else Priority.BACKFILL
        async with self._desk.turns.turn(frame.connection, priority):
            # Much may have happened while it waited: a pause, other settings, a side that fell ill.
            if not trail.bound and self._connections.admit(frame).verdict is not Verdict.PROCEED:
                return Again()
            async with self._connections.writer(frame.connection) as writer:
                return await self._look(writer)

    async def leave(self, error: RecoveryError) -> Next | None:
        """What keeps failing and need not be done: tidying up, or taking back. None if it is anything else."""
        if self._tidying:
            self._left.add(self._tidying)
            log.warning("left untidy", command=self._frame.link, step=kind_of(self._tidying), reason=str(error))
            return Again()
        if self._trail.refused is not None and not self._trail.standing.in_doubt:
            return await self._end_refused(f"what was recorded could not be taken back: {error}")
        return None

    def _walk(self) -> _Walk:
        back = None if self._trail.refused is None else withdrawal(self._frame.order)
        return _Walk(self._frame.order) if back is None else _Walk(back, BACK)

    async def _look(self, writer: OrderWriter) -> Next:
        walk, trail = self._walk(), self._trail
        self._tidying = ""
        plan = [step for step in await self._plan(writer, walk.order) if step.name not in self._left]
        if walk.prefix:
            original = await self._find(writer, self._frame.order)
            if original.standing is Standing.POSTED:
                # Somebody posted it while it was being taken back: then it is posted, and that is to be told.
                return await self._prove(writer, original)
        found = await self._find(writer, walk.order)
        move = judge(walk.order, plan, found, trail.results(walk.prefix).keys())
        doubtful = trail.doubtful(walk.prefix)
        if doubtful and doubtful not in {each.step for each in found.done} and _needs_certainty(move):
            looks = await self._not_seen(doubtful)
            if looks is not None:
                return looks
        return await self._follow(writer, walk, plan, found, move)

    async def _follow(self, writer: OrderWriter, walk: _Walk, plan: Sequence[Step], found: Found, move: Move) -> Next:
        trail = self._trail
        if not isinstance(move, Gone):
            self._gone_since = None
        if walk.prefix and not isinstance(move, Take):
            done = {each.step for each in found.done} | trail.results(walk.prefix).keys()
            taken_back = {step.name for step in plan} <= done
            return await self._end_refused("" if taken_back else "what was recorded is still there")
        if isinstance(move, Take):
            return await self._take(writer, walk, plan, move.step, found)
        if isinstance(move, Gone):
            return await self._gone(move)
        if isinstance(move, End):
            await trail.end(move.answer)
            return Ended()
        return await self._prove(writer, found)

    async def _plan(self, writer: OrderWriter, order: ErpOrder) -> tuple[Step, ...]:
        async def ask() -> tuple[Step, ...]:
            return writer.plan(order)

        return await sound(ask(), Reject)

    async def _find(self, writer: OrderWriter, order: ErpOrder) -> Found:
        reach(f"{self._desk.service}.find.before")
        found = await sound(writer.find(order, self._taken), Reject)
        reach(f"{self._desk.service}.find.after")
        return found

    async def _not_seen(self, step: str) -> Next | None:
        """A look after the settle time did not see the step done. None once two such looks allow to take it again."""
        self.looked = True
        lookups = self._trail.standing.lookups + 1
        if lookups < LOOKUPS:
            await self._trail.looked_up(lookups)
            return Again(self._desk.timings.lookup_gap)
        self.looked = False
        if self._lost[step] < MOST_LOST:
            return None
        message = f"{kind_of(step)}: {MOST_LOST} calls without an answer, and none took effect"
        cure = "Find out what cuts the answers off between Tieout and the ERP, then release this."
        await self._trail.end(Answer(Result.ESCALATED, code="no_answer", message=message, cure=cure))
        return Ended()

    async def _take(self, writer: OrderWriter, walk: _Walk, plan: Sequence[Step], step: Step, found: Found) -> Next:
        """One intended call."""
        connection = self._frame.connection
        if not self._connections.may_write(connection):
            return await self._held_up()
        self._tidying = step.name if step.effect is StepEffect.TIDY else ""
        done = results_of(plan, found, self._trail.results(walk.prefix))
        with self._desk.call():
            how = await self._call(writer, walk, step, found, done)
        if how is not None:
            return await self._step_refused(writer, walk, step, found, how)
        return Again()

    async def _call(
        self, writer: OrderWriter, walk: _Walk, step: Step, found: Found, done: Sequence[StepResult]
    ) -> Reject | None:
        desk, trail, kind = self._desk, self._trail, kind_of(step.name)
        loop = asyncio.get_running_loop()
        deadline = desk.timings.deadline(desk.clock())
        limit = loop.time() + desk.timings.write_within
        before = found.open if found.standing in UNPOSTED and not walk.prefix else ()
        await trail.intent(step, walk.prefix, deadline, before, found)
        count = metrics.STEPS.labels
        try:
            reach(f"{desk.service}.call.before:{kind}")
            result = await sound(writer.perform(walk.order, step, done, limit), InDoubt)
            reach(f"{desk.service}.call.after:{kind}")
        except InDoubt as error:
            self._lost[step.name] += 1
            count(desk.service, kind, "in_doubt").inc()
            await trail.doubt(str(error))
            return None
        except RecoveryError as error:
            trail.not_executed()
            count(desk.service, kind, error.kind).inc()
            if isinstance(error, Reject):
                return error
            raise
        finally:
            stood_still(desk, self._order, loop.time() - limit, step.settle)
        count(desk.service, kind, "done").inc()
        await trail.done(step, result, walk.prefix)
        return None

    async def _held_up(self) -> Next:
        """The owner lets nothing be written: before the first step it is given back, later it waits in its lane."""
        if not self._trail.bound:
            return Again()
        if not self._connections.is_over(self._frame.connection):
            return Paused(writing=True)
        done = ", ".join(self._trail.standing.steps) or "nothing that is known"
        message = f"the connection was retired before all steps were taken; done so far: {done}"
        await self._trail.end(Answer(Result.ESCALATED, code="retired", message=message))
        return Ended()

    async def _step_refused(self, writer: OrderWriter, walk: _Walk, step: Step, found: Found, error: Reject) -> Next:
        if step.effect is StepEffect.TIDY:
            return await self.leave(error) or Again()
        if error.executed is Executed.YES:
            # It is said to be there: the next look sees it, unless lists lag.
            self._claimed[step.name] += 1
            if self._claimed[step.name] <= LOOKUPS:
                return Again(self._desk.timings.lookup_gap)
            message = f"refused as there already, and not found: {error.message}"
            await self._trail.end(Answer(Result.ESCALATED, code=error.code, message=message, cure=error.cure))
            return Ended()
        if walk.prefix:
            return await self._end_refused(f"what was recorded could not be taken back: {error}")
        stands = found.done or self._trail.standing.steps
        if stands and await self._can_take_back(writer):
            await self._trail.refuse(error)
            return Again()
        await self._trail.end(Answer(Result.REJECTED, code=error.code, message=error.message, cure=error.cure))
        return Ended()

    async def _can_take_back(self, writer: OrderWriter) -> bool:
        back = withdrawal(self._frame.order)
        if back is None:
            return False
        try:
            return bool(await self._plan(writer, back))
        except Reject:
            return False

    async def _end_refused(self, left: str) -> Ended:
        """The end of a refused order, told in the words of the refusal. What is ``left`` moves no ledger."""
        refused = self._trail.refused
        if refused is None:
            raise AssertionError("nothing was refused")
        message = f"{refused.message} ({left})" if left else refused.message
        await self._trail.end(Answer(Result.REJECTED, code=refused.code, message=message, cure=refused.cure))
        return Ended()

    async def _gone(self, gone: Gone) -> Next:
        """Seen once, it may be a lagging read; seen for as long as a call may take, somebody took it away."""
        timings, now = self._desk.timings, asyncio.get_running_loop().time()
        if self._gone_since is None:
            self._gone_since = now
        if now - self._gone_since < timings.settle + timings.lookup_gap:
            return Again(timings.lookup_gap)
        what = ", ".join(gone.steps)
        message = f"recorded, and not there any more: {what}" + (f" ({gone.detail})" if gone.detail else "")
        cure = "Find out who took it away and why; release this to have it recorded again."
        await self._trail.end(Answer(Result.ESCALATED, code="taken_away", message=message, cure=cure))
        return Ended()

    async def _prove(self, writer: OrderWriter, found: Found) -> Next:
        """Ask the ledgers."""
        order, trail = self._frame.order, self._trail
        before = trail.before(found.open if found.standing in UNPOSTED else ())
        reach(f"{self._desk.service}.prove.before")
        try:
            proof = await sound(writer.prove(order, before), Reject)
        except Reject as error:
            # It stands there: a refusal to prove it is never a refusal of the order.
            await trail.end(Answer(Result.ESCALATED, code=error.code, message=error.message, cure=error.cure))
            return Ended()
        reach(f"{self._desk.service}.prove.after")
        waiting = still_waiting(proof)
        if waiting is None:
            await trail.end(applied(order, proof))
            return Ended()
        if waiting.why is Waiting.DECISION:
            await trail.end(Answer(Result.ESCALATED, code="decision", message=waiting.detail))
            return Ended()
        if self._connections.is_over(self._frame.connection):
            message = f"the connection is retired, and this was still awaited: {waiting.detail or waiting.why.value}"
            await trail.end(Answer(Result.ESCALATED, code="retired", message=message, cure=cure_of(waiting)))
            return Ended()
        return Rest(waiting.why, await trail.wait(waiting, found, before))


def _needs_certainty(move: Move) -> bool:
    """Whether a step in doubt must be surely not done for this to follow."""
    return isinstance(move, Take) or (isinstance(move, End) and move.answer.result is Result.FOUND)
