"""Carrying out commands: look, log the intent, call once, log the end. One ``Runner`` per partition.

Nothing here knows BILL or an ERP. The order of durable writes is the whole point: an intent is committed before the
first byte leaves, the end and its outcome are committed together, and whatever happens between the two is found out by
looking, never by calling again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final

from tieout.domain.errors import Executed, Fatal, InDoubt, RecoveryError, Reject, Retry
from tieout.effects.budget import vital
from tieout.effects.lanes import Lanes
from tieout.effects.log import Append, EffectsLog
from tieout.effects.messages import Answer, Order, Scribe
from tieout.effects.patience import Patience
from tieout.effects.port import Connections, Done, Effect, Verdict
from tieout.effects.protocol import EXPIRES, Restored, Standing, Timings
from tieout.events.commands import CommandFrame
from tieout.events.envelope import Message
from tieout.events.facts import Candidate, Result
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger

log = logger(__name__)

# A command decided under settings this process has not seen yet waits so long for them; the topic of connections is
# usually a few milliseconds behind the commands.
SETTINGS_WAIT: Final = 30.0
# Two look-ups that find nothing, apart in time, make an absence.
LOOKUPS: Final = 2

# Ended commands kept in memory to answer repeats at once, about 1 KiB each.
REMEMBERED: Final = 20_000

Covers = tuple[int, ...]


class Runner:
    """The commands of one partition. Use from the event loop only."""

    def __init__(
        self,
        service: str,
        effects: EffectsLog,
        connections: Connections,
        timings: Timings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._service = service
        self._log = effects
        self._connections = connections
        self._timings = timings
        self._clock = clock
        self._lanes = Lanes()
        self._scribe = Scribe(service, clock)
        self._commands: dict[str, Standing] = {}
        self._ended: deque[str] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def resume(self, restored: Restored) -> None:
        """Take up what a predecessor left: every open intent is in doubt and is looked up before anything else."""
        self._commands = restored.commands
        for identity, standing in restored.commands.items():
            if standing.intent is not None and standing.end is None:
                order = Order(identity, standing.key, standing.intent.command)
                self._spawn(self._take_up(order, standing))

    def received(self, offset: int, message: Message[CommandFrame]) -> None:
        """A command arrived at an offset of the input."""
        self._log.progress.received(offset, message.id)
        standing = self._commands.get(message.id)
        if standing is None:
            order = Order(message.id, message.partitionkey, message.data)
            self._commands[message.id] = Standing(first=-1, key=message.partitionkey)
            self._spawn(self._carry_out(order, (offset,)))
        elif standing.end is not None:
            repeat = self._scribe.outcome_of(message.data.connection, standing.end.outcome)
            self._spawn(self._log.append(Append(facts=(repeat,), covers=(offset,))))
        elif standing.intent is not None:
            # Its intent is open: it is being carried out or looked up here, and the answer comes from there.
            self._spawn(self._log.append(Append(covers=(offset,))))

    @property
    def busy(self) -> int:
        """Commands being carried out or waiting for their lane."""
        return len(self._tasks)

    async def drain(self, seconds: float) -> None:
        """Wait for what is under way, at most so long; what remains stays an open intent for the successor."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in list(self._tasks):
            task.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.failure.done():
            self.failure.set_exception(error)

    def _remember(self, ended: str) -> None:
        """Ends are kept to answer repeats; the oldest go, and their repeats are looked up like any first sight."""
        self._ended.append(ended)
        while len(self._ended) > REMEMBERED:
            self._commands.pop(self._ended.popleft(), None)

    # ── a command, from its arrival to its end ──────────────────────────────────────────────────────────────────────

    async def _carry_out(self, order: Order, covers: Covers) -> None:
        if self._clock() - order.frame.issued > EXPIRES:
            await self._end(order, covers, Answer(Result.EXPIRED, message="waited more than seven days"))
            return
        async with self._lanes.lane(_lane(order.frame)):
            refused = await self._refused_admission(order.frame)
            if refused is not None:
                await self._end(order, covers, refused)
                return
            try:
                effect = await self._connections.effect(order.frame)
            except Fatal as error:
                await self._park(order, covers, error)
                return
            except KeyError:
                answer = Answer(Result.REJECTED, code="unknown", message=f"{order.frame.intent} is not known here")
                await self._end(order, covers, answer)
                return
            await self._look_then_call(order, covers, effect)

    async def _refused_admission(self, command: CommandFrame) -> Answer | None:
        """None if the command may go on, else how it ends."""
        limit = time.monotonic() + SETTINGS_WAIT
        while True:
            admission = self._connections.admit(command)
            if admission.verdict is Verdict.PROCEED:
                return None
            if admission.verdict is Verdict.STALE:
                return Answer(Result.STALE, message=admission.reason)
            if admission.verdict is Verdict.PARK or time.monotonic() > limit:
                return Answer(Result.PARKED, message=admission.reason)
            await asyncio.sleep(0.05)

    async def _look_then_call(self, order: Order, covers: Covers, effect: Effect) -> None:
        """Read first; then one intended call, and another only if the one before is known not to have happened."""
        patience = Patience(self._timings)
        looked = False
        tries = 0
        while True:
            try:
                await effect.room()
                if not looked:
                    reach(f"{self._service}.look.before")
                    candidates = await effect.look()
                    reach(f"{self._service}.look.after")
                    if candidates:
                        await self._end(order, covers, Answer(Result.FOUND, candidates=candidates))
                        return
                    looked = True
                tries += 1
                await self._call(order, covers, effect, tries)
            except (Retry, InDoubt) as error:
                # The call did not happen, or it was the look that failed; an intent covers the offset already.
                covers = () if tries else covers
                if not await patience.pause(error):
                    await self._park(order, covers, error)
                    return
            except Fatal as error:
                await self._park(order, () if tries else covers, error)
                return
            except Reject as error:
                await self._end(order, () if tries else covers, await self._refusal(effect, error))
                return
            else:
                return

    async def _call(self, order: Order, covers: Covers, effect: Effect, tries: int) -> None:
        """One intended call. Returns once its end, or its doubt and then its end, is written.

        Raises:
            Retry, Fatal, Reject: the call did not take effect.
        """
        now = self._clock()
        deadline = self._timings.deadline(now)
        intent = self._scribe.intent(order, tries, deadline, self._timings.settled(deadline))
        limit = time.monotonic() + self._timings.write_within
        reach(f"{self._service}.intent.before")
        await self._log.append(Append(effects=((order.id, True, intent),), covers=covers if tries == 1 else ()))
        reach(f"{self._service}.intent.after")
        self._commands[order.id].intent = intent.data  # type: ignore[assignment]  # the scribe wrote an intent
        try:
            reach(f"{self._service}.call.before:{effect.name}")
            done = await effect.perform(limit)
            reach(f"{self._service}.call.after:{effect.name}")
        except InDoubt as error:
            await self._doubt(order, str(error))
            await self._settle(order, effect, 0)
            return
        await self._end(order, (), Answer(Result.APPLIED, target=done.target, version=done.version))

    async def _park(self, order: Order, covers: Covers, error: RecoveryError) -> None:
        self._connections.sicken(order.frame.connection, str(error))
        answer = Answer(Result.PARKED, code=error.code, message=str(error), cure=error.cure)
        await self._end(order, covers, answer)

    async def _refusal(self, effect: Effect, error: Reject) -> Answer:
        """How a refused call ends: a refusal as duplicate means that it is there, so it is looked for and linked."""
        if error.executed is Executed.YES:
            candidates = await self._look_patiently(effect)
            if candidates:
                return Answer(Result.FOUND, candidates=candidates)
        return Answer(Result.REJECTED, code=error.code, message=error.message, cure=error.cure)

    async def _look_patiently(self, effect: Effect) -> tuple[Candidate, ...]:
        patience = Patience(self._timings)
        while True:
            try:
                return await effect.look()
            except (Retry, InDoubt) as error:
                if not await patience.pause(error):
                    return ()
            except (Fatal, Reject):
                return ()

    # ── in doubt ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _take_up(self, order: Order, standing: Standing) -> None:
        async with self._lanes.lane(_lane(order.frame)):
            if not standing.in_doubt:
                await self._doubt(order, "the process that called ended before the answer was written")
            await self._settle(order, await self._effect_patiently(order.frame), standing.lookups)

    async def _effect_patiently(self, command: CommandFrame) -> Effect:
        """The effect, once there are credentials again: an open intent is never given up for want of them."""
        patience = Patience(self._timings)
        while True:
            try:
                return await self._connections.effect(command)
            except Fatal as error:
                self._connections.sicken(command.connection, str(error))
                if not await patience.pause(error):
                    patience = Patience(self._timings)

    async def _doubt(self, order: Order, reason: str) -> None:
        outcome = self._scribe.outcome(order, Answer(Result.IN_DOUBT, message=reason))
        reach(f"{self._service}.doubt.before")
        doubt = (order.id, True, self._scribe.doubt(order, reason, 0))
        await self._log.append(Append(effects=(doubt,), facts=(outcome,)))
        reach(f"{self._service}.doubt.after")
        log.warning("in doubt", command=order.id, link=order.frame.link, reason=reason)

    async def _settle(self, order: Order, effect: Effect, lookups: int) -> None:
        """Look the effect up until it is known; the command stays in doubt as long as that takes."""
        intent = self._commands[order.id].intent
        if intent is None:
            raise AssertionError(f"{order.id} has no intent to settle")
        await asyncio.sleep(max(0.0, (intent.settled - self._clock()).total_seconds()))
        patience = Patience(self._timings)
        while True:
            try:
                reach(f"{self._service}.settle.before:{effect.name}")
                with vital():
                    found = await effect.settle()
                reach(f"{self._service}.settle.after:{effect.name}")
            except RecoveryError as error:
                if isinstance(error, Fatal):
                    self._connections.sicken(order.frame.connection, str(error))
                if not await patience.pause(error):
                    patience = Patience(self._timings)
                continue
            if found:
                await self._end(order, (), _settled(found))
                return
            lookups += 1
            if lookups >= LOOKUPS:
                await self._end(order, (), Answer(Result.ABSENT, message="looked up twice, not there"))
                return
            message = self._scribe.doubt(order, "looked up, not there", lookups)
            await self._log.append(Append(effects=((order.id, True, message),)))
            await asyncio.sleep(self._timings.lookup_gap)

    async def _end(self, order: Order, covers: Covers, answer: Answer) -> None:
        """The end and its outcome, in one transaction."""
        outcome = self._scribe.outcome(order, answer)
        end = self._scribe.end(order, outcome)
        reach(f"{self._service}.end.before")
        await self._log.append(Append(effects=((order.id, False, end),), facts=(outcome,), covers=covers))
        reach(f"{self._service}.end.after")
        self._commands[order.id].end = end.data  # type: ignore[assignment]  # the scribe wrote an end
        self._remember(order.id)
        log.info(
            "effect",
            result=answer.result.value,
            intent=order.frame.intent.value,
            connection=order.frame.connection,
            link=order.frame.link,
            command=order.id,
            target=answer.target,
            **({"code": answer.code} if answer.code else {}),
        )


def _lane(command: CommandFrame) -> str:
    return f"{command.organization}/{command.lane}"


def _settled(found: tuple[Done, ...]) -> Answer:
    if len(found) == 1:
        return Answer(Result.APPLIED, target=found[0].target, version=found[0].version)
    candidates = tuple(Candidate(id=done.target) for done in found)
    return Answer(Result.ESCALATED, message="several may be the result", candidates=candidates)
