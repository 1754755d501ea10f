"""The durable steps of one order: what the log says of it, and each thing that is added to that."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tieout.domain.erp_outcomes import Found, NotYet, OpenAmount, Step, StepResult
from tieout.domain.errors import RecoveryError
from tieout.effects import metrics
from tieout.effects.desk import Desk
from tieout.effects.messages import Answer, Received
from tieout.effects.protocol import Standing
from tieout.events.effects import RefusedLogged
from tieout.events.envelope import Message, Payload
from tieout.events.facts import Result
from tieout.observability.logging import logger

log = logger(__name__)

# Steps of taking back what stands of a refused order are logged under the same command, with this before their names.
BACK: Final = "back/"


def kind_of(step: str) -> str:
    """A step's name without its numbers, for crash points and metrics, which must have few names."""
    return "/".join(part for part in step.split("/") if not part.isdigit())


class Trail:
    """One order's messages in the effects log. Use from the event loop, by one task."""

    def __init__(self, desk: Desk, order: Received) -> None:
        self._desk = desk
        self._order = order
        self._doubtful = metrics.IN_DOUBT.labels(desk.service)
        self._counted = False

    @property
    def standing(self) -> Standing:
        """What the log says of the order."""
        return self._desk.book.standing_of(self._order)

    @property
    def refused(self) -> RefusedLogged | None:
        """Why it is being taken back, None while it is not."""
        return self.standing.refused

    @property
    def bound(self) -> bool:
        """Whether something of it may stand in the ERP by our hand, so that it cannot be given back any more."""
        now = self.standing
        return now.calling or now.in_doubt or bool(now.steps) or now.waiting is not None or now.refused is not None

    def results(self, prefix: str) -> dict[str, StepResult]:
        """Results of the steps that are done, by name without the prefix; those of another prefix are left out."""
        found = {}
        for name, result in self.standing.steps.items():
            if name.startswith(prefix) and (prefix or not name.startswith(BACK)):
                plain = name.removeprefix(prefix)
                found[plain] = result.model_copy(update={"step": plain})
        return found

    def doubtful(self, prefix: str) -> str:
        """The step in doubt, ``""`` if there is none of that prefix."""
        intent = self.standing.intent
        if intent is None or not self.standing.in_doubt or intent.step.startswith(BACK) is not bool(prefix):
            return ""
        return intent.step.removeprefix(prefix)

    def before(self, otherwise: Sequence[OpenAmount]) -> tuple[OpenAmount, ...]:
        """What was open before the first step: as the first intent has it, or as seen now if there was none."""
        intent = self.standing.intent
        return tuple(otherwise) if intent is None else intent.before

    async def intent(
        self, step: Step, prefix: str, deadline: datetime, before: Sequence[OpenAmount], found: Found
    ) -> None:
        """A call is about to be made. What the look before it saw done becomes known with it."""
        settled = self._desk.timings.settled(deadline, step.settle)
        intent = self._intent(prefix + step.name, deadline, settled, before)
        await self._note("intent", step.name, intent, *self._seen(found, prefix))

    async def done(self, step: Step, result: StepResult, prefix: str) -> None:
        """The step was answered as done."""
        await self._note("step", step.name, self._step(result, prefix))

    async def doubt(self, reason: str) -> None:
        """The answer of the last intent was lost; the outcome frees the order's place."""
        intent = self._desk.book.intent_of(self._order)
        message = self._desk.book.scribe.doubt(self._order, reason, 0, intent.tries)
        outcome = self._desk.book.scribe.outcome(self._order, Answer(Result.IN_DOUBT, message=reason), intent.tries)
        await self._note("doubt", intent.step, message, facts=(outcome,))
        frame = self._order.frame
        log.warning("in doubt", command=self._order.id, link=frame.link, step=kind_of(intent.step), reason=reason)

    async def looked_up(self, lookups: int) -> None:
        """Another look after a lost answer did not see the step done."""
        intent = self._desk.book.intent_of(self._order)
        message = self._desk.book.scribe.doubt(self._order, "looked up, not there", lookups, intent.tries)
        await self._note("lookup", intent.step, message)

    async def refuse(self, error: RecoveryError) -> None:
        """A step was refused for good: from here on what stands is taken back."""
        await self._note(
            "refused", "", self._desk.book.scribe.refused(self._order, error.code, error.message, error.cure)
        )

    async def wait(self, waiting: NotYet, found: Found | None, before: Sequence[OpenAmount]) -> bool:
        """Everything that can be done is done; told again only if it changed, which is returned."""
        standing, now = self.standing, self._desk.clock()
        if standing.waiting == waiting and not standing.in_doubt and not standing.calling:
            return False
        messages: list[Message[Payload]] = []
        if standing.intent is None:
            # Nothing was called, yet the command must be found again after a restart.
            messages.append(self._intent("", now, now, before))
        if found is not None:
            messages += self._seen(found, "")
        answer = Answer(Result.WAITING, message=waiting.detail, waiting=waiting)
        number = standing.next_wait
        messages.append(self._desk.book.scribe.waiting(self._order, waiting, number))
        outcome = self._desk.book.scribe.outcome(self._order, answer, number)
        await self._note("waiting", waiting.why.value, *messages, facts=(outcome,))
        return True

    async def renew(self) -> None:
        """Write everything that stands once more, so that a restart need not read from the order's first message on."""
        standing, now = self.standing, self._desk.clock()
        if standing.intent is None or standing.waiting is None or standing.calling or standing.in_doubt:
            return
        intent = self._intent(standing.intent.step, now, now, standing.intent.before)
        steps = [self._step(result, "") for result in standing.steps.values()]
        waiting = self._desk.book.scribe.waiting(self._order, standing.waiting, standing.next_wait)
        await self._note("renew", "", intent, *steps, waiting, renews=True)

    async def end(self, answer: Answer) -> None:
        """The end and its outcome."""
        await self._desk.book.end(self._order, answer)
        self.count()

    def not_executed(self) -> None:
        """The last intent's call is known to have changed nothing. Not durable: a successor looks, which is safe."""
        self.standing.calling = False

    def count(self, *, over: bool = False) -> None:
        """Keep the number of orders in doubt; ``over`` once this process has nothing to do with it any more."""
        doubtful = not over and self.standing.in_doubt
        if doubtful != self._counted:
            self._doubtful.inc() if doubtful else self._doubtful.dec()
            self._counted = doubtful

    def _intent(
        self, step: str, deadline: datetime, settled: datetime, before: Sequence[OpenAmount]
    ) -> Message[Payload]:
        intent = self.standing.intent
        tries = 1 if intent is None else intent.tries + 1
        return self._desk.book.scribe.intent(
            self._order, tries, deadline, settled, step=step, before=self.before(before) if intent else tuple(before)
        )

    def _step(self, result: StepResult, prefix: str) -> Message[Payload]:
        intent, named = self.standing.intent, result.model_copy(update={"step": prefix + result.step})
        return self._desk.book.scribe.step(self._order, named, 0 if intent is None else intent.tries)

    def _seen(self, found: Found, prefix: str) -> list[Message[Payload]]:
        """What was seen done and is not in the log: known from now on, so that it is missed if somebody deletes it."""
        known = self.results(prefix)
        return [self._step(each, prefix) for each in found.done if each.step not in known]

    async def _note(
        self,
        point: str,
        step: str,
        *messages: Message[Payload],
        facts: tuple[Message[Payload], ...] = (),
        renews: bool = False,
    ) -> None:
        await self._desk.book.note(self._order, *messages, facts=facts, point=point, kind=kind_of(step), renews=renews)
        self.count()
