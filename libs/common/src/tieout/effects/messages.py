"""The messages a writer writes: into the effects log, and its outcomes into ``sync.facts``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tieout.domain.erp_outcomes import NotYet, OpenAmount, PostedPayment, PostedTransfer, ReversalState, StepResult
from tieout.events import catalogue
from tieout.events.commands import CommandFrame
from tieout.events.effects import (
    BudgetReserved,
    DoubtLogged,
    EndLogged,
    HealedLogged,
    IntentLogged,
    RefusedLogged,
    StepLogged,
    WaitingLogged,
)
from tieout.events.envelope import Message, Payload
from tieout.events.facts import Candidate, OutcomeFact, Result, SideFact
from tieout.events.identity import digest, outcome_id

# An outcome stays far below the largest message, whatever the outside says: a person reads neither the ninth
# candidate's line nor the thirty-first line of a message, and a message too large to write would stop the partition.
MOST_CANDIDATES: Final = 20
LONGEST_MESSAGE: Final = 2_000


@dataclass(frozen=True)
class Received:
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
    payment: PostedPayment | None = None
    transfer: PostedTransfer | None = None
    reversal: ReversalState | None = None
    waiting: NotYet | None = None


class Scribe:
    """Writes for one service. ``clock`` is UTC."""

    def __init__(self, service: str, clock: Callable[[], datetime]) -> None:
        self._source = f"/{service}"
        self._clock = clock

    def intent(
        self,
        order: Received,
        tries: int,
        deadline: datetime,
        settled: datetime,
        *,
        step: str = "",
        before: tuple[OpenAmount, ...] = (),
    ) -> Message[Payload]:
        """The intent of one call, of the step of that name where there are several."""
        frame = order.frame
        data = IntentLogged(
            command_id=order.id,
            command=frame,
            tries=tries,
            deadline=deadline,
            settled=settled,
            request_hash=frame.content_hash,
            step=step,
            before=before,
        )
        return self._effect(order, data, f"intent.{tries}")

    def doubt(self, order: Received, reason: str, lookups: int, tries: int = 0) -> Message[Payload]:
        """The answer was lost, or another look-up found nothing; ``tries`` of the intent, where several can be lost."""
        data = DoubtLogged(command_id=order.id, reason=reason[:LONGEST_MESSAGE], lookups=lookups)
        return self._effect(order, data, f"doubt.{tries}.{lookups}" if tries else f"doubt.{lookups}")

    def step(self, order: Received, result: StepResult, tries: int) -> Message[Payload]:
        """A step is done."""
        data = StepLogged(command_id=order.id, result=result)
        return self._effect(order, data, f"step.{tries}.{result.step}")

    def waiting(self, order: Received, waiting: NotYet, number: int) -> Message[Payload]:
        """Everything that can be done is done."""
        return self._effect(order, WaitingLogged(command_id=order.id, waiting=waiting), f"waiting.{number}")

    def refused(self, order: Received, code: str, message: str, cure: str) -> Message[Payload]:
        """A step was refused, and what stands is taken back."""
        data = RefusedLogged(command_id=order.id, code=code, message=message[:LONGEST_MESSAGE], cure=cure)
        return self._effect(order, data, "refused")

    def end(self, order: Received, outcome: Message[OutcomeFact]) -> Message[Payload]:
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

    def outcome(self, order: Received, answer: Answer, number: int = 1) -> Message[OutcomeFact]:
        """The outcome of a command, as a fact of its connection; ``number`` tells repeated interim ones apart."""
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
            payment=answer.payment,
            transfer=answer.transfer,
            reversal=answer.reversal,
            waiting=answer.waiting,
        )
        return self.outcome_of(frame.connection, data, number)

    def outcome_of(self, connection: str, data: OutcomeFact, number: int = 1) -> Message[OutcomeFact]:
        """The message of an outcome; a repeat of a stored one has the same id."""
        return Message(
            id=outcome_id(data.command, data.result, number),
            source=self._source,
            type=catalogue.name_of(data),
            subject=data.link,
            time=self._clock(),
            partitionkey=connection,
            data=data,
            causationid=data.command,
            correlationid=data.link,
        )

    def _effect(self, order: Received, data: Payload, step: str) -> Message[Payload]:
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
