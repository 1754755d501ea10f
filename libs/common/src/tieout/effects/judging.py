"""What follows from one look at an order, as pure functions, so that every case can be seen in one place."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from tieout.domain.erp_orders import ErpOrder, PaymentOrder, ReversalOrder, part_mark
from tieout.domain.erp_outcomes import (
    Found,
    FoundBy,
    NotYet,
    PostedPayment,
    PostedTransfer,
    Proof,
    ReversalState,
    Standing,
    Step,
    StepEffect,
    StepResult,
    Undone,
    Waiting,
    next_step,
)
from tieout.effects.messages import Answer
from tieout.events.facts import Candidate, Result

# Nothing is posted yet: what is open now is what was open before the order.
UNPOSTED: Final = frozenset({Standing.ABSENT, Standing.PARTIAL, Standing.WAITING})


@dataclass(frozen=True)
class Take:
    """Take this step."""

    step: Step


@dataclass(frozen=True)
class Prove:
    """No step is left: ask the ledgers."""


@dataclass(frozen=True)
class Gone:
    """What was recorded is not there any more. Looked at again, since lists may lag; then a person decides."""

    steps: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True)
class End:
    """The command ends, and nothing is written."""

    answer: Answer


Move = Take | Prove | Gone | End


def judge(order: ErpOrder, plan: Sequence[Step], found: Found, known: AbstractSet[str]) -> Move:
    """What to do next. ``known`` are the names of the plan's steps that the log holds as done."""
    if found.standing in (Standing.ALTERED, Standing.SEVERAL):
        return End(_escalated(found, found.standing.value, found.detail or f"it is {found.standing.value} in the ERP"))
    gone = _gone(plan, found, known)
    if gone:
        return Gone(gone, found.detail)
    if found.by is FoundBy.NATURAL_KEY:
        return End(Answer(Result.FOUND, message=found.detail, candidates=_candidates(found)))
    if found.standing is Standing.UNDONE and not isinstance(order, ReversalOrder):
        return End(_escalated(found, "undone", found.detail or "it was posted and is reversed, or was taken back"))
    step = next_step(plan, found)
    return Prove() if step is None else Take(step)


def _gone(plan: Sequence[Step], found: Found, known: AbstractSet[str]) -> tuple[str, ...]:
    """Steps that are known as done and are not seen, where posting or a person's reversal does not explain it."""
    lasting = [step.name for step in plan if step.effect is not StepEffect.TIDY and step.name in known]
    if found.by is FoundBy.NATURAL_KEY:
        return tuple(lasting)
    if found.standing not in (Standing.ABSENT, Standing.PARTIAL):
        return ()
    seen = {each.step for each in found.done}
    return tuple(name for name in lasting if name not in seen)


def _escalated(found: Found, code: str, message: str) -> Answer:
    return Answer(Result.ESCALATED, code=code, message=message, candidates=_candidates(found))


def _candidates(found: Found) -> tuple[Candidate, ...]:
    return tuple(Candidate(id=each, detail=found.detail) for each in found.candidates)


def withdrawal(order: ErpOrder) -> ReversalOrder | None:
    """The order that takes back what stands of a payment that is not posted. Other orders are left, being harmless."""
    if not isinstance(order, PaymentOrder):
        return None
    return ReversalOrder(
        mark=part_mark(order.mark, "refused"),
        payment=order,
        reversal_date=order.process_date,
        posting_date=order.posting_date,
        reason="refused",
    )


def results_of(plan: Sequence[Step], found: Found, logged: dict[str, StepResult]) -> list[StepResult]:
    """What is known of the steps that are done, in the plan's order; handles from the log and from the look."""
    seen = {each.step: each for each in found.done}
    results = []
    for step in plan:
        one, two = seen.get(step.name), logged.get(step.name)
        if one is not None or two is not None:
            handles = {**(one.handles if one else {}), **(two.handles if two else {})}
            results.append(StepResult(step=step.name, handles=handles))
    return results


def still_waiting(proof: Proof | NotYet) -> NotYet | None:
    """Why it is not proved yet, None if it is. A payment undone in part may still be undone whole."""
    if isinstance(proof, ReversalState) and proof.state is Undone.PARTLY:
        return NotYet(
            why=Waiting.PERSON, detail="undone in part: an entry is not reversed, or an invoice not open again"
        )
    return proof if isinstance(proof, NotYet) else None


def applied(order: ErpOrder, proof: Proof | NotYet) -> Answer:
    """The order is booked; the proof travels with the outcome."""
    return Answer(
        Result.APPLIED,
        target=order.mark,
        payment=proof if isinstance(proof, PostedPayment) else None,
        transfer=proof if isinstance(proof, PostedTransfer) else None,
        reversal=proof if isinstance(proof, ReversalState) else None,
    )


def cure_of(waiting: NotYet) -> str:
    """What a person has to do, in one line."""
    return "" if waiting.work is None else f"{waiting.work.page}: {waiting.work.action}"
