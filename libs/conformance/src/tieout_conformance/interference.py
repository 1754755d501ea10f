"""Lost answers, and people who post, change and delete: nothing is written twice, and nothing is built on a change."""

from decimal import Decimal

import pytest

from tieout.domain.capabilities import Ability
from tieout.domain.erp_orders import PaymentOrder
from tieout.domain.erp_outcomes import (
    FoundBy,
    NotYet,
    Standing,
    Step,
    StepEffect,
    Waiting,
    next_step,
    payment_differences,
)
from tieout.domain.errors import Reject
from tieout_conformance.company import Company, Invoice
from tieout_conformance.walking import Walk, needs, payment

HUNDRED = Decimal(100)


async def _two_invoices(company: Company, name: str) -> tuple[PaymentOrder, list[Invoice]]:
    vendor = await company.vendor()
    invoices = [await company.invoice(vendor, HUNDRED) for _ in range(2)]
    return payment(company, *((one, HUNDRED) for one in invoices), name=name), invoices


def _posting(walk: Walk) -> Step:
    found = [step for step in walk.writer.plan(walk.order) if step.effect is StepEffect.POST]
    if not found or found == list(walk.writer.plan(walk.order)):
        # Declared by the writer's own plan: an ERP that records and posts in one call has no moment in between.
        pytest.skip("nothing stands between recording and posting over the wire here")
    return found[0]


