"""The messages a writer writes: into the effects log, and its outcomes into ``sync.facts``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tieout.events import catalogue
from tieout.events.commands import CommandFrame
from tieout.events.effects import BudgetReserved, DoubtLogged, EndLogged, HealedLogged, IntentLogged
from tieout.events.envelope import Message, Payload
from tieout.events.facts import Candidate, OutcomeFact, Result, SideFact
from tieout.events.identity import digest, outcome_id

# An outcome stays far below the largest message, whatever the outside says: a person reads neither the ninth
# candidate's line nor the thirty-first line of a message, and a message too large to write would stop the partition.
MOST_CANDIDATES: Final = 20
LONGEST_MESSAGE: Final = 2_000


@dataclass(frozen=True)
class Order:
    """A command as the writer handles it: its id, its partition key and its frame."""

    id: str
    key: str
    frame: CommandFrame


@dataclass(frozen=True)
class Answer:
    """How a command stands, before it is written down."""

    result: Result
    target: str = ""
    version: str = ""
    code: str = ""
    message: str = ""
    cure: str = ""
    candidates: tuple[Candidate, ...] = ()


class Scribe:
    """Writes for one service. ``clock`` is UTC."""

    def __init__(self, service: str, clock: Callable[[], datetime]) -> None:
        self._source = f"/{service}"
        self._clock = clock

    def intent(self, order: Order, tries: int, deadline: datetime, settled: datetime) -> Message[Payload]:
        """The intent of one call."""
        frame = order.frame
        data = IntentLogged(
            command_id=order.id,
            command=frame,
            tries=tries,
            deadline=deadline,
            settled=settled,
            request_hash=frame.content_hash,
        )
        return self._effect(order, data, f"intent.{tries}")

    def doubt(self, order: Order, reason: str, lookups: int) -> Message[Payload]:
        """The answer was lost, or another look-up found nothing."""
        return self._effect(order, DoubtLogged(command_id=order.id, reason=reason, lookups=lookups), f"doubt.{lookups}")

    def end(self, order: Order, outcome: Message[OutcomeFact]) -> Message[Payload]:
        """The effect's end, with its outcome inside."""
        data = EndLogged(command_id=order.id, outcome=outcome.data, connection=order.frame.connection)
        return self._effect(order, data, "end")

    def reserved(self, budget: str, hour: datetime, resource: str, amount: int) -> Message[Payload]:
        """A block of an hour's budget."""
        data = BudgetReserved(hour=hour, resource=resource, amount=amount)
        now = self._clock()
        identity = "e" + digest("reserved", budget, resource, hour.isoformat(), now.isoformat())[:31]
        return Message(identity, self._source, catalogue.name_of(data), f"budget/{budget}", now, budget, data)

    def healed(self, key: str, connection: str, side: str, reason: str) -> tuple[Message[Payload], Message[Payload]]:
        """That a parked side answers again: for the effects log, and as a fact of the connection."""
        now = self._clock()
        note = HealedLogged(connection=connection)
        fact = SideFact(side=side, healed=True, reason=reason)
        identity = digest("healed", connection, now.isoformat())[:31]
        return (
            Message(f"e{identity}", self._source, catalogue.name_of(note), f"side/{connection}", now, key, note),
            Message(f"s{identity}", self._source, catalogue.name_of(fact), side, now, connection, fact),
        )

    def outcome(self, order: Order, answer: Answer) -> Message[OutcomeFact]:
        """The outcome of a command, as a fact of its connection."""
        frame = order.frame
        data = OutcomeFact(
            command=order.id,
            link=frame.link,
            intent=frame.intent,
            attempt=frame.attempt,
            result=answer.result,
            content=frame.content_hash,
            target=answer.target,
            version=answer.version,
            code=answer.code,
            message=answer.message[:LONGEST_MESSAGE],
            cure=answer.cure,
            candidates=answer.candidates[:MOST_CANDIDATES],
        )
        return self.outcome_of(frame.connection, data)

    def outcome_of(self, connection: str, data: OutcomeFact) -> Message[OutcomeFact]:
        """The message of an outcome; a repeat of a stored one has the same id."""
        return Message(
            id=outcome_id(data.command, data.result, 1),
            source=self._source,
            type=catalogue.name_of(data),
            subject=data.link,
            time=self._clock(),
            partitionkey=connection,
            data=data,
            causationid=data.command,
            correlationid=data.link,
        )

    def _effect(self, order: Order, data: Payload, step: str) -> Message[Payload]:
        return Message(
            id="e" + digest("effect", order.id, step)[:31],
            source=self._source,
            type=catalogue.name_of(data),
            subject=order.id,
            time=self._clock(),
            partitionkey=order.key,
            data=data,
            causationid=order.id,
            correlationid=order.frame.link,
        )
