"""Where the commands of one partition stand, and the durable steps that change it."""

from collections import deque
from datetime import datetime
from typing import Final

from tieout.effects import metrics
from tieout.effects.log import Append, EffectsLog
from tieout.effects.messages import Answer, Received, Scribe
from tieout.effects.port import Connections
from tieout.effects.protocol import Logged, Restored, Standing
from tieout.events.commands import CommandFrame
from tieout.events.effects import EndLogged, IntentLogged
from tieout.events.envelope import Message, Payload
from tieout.events.facts import Result
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger

log = logger(__name__)

# Ended commands kept in memory per partition to answer repeats at once, a few KiB each. A repeat comes within the
# window of one connection (300) if it comes at all; an older one is looked up like any first sight, which costs a call.
REMEMBERED: Final = 2_000


class Book:
    """Use from the event loop only."""

    def __init__(self, service: str, effects: EffectsLog, scribe: Scribe, connections: Connections) -> None:
        self._service = service
        self._log = effects
        self.scribe = scribe
        self._connections = connections
        self._standings: dict[str, Standing] = {}
        self._uncovered: dict[str, list[int]] = {}
        self._ended: deque[str] = deque()
        self._restored: list[str] = []

    def restore(self, restored: Restored) -> list[tuple[Received, Standing]]:
        """Take over what a predecessor logged; what it left open is returned."""
        self._standings = restored.commands
        self._restored = [identity for identity, standing in restored.commands.items() if standing.end is not None]
        return [
            (Received(identity, standing.key, standing.intent.command), standing)
            for identity, standing in restored.commands.items()
            if standing.intent is not None and standing.end is None
        ]

    def caught_up(self) -> None:
        """All that a predecessor has seen was received again: ended commands may be forgotten as usual."""
        self._log.progress.caught_up()
        restored, self._restored = self._restored, []
        for identity in restored:
            self._remember(identity)

    def arrived(self, offset: int, message: Message[CommandFrame]) -> Received | None:
        """Note an arrival; the order is returned if it has to be carried out. Else ``follow_up`` has to be called."""
        self._log.progress.received(offset, message.id)
        self._uncovered.setdefault(message.id, []).append(offset)
        if message.id in self._standings:
            return None
        self._standings[message.id] = Standing(first=-1, key=message.partitionkey)
        return Received(message.id, message.partitionkey, message.data)

    async def follow_up(self, identity: str, connection: str) -> None:
        """A command came again: answer it as before if it has ended; while it is open its answer is still to come."""
        standing = self._standings.get(identity)
        if standing is None or (standing.end is None and standing.intent is None):
            return
        covers = self._take(identity)
        if not covers:
            return
        facts = () if standing.end is None else (self.scribe.outcome_of(connection, standing.end.outcome),)
        await self._log.append(Append(facts=facts, covers=covers))

    def standing_of(self, order: Received) -> Standing:
        """What the log says of a command that has not ended."""
        return self._standings[order.id]

    async def note(
        self,
        order: Received,
        *messages: Message[Payload],
        point: str,
        kind: str = "",
        facts: tuple[Message[Payload], ...] = (),
        renews: bool = False,
    ) -> None:
        """Commit messages of a command that stays open, in their order, and what is told of it.

        ``point`` and ``kind`` name the crash points; ``renews``: they say all that the log says of the command.
        """
        place = f":{kind}" if kind else ""
        reach(f"{self._service}.{point}.before{place}")
        effects = tuple((order.id, True, message) for message in messages)
        renewed = order.id if renews else ""
        await self._log.append(Append(effects=effects, facts=facts, covers=self._take(order.id), renews=renewed))
        reach(f"{self._service}.{point}.after{place}")
        for message in messages:
            assert isinstance(message.data, Logged)  # noqa: S101 - what the scribe wrote
            self._standings[order.id].take(message.data, message.time)

    def intent_of(self, order: Received) -> IntentLogged:
        """The open intent of a command."""
        intent = self._standings[order.id].intent
        if intent is None:
            raise AssertionError(f"{order.id} has no open intent")
        return intent

    async def intent(self, order: Received, tries: int, deadline: datetime, settled: datetime) -> None:
        """Commit that the call is about to be made."""
        message = self.scribe.intent(order, tries, deadline, settled)
        reach(f"{self._service}.intent.before")
        await self._log.append(Append(effects=((order.id, True, message),), covers=self._take(order.id)))
        reach(f"{self._service}.intent.after")
        assert isinstance(message.data, IntentLogged)  # noqa: S101 - what the scribe wrote
        self._standings[order.id].take(message.data)

    async def doubt(self, order: Received, reason: str) -> None:
        """Commit that the answer was lost, and say so."""
        outcome = self.scribe.outcome(order, Answer(Result.IN_DOUBT, message=reason))
        reach(f"{self._service}.doubt.before")
        doubt = (order.id, True, self.scribe.doubt(order, reason, 0))
        await self._log.append(Append(effects=(doubt,), facts=(outcome,)))
        reach(f"{self._service}.doubt.after")
        log.warning("in doubt", command=order.id, link=order.frame.link, reason=reason)

    async def looked_up(self, order: Received, lookups: int) -> None:
        """Commit that another look-up found nothing."""
        message = self.scribe.doubt(order, "looked up, not there", lookups)
        await self._log.append(Append(effects=((order.id, True, message),)))

    async def end(self, order: Received, answer: Answer) -> None:
        """The end and its outcome, in one transaction. After a parked one the connection counts as sick."""
        frame = order.frame
        parked = answer.result is Result.PARKED
        outcome = self.scribe.outcome(order, answer)
        end = self.scribe.end(order, outcome)
        reach(f"{self._service}.end.before")
        await self._log.append(
            Append(
                effects=((order.id, False, end),),
                facts=(outcome,),
                covers=self._take(order.id),
                pin=sick_pin(frame.connection) if parked else "",
            )
        )
        reach(f"{self._service}.end.after")
        assert isinstance(end.data, EndLogged)  # noqa: S101 - what the scribe wrote
        self._standings[order.id].take(end.data)
        self._remember(order.id)
        _tell(self._service, order, answer)
        if parked:
            self._connections.sicken(frame.connection, order.key, answer.message)
        # A repeat may have come while this was being written.
        await self.follow_up(order.id, frame.connection)

    def _take(self, identity: str) -> tuple[int, ...]:
        return tuple(self._uncovered.pop(identity, ()))

    def _remember(self, ended: str) -> None:
        self._ended.append(ended)
        while len(self._ended) > REMEMBERED:
            oldest = self._ended.popleft()
            if (standing := self._standings.get(oldest)) is not None and standing.end is not None:
                del self._standings[oldest]


def sick_pin(connection: str) -> str:
    """The pin of the parked ends of a connection that are owed a `healed`."""
    return f"sick/{connection}"


def _tell(service: str, order: Received, answer: Answer) -> None:
    frame = order.frame
    metrics.EFFECTS.labels(service, frame.intent.value, answer.result.value).inc()
    log.info(
        "effect",
        result=answer.result.value,
        intent=frame.intent.value,
        connection=frame.connection,
        link=frame.link,
        command=order.id,
        target=answer.target,
        **({"code": answer.code} if answer.code else {}),
    )
