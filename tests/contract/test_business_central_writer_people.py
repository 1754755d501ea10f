"""People in our journal batches, job queues and voids: what they do is seen, and nothing is built on it."""

from collections.abc import AsyncIterator
from decimal import Decimal
from time import monotonic

import pytest

from support.business_central_company import BusinessCentralCompany, company_of
from tieout.domain.erp_orders import PaymentOrder
from tieout.domain.erp_outcomes import (
    FoundBy,
    NotYet,
    ReversalState,
    Standing,
    StepEffect,
    Undone,
    Waiting,
    next_step,
    payment_differences,
)
from tieout.domain.errors import Reject, Retry
from tieout_conformance import Invoice
from tieout_conformance.walking import Walk, payment, posted, reversal
from tieout_connectors.business_central.drafts import batch_code
from tieout_devstack.certificates import Authority, authority

HUNDRED = Decimal(100)


@pytest.fixture(scope="module")
def throw_away(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts but who is given its file."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def company(throw_away: Authority) -> AsyncIterator[BusinessCentralCompany]:
    """The default company."""
    async with company_of(throw_away) as made:
        yield made


async def ready(company: BusinessCentralCompany, count: int = 2) -> tuple[Walk, PaymentOrder, list[Invoice]]:
    """A payment of some invoices, recorded up to its posting."""
    vendor = await company.vendor()
    invoices = [await company.invoice(vendor, HUNDRED) for _ in range(count)]
    order = payment(company, *((one, HUNDRED) for one in invoices))
    walk = Walk(await company.writer(), order)
    found = await walk.go(until=StepEffect.POST)
    step = next_step(walk.writer.plan(order), found)
    assert step is not None
    assert step.effect is StepEffect.POST
    return walk, order, invoices


async def refused(company: BusinessCentralCompany, walk: Walk, invoices: list[Invoice]) -> Reject:
    """Posting, called all the same, is refused with ``altered``, and nothing is posted."""
    post = next(step for step in walk.writer.plan(walk.order) if step.effect is StepEffect.POST)
    with pytest.raises(Reject) as caught:
        await walk.writer.perform(walk.order, post, (), monotonic() + 10)
    assert caught.value.code == "altered"
    assert caught.value.cure
    assert [await company.open_amount(one) for one in invoices] == [HUNDRED] * len(invoices)
    return caught.value


@pytest.mark.parametrize("version", [18, 28, 29])
@pytest.mark.parametrize(
    "typed",
    [
        {"account": "10000", "amount": 3},
        {"account": "10000", "amount": 3, "document_number": "HAND"},
        {"account_type": "G/L Account", "account": "6150", "amount": 3},
    ],
)
async def test_a_line_that_somebody_typed_in_our_batch_stops_it(
    company: BusinessCentralCompany, version: int, typed: dict[str, object]
) -> None:
    """Posting takes every line: versions until 28 hide a typed one from the payment journal, all hide other kinds."""
    walk, order, invoices = await ready(company)
    await company.site.switch(version=version)
    await company.site.people("add_journal_line", batch=batch_code(order.mark), values=typed)
    found = await walk.look()
    assert (found.standing, found.by) == (Standing.ALTERED, FoundBy.MARK)
    assert "not ours" in found.detail
    assert next_step(walk.writer.plan(order), found) is None
    proof = await walk.prove()
    assert isinstance(proof, NotYet)
    assert proof.why is Waiting.DECISION
    assert "not ours" in (await refused(company, walk, invoices)).message


async def test_a_copy_of_our_line_as_another_kind_stops_it(company: BusinessCentralCompany) -> None:
    """A line with our document number that the payment journal does not show is not ours."""
    walk, order, invoices = await ready(company, 1)
    values = {"account_type": "G/L Account", "account": "6150", "amount": 3, "document_number": order.mark}
    await company.site.people("add_journal_line", batch=batch_code(order.mark), values=values)
    assert (await walk.look()).standing is Standing.ALTERED
    await refused(company, walk, invoices)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"amount": "99.99"}, "Amount"),
        ({"posting_date": "2020-01-31"}, "Posting Date"),
        ({"external_document_number": "X"}, "External Document No."),
        ({"applies_to_number": "108005"}, "Applies-to Doc. No."),
        ({"account": "20000"}, "Vendor No."),
        ({"document_number": "X"}, "line X of 100"),
        ({"balance_type": "Bank Account", "balance_account": "CHECKING"}, "Bank Account CHECKING"),
    ],
)
async def test_a_field_that_somebody_changed_stops_it(
    company: BusinessCentralCompany, values: dict[str, str], told: str
) -> None:
    """Amount, date, numbers, vendor, invoice or the account it is against: told by name, and not posted."""
    walk, order, invoices = await ready(company)
    document = order.mark_of(order.applications[0])
    await company.site.people("edit_journal_line", document=document, values=values)
    found = await walk.look()
    assert (found.standing, found.by) == (Standing.ALTERED, FoundBy.MARK)
    assert told in found.detail
    await refused(company, walk, invoices)


