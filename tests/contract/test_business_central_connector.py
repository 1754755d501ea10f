"""The Business Central connector against its simulator and Entra's, over sockets: checks, polls, and what breaks."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from support.business_central_site import COMPANY, Site, opened
from tieout.domain.erp import Vendor
from tieout.domain.erp_ledger import PeriodState
from tieout.domain.errors import Fatal, Retry
from tieout.domain.records import Kind
from tieout_connectors.business_central import BusinessCentralReader
from tieout_connectors.spi.erp import CheckStatus, ErpSource
from tieout_devstack.certificates import Authority, authority

STAMPED = [Kind.VENDOR, Kind.ACCOUNT, Kind.DIMENSION, Kind.DIMENSION_VALUE, Kind.PURCHASE_INVOICE]


@pytest.fixture(scope="module")
def throw_away(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts but who is given its file."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def site(throw_away: Authority) -> AsyncIterator[Site]:
    """The default company."""
    async with opened(throw_away) as made:
        yield made


def test_it_is_a_whole_source() -> None:
    """The services may use every verb of the protocol."""
    source: type[ErpSource] = BusinessCentralReader
    assert source is BusinessCentralReader


@pytest.mark.promise("C12")
async def test_a_right_connection_passes_every_check(site: Site) -> None:
    """Sign-in, company, currency, each set, the ledger page and posting dates are asked of the real system."""
    lines = await site.reader.check()
    assert {line.status for line in lines} == {CheckStatus.OK}
    assert [line.name for line in lines][:3] == ["sign-in", "company", "local currency"]
    vendors = next(line for line in lines if line.name == "vendors")
    books = (await site.operator.ledger())["companies"][0]
    assert vendors.detail.startswith(f"{len(books['vendors'])} ")


async def test_a_check_says_how_to_publish_the_ledger_page(site: Site) -> None:
    """Without it no invoice is sent, so the way to it is spelled out."""
    await site.switch(ledger_page_published=False)
    failed = [line for line in await site.reader.check() if line.status is CheckStatus.FAILED]
    assert [line.name for line in failed] == ["vendor ledger page"]
    assert "object id 29" in failed[0].cure
    assert "VendorLedgerEntries" in failed[0].cure


@pytest.mark.parametrize(
    ("change", "name", "cure"),
    [
        ({"secret": "wrong"}, "sign-in", "secret"),
        ({"company": "CRONUS Ltd."}, "company", COMPANY),
        ({"environment": "nowhere"}, "company", "environment"),
    ],
)
async def test_a_check_ends_at_what_makes_the_rest_pointless(
    throw_away: Authority, change: dict[str, str], name: str, cure: str
) -> None:
    """One failure with its cure, not ten that follow from it."""
    async with opened(throw_away, **change) as site:
        lines = await site.reader.check()
    assert (lines[-1].name, lines[-1].status) == (name, CheckStatus.FAILED)
    assert all(line.status is CheckStatus.OK for line in lines[:-1])
    assert cure in lines[-1].cure


async def test_a_check_names_a_missing_permission(site: Site) -> None:
    """The set that cannot be read fails alone, with what to give."""
    await site.switch(denied_tables=["Vendor"])
    failed = [line for line in await site.reader.check() if line.status is CheckStatus.FAILED]
    assert "vendors" in [line.name for line in failed]
    assert all("permission" in line.cure for line in failed)


async def test_a_check_warns_of_closed_posting_dates(site: Site) -> None:
    """Payments dated today would be held."""
    await site.people("setup", values={"allow_posting_from": "2020-01-01", "allow_posting_to": "2020-01-31"})
    line = next(one for one in await site.reader.check() if one.name == "posting dates")
    assert line.status is CheckStatus.WARNING
    assert "2020-01-31" in line.detail


@pytest.mark.promise("BC1")
async def test_a_company_may_be_named_by_its_id(throw_away: Authority) -> None:
    """An id stays when the company is renamed."""
    async with opened(throw_away) as first:
        company = (await first.reader.context()).company
    async with opened(throw_away, company=company.upper()) as site:
        assert (await site.reader.context()).company == company
        assert await site.entries()


@pytest.mark.parametrize("kind", STAMPED)
@pytest.mark.parametrize("page", [1, 4])
@pytest.mark.promise("BC2")
async def test_everything_comes_once_and_then_nothing(throw_away: Authority, kind: Kind, page: int) -> None:
    """All rows share a stamp or two here, and pages are small: none is lost, none comes twice, none comes again."""
    async with opened(throw_away) as whole:
        expected = sorted(row.key for one in await whole.pages(kind) for row in one.rows)
    async with opened(throw_away, page_rows=page) as site:
        pages = await site.pages(kind)
        keys = [row.key for one in pages for row in one.rows]
        assert sorted(keys) == expected
        assert len(keys) >= 3
        assert pages[-1].whole
        assert [row.key for one in await site.pages(kind) for row in one.rows] == []


@pytest.mark.promise("BC2")
async def test_a_change_comes_once(site: Site) -> None:
    """A rename reaches the next poll and no other."""
    await site.poll(Kind.VENDOR)
    await site.people("change_vendor", number="10000", values={"display_name": "Fabrikam International"})
    changed = await site.poll(Kind.VENDOR)
    assert [one.name for one in changed.values() if isinstance(one, Vendor)] == ["Fabrikam International"]
    assert await site.poll(Kind.VENDOR) == {}


@pytest.mark.promise("BC2")
async def test_a_row_committed_later_than_stamped_is_seen(site: Site) -> None:
    """A posting of eight minutes appears behind rows that were read meanwhile."""
    await site.people("create_vendor", vendor={"number": "V1", "display_name": "Before"})
    await site.poll(Kind.VENDOR)
    await site.switch(commit_lag_seconds=480)
    await site.people("create_vendor", vendor={"number": "V2", "display_name": "Long in the making"})
    found = await site.poll(Kind.VENDOR)
    assert [one.number for one in found.values() if isinstance(one, Vendor)] == ["V2"]


async def test_a_change_that_keeps_its_stamp_is_seen(site: Site) -> None:
    """One server was seen to change a record and its ETag and not its time."""
    made = await site.people("create_vendor", vendor={"number": "V1", "display_name": "Before"})
    await site.poll(Kind.VENDOR)
    await site.switch(patch_keeps_stamp=True)
    assert await site.call("PATCH", f"vendors({made['id']})", {"displayName": "After"}) == 200
    found = await site.poll(Kind.VENDOR)
    assert [one.name for one in found.values() if isinstance(one, Vendor)] == ["After"]


async def test_a_tool_that_touches_everything_loses_nothing(throw_away: Authority) -> None:
    """All rows get one stamp, more than fit a page."""
    async with opened(throw_away, page_rows=2) as site:
        await site.poll(Kind.VENDOR)
        numbers = [one["number"] for one in (await site.operator.ledger())["companies"][0]["vendors"]]
        await site.people("bulk_touch", vendors=numbers)
        assert len(await site.poll(Kind.VENDOR)) == len(numbers)
        assert await site.poll(Kind.VENDOR) == {}


async def test_lapsed_continuations_do_not_stop_a_poll_for_good(throw_away: Authority) -> None:
    """While the server forgets every continuation the poll ends; afterwards the next one shows everything."""
    async with opened(throw_away, page_rows=2) as site:
        await site.switch(skiptokens_expired=True)
        with pytest.raises(Retry):
            await site.poll(Kind.VENDOR)
        await site.switch(skiptokens_expired=False)
        assert len(await site.poll(Kind.VENDOR)) == len((await site.operator.ledger())["companies"][0]["vendors"])


async def test_numbers_are_text_and_names_may_be_shared(site: Site) -> None:
    """``#``, blanks, slashes, quotes, other scripts; two vendors of one name stay two."""
    vendors = [one for one in (await site.poll(Kind.VENDOR)).values() if isinstance(one, Vendor)]
    by_number = {one.number: one.name for one in vendors}
    assert by_number["#99/A 1"] == "O'Brien Office Supply"
    assert by_number["70000"] == "東京文具株式会社"
    assert [by_number["80000"], by_number["85000"]] == ["Northwind Utilities"] * 2


