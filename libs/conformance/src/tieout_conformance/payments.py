"""A payment is recorded once, applied to its invoices, and proved from the ledgers."""

from decimal import Decimal

import pytest

from tieout.domain.capabilities import Ability
from tieout.domain.erp_outcomes import (
    FoundBy,
    NotYet,
    Standing,
    StepEffect,
    Waiting,
    next_step,
    payment_differences,
)
from tieout_conformance.company import Company
from tieout_conformance.walking import Walk, needs, payment, posted, reversal, transfer

THOUSAND = Decimal(1000)


class PaymentBehaviours:
    """Inherit and give ``company``: a company of its own for each test."""

    @pytest.fixture
    async def company(self) -> Company:
        """The simulated company."""
        raise NotImplementedError("give the company as a fixture of this name")

    async def test_a_plan_is_pure_and_posts_at_most_once(self, company: Company) -> None:
        """The same order has the same steps at every attempt; every step can be found again; one of them posts."""
        writer, vendor = await company.writer(), await company.vendor()
        invoices = [await company.invoice(vendor, Decimal(100)) for _ in range(3)]
        order = payment(company, *((one, Decimal(100)) for one in invoices))
        for each in (order, transfer(company, Decimal(100), "t"), reversal(company, order, None)):
            plan = writer.plan(each)
            assert (await company.writer()).plan(each) == plan
            assert len({step.name for step in plan}) == len(plan)
            assert len([step for step in plan if step.effect is StepEffect.POST]) <= 1
            assert all(step.mark and step.call for step in plan)
            assert writer.lane(each) == (await company.writer()).lane(each)

    async def test_nothing_is_there_before_it_was_recorded(self, company: Company) -> None:
        """A look before the first step finds nothing, and notes what is open."""
        invoice = await company.invoice(await company.vendor(), THOUSAND)
        found = await (await company.writer()).find(payment(company, (invoice, THOUSAND)))
        assert (found.standing, found.by, found.done, found.candidates) == (Standing.ABSENT, None, (), ())
        assert [(one.document, one.open) for one in found.open] == [(invoice.document, THOUSAND)]

    async def test_no_proof_before_posting(self, company: Company) -> None:
        """What is recorded and not posted is not proved, whatever the calls have answered, and moves no ledger."""
        await needs(company, Ability.RECORD_PAYMENT)
        invoice = await company.invoice(await company.vendor(), THOUSAND)
        before = await company.balance(company.clearing)
        walk = Walk(await company.writer(), payment(company, (invoice, THOUSAND)))
        if not any(step.effect is StepEffect.PREPARE for step in walk.writer.plan(walk.order)):
            pytest.skip("one call records and posts here")
        await walk.go(until=StepEffect.POST)
        proof = await walk.prove()
        assert isinstance(proof, NotYet)
        allowed = (await company.capabilities()).allows(Ability.POST)
        assert proof.why is (Waiting.STEPS if allowed else Waiting.PERSON)
        assert allowed or proof.work is not None
        assert await company.open_amount(invoice) == THOUSAND
        assert await company.balance(company.clearing) == before

    async def test_a_payment_is_posted_applied_and_proved(self, company: Company) -> None:
        """Payables fall by what was paid, clearing is credited, and the proof shows exactly the order."""
        await needs(company, Ability.RECORD_PAYMENT)
        invoice = await company.invoice(await company.vendor(), THOUSAND)
        before = await company.balance(company.clearing)
        order = payment(company, (invoice, THOUSAND))
        proof = await posted(company, order)
        assert payment_differences(order, proof) == ()
        assert [(one.document, one.amount) for one in proof.applied] == [(invoice.document, THOUSAND)]
        assert await company.open_amount(invoice) == 0
        assert await company.balance(company.clearing) == before - THOUSAND

    async def test_what_was_recorded_is_found_again_by_its_mark(self, company: Company) -> None:
        """A process that knows nothing of the payment finds it, writes nothing, and proves it."""
        await needs(company, Ability.RECORD_PAYMENT)
        invoice = await company.invoice(await company.vendor(), THOUSAND)
        order = payment(company, (invoice, THOUSAND))
        await posted(company, order)
        before = await company.balance(company.clearing)
        again = Walk(await company.writer(), order)
        found = await again.go()
        assert (found.standing, found.by) == (Standing.POSTED, FoundBy.MARK)
        assert not again.performed
        assert await company.balance(company.clearing) == before

    async def test_each_step_is_seen_by_another_process(self, company: Company) -> None:
        """Stopped after any step, a successor sees that step done and goes on with the next one."""
        await needs(company, Ability.RECORD_PAYMENT)
        vendor = await company.vendor()
        invoices = [await company.invoice(vendor, Decimal(100)) for _ in range(2)]
        order = payment(company, *((one, Decimal(100)) for one in invoices))
        plan = [s for s in (await company.writer()).plan(order) if s.effect is not StepEffect.TIDY]
        for step in plan:
            walk = Walk(await company.writer(), order)
            assert next_step(plan, await walk.look()) == step
            await walk.go(steps=1)
            assert walk.performed == {step.name: 1}
        if not (await company.capabilities()).allows(Ability.POST):
            await company.post_by_hand(order)
        await Walk(await company.writer(), order).paid()
        assert [await company.open_amount(one) for one in invoices] == [0, 0]

    async def test_a_partial_payment_leaves_the_rest_open(self, company: Company) -> None:
        """400 of 1,000: 600 stay open; the second payment closes it."""
        await needs(company, Ability.RECORD_PAYMENT)
        invoice = await company.invoice(await company.vendor(), THOUSAND)
        first = payment(company, (invoice, Decimal(400)), name="first")
        proof = await posted(company, first)
        assert payment_differences(first, proof) == ()
        assert proof.applied[0].open_after in (Decimal(600), None)
        assert await company.open_amount(invoice) == 600
        second = payment(company, (invoice, Decimal(600)), name="second")
        assert payment_differences(second, await posted(company, second)) == ()
        assert await company.open_amount(invoice) == 0

    async def test_one_payment_over_several_invoices(self, company: Company) -> None:
        """Three invoices of a vendor, one of them in part: each is applied with its own amount, the sum is the cash."""
        await needs(company, Ability.RECORD_PAYMENT)
        vendor = await company.vendor()
        first, second, third = [await company.invoice(vendor, Decimal(n)) for n in ("100.10", "250", "75.25")]
        before = await company.balance(company.clearing)
        order = payment(company, (first, Decimal("100.10")), (second, Decimal(50)), (third, Decimal("75.25")))
        assert payment_differences(order, await posted(company, order)) == ()
        assert [await company.open_amount(one) for one in (first, second, third)] == [0, 200, 0]
        assert await company.balance(company.clearing) == before - Decimal("225.35")

    async def test_two_payments_of_one_vendor_do_not_touch_each_other(self, company: Company) -> None:
        """The second one is recorded while the first is not posted; each is posted with its own lines."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.POST)
        vendor = await company.vendor()
        one, two = await company.invoice(vendor, Decimal(100)), await company.invoice(vendor, Decimal(200))
        writer = await company.writer()
        first = Walk(writer, payment(company, (one, Decimal(100)), name="one"))
        second = Walk(writer, payment(company, (two, Decimal(200)), name="two"))
        if writer.lane(first.order) == writer.lane(second.order):
            pytest.skip("they share a lane, so one waits for the other")
        await first.go(until=StepEffect.POST)
        await second.paid()
        assert [await company.open_amount(each) for each in (one, two)] == [100, 0]
        await first.paid()
        assert [await company.open_amount(each) for each in (one, two)] == [0, 0]
