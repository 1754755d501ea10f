"""How an order stands in the ERP: the steps to it, what was found of it, and the proof from the ledger.

These stand in the effects log, so a takeover goes on from them.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from tieout.domain.capabilities import HandWork
from tieout.domain.erp import ZERO
from tieout.domain.erp_orders import EntryRef, FundsTransferOrder, PaymentOrder, PostingAccount, Settled
from tieout.domain.money import Amount, Money
from tieout.domain.records import Record


class StepEffect(StrEnum):
    """What a step does to the books."""

    PREPARE = "prepare"
    """Nothing: what it leaves can be continued, taken away, or posted by a person."""
    POST = "post"
    """It moves a ledger. There is at most one such step in a plan, so an order is booked whole or not at all."""
    TIDY = "tidy"
    """Takes away what posting left behind."""


class Step(Record):
    """One call of a plan that changes something in the ERP.

    Attributes:
        name: unique in its plan and the same at every attempt, as ``line/3``.
        call: method and path template, for classification, metrics and messages.
        mark: what this step's effect is found by.
        settle: seconds after the call's own time-out during which it may still take effect, unseen.
    """

    name: str = Field(min_length=1)
    call: str
    effect: StepEffect
    mark: str
    settle: int = Field(ge=0)


class StepResult(Record):
    """What is known of a step that is done. ``handles``: ids and numbers the ERP gave, which later steps need."""

    step: str
    handles: Mapping[str, str] = {}


class Standing(StrEnum):
    """How an order stands in the ERP, from all that can be read there."""

    ABSENT = "absent"
    PARTIAL = "partial"
    """Some steps are seen done, nothing is posted: go on with the next."""
    WAITING = "waiting"
    """Recorded whole and as ordered, not posted: for a person, an approval or the ERP's own job."""
    POSTED = "posted"
    ALTERED = "altered"
    """Somebody changed or took away a part of it: a person decides, nothing is written."""
    SEVERAL = "several"
    """More than one thing could be it: a person decides, nothing is written."""
    UNDONE = "undone"
    """It was posted and is reversed, or recorded and taken back by us; never written again under this mark."""


class FoundBy(StrEnum):
    """What an order was recognised by."""

    MARK = "mark"
    NATURAL_KEY = "natural_key"
    """Vendor, amount, date and documents: it may be a person's own; it is offered, never continued."""


class OpenAmount(Record):
    """What a document's ledger entry showed as open; positive for an invoice, negative for a credit."""

    document: str
    instalment: int | None = None
    open: Amount | None


class Found(Record):
    """What a look-up saw.

    Attributes:
        done: the steps whose effect was seen, in the plan's order.
        candidates: ids of what it was recognised in.
        open: of each document the order names, at that moment; the ground that a proof measures from.
        detail: for people, what is different or doubled.
    """

    standing: Standing
    by: FoundBy | None = None
    done: tuple[StepResult, ...] = ()
    candidates: tuple[str, ...] = ()
    open: tuple[OpenAmount, ...] = ()
    detail: str = ""


class Applied(Record):
    """What the ledger shows as settled of one document. ``open_after`` is None where the ERP shows no remainder."""

    settles: Settled = Settled.INVOICE
    document: str
    instalment: int | None = None
    amount: Amount
    discount: Amount = ZERO
    open_after: Amount | None


class PostedPayment(Record):
    """A payment as the ledgers show it, read back and never assumed.

    Attributes:
        entries: in the vendor ledger, the general ledger and the bank ledger.
        document_numbers: under which it was posted; several where each invoice needs its own.
        applied: per document; ``unapplied`` is what of it settles nothing.
        cleared: credited to ``clearing`` in the payment's currency, None where no general ledger entry can be read.
    """

    mark: str
    entries: tuple[EntryRef, ...] = Field(min_length=1)
    document_numbers: tuple[str, ...]
    vendor_number: str
    posting_date: date
    cash: Money
    applied: tuple[Applied, ...]
    unapplied: Amount
    clearing: PostingAccount
    cleared: Amount | None


class PostedTransfer(Record):
    """A funds transfer as the ledgers show it."""

    mark: str
    entries: tuple[EntryRef, ...] = Field(min_length=1)
    document_number: str
    posting_date: date
    amount: Money
    clearing: PostingAccount
    bank: PostingAccount


