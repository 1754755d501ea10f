"""Funds transfers of Business Central's writer: one entry per mark, clearing against the bank."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest

from support.business_central_company import BusinessCentralCompany, company_of
from tieout.domain.erp_orders import AccountKind, FundsTransferOrder, PostingAccount
from tieout.domain.erp_outcomes import (
    FoundBy,
    NotYet,
    PostedTransfer,
    Standing,
    StepEffect,
    Waiting,
    next_step,
    transfer_differences,
)
from tieout.domain.errors import Executed, Reject
from tieout_conformance.walking import Walk, transfer
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


def changed(order: FundsTransferOrder, **changes: object) -> FundsTransferOrder:
    """The same order but for some of it."""
    return FundsTransferOrder.model_validate(order.model_dump() | changes)


async def test_what_stands_in_the_books(company: BusinessCentralCompany) -> None:
    """One bank entry with the mark, dimensions on both sides, and no batch left."""
    area = {"dimension": "AREA", "value": "WEST"}
    order = changed(transfer(company, HUNDRED, "booked"), dimensions=[area])
    proof = await Walk(await company.writer(), order).moved()
    assert transfer_differences(order, proof) == ()
    books = await company.books()
    (bank,) = [one for one in books["bank_entries"] if one["document_number"] == order.mark]
    assert Decimal(bank["amount"]) == -100
    entries = [one for one in books["entries"] if one["document_number"] == order.mark]
    assert [(one["account"], Decimal(one["amount"]), one["dimensions"]) for one in entries] == [
        ("1110", Decimal(-100), {"AREA": "WEST"}),
        ("2950", Decimal(100), {"AREA": "WEST"}),
    ]
    assert {ref.id for ref in proof.entries} == {str(one["number"]) for one in entries}
    changes = await company.changes()
    assert changes[0] == "POST journals"
    assert changes[-1].startswith("DELETE journals(")


async def test_a_bank_that_is_a_general_ledger_account(company: BusinessCentralCompany) -> None:
    """Companies without the bank module keep their bank as an account."""
    bank = PostingAccount(kind=AccountKind.GENERAL, number="1110")
    order = changed(transfer(company, HUNDRED, "account"), bank=bank.model_dump())
    before = await company.balance(bank)
    proof = await Walk(await company.writer(), order).moved()
    assert transfer_differences(order, proof) == ()
    assert await company.balance(bank) == before - HUNDRED


async def test_another_account_in_the_books_is_told(company: BusinessCentralCompany) -> None:
    """Under our mark, but not the accounts asked for: the proof shows which."""
    order = transfer(company, HUNDRED, "elsewhere")
    await company.site.people("post_direct", debit="6150", credit="2960", amount="100", document=order.mark)
    writer = await company.writer()
    proof = await writer.prove(order, ())
    assert isinstance(proof, PostedTransfer)
    assert (proof.clearing.number, proof.bank.number) == ("6150", "2960")
    assert len(transfer_differences(order, proof)) == 2


async def test_another_transfer_of_ours_is_no_candidate(company: BusinessCentralCompany) -> None:
    """Same bank, day and amount under the next ordinal's mark, also for a caller that excludes nothing."""
    writer = await company.writer()
    await Walk(writer, transfer(company, HUNDRED, "ordinal-0")).moved()
    assert (await writer.find(transfer(company, HUNDRED, "ordinal-1"))).standing is Standing.ABSENT


async def test_a_transfer_that_a_person_took_back_is_undone(company: BusinessCentralCompany) -> None:
    """The opposite entry under our mark: its mark is spent, and no step follows."""
    order = transfer(company, HUNDRED, "undone")
    walk = Walk(await company.writer(), order)
    await walk.moved()
    await company.site.people("post_direct", debit="1110", credit="2950", amount="100", document=order.mark)
    found = await walk.look()
    assert (found.standing, found.by) == (Standing.UNDONE, FoundBy.MARK)
    proof = await walk.prove()
    assert isinstance(proof, NotYet)
    assert proof.why is Waiting.DECISION


