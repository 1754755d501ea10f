"""A void: taken back while nobody posted it, reversed where the ERP can, else a person's task that closes itself."""

from decimal import Decimal

import pytest

from tieout.domain.capabilities import Ability
from tieout.domain.erp_outcomes import NotYet, Standing, StepEffect, Undone, Waiting
from tieout_conformance.company import Company
from tieout_conformance.walking import Walk, needs, payment, posted, reversal

HUNDRED = Decimal(100)


class ReversalBehaviours:
    """Inherit and give ``company``: a company of its own for each test."""

    @pytest.fixture
    async def company(self) -> Company:
        """The simulated company."""
        raise NotImplementedError("give the company as a fixture of this name")

    async def test_a_posted_payment_is_reversed(self, company: Company) -> None:
        """Where the ERP reverses over the wire: the invoice is open again, clearing is back, and twice is once."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.REVERSE)
        invoice = await company.invoice(await company.vendor(), HUNDRED)
        before = await company.balance(company.clearing)
        order = payment(company, (invoice, HUNDRED))
        void = reversal(company, order, await posted(company, order))
        state = await Walk(await company.writer(), void).undone()
        assert state.state is Undone.REVERSED
        again = Walk(await company.writer(), void)
        await again.undone()
        assert not again.performed
        assert await company.open_amount(invoice) == HUNDRED
        assert await company.balance(company.clearing) == before
        assert (await (await company.writer()).find(order)).standing is Standing.UNDONE

    async def test_a_reversal_that_a_person_owes_closes_itself(self, company: Company) -> None:
        """Where it does not: nothing is written, page and action are named, and a person's reversal is the proof."""
        await needs(company, Ability.RECORD_PAYMENT)
        if (await company.capabilities()).allows(Ability.REVERSE):
            pytest.skip("this ERP reverses over the wire")
        invoice = await company.invoice(await company.vendor(), HUNDRED)
        before = await company.balance(company.clearing)
        order = payment(company, (invoice, HUNDRED))
        walk = Walk(await company.writer(), reversal(company, order, await posted(company, order)))
        assert walk.writer.plan(walk.order) == ()
        await walk.go()
        due = await walk.prove()
        assert isinstance(due, NotYet)
        assert due.why is Waiting.PERSON
        assert due.work is not None
        assert await company.open_amount(invoice) == 0
        await company.reverse_by_hand(order)
        state = await walk.undone()
        assert state.state is Undone.REVERSED
        assert not walk.performed
        assert await company.open_amount(invoice) == HUNDRED
        assert await company.balance(company.clearing) == before

    async def test_a_reversed_payment_is_never_written_again(self, company: Company) -> None:
        """Its mark is spent: the order stands as undone, and no step follows."""
        await needs(company, Ability.RECORD_PAYMENT)
        invoice = await company.invoice(await company.vendor(), HUNDRED)
        order = payment(company, (invoice, HUNDRED))
        await posted(company, order)
        await company.reverse_by_hand(order)
        before = await company.balance(company.clearing)
        walk = Walk(await company.writer(), order)
        assert (await walk.go()).standing is Standing.UNDONE
        assert not walk.performed
        assert await company.balance(company.clearing) == before

    async def test_what_nobody_posted_is_withdrawn(self, company: Company) -> None:
        """A void before posting takes our lines away and moves no ledger; a person cannot post them any more."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.WITHDRAW)
        vendor = await company.vendor()
        invoices = [await company.invoice(vendor, HUNDRED) for _ in range(2)]
        before = await company.balance(company.clearing)
        order = payment(company, *((one, HUNDRED) for one in invoices))
        recorded = Walk(await company.writer(), order)
        if all(step.effect is not StepEffect.PREPARE for step in recorded.writer.plan(order)):
            pytest.skip("one call records and posts here")
        await recorded.go(until=StepEffect.POST)
        state = await Walk(await company.writer(), reversal(company, order, None)).undone()
        assert state.state is Undone.WITHDRAWN
        found = await (await company.writer()).find(order)
        assert found.standing in (Standing.ABSENT, Standing.UNDONE)
        assert not found.done
        assert [await company.open_amount(one) for one in invoices] == [HUNDRED, HUNDRED]
        assert await company.balance(company.clearing) == before

    async def test_a_withdrawal_stopped_half_way_is_gone_on_with(self, company: Company) -> None:
        """Stopped after its first step, a successor takes the rest away."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.WITHDRAW)
        vendor = await company.vendor()
        invoices = [await company.invoice(vendor, HUNDRED) for _ in range(2)]
        order = payment(company, *((one, HUNDRED) for one in invoices))
        recorded = Walk(await company.writer(), order)
        if all(step.effect is not StepEffect.PREPARE for step in recorded.writer.plan(order)):
            pytest.skip("one call records and posts here")
        await recorded.go(until=StepEffect.POST)
        void = reversal(company, order, None)
        await Walk(await company.writer(), void).go(steps=1)
        assert (await Walk(await company.writer(), void).undone()).state is Undone.WITHDRAWN
        assert not (await (await company.writer()).find(order)).done