async def test_a_change_that_cannot_be_read_stops_it_too(company: BusinessCentralCompany) -> None:
    """The line's version tells that somebody wrote to it, although all that the API shows is as ordered."""
    walk, order, invoices = await ready(company)
    document = order.mark_of(order.applications[1])
    await company.site.people("edit_journal_line", document=document, values={"description": "changed by hand"})
    found = await walk.look()
    assert found.standing is Standing.WAITING
    assert next_step(walk.writer.plan(order), found) is None
    waiting = await walk.prove()
    assert isinstance(waiting, NotYet)
    assert waiting.why is Waiting.ERP
    assert waiting.work is not None
    assert batch_code(order.mark) in waiting.work.action
    post = next(step for step in walk.writer.plan(order) if step.effect is StepEffect.POST)
    with pytest.raises(Retry):
        await walk.writer.perform(order, post, (), monotonic() + 10)
    assert [await company.open_amount(one) for one in invoices] == [100, 100]
    await company.post_by_hand(order)
    assert payment_differences(order, await walk.paid()) == ()


@pytest.mark.parametrize("deleted", [0, 1])
async def test_a_line_that_somebody_deleted_is_not_made_again(company: BusinessCentralCompany, deleted: int) -> None:
    """The first or the last: the batch was complete, so it is altered, and no step follows."""
    walk, order, invoices = await ready(company)
    await company.site.people("delete_journal_line", document=order.mark_of(order.applications[deleted]))
    found = await walk.look()
    assert found.standing is Standing.ALTERED
    assert f"line/{deleted + 1}" in found.detail
    assert "not there any more" in (await refused(company, walk, invoices)).message


async def test_a_line_deleted_while_others_are_still_made(company: BusinessCentralCompany) -> None:
    """Lines are made in order: one that is missing before another was taken away."""
    vendor = await company.vendor()
    invoices = [await company.invoice(vendor, HUNDRED) for _ in range(3)]
    order = payment(company, *((one, HUNDRED) for one in invoices))
    walk = Walk(await company.writer(), order)
    await walk.go(steps=3)
    await company.site.people("delete_journal_line", document=order.mark_of(order.applications[0]))
    assert (await walk.look()).standing is Standing.ALTERED


@pytest.mark.parametrize(
    ("values", "standing"),
    [
        ({"code": "RENAMED"}, Standing.PARTIAL),
        ({"display_name": "Our batch"}, Standing.ALTERED),
        ({"balance_account": "2960"}, Standing.ALTERED),
        ({"balance_account": ""}, Standing.ALTERED),
    ],
)
async def test_a_batch_that_somebody_changed(
    company: BusinessCentralCompany, values: dict[str, str], standing: Standing
) -> None:
    """Under another code it is found by its name and posted; with another name or account it is not."""
    walk, order, _invoices = await ready(company)
    await company.site.people("change_batch", key=["PAYMENT", batch_code(order.mark)], values=values)
    assert (await walk.look()).standing is standing
    if standing is Standing.PARTIAL:
        assert payment_differences(order, await walk.paid()) == ()


async def test_two_batches_of_one_mark_are_a_persons_to_judge(company: BusinessCentralCompany) -> None:
    """Somebody copied the batch: nothing is posted, nothing is deleted."""
    walk, order, _invoices = await ready(company)
    values = {"code": "COPY", "template": "PAYMENT", "display_name": order.mark}
    await company.site.people("create_batch", values=values)
    found = await walk.look()
    assert (found.standing, len(found.candidates)) == (Standing.SEVERAL, 2)
    assert next_step(walk.writer.plan(order), found) is None


async def test_a_line_that_was_doubled_is_a_persons_to_judge(company: BusinessCentralCompany) -> None:
    """Two lines of one number: an answer came so late that the line was made again, or somebody copied it."""
    walk, order, invoices = await ready(company, 1)
    values = {
        "account": invoices[0].vendor.number,
        "amount": 100,
        "document_number": order.mark,
        "applies_to_type": "Invoice",
        "applies_to_number": invoices[0].number,
        "external_document_number": order.mark,
    }
    await company.site.people("add_journal_line", batch=batch_code(order.mark), values=values)
    found = await walk.look()
    assert (found.standing, order.mark in found.detail) == (Standing.SEVERAL, True)