async def test_records_are_read_again_by_key(site: Site) -> None:
    """After a hint; what was deleted does not come."""
    vendors = {one.number: key for key, one in (await site.poll(Kind.VENDOR)).items() if isinstance(one, Vendor)}
    made = await site.people("create_vendor", vendor={"number": "V1", "display_name": "Short-lived"})
    await site.people("delete_vendor", number="V1")
    keys = [vendors["10000"], made["id"], vendors["#99/A 1"]]
    rows = [row async for row in site.reader.rows(Kind.VENDOR, keys)]
    assert sorted(row.key for row in rows) == sorted([vendors["10000"], vendors["#99/A 1"]])


@pytest.mark.parametrize("kind", [Kind.DIMENSION_VALUE, Kind.PURCHASE_INVOICE, Kind.LEDGER_ENTRY, Kind.PERIOD])
async def test_composed_records_are_read_again_by_key(site: Site, kind: Kind) -> None:
    """The same row comes by key as came by the poll."""
    polled = {row.key: row for page in await site.pages(kind) for row in page.rows}
    again = {row.key: row async for row in site.reader.rows(kind, list(polled))}
    assert {key: row.version for key, row in again.items()} == {key: row.version for key, row in polled.items()}


async def test_posting_dates_come_once_per_change(site: Site) -> None:
    """The one row is shown when it is new and when somebody changed it."""
    (first,) = (await site.poll(Kind.PERIOD)).values()
    assert await site.poll(Kind.PERIOD) == {}
    await site.people("setup", values={"allow_posting_from": "2026-02-01", "allow_posting_to": "2026-02-28"})
    (second,) = (await site.poll(Kind.PERIOD)).values()
    assert isinstance(first, PeriodState)
    assert isinstance(second, PeriodState)
    assert first.allows(date(2026, 3, 1))
    assert not second.allows(date(2026, 3, 1))
    assert second.allows(date(2026, 2, 28))


