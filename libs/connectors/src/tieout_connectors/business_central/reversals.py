"""Payments undone: taken back while nobody has posted them; once posted, a person reverses and the ledger is watched.

API v2.0 has neither *Unapply* nor *Reverse Transaction*. An opposite entry of ours would leave the invoice applied.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tieout.domain.capabilities import Ability, HandWork
from tieout.domain.erp import ZERO
from tieout.domain.erp_orders import EntryRef, ReversalOrder
from tieout.domain.erp_outcomes import (
    Found,
    FoundBy,
    NotYet,
    OpenAmount,
    ReversalState,
    Standing,
    Step,
    StepResult,
    Undone,
    Waiting,
)
from tieout_connectors.business_central import batches, drafts, fitness
from tieout_connectors.business_central.capabilities import DECLARED
from tieout_connectors.business_central.client import Client
from tieout_connectors.business_central.drafts import Recorded
from tieout_connectors.business_central.evidence import Evidence
from tieout_connectors.business_central.payments import Books, books_of, draft_of

_REVERSE: Final = DECLARED.lacking[Ability.REVERSE]


class Reversals:
    """The verbs for reversals."""

    def __init__(self, client: Client, evidence: Evidence) -> None:
        self._client = client
        self._evidence = evidence

    def plan(self, order: ReversalOrder) -> tuple[Step, ...]:
        """See ``ErpWriter.plan``: empty once the payment is posted."""
        return () if order.posted else drafts.plan_to_withdraw(draft_of(order.payment))

    async def perform(self, order: ReversalOrder, step: Step, deadline: float) -> Mapping[str, str]:
        """See ``ErpWriter.perform``."""
        draft = draft_of(order.payment)
        name, *numbers = step.name.split("/")
        if name == drafts.LINE_GONE:
            return await batches.remove_line(self._client, draft, int(numbers[0]), deadline)
        if name == drafts.GONE:
            return await batches.remove(self._client, draft, deadline)
        raise ValueError(f"no step of a reversal: {step.name}")

    async def find(self, order: ReversalOrder) -> Found:
        """See ``ErpWriter.find``. WAITING: a person has to reverse."""
        recorded, books = await self._look(order)
        return self._found(order, recorded, books).model_copy(
            update={"open": fitness.open_of(order.payment, books.invoices)}
        )

    async def _look(self, order: ReversalOrder) -> tuple[Recorded, Books]:
        recorded = await batches.look(self._client, draft_of(order.payment))
        return recorded, await books_of(self._evidence, order.payment)

    def _found(self, order: ReversalOrder, recorded: Recorded, books: Books) -> Found:
        marked = tuple(one.record.id for one in books.paid)
        if books.paid:
            undone = all(one.reversed for one in books.paid)
            standing = Standing.UNDONE if undone else Standing.WAITING
            return Found(standing=standing, by=FoundBy.MARK, candidates=marked, detail=_still(books))
        if order.posted:
            detail = "its entries are not in the vendor ledger any more"
            return Found(standing=Standing.ALTERED, by=FoundBy.MARK, detail=detail)
        return self._withdrawn(order, recorded)

    def _withdrawn(self, order: ReversalOrder, recorded: Recorded) -> Found:
        """How far what was recorded is taken back. Lines of others stay, and with them the batch."""
        draft = draft_of(order.payment)
        if len(recorded.batches) > 1:
            detail = f"{len(recorded.batches)} journal batches bear its mark"
            return Found(standing=Standing.SEVERAL, by=FoundBy.MARK, detail=detail)
        there = {number for number, _line in drafts.made(draft, recorded)}
        done = [
            StepResult(step=f"{drafts.LINE_GONE}/{number}")
            for number in range(1, len(draft.lines) + 1)
            if number not in there
        ]
        lines_are_gone = len(done) == len(draft.lines)
        strange = drafts.strangers(draft, recorded)
        if not recorded.batches:
            done.append(StepResult(step=drafts.GONE))
        is_over = lines_are_gone and (not recorded.batches or bool(strange))
        return Found(
            standing=Standing.UNDONE if is_over else Standing.PARTIAL,
            by=FoundBy.MARK,
            done=tuple(done),
            candidates=tuple(one.id for one in recorded.batches),
            detail="; ".join(f"left in its batch: {drafts.told(one)}" for one in strange),
        )

    async def prove(self, order: ReversalOrder, before: Sequence[OpenAmount]) -> ReversalState | NotYet:
        """See ``ErpWriter.prove``."""
        recorded, books = await self._look(order)
        found = self._found(order, recorded, books)
        if found.standing is Standing.WAITING:
            return NotYet(why=Waiting.PERSON, detail=found.detail, work=_work(books))
        if found.standing is not Standing.UNDONE:
            why = Waiting.STEPS if found.standing is Standing.PARTIAL else Waiting.DECISION
            return NotYet(why=why, detail=found.detail)
        opened = fitness.open_of(order.payment, books.invoices)
        if not books.paid:
            return ReversalState(mark=order.mark, state=Undone.WITHDRAWN, reopened=opened)
        state = Undone.REVERSED if _open_again(order, before, opened) else Undone.PARTLY
        return ReversalState(
            mark=order.mark,
            state=state,
            entries=tuple(EntryRef(ledger="vendor", id=one.record.id) for one in books.undone_by),
            posting_date=max((one.record.posting_date for one in books.undone_by), default=None),
            reopened=opened,
        )


def _open_again(order: ReversalOrder, before: Sequence[OpenAmount], now: Sequence[OpenAmount]) -> bool:
    """Whether each invoice is open again by what was paid; measured from ``before`` if it rose since."""
    earlier = {(one.document, one.instalment): one.open for one in before}
    for application, one in zip(order.payment.applications, now, strict=True):
        was = earlier.get((one.document, one.instalment))
        risen = ZERO if one.open is None else one.open
        if was is not None and risen > was:
            risen -= was
        if risen < application.reduces:
            return False
    return True


def _still(books: Books) -> str:
    left = [one.record.document_number for one in books.paid if not one.reversed]
    return f"posted and not reversed: {', '.join(left)}" if left else ""


def _work(books: Books) -> HandWork:
    left = [one.record.document_number for one in books.paid if not one.reversed]
    numbers = ", ".join(left)
    return HandWork(
        page=_REVERSE.page,
        action=f"Payment {numbers}: Unapply Entries, then Reverse Transaction; the same for each number.",
        until=_REVERSE.until,
    )
