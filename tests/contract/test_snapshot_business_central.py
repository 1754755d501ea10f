"""What a tie-out sees of Business Central, read over a socket from its simulator's books."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from support.business_central_site import Site, opened
from tieout.domain.erp_ledger import AccountRole
from tieout.domain.errors import Reject
from tieout.domain.settings import Side
from tieout.events.requests import SnapshotAsked
from tieout.events.snapshots import Snapshot
from tieout.tie_out.classes import Class
from tieout.tie_out.comparing import compare
from tieout.tie_out.inputs import BillSide, ErpSide, Inputs, Links, Scope
from tieout.tie_out.results import Result, Status
from tieout_devstack.certificates import Authority
from tieout_erp_poller.snapshots import read

LONG_AGO = date(2000, 1, 1)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(params=[3, 1000])
async def site(ca: Authority, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """A company, read by small pages and by large ones."""
    async with opened(ca, page_rows=request.param) as one:
        yield one


async def snapshot(site: Site, **changes: Any) -> Snapshot:
    """What erp-poller would answer."""
    asked: dict[str, Any] = {
        "connection": "acme", "side": Side.ERP, "generation": 1, "since": LONG_AGO, "deadline": NOW,
        "control": ("2110", "2120"), "clearing": "2950",
    }  # fmt: skip
    return await read(site.reader, SnapshotAsked.model_validate(asked | changes))


def compared(found: Snapshot) -> Result:
    """Equations (a) and (c) of it; BILL knows nothing yet."""
    scope = Scope(cutover=None, control=("2110", "2120"), clearing="2950")
    erp = ErpSide(
        currency=found.currency,
        open_entries=tuple(found.entries),
        balances=tuple(found.balances),
        strays=tuple(found.strays),
        postings=tuple(found.postings),
    )
    links, bill = Links(), BillSide()
    return compare(
        Inputs(connection="acme", as_of=NOW.date(), begun=NOW, taken=NOW, scope=scope, erp=erp, bill=bill, links=links)
    )


async def test_the_books_of_a_company_tie_out_with_themselves(site: Site) -> None:
    """Invoices, part payments, credits, cancellations and foreign currencies: subledger and control accounts agree."""
    found = await snapshot(site)
    books = (await site.operator.ledger())["companies"][0]
    there = {str(one["number"]): -Decimal(one["remaining"]) for one in books["vendor_entries"] if one["open"]}
    assert {entry.id: entry.open for entry in found.entries} == there
    accounts = {one["number"]: Decimal(one["balance"]) for one in books["accounts"]}
    balances = {balance.query.role: balance.balance for balance in found.balances if balance.as_of is None}
    assert balances[AccountRole.SUBLEDGER] == accounts["2110"] + accounts["2120"]
    result = compared(found)
    assert result.subledger.status is Status.EQUAL
    assert result.differences == ()


async def test_a_posting_past_the_vendors_is_named_by_its_document(site: Site) -> None:
    """On the control account and on clearing: document and amount, debit positive."""
    await site.people("post_direct", debit="2110", credit="6150", amount="12.34", document="GJ-1", description="Oops")
    await site.people("post_direct", debit="6150", credit="2950", amount="5.00", document="GJ-2")
    result = compared(await snapshot(site))
    assert [(one.kind, one.documents, one.amount) for one in result.differences] == [
        (Class.DIRECT_POSTING_ON_CLEARING, ("GJ-2",), Decimal("-5.00")),
        (Class.DIRECT_POSTING_ON_CONTROL, ("GJ-1",), Decimal("12.34")),
    ]
    assert "Oops" in result.differences[1].text
    assert result.subledger.difference == Decimal("12.34")


async def test_what_came_before_the_cut_over_is_a_sum(site: Site) -> None:
    """Of clearing only what was posted since is read by entry; the rest is its opening balance."""
    yesterday = (NOW - timedelta(days=1)).date()
    old = (yesterday - timedelta(days=400)).isoformat()
    await site.people("post_direct", debit="6150", credit="2950", amount="7.00", document="OLD", date=old)
    found = await snapshot(site, since=yesterday - timedelta(days=300))
    result = compared(found)
    assert "OLD" not in {posting.document_number for posting in found.postings}
    assert (result.clearing.opening, result.clearing.status) == (Decimal("-7.00"), Status.EQUAL)


async def test_an_account_that_is_none_is_refused_with_its_cure(site: Site) -> None:
    """A typing error in the settings is no balance of zero."""
    with pytest.raises(Reject) as caught:
        await snapshot(site, control=("nobody's",))
    assert (caught.value.code, "account" in caught.value.cure) == ("unknown_account", True)


async def test_what_is_not_configured_is_not_read(site: Site) -> None:
    """Open items come all the same."""
    found = await snapshot(site, control=(), clearing="")
    assert (found.balances, list(found.postings), list(found.strays)) == ((), [], [])
    assert found.entries
