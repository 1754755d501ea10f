"""The runner of orders with Business Central's own writer, against its simulator over sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest

from support.business_central_company import BusinessCentralCompany, company_of
from support.fake_orders import OrderProcess, Site, command, until
from tieout.domain.erp_orders import ReversalOrder
from tieout.domain.erp_outcomes import Standing, Undone, Waiting, payment_differences
from tieout.effects.protocol import Timings
from tieout.effects.resting import Pauses
from tieout.events.effects import StepLogged
from tieout.events.facts import Result
from tieout_conformance.walking import mark, payment, transfer
from tieout_connectors.business_central import drafts
from tieout_devstack.certificates import Authority, authority

TIMES: Final = Timings(write_within=1, http=0.2, settle=0.2, lookup_gap=0.2, retry_cap=0.5, retry_for=10)
PAUSES: Final = Pauses(first=0.1, cap=0.3)
HUNDRED: Final = Decimal(100)


@pytest.fixture(scope="module")
def throw_away(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts but who is given its file."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def company(throw_away: Authority, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BusinessCentralCompany]:
    """A company whose calls are over as soon as they are answered, or nobody could wait for a doubt here."""
    monkeypatch.setattr(drafts, "SETTLE", 0)
    async with company_of(throw_away) as made:
        yield made


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


async def started(site: Site, company: BusinessCentralCompany, burns_at: int = 0) -> OrderProcess:
    """A process that writes to the company, and dies at that commit."""
    process = OrderProcess(site, burns_at, timings=TIMES, pauses=PAUSES, clock=now)
    writer = await company.writer()

    @asynccontextmanager
    async def opened(_connection: str) -> AsyncIterator[Any]:
        yield writer

    process.companies.writer = opened  # type: ignore[assignment,method-assign]
    site.processes.append(process)
    return process


def ask(site: Site, order: Any, **changes: Any) -> Any:
    """A command arrives."""
    message = command(order, issued=now(), **changes)
    site.part.ask(message)
    return message


@pytest.mark.promise("BC4")
@pytest.mark.promise("C6")
@pytest.mark.promise("C13")
async def test_a_payment_is_posted_once_though_an_answer_is_lost_and_its_writer_dies(
    company: BusinessCentralCompany,
) -> None:
    """The first answer is lost and settled, the first process is gone half way: one posting, proved from the ledger."""
    vendor = await company.vendor()
    invoices = [await company.invoice(vendor, HUNDRED) for _ in range(2)]
    before = await company.balance(company.clearing)
    order = payment(company, *((one, HUNDRED) for one in invoices))
    site = Site()
    await company.lose_answer()
    first = await started(site, company, burns_at=9)
    message = ask(site, order)
    assert await first.burnt(seconds=20)
    assert len(site.logged(message.id, StepLogged)) == 2
    await first.kill()
    await started(site, company)
    await site.ended(message, seconds=30)
    end = site.ends(message.id)[0]
    assert end.result is Result.APPLIED
    assert end.payment is not None
    assert payment_differences(order, end.payment) == ()
    assert [await company.open_amount(one) for one in invoices] == [0, 0]
    assert await company.balance(company.clearing) == before - 200
    await site.close()


@pytest.mark.promise("C14")
async def test_a_void_closes_itself_and_a_transfer_is_booked(company: BusinessCentralCompany) -> None:
    """A reversal waits for the person who owes it, told with page and action; a transfer next to it is booked."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    order = payment(company, (invoice, HUNDRED))
    site = Site()
    await started(site, company)
    paid = ask(site, order)
    await site.ended(paid, seconds=30)
    proof = site.ends(paid.id)[0].payment
    assert proof is not None
    void = ReversalOrder(
        mark=mark("void"), payment=order, posted=proof.entries, reversal_date=company.today, posting_date=company.today
    )
    undo, moved = ask(site, void), ask(site, transfer(company, HUNDRED, "moved"))
    await until(lambda: site.results(undo.id) == ["waiting"], seconds=20)
    due = site.part.outcomes(undo.id)[0].waiting
    assert due is not None
    assert (due.why, due.work is not None) == (Waiting.PERSON, True)
    await company.reverse_by_hand(order)
    await site.ended(undo, moved, seconds=30)
    state = site.ends(undo.id)[0].reversal
    assert state is not None
    assert state.state is Undone.REVERSED
    assert site.ends(moved.id)[0].transfer is not None
    assert await company.open_amount(invoice) == HUNDRED
    await site.close()


async def test_a_refused_posting_leaves_nothing_in_the_journal(company: BusinessCentralCompany) -> None:
    """Closed books: our batch goes again, the refusal is told in Business Central's words, the order may come again."""
    invoice = await company.invoice(await company.vendor(), HUNDRED)
    order = payment(company, (invoice, HUNDRED))
    site = Site()
    await started(site, company)
    await company.close_books(company.today)
    message = ask(site, order)
    await site.ended(message, seconds=30)
    end = site.ends(message.id)[0]
    assert (end.result, end.code) == (Result.REJECTED, "Application_DialogException")
    assert await company.lines(order) == []
    assert (await (await company.writer()).find(order)).standing is Standing.ABSENT
    await company.open_books()
    again = ask(site, order, attempt=2)
    await site.ended(again, seconds=30)
    assert site.ends(again.id)[0].result is Result.APPLIED
    assert await company.open_amount(invoice) == 0
    await site.close()
