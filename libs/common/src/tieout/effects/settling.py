"""In doubt: looked up until it is known, and never repeated blindly."""

import asyncio
from contextlib import suppress

from tieout.domain.errors import Fatal, RecoveryError, Reject
from tieout.effects import metrics
from tieout.effects.budget import vital
from tieout.effects.desk import Desk, sound
from tieout.effects.messages import Answer, Received
from tieout.effects.patience import Patience
from tieout.effects.port import Done, Effect, UnknownEffect
from tieout.events.facts import Candidate, Result
from tieout.observability.crash_points import reach

# Two look-ups that find nothing, apart in time, make an absence.
LOOKUPS = 2


async def settle(desk: Desk, order: Received, effect: Effect | None, lookups: int) -> None:
    """Look a doubt up and end its command. ``lookups`` counts those that found nothing before."""
    gauge = metrics.IN_DOUBT.labels(desk.service)
    gauge.inc()
    try:
        await asyncio.sleep(max(0.0, (desk.book.intent_of(order).settled - desk.clock()).total_seconds()))
        await desk.book.end(order, await _known(desk, order, effect, lookups))
    finally:
        gauge.dec()


async def _known(desk: Desk, order: Received, effect: Effect | None, lookups: int) -> Answer:
    if lookups:
        # The look-up before may have been the last thing the predecessor did.
        await asyncio.sleep(desk.timings.lookup_gap)
    while True:
        found = await _looked_up(desk, order, effect)
        if isinstance(found, Answer):
            return found
        if found:
            return _settled(found)
        lookups += 1
        if lookups >= LOOKUPS:
            return Answer(Result.ABSENT, message="looked up twice, not there")
        await desk.book.looked_up(order, lookups)
        await asyncio.sleep(desk.timings.lookup_gap)


async def _looked_up(desk: Desk, order: Received, effect: Effect | None) -> tuple[Done, ...] | Answer:
    """What is there, as soon as the outside tells; or why that will never be known."""
    connection = order.frame.connection
    patience = Patience(desk.timings)
    while True:
        try:
            effect = await desk.effect(order.frame, effect)
            reach(f"{desk.service}.settle.before:{effect.name}")
            with vital():
                found = await sound(effect.settle(), Reject)
            reach(f"{desk.service}.settle.after:{effect.name}")
        except UnknownEffect:
            return Answer(Result.ESCALATED, code="unknown", message=f"{order.frame.intent} is not known here any more")
        except Reject as error:
            # What cannot be read proves no absence: a person has to look.
            return Answer(Result.ESCALATED, code=error.code, message=str(error), cure=error.cure)
        except RecoveryError as error:
            if await patience.pause(error):
                continue
            if desk.connections.is_over(connection):
                return Answer(Result.ESCALATED, code="retired", message=f"never looked up: {error}")
            if isinstance(error, Fatal):
                desk.connections.sicken(connection, order.key, str(error))
            patience = Patience(desk.timings)
        else:
            return found


async def look_again(desk: Desk, effect: Effect) -> tuple[Candidate, ...]:
    """After a refusal as duplicate: what is said to be there already, which lists may show with a delay."""
    found: tuple[Candidate, ...] = ()
    for _ in range(LOOKUPS):
        with suppress(Fatal, Reject):
            found = await _look_patiently(desk, effect)
        if found:
            break
        await asyncio.sleep(desk.timings.lookup_gap)
    return found


async def _look_patiently(desk: Desk, effect: Effect) -> tuple[Candidate, ...]:
    patience = Patience(desk.timings)
    while True:
        try:
            return await sound(effect.look(), Reject)
        except RecoveryError as error:
            if isinstance(error, Fatal | Reject) or not await patience.pause(error):
                raise Reject(str(error), code=error.code) from error


def _settled(found: tuple[Done, ...]) -> Answer:
    if len(found) == 1:
        return Answer(Result.APPLIED, target=found[0].target, version=found[0].version)
    candidates = tuple(Candidate(id=done.target) for done in found)
    return Answer(Result.ESCALATED, message="several may be the result", candidates=candidates)
