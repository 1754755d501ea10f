"""Payments: what BILL says of each, what the ERP's ledger shows of it, and what a disagreement is called."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from tieout.domain.bill_payments import PaymentStage
from tieout.domain.snapshots import AccountPosting, PaymentSeen
from tieout.tie_out.classes import Class
from tieout.tie_out.inputs import BillLink, Inputs, PartLink, PaymentLink, State

ZERO: Final = Decimal(0)


@dataclass(frozen=True)
class Posted:
    """What an account shows under one document number: all above or at zero. ``credits``: its credits one by one."""

    credit: Decimal = ZERO
    debit: Decimal = ZERO
    credits: tuple[Decimal, ...] = ()
    debits: int = 0

    @property
    def stands(self) -> bool:
        """Whether it was posted and not taken back."""
        return self.credit > self.debit


@dataclass(frozen=True)
class Part:
    """What of a payment goes to one bill: the invoice behind it, if there is one, and what the ledger shows of it.

    ``posted`` is None where the ledger cannot be asked; then the link's word is taken.
    """

    link: PartLink
    invoice: BillLink | None
    posted: Posted | None


@dataclass(frozen=True)
class Paying:
    """A payment from all sides. ``counts``: BILL has taken the money, so that its bills owe less."""

    link: PaymentLink
    counts: bool
    parts: tuple[Part, ...]

    def stands(self, part: Part) -> bool:
        """Whether the ERP's ledger shows this part."""
        if part.posted is None:
            return self.link.state is State.DONE and self.link.reversal is not State.DONE
        return part.posted.stands


def by_document(postings: Iterable[AccountPosting]) -> dict[str, Posted]:
    """An account's entries by document, without regard to case as in every ERP."""
    found: dict[str, Posted] = {}
    for posting in postings:
        key, amount = posting.document_number.upper(), posting.amount
        before = found.get(key, Posted())
        if amount < 0:
            found[key] = replace(before, credit=before.credit - amount, credits=(*before.credits, -amount))
        else:
            found[key] = replace(before, debit=before.debit + amount, debits=before.debits + 1)
    return found


def payings(inputs: Inputs) -> tuple[Paying, ...]:
    """All payments that BILL makes itself, known to Tieout or not; those told to BILL from outside are left out."""
    documents = by_document(inputs.erp.postings) if inputs.scope.clearing else None
    invoices = {link.target: link for link in inputs.links.bills if link.target}
    seen = {payment.id: payment for payment in inputs.bill.payments}
    links = {link.payment: link for link in inputs.links.payments}
    for payment in seen.values():
        if payment.id not in links and payment.online is not False:
            links[payment.id] = _unknown(payment)
    return tuple(
        _paying(link, seen.get(identity), invoices, documents)
        for identity, link in sorted(links.items())
        if identity not in seen or seen[identity].online is not False
    )


def _unknown(payment: PaymentSeen) -> PaymentLink:
    parts = tuple(PartLink(bill=part.bill, amount=part.amount) for part in payment.parts)
    return PaymentLink(link="", payment=payment.id, number=payment.id, stage=payment.stage, parts=parts)


def _paying(
    link: PaymentLink,
    seen: PaymentSeen | None,
    invoices: Mapping[str, BillLink],
    documents: Mapping[str, Posted] | None,
) -> Paying:
    marks = {part.bill: part.mark for part in link.parts}
    shown = link.parts if seen is None else [PartLink(bill=p.bill, amount=p.amount) for p in seen.parts]
    parts = []
    for part in shown:
        marked = part.model_copy(update={"mark": marks.get(part.bill, "")})
        posted = None if documents is None else documents.get(marked.mark.upper(), Posted())
        parts.append(Part(marked, invoices.get(part.bill), posted))
    stage = link.stage if seen is None else seen.stage
    paying = Paying(link.model_copy(update={"stage": stage}), stage.is_posted, tuple(parts))
    if stage is PaymentStage.UNDOING and any(paying.stands(part) for part in parts):
        # A void that is only asked for has given nothing back yet.
        return Paying(paying.link, counts=True, parts=paying.parts)
    return paying


def class_of(paying: Paying, part: Part) -> Class | None:
    """What a part is called that only one side shows; None where both or neither do."""
    stands = paying.stands(part)
    if paying.counts == stands:
        return None
    if stands and paying.link.stage is PaymentStage.UNDONE:
        return Class.REVERSAL_DUE
    if paying.link.moved:
        return Class.IN_FLIGHT
    if stands:
        return Class.POSTED_NOT_PAID_IN_BILL
    if paying.link.state is State.DONE:
        taken_back = part.posted is not None and part.posted.debit > 0
        return Class.REVERSED_IN_ERP if taken_back else Class.PAID_IN_BILL_NOT_POSTED
    return {
        State.UNDERWAY: Class.IN_FLIGHT,
        State.AWAITED: Class.UNPOSTED_JOURNAL,
        State.HELD: Class.HELD,
        State.NONE: Class.PAID_IN_BILL_NOT_POSTED,
    }[paying.link.state]