async def test_a_job_queue_that_fails_waits_for_a_person(company: BusinessCentralCompany) -> None:
    """204 only said *scheduled*, and the job fails later: it waits, is not posted again, and says where to look."""
    walk, order, invoices = await ready(company)
    await company.defer_posting(deferred=True)
    await walk.go()
    await company.close_books(company.today)
    await company.site.operator.advance(31)
    found = await walk.go()
    assert found.standing is Standing.WAITING
    waiting = await walk.prove()
    assert isinstance(waiting, NotYet)
    assert waiting.work is not None
    assert "Job Queue" in waiting.work.page
    assert walk.performed["post"] == 1
    assert [await company.open_amount(one) for one in invoices] == [100, 100]
    await company.open_books()
    await company.site.switch(post_with_job_queue=False)
    await company.post_by_hand(order)
    assert payment_differences(order, await walk.paid()) == ()


async def test_the_empty_line_that_posting_leaves_is_no_line(company: BusinessCentralCompany) -> None:
    """It is hidden until version 28 and shown from 29 on; either way the batch counts as empty and is taken away."""
    for version in (28, 29):
        await company.site.switch(version=version)
        invoice = await company.invoice(await company.vendor(), HUNDRED)
        order = payment(company, (invoice, HUNDRED), name=f"ghost-{version}")
        walk = Walk(await company.writer(), order)
        await walk.go(until=StepEffect.POST)
        await company.post_by_hand(order)
        found = await walk.look()
        assert (found.standing, {each.step for each in found.done} & {"batch-gone"}) == (Standing.POSTED, set())
        await walk.paid()
        assert walk.performed == {"batch": 1, "line/1": 1, "complete": 1, "batch-gone": 1}
        assert (await walk.look()).done[-1].step == "batch-gone"


async def test_a_batch_that_somebody_uses_now_stays(company: BusinessCentralCompany) -> None:
    """Lines typed after our posting are not deleted with the batch; the payment is proved without tidying up."""
    walk, order, _invoices = await ready(company)
    await company.post_by_hand(order)
    values = {"account": "10000", "amount": 3, "document_number": "HAND"}
    await company.site.people("add_journal_line", batch=batch_code(order.mark), values=values)
    assert payment_differences(order, await walk.paid()) == ()
    assert walk.performed["batch-gone"] == 0
    gone = walk.writer.plan(order)[-1]
    with pytest.raises(Reject) as caught:
        await walk.writer.perform(order, gone, (), monotonic() + 10)
    assert "HAND" in caught.value.message


async def test_nothing_is_tidied_before_it_is_posted(company: BusinessCentralCompany) -> None:
    """The last step called too early deletes nothing."""
    walk, order, _invoices = await ready(company)
    with pytest.raises(Reject) as caught:
        await walk.writer.perform(order, walk.writer.plan(order)[-1], (), monotonic() + 10)
    assert caught.value.code == "not_posted"
    assert len(await company.lines(order)) == 2


async def test_posted_in_part_by_somebody_is_a_persons_to_judge(company: BusinessCentralCompany) -> None:
    """Somebody takes one line out, posts the rest: altered, and the missing one is named."""
    walk, order, _invoices = await ready(company)
    await company.delete_line(order)
    await company.post_by_hand(order)
    found = await walk.look()
    assert (found.standing, found.by) == (Standing.ALTERED, FoundBy.MARK)
    assert order.mark_of(order.applications[0]) in found.detail


# Voids


async def test_a_void_that_is_reversed_in_part_goes_on_waiting(company: BusinessCentralCompany) -> None:
    """One of two entries is reversed: the other one is named, until it is reversed as well."""
    walk, order, invoices = await ready(company)
    proof = await walk.paid()
    void = Walk(walk.writer, reversal(company, order, proof))
    await void.go()
    first, second = (order.mark_of(one) for one in order.applications)
    await company.site.people("reverse", document=first)
    assert (await walk.look()).standing is Standing.ALTERED
    waiting = await void.prove()
    assert isinstance(waiting, NotYet)
    assert waiting.work is not None
    assert (second in waiting.work.action, first in waiting.work.action) == (True, False)
    assert waiting.work.page == "Vendor Ledger Entries"
    await company.site.people("reverse", document=second)
    state = await void.undone()
    assert (state.state, len(state.entries), state.posting_date) == (Undone.REVERSED, 2, company.today)
    assert [await company.open_amount(one) for one in invoices] == [100, 100]