class InterferenceBehaviours:
    """Inherit and give ``company``: a company of its own for each test."""

    @pytest.fixture
    async def company(self) -> Company:
        """The simulated company. Every connector gives its own, so this one fails where it was forgotten."""
        raise NotImplementedError("give the company as a fixture of this name")

    async def test_a_lost_answer_at_any_step_doubles_nothing(self, company: Company) -> None:
        """The call took effect and its answer was lost: the next find sees the step done; no step is called again."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.POST)
        order, _invoices = await _two_invoices(company, "count")
        for place in range(len((await company.writer()).plan(order))):
            order, invoices = await _two_invoices(company, f"lost-{place}")
            before = await company.balance(company.clearing)
            walk = Walk(await company.writer(), order)
            await walk.go(steps=place)
            if next_step(walk.writer.plan(order), await walk.look()) is None:
                break
            await company.lose_answer()
            assert payment_differences(order, await walk.paid()) == ()
            assert walk.doubts == 1, f"step {place} did not tell that its answer was lost"
            assert max(walk.performed.values()) == 1
            assert [await company.open_amount(one) for one in invoices] == [0, 0]
            assert await company.balance(company.clearing) == before - 200

    async def test_a_lost_request_is_in_doubt_and_seen_not_done(self, company: Company) -> None:
        """Nothing arrived and nobody said so: the step is in doubt, is seen not done, and is taken again once."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.POST)
        order, invoices = await _two_invoices(company, "nothing-arrived")
        walk = Walk(await company.writer(), order)
        await company.lose_request()
        await walk.paid()
        assert walk.doubts == 1
        assert max(walk.performed.values()) == 2
        assert [await company.open_amount(one) for one in invoices] == [0, 0]

    async def test_a_person_who_posts_first_is_seen(self, company: Company) -> None:
        """Somebody posts what we recorded before we do: it is found by our mark, proved, and not posted again."""
        await needs(company, Ability.RECORD_PAYMENT)
        order, invoices = await _two_invoices(company, "person-posts")
        walk = Walk(await company.writer(), order)
        if all(step.effect is not StepEffect.PREPARE for step in walk.writer.plan(order)):
            # As above: there is nothing recorded yet that a person could post first.
            pytest.skip("one call records and posts here")
        await walk.go(until=StepEffect.POST)
        before = await company.balance(company.clearing)
        await company.post_by_hand(order)
        proof = await walk.paid()
        assert payment_differences(order, proof) == ()
        assert not [
            step for step in walk.writer.plan(order) if step.effect is StepEffect.POST and walk.performed[step.name]
        ]
        assert [await company.open_amount(one) for one in invoices] == [0, 0]
        assert await company.balance(company.clearing) == before - 200

    async def test_a_deleted_line_is_noticed_and_the_rest_is_not_posted(self, company: Company) -> None:
        """Somebody deletes one of our lines: its step is no longer seen done, and posting the rest is refused."""
        await needs(company, Ability.RECORD_PAYMENT)
        order, invoices = await _two_invoices(company, "deleted")
        walk = Walk(await company.writer(), order)
        post = _posting(walk)
        whole = await walk.go(until=StepEffect.POST)
        await company.delete_line(order)
        found = await walk.look()
        assert found.standing in (Standing.ALTERED, Standing.PARTIAL, Standing.ABSENT)
        gone = {each.step for each in whole.done} - {each.step for each in found.done}
        assert gone or found.standing is Standing.ALTERED
        with pytest.raises(Reject):
            await walk.take(post)
        assert [await company.open_amount(one) for one in invoices] == [HUNDRED, HUNDRED]

    async def test_a_changed_line_is_noticed_and_not_posted(self, company: Company) -> None:
        """Somebody changes an amount of ours: the order is altered, no step follows, and posting it is refused."""
        await needs(company, Ability.RECORD_PAYMENT)
        order, invoices = await _two_invoices(company, "edited")
        walk = Walk(await company.writer(), order)
        post = _posting(walk)
        await walk.go(until=StepEffect.POST)
        await company.edit_amount(order, Decimal(90))
        found = await walk.look()
        assert (found.standing, found.by) == (Standing.ALTERED, FoundBy.MARK)
        assert found.detail
        assert next_step(walk.writer.plan(order), found) is None
        with pytest.raises(Reject):
            await walk.take(post)
        assert [await company.open_amount(one) for one in invoices] == [HUNDRED, HUNDRED]

    async def test_what_waits_for_the_erp_is_told_and_ends_by_itself(self, company: Company) -> None:
        """The ERP accepts the posting and does it later: until then it waits, no step follows; then it is proved."""
        await needs(company, Ability.RECORD_PAYMENT, Ability.POST)
        if not await company.defer_posting(deferred=True):
            pytest.skip("this ERP posts at once or refuses")
        order, invoices = await _two_invoices(company, "deferred")
        walk = Walk(await company.writer(), order)
        found = await walk.go()
        assert found.standing is Standing.WAITING
        waiting = await walk.prove()
        assert isinstance(waiting, NotYet)
        assert waiting.why is Waiting.ERP
        assert [await company.open_amount(one) for one in invoices] == [HUNDRED, HUNDRED]
        await company.defer_posting(deferred=False)
        assert payment_differences(order, await walk.paid()) == ()
        assert max(walk.performed.values()) == 1

    async def test_what_a_person_has_to_post_is_told_and_ends_by_itself(self, company: Company) -> None:
        """Where nothing posts over the wire, it waits with page and action named, and is proved once somebody did."""
        await needs(company, Ability.RECORD_PAYMENT)
        if (await company.capabilities()).allows(Ability.POST):
            pytest.skip("this ERP posts over the wire")
        order, invoices = await _two_invoices(company, "by-hand")
        walk = Walk(await company.writer(), order)
        assert (await walk.go()).standing is Standing.WAITING
        waiting = await walk.prove()
        assert isinstance(waiting, NotYet)
        assert waiting.why in (Waiting.PERSON, Waiting.APPROVAL)
        assert waiting.work is not None
        await company.post_by_hand(order)
        assert payment_differences(order, await walk.paid()) == ()
        assert [await company.open_amount(one) for one in invoices] == [0, 0]

    async def test_a_payment_by_hand_is_offered_and_never_continued(self, company: Company) -> None:
        """Somebody paid the same invoice by hand: it is a candidate; once it belongs to another link it is none."""
        await needs(company, Ability.RECORD_PAYMENT)
        invoice = await company.invoice(await company.vendor(), HUNDRED)
        await company.pay_by_hand(invoice, HUNDRED)
        writer, order = await company.writer(), payment(company, (invoice, HUNDRED))
        found = await writer.find(order)
        assert found.by is FoundBy.NATURAL_KEY
        assert found.candidates
        assert next_step(writer.plan(order), found) is None
        taken = await writer.find(order, frozenset(found.candidates))
        assert (taken.standing, taken.by) == (Standing.ABSENT, None)
