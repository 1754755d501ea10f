"""Payments: one journal batch each, one line per invoice, proved from the vendor ledger and the general ledger."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Final

from tieout.domain.erp_ledger import VendorLedgerEntry
from tieout.domain.erp_orders import PaymentOrder
from tieout.domain.erp_outcomes import (
    Found,
    FoundBy,
    NotYet,
    OpenAmount,
    PostedPayment,
    Standing,
    Step,
    StepResult,
    Waiting,
)
from tieout.domain.errors import Reject
from tieout_connectors.business_central import batches, drafts, fitness
from tieout_connectors.business_central.client import Client, together
from tieout_connectors.business_central.drafts import Draft, Recorded, Wanted
from tieout_connectors.business_central.evidence import Evidence
from tieout_connectors.business_central.proof import posted_payment
from tieout_connectors.business_central.wire import journals as wire
from tieout_connectors.business_central.wire.postings import Entry


def draft_of(order: PaymentOrder) -> Draft:
    """The journal batch of a payment."""
    return Draft(
        journal=drafts.PAYMENTS,
        mark=order.mark,
        balancing=order.clearing.number,
        lines=tuple(_line(order, number) for number in range(1, len(order.applications) + 1)),
    )


def _line(order: PaymentOrder, number: int) -> Wanted:
    application = order.applications[number - 1]
    mark = order.mark_of(application)
    said = {
        wire.VENDOR_NO: order.vendor.number,
        wire.POSTING_DATE: order.posting_date,
        wire.EXTERNAL_NO: external_numbers(order)[number - 1],
        wire.AMOUNT: application.amount,
        wire.APPLIES_TO: (application.document.lower(), application.number),
    }
    comment = " ".join(text for text in ("BILL", order.reference, order.transaction) if text)
    dimensions = {one.dimension: one.value for one in (*order.dimensions, *application.dimensions)}
    return Wanted(
        mark=mark,
        said=said,
        dimensions=tuple(dimensions.items()),
        body=wire.new_payment(mark, said, order.description, comment),
    )


def external_numbers(order: PaymentOrder) -> tuple[str, ...]:
    """The external document number of each line: the mark, with the line's number behind it if there are several.

    Where the setup demands external numbers, the ledger refuses one of them twice for a vendor.
    """
    if len(order.applications) == 1:
        return (order.mark,)
    return tuple(f"{order.mark}/{number}" for number in range(1, len(order.applications) + 1))


@dataclass(frozen=True)
class Books:
    """What the vendor ledger shows of a payment: its entries, what undid them, and the invoices it names."""

    paid: tuple[Entry, ...]
    undone_by: tuple[Entry, ...]
    invoices: tuple[Entry, ...]

    def of(self, order: PaymentOrder, number: int) -> list[Entry]:
        """The entries of one line, counted from 1."""
        mark, external = order.mark_of(order.applications[number - 1]), external_numbers(order)[number - 1]
        return [
            one for one in self.paid if mark == one.record.document_number or external == one.record.external_number
        ]


async def books_of(evidence: Evidence, order: PaymentOrder) -> Books:
    """Read them."""
    marks = [order.mark_of(application) for application in order.applications]
    entries, invoices = await together(
        (
            evidence.payments(marks, external_numbers(order)),
            evidence.invoices(application.number for application in order.applications),
        )
    )
    return Books(
        paid=tuple(one for one in entries if one.paid),
        undone_by=tuple(one for one in entries if one.undoes),
        invoices=tuple(invoices),
    )


class Payments:
    """The verbs for payments."""

    def __init__(self, client: Client, evidence: Evidence) -> None:
        self._client = client
        self._evidence = evidence

    def plan(self, order: PaymentOrder) -> tuple[Step, ...]:
        """See ``ErpWriter.plan``."""
        fitness.check_order(order)
        return drafts.plan(draft_of(order))

    async def perform(
        self, order: PaymentOrder, step: Step, done: Sequence[StepResult], deadline: float
    ) -> Mapping[str, str]:
        """See ``ErpWriter.perform``; what comes back are the handles."""
        ledger = batches.Ledger(partial(self._must_fit, order), partial(self._is_posted, order))
        return await batches.take(self._client, draft_of(order), step, done, ledger, deadline)

    async def _must_fit(self, order: PaymentOrder) -> None:
        books = await books_of(self._evidence, order)
        if books.paid:
            message = f"{books.paid[0].record.document_number} is posted already"
            raise Reject(message, code="posted", duplicate=True)
        fitness.check_ledger(order, books.invoices)

    async def _is_posted(self, order: PaymentOrder) -> bool:
        return bool((await books_of(self._evidence, order)).paid)

    async def find(self, order: PaymentOrder, taken: AbstractSet[str]) -> Found:
        """See ``ErpWriter.find``. What is recorded is read first, so that a posting in between is seen."""
        draft = draft_of(order)
        recorded = await batches.look(self._client, draft)
        books = await books_of(self._evidence, order)
        opened = fitness.open_of(order, books.invoices)
        if books.paid:
            return _posted(order, draft, recorded, books).model_copy(update={"open": opened})
        found = drafts.judge(draft, recorded)
        if found.standing is Standing.ABSENT:
            found = await self._alike(order, books, taken)
        return found.model_copy(update={"open": opened})

    async def _alike(self, order: PaymentOrder, books: Books, taken: AbstractSet[str]) -> Found:
        """Payments by hand that may be this one: same vendor, about the same day, the same sum or the same parts."""
        near = await self._evidence.paid_about(order.vendor.number, order.process_date, order.posting_date)
        # Which payment settled which invoice is not shown. One that is used up settled none of these if they are whole.
        whole = all(_is_whole(order, books, number) for number in range(len(order.applications)))
        free = [
            one.record
            for one in near
            if not one.marked
            and not taken & {one.record.id, one.record.document_number, one.record.external_number}
            and (one.record.is_open or not whole)
        ]
        alike = [one for one in free if -one.amount == order.cash.amount] or _in_parts(order, free)
        if not alike:
            return Found(standing=Standing.ABSENT)
        one_way = len(alike) == 1 or sum(-one.amount for one in alike) == order.cash.amount
        told = ", ".join(f"{one.document_number} of {-one.amount} on {one.posting_date}" for one in alike)
        return Found(
            standing=Standing.POSTED if one_way else Standing.SEVERAL,
            by=FoundBy.NATURAL_KEY,
            candidates=tuple(one.id for one in alike),
            detail=f"posted by somebody for vendor {order.vendor.number}: {told}",
        )

    async def prove(self, order: PaymentOrder, before: Sequence[OpenAmount]) -> PostedPayment | NotYet:
        """See ``ErpWriter.prove``."""
        found = await self.find(order, frozenset())
        if found.by is not FoundBy.MARK or found.standing is not Standing.POSTED:
            return not_yet(draft_of(order), found)
        books = await books_of(self._evidence, order)
        postings = await self._evidence.postings(one.record.document_number for one in books.paid)
        context = await self._evidence.context()
        entries = [books.of(order, number)[0].record for number in range(1, len(order.applications) + 1)]
        return posted_payment(order, entries, books.invoices, postings, before, context.local_currency)


_WHY: Final = {
    Standing.ABSENT: Waiting.STEPS,
    Standing.PARTIAL: Waiting.STEPS,
    Standing.WAITING: Waiting.ERP,
}


def not_yet(draft: Draft, found: Found) -> NotYet:
    """Why there is no proof, from how it stands."""
    why = Waiting.STEPS if found.by is FoundBy.NATURAL_KEY else _WHY.get(found.standing, Waiting.DECISION)
    work = drafts.queue_work(draft) if why is Waiting.ERP else None
    return NotYet(why=why, detail=found.detail, work=work)


def _in_parts(order: PaymentOrder, free: Sequence[VendorLedgerEntry]) -> list[VendorLedgerEntry]:
    """Payments of the amounts of all applications; none if one has no payment of its amount."""
    amounts = Counter(application.amount for application in order.applications)
    alike = [one for one in free if -one.amount in amounts]
    have = Counter(-one.amount for one in alike)
    return alike if all(have[amount] >= times for amount, times in amounts.items()) else []


def _is_whole(order: PaymentOrder, books: Books, number: int) -> bool:
    entry = fitness.entry_of(order, order.applications[number], books.invoices)
    return entry is not None and entry.open == entry.amount


def _posted(order: PaymentOrder, draft: Draft, recorded: Recorded, books: Books) -> Found:
    """How a payment stands of which something is posted."""
    lines = [books.of(order, number) for number in range(1, len(order.applications) + 1)]
    standing, detail = Standing.POSTED, ""
    missing = [line.mark for line, entries in zip(draft.lines, lines, strict=True) if not entries]
    reversed_ = [one.record.document_number for one in books.paid if one.reversed]
    if any(len(entries) > 1 for entries in lines):
        standing, detail = Standing.SEVERAL, "a line of it is posted more than once"
    elif missing:
        standing, detail = Standing.ALTERED, f"posted in part, without {', '.join(missing)}"
    elif len(reversed_) == len(books.paid):
        standing, detail = Standing.UNDONE, f"reversed: {', '.join(reversed_)}"
    elif reversed_:
        standing, detail = Standing.ALTERED, f"reversed in part: {', '.join(reversed_)}"
    return Found(
        standing=standing,
        by=FoundBy.MARK,
        done=steps_done(draft, recorded),
        candidates=tuple(one.record.id for one in books.paid),
        detail=detail,
    )


def steps_done(draft: Draft, recorded: Recorded) -> tuple[StepResult, ...]:
    """The steps of what is posted: all, and tidying up too unless our empty batch is still there."""
    left_over = recorded.batch is not None and not recorded.lines and not recorded.hidden
    return tuple(StepResult(step=step.name) for step in drafts.plan(draft) if step.name != drafts.GONE or not left_over)