async def test_a_void_whose_invoice_is_paid_again_is_told_as_partly(company: BusinessCentralCompany) -> None:
    """Reversed, and the invoice is closed by another payment: not open again."""
    walk, order, invoices = await ready(company, 1)
    void = Walk(walk.writer, reversal(company, order, await walk.paid()))
    await void.go()
    await company.reverse_by_hand(order)
    await company.pay_by_hand(invoices[0], HUNDRED)
    state = await void.prove()
    assert isinstance(state, ReversalState)
    assert state.state is Undone.PARTLY


async def test_a_void_of_a_partial_payment_that_is_half_used_up_again(company: BusinessCentralCompany) -> None:
    """Reversed, and 300 of the 400 are paid by hand: 100 more are open than before, which is not all of it."""
    invoice = await company.invoice(await company.vendor(), Decimal(1000))
    order = payment(company, (invoice, Decimal(400)))
    void = Walk(await company.writer(), reversal(company, order, await posted(company, order)))
    await void.go()
    await company.reverse_by_hand(order)
    await company.pay_by_hand(invoice, Decimal(300))
    state = await void.prove()
    assert isinstance(state, ReversalState)
    assert state.state is Undone.PARTLY


async def test_a_void_of_a_partial_payment_is_measured(company: BusinessCentralCompany) -> None:
    """400 of 1,000 are undone: 1,000 are open again, from 600; so too for a process that knows nothing of before."""
    invoice = await company.invoice(await company.vendor(), Decimal(1000))
    order = payment(company, (invoice, Decimal(400)))
    void = Walk(await company.writer(), reversal(company, order, await posted(company, order)))
    await void.go()
    assert void.before is not None
    assert void.before[0].open == 600
    await company.reverse_by_hand(order)
    assert (await void.undone()).state is Undone.REVERSED
    late = await void.writer.prove(void.order, ())
    assert isinstance(late, ReversalState)
    assert late.state is Undone.REVERSED


async def test_a_void_of_what_somebody_posted_meanwhile_withdraws_nothing(company: BusinessCentralCompany) -> None:
    """Ordered as never posted; by then a person posted it: no step is taken, and a person has to reverse."""
    walk, order, _invoices = await ready(company)
    await company.post_by_hand(order)
    void = Walk(walk.writer, reversal(company, order, None))
    found = await void.go()
    assert (found.standing, dict(void.performed)) == (Standing.WAITING, {})
    waiting = await void.prove()
    assert isinstance(waiting, NotYet)
    assert waiting.why is Waiting.PERSON
    await company.reverse_by_hand(order)
    assert (await void.undone()).state is Undone.REVERSED


@pytest.mark.parametrize("suggested", [True, False])
async def test_a_withdrawal_leaves_the_lines_of_others(
    company: BusinessCentralCompany,
    suggested: bool,  # noqa: FBT001 - a case
) -> None:
    """Our lines are deleted; somebody's stays, also under a number of ours that was suggested, with the batch."""
    walk, order, _invoices = await ready(company)
    number = order.mark_of(order.applications[1]) if suggested else "HAND"
    values = {"account": "10000", "amount": 3, "document_number": number}
    await company.site.people("add_journal_line", batch=batch_code(order.mark), values=values)
    void = Walk(walk.writer, reversal(company, order, None))
    state = await void.undone()
    assert state.state is Undone.WITHDRAWN
    assert void.performed == {"line-gone/1": 1, "line-gone/2": 1}
    assert number in (await void.look()).detail
    left = [one for one in (await company.books())["journal_lines"] if one["account"]]
    assert [(one["document_number"], one["account"]) for one in left] == [(number, "10000")]


async def test_entries_that_vanished_are_no_withdrawal(company: BusinessCentralCompany) -> None:
    """The company was restored from a backup: what was posted is not there, which only a person can explain."""
    walk, order, _invoices = await ready(company, 1)
    await company.site.people("backup")
    proof = await walk.paid()
    await company.site.people("restore")
    void = Walk(walk.writer, reversal(company, order, proof))
    assert (await void.look()).standing is Standing.ALTERED
    waiting = await void.prove()
    assert isinstance(waiting, NotYet)
    assert waiting.why is Waiting.DECISION