class Undone(StrEnum):
    """How far a payment is undone."""

    WITHDRAWN = "withdrawn"
    """It was never posted, and is gone."""
    REVERSED = "reversed"
    PARTLY = "partly"
    """Some of its entries are reversed, or a reversed one's invoice is not open again."""


class ReversalState(Record):
    """How far the ledger shows a payment undone, whoever did it; ``reopened`` as measured after it."""

    mark: str
    state: Undone
    entries: tuple[EntryRef, ...] = ()
    posting_date: date | None = None
    reopened: tuple[OpenAmount, ...] = ()


class Waiting(StrEnum):
    """Why there is no proof yet."""

    STEPS = "steps"
    """The plan is not through."""
    PERSON = "person"
    """Somebody has to post, or to reverse, in the ERP."""
    APPROVAL = "approval"
    """The ERP's own approval procedure has caught it."""
    ERP = "erp"
    """The ERP accepted it and has not shown it in the ledger: a job queue, a lagging read."""
    DECISION = "decision"
    """It was altered or doubled."""


class NotYet(Record):
    """The ledger does not show it. ``work`` says what a person has to do, where one has to."""

    why: Waiting
    detail: str = ""
    work: HandWork | None = None


Proof = PostedPayment | PostedTransfer | ReversalState


def next_step(plan: Sequence[Step], found: Found) -> Step | None:
    """The first step not seen done, None if there is none to be taken.

    None too for what only a person can decide, for what waits or is undone, and for a find that is not by the mark.
    """
    if found.standing not in (Standing.ABSENT, Standing.PARTIAL, Standing.POSTED):
        return None
    if found.standing is not Standing.ABSENT and found.by is not FoundBy.MARK:
        return None
    done = {each.step for each in found.done}
    left = [step for step in plan if step.name not in done]
    if found.standing is Standing.POSTED:
        left = [step for step in left if step.effect is StepEffect.TIDY]
    return left[0] if left else None


def payment_differences(order: PaymentOrder, posted: PostedPayment) -> tuple[str, ...]:
    """How the posted payment differs from the ordered one; empty is the proof that it was booked as asked.

    A remainder that cannot be read is no difference: the ERP's capabilities have said so.
    """
    found: list[str] = []
    pairs = (
        ("cash", order.cash, posted.cash),
        ("unapplied", ZERO, posted.unapplied),
        ("posting date", order.posting_date, posted.posting_date),
        ("clearing account", order.clearing, posted.clearing),
        ("vendor", order.vendor.number, posted.vendor_number),
    )
    found += [f"{name}: {want} was asked, {have} is posted" for name, want, have in pairs if want != have]
    if posted.cleared is not None and posted.cleared != order.cash.amount:
        found.append(f"clearing: {order.cash.amount} was asked, {posted.cleared} is posted")
    want = {each.part: (each.amount, each.discount) for each in order.applications}
    have = {_part(each): (each.amount, each.discount) for each in posted.applied}
    found += [
        f"{part}: {_told(want.get(part))} was asked, {_told(have.get(part))} is posted"
        for part in sorted(want.keys() | have.keys())
        if want.get(part) != have.get(part)
    ]
    return tuple(found)


def transfer_differences(order: FundsTransferOrder, posted: PostedTransfer) -> tuple[str, ...]:
    """How the posted transfer differs from the ordered one; empty is the proof."""
    pairs = (
        ("amount", order.amount, posted.amount),
        ("posting date", order.posting_date, posted.posting_date),
        ("clearing account", order.clearing, posted.clearing),
        ("bank", order.bank, posted.bank),
    )
    return tuple(f"{name}: {want} was asked, {have} is posted" for name, want, have in pairs if want != have)


def _part(applied: Applied) -> str:
    return f"{applied.settles}:{applied.document}:{'' if applied.instalment is None else applied.instalment}"


def _told(amounts: tuple[Decimal, Decimal] | None) -> str:
    if amounts is None:
        return "nothing"
    amount, discount = amounts
    return f"{amount} and {discount} discount" if discount else f"{amount}"