async def test_throttling_is_survived(site: Site) -> None:
    """Three refusals in a row delay a poll and lose nothing."""
    body = {"error": {"code": "Application_TooManyRequests", "message": "Too many requests reached."}}
    await site.operator.fault("status", path="vendors$", status=429, body=body, headers={"Retry-After": "0"}, times=3)
    assert len(await site.poll(Kind.VENDOR)) == len((await site.operator.ledger())["companies"][0]["vendors"])


async def test_broken_answers_are_read_again(site: Site) -> None:
    """A connection that breaks, half an answer, a gateway's page: the poll goes on."""
    await site.operator.fault("drop_after", path="vendors$")
    await site.operator.fault("cut", path="vendors$")
    await site.operator.fault("status", path="vendors$", status=502, body="<html>bad gateway</html>")
    assert len(await site.poll(Kind.VENDOR)) == len((await site.operator.ledger())["companies"][0]["vendors"])


@pytest.mark.promise("BC1")
async def test_a_token_that_lapses_between_pages_is_renewed(throw_away: Authority) -> None:
    """An hour ends in the middle of a poll."""
    async with opened(throw_away, page_rows=4) as site:
        body = {"error": {"code": "Authentication_InvalidCredentials", "message": "The credentials are not valid."}}
        await site.operator.fault("status", path="vendors$", status=401, body=body, skip=1)
        assert len(await site.poll(Kind.VENDOR)) == len((await site.operator.ledger())["companies"][0]["vendors"])


async def test_a_message_in_another_language_changes_nothing(site: Site) -> None:
    """A user's language setting decides about nothing."""
    await site.switch(language="de-DE", denied_tables=["Vendor"])
    with pytest.raises(Fatal) as caught:
        await site.poll(Kind.VENDOR)
    assert "permission sets" in caught.value.cure