async def test_a_transfer_by_hand_is_offered_and_never_continued(company: BusinessCentralCompany) -> None:
    """Somebody booked the bank's line about that day: a candidate, unless it belongs to another link."""
    day = (company.today - timedelta(days=3)).isoformat()
    order = transfer(company, HUNDRED, "hand")
    far = (company.today - timedelta(days=4)).isoformat()
    for document, when, amount in (("FT-1", day, "100"), ("FT-2", far, "100"), ("FT-3", day, "90")):
        await company.site.people(
            "post_direct", debit="2950", credit="1110", amount=amount, document=document, date=when
        )
    writer = await company.writer()
    found = await writer.find(order)
    assert (found.standing, found.by, len(found.candidates)) == (Standing.POSTED, FoundBy.NATURAL_KEY, 1)
    assert "FT-1" in found.detail
    assert next_step(writer.plan(order), found) is None
    for taken in (set(found.candidates), {"FT-1"}):
        assert (await writer.find(order, taken)).standing is Standing.ABSENT


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"bank": {"kind": "bank", "number": "NOSUCH"}}, "unknown_account"),
        ({"clearing": {"kind": "general", "number": "NOSUCH"}}, "unknown_account"),
        ({"bank": {"kind": "bank", "number": "EUROBANK"}}, "currency_differs"),
        (
            {"bank": {"kind": "bank", "number": "EUROBANK"}, "amount": {"amount": "100", "currency": "EUR"}},
            "currency_differs",
        ),
        ({"amount": {"amount": "100", "currency": "EUR"}}, "currency_differs"),
        ({"clearing": {"kind": "bank", "number": "EUROBANK"}}, "bank_clearing"),
    ],
)
async def test_what_cannot_be_proved_is_never_recorded(
    company: BusinessCentralCompany, changes: dict[str, Any], code: str
) -> None:
    """Unknown accounts, foreign banks, a bank as clearing account: refused before anything is changed."""
    order = changed(transfer(company, HUNDRED, "refused"), **changes)
    with pytest.raises(Reject) as caught:
        await Walk(await company.writer(), order).moved()
    assert (caught.value.code, bool(caught.value.cure)) == (code, True)
    assert await company.changes() == []


async def test_a_foreign_transfer_by_hand_cannot_be_proved(company: BusinessCentralCompany) -> None:
    """It is found by its mark; its amount in the bank's currency is nowhere to be read."""
    order = changed(transfer(company, HUNDRED, "euro"), amount={"amount": "100", "currency": "EUR"})
    await company.site.people("post_direct", debit="2950", credit="1120", amount="110", document=order.mark)
    writer = await company.writer()
    assert (await writer.find(order)).standing is Standing.POSTED
    with pytest.raises(Reject) as caught:
        await writer.prove(order, ())
    assert caught.value.code == "not_provable"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"amount": "-90"}, "Amount"),
        ({"account": "EUROBANK"}, "Bank Account EUROBANK"),
        ({"balance_account": "2960"}, "2960"),
        ({"posting_date": "2020-01-31"}, "Posting Date"),
    ],
)
async def test_a_line_that_somebody_changed_is_not_posted(
    company: BusinessCentralCompany, values: dict[str, str], told: str
) -> None:
    """Amount, bank, clearing or date: told by name."""
    order = transfer(company, HUNDRED, "altered")
    walk = Walk(await company.writer(), order)
    await walk.go(until=StepEffect.POST)
    await company.site.people("edit_journal_line", document=order.mark, values=values)
    found = await walk.look()
    assert (found.standing, told in found.detail) == (Standing.ALTERED, True)
    post = next(step for step in walk.writer.plan(order) if step.effect is StepEffect.POST)
    with pytest.raises(Reject) as caught:
        await walk.writer.perform(order, post, (), monotonic() + 10)
    assert caught.value.code == "altered"
    assert await company.balance(company.clearing) == 0


async def test_a_mark_that_is_posted_is_not_recorded_again(company: BusinessCentralCompany) -> None:
    """General document numbers may be used twice: it is our look that keeps a mark from it."""
    order = transfer(company, HUNDRED, "twice")
    walk = Walk(await company.writer(), order)
    await walk.moved()
    before = await company.changes()
    for step in walk.writer.plan(order):
        if step.name in {"batch", "post"}:
            with pytest.raises(Reject) as caught:
                await walk.writer.perform(order, step, (), monotonic() + 10)
            assert caught.value.executed is Executed.YES
    assert await company.changes() == before


async def test_a_job_queue_takes_transfers_too(company: BusinessCentralCompany) -> None:
    """Scheduled: it waits for the ERP, and is booked once."""
    order = transfer(company, HUNDRED, "queued")
    walk = Walk(await company.writer(), order)
    await company.defer_posting(deferred=True)
    assert (await walk.go()).standing is Standing.WAITING
    waiting = await walk.prove()
    assert isinstance(waiting, NotYet)
    assert waiting.work is not None
    assert batch_code(order.mark) in waiting.work.action
    await company.defer_posting(deferred=False)
    await walk.moved()
    assert (walk.performed["post"], await company.balance(company.clearing)) == (1, HUNDRED)


async def test_a_closed_period_is_told(company: BusinessCentralCompany) -> None:
    """Refused with its words; once open, the same transfer is booked."""
    order = transfer(company, HUNDRED, "closed")
    walk = Walk(await company.writer(), order)
    await company.close_books(company.today)
    with pytest.raises(Reject) as caught:
        await walk.go()
    assert "Allow Posting From" in caught.value.cure
    await company.open_books()
    assert transfer_differences(order, await walk.moved()) == ()
