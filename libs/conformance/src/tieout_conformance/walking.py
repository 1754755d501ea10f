"""Carries an order as the services do (find, next step, perform, prove), with its log in memory."""

import time
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

import pytest

from tieout.domain.capabilities import Ability
from tieout.domain.erp_orders import (
    Application,
    ErpOrder,
    FundsTransferOrder,
    PaymentOrder,
    PostingAccount,
    ReversalOrder,
    part_mark,
)
from tieout.domain.erp_outcomes import (
    Found,
    FoundBy,
    NotYet,
    OpenAmount,
    PostedPayment,
    PostedTransfer,
    Proof,
    ReversalState,
    Standing,
    Step,
    StepEffect,
    StepResult,
    next_step,
)
from tieout.domain.errors import InDoubt
from tieout.domain.money import Money
from tieout_conformance.company import Company, Invoice
from tieout_connectors.spi.erp_writer import ErpWriter

# No plan of the five ERPs is longer for the orders of these suites; a walk that goes on has lost its way.
MOST_STEPS: Final = 60
# Seconds a call may be written after its step was chosen.
WRITE_WITHIN: Final = 30.0


def mark(name: str) -> str:
    """A mark, the same for the same name."""
    return part_mark("CONFORMANCE", name)


def payment(
    company: Company,
    *paid: tuple[Invoice, Decimal],
    name: str = "payment",
    posting: date | None = None,
    clearing: PostingAccount | None = None,
) -> PaymentOrder:
    """The order that pays these invoices of one vendor, today unless said."""
    day = posting or company.today
    return PaymentOrder(
        mark=mark(name),
        vendor=paid[0][0].vendor,
        applications=tuple(
            Application(
                document=invoice.document, number=invoice.number, ledger_entry=invoice.ledger_entry, amount=amount
            )
            for invoice, amount in paid
        ),
        cash=Money(amount=sum((amount for _invoice, amount in paid), Decimal(0)), currency=company.currency),
        process_date=day,
        posting_date=day,
        clearing=clearing or company.clearing,
        reference=f"stp-{name}",
        description="Conformance",
    )


def transfer(company: Company, amount: Decimal, name: str) -> FundsTransferOrder:
    """What BILL took from the bank today."""
    return FundsTransferOrder(
        mark=mark(name),
        amount=Money(amount=amount, currency=company.currency),
        process_date=company.today,
        posting_date=company.today,
        clearing=company.clearing,
        bank=company.bank,
        description="Conformance",
    )


def reversal(company: Company, of: PaymentOrder, proof: PostedPayment | None, name: str = "reversal") -> ReversalOrder:
    """Undo a payment, today."""
    day = max(company.today, of.posting_date)
    return ReversalOrder(
        mark=mark(name),
        payment=of,
        posted=() if proof is None else proof.entries,
        reversal_date=day,
        posting_date=day,
        reason="void",
    )


async def needs(company: Company, *abilities: Ability) -> None:
    """Skip where the ERP has said that it lacks one of these; a person does it there."""
    capabilities = await company.capabilities()
    for ability in abilities:
        if not capabilities.allows(ability):
            pytest.skip(f"{capabilities.erp} lacks {ability}: {capabilities.lacking[ability].action}")


@dataclass
class Walk:
    """One order on its way. ``performed`` counts the calls of each step, ``before`` is what the first find saw open."""

    writer: ErpWriter
    order: ErpOrder
    taken: AbstractSet[str] = frozenset()
    before: tuple[OpenAmount, ...] | None = None
    results: dict[str, StepResult] = field(default_factory=dict)
    performed: Counter[str] = field(default_factory=Counter)
    doubts: int = 0

    async def look(self) -> Found:
        """Find it once."""
        found = await self.writer.find(self.order, self.taken)
        if self.before is None:
            self.before = found.open
        self.results.update({each.step: each for each in found.done})
        return found

    async def go(self, *, until: StepEffect | None = None, steps: int = MOST_STEPS) -> Found:
        """Take steps until there is none left, the next one has the effect ``until``, or ``steps`` were taken."""
        plan = self.writer.plan(self.order)
        for _ in range(steps):
            found = await self.look()
            step = next_step(plan, found)
            if step is None or step.effect is until:
                return found
            await self.take(step)
        assert steps < MOST_STEPS, f"no end after {steps} steps: {dict(self.performed)}"
        return await self.look()

    async def take(self, step: Step) -> None:
        """Perform a step. A lost answer is no failure: the next find says what became of it."""
        self.performed[step.name] += 1
        done = [self.results[each.name] for each in self.writer.plan(self.order) if each.name in self.results]
        try:
            result = await self.writer.perform(self.order, step, done, time.monotonic() + WRITE_WITHIN)
        except InDoubt:
            self.doubts += 1
        else:
            assert result.step == step.name
            self.results[step.name] = result

    async def prove(self) -> Proof | NotYet:
        """The proof, measured from the first find."""
        return await self.writer.prove(self.order, self.before or ())

    async def paid(self) -> PostedPayment:
        """Carry a payment to its end: its proof."""
        proof = await self._ended()
        assert isinstance(proof, PostedPayment)
        assert proof.mark == self.order.mark
        return proof

    async def moved(self) -> PostedTransfer:
        """Carry a funds transfer to its end: its proof."""
        proof = await self._ended()
        assert isinstance(proof, PostedTransfer)
        assert proof.mark == self.order.mark
        return proof

    async def undone(self) -> ReversalState:
        """Carry a reversal to its end: its proof."""
        await self.go()
        proof = await self.prove()
        assert isinstance(proof, ReversalState), proof
        assert proof.mark == self.order.mark
        return proof

    async def _ended(self) -> Proof:
        found = await self.go()
        assert (found.standing, found.by) == (Standing.POSTED, FoundBy.MARK), found
        proof = await self.prove()
        assert not isinstance(proof, NotYet), proof
        return proof


async def booked(company: Company, walk: Walk) -> PostedTransfer:
    """Carry a funds transfer to its end, by a person's hand where the ERP does not post over the wire."""
    if not (await company.capabilities()).allows(Ability.POST):
        found = await walk.go()
        if found.standing is Standing.WAITING:
            await company.post_by_hand(walk.order)
    return await walk.moved()


async def posted(company: Company, order: PaymentOrder) -> PostedPayment:
    """Carry a payment to its end, by a person's hand where the ERP does not post over the wire."""
    walk = Walk(await company.writer(), order)
    if (await company.capabilities()).allows(Ability.POST):
        return await walk.paid()
    await walk.go()
    await company.post_by_hand(order)
    return await walk.paid()
