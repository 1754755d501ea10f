"""The Business Central connector against its simulator and Entra's, over sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from tieout.domain.capabilities import Ability
from tieout.domain.erp import DocumentStatus, LineKind, PurchaseInvoice, Vendor
from tieout.domain.erp_ledger import AccountRole, BalanceQuery, EntryType, PeriodState, VendorLedgerEntry
from tieout.domain.errors import Fatal, Reject, Retry
from tieout.domain.records import Kind, ReadContext, Record
from tieout_connectors.business_central import (
    BusinessCentralCredentials,
    BusinessCentralReader,
    BusinessCentralSettings,
    Endpoints,
)
from tieout_connectors.business_central.client import Client
from tieout_connectors.business_central.wire import BusinessCentralWire
from tieout_connectors.spi.erp import CheckStatus, ErpSource, Page, Watermark
from tieout_devstack.certificates import Authority, authority
from tieout_sandbox.entra.simulator import CLIENT_ID, CLIENT_SECRET, TENANT
from tieout_sandbox.kernel.operator import Operator
from tieout_sandbox.kernel.server import Server
from tieout_sandbox.systems import simulator

WIRE = BusinessCentralWire()
COMPANY = "CRONUS USA, Inc."
STAMPED = [Kind.VENDOR, Kind.ACCOUNT, Kind.DIMENSION, Kind.DIMENSION_VALUE, Kind.PURCHASE_INVOICE]


@pytest.fixture(scope="module")
def throw_away(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts but who is given its file."""
    return authority(tmp_path_factory.mktemp("authority"))


async def at_once(_seconds: float) -> None:
    """Pauses between repetitions cost a test nothing."""


@dataclass
class Site:
    """A running company, people in it, and the connection to it."""

    reader: BusinessCentralReader
    client: Client
    operator: Operator
    positions: dict[Kind, Watermark] = field(default_factory=dict)

    async def poll(self, kind: Kind) -> dict[str, Record]:
        """The records of one poll by key, from where the last one ended."""
        return {key: record for page in await self.pages(kind) for key, record in (await self.records(page)).items()}

    async def pages(self, kind: Kind) -> list[Page]:
        """The pages of one poll, from where the last one ended."""
        since = self.positions.get(kind, Watermark())
        pages = [page async for page in self.reader.changes(kind, since)]
        self.positions[kind] = pages[-1].next
        return pages

    async def records(self, page: Page) -> dict[str, Record]:
        """The records of a page."""
        context = await self.reader.context()
        return {row.key: one for row in page.rows for one in WIRE.read(row.kind, row.document, context)}

    async def invoices(self) -> dict[str, PurchaseInvoice]:
        """The invoices of a poll by number."""
        found = (await self.poll(Kind.PURCHASE_INVOICE)).values()
        return {one.number: one for one in found if isinstance(one, PurchaseInvoice)}

    async def entries(self) -> dict[str, VendorLedgerEntry]:
        """The vendor ledger entries of a poll by document number."""
        found = (await self.poll(Kind.LEDGER_ENTRY)).values()
        return {one.document_number: one for one in found if isinstance(one, VendorLedgerEntry)}

    async def people(self, do: str, **order: Any) -> Any:
        """Something that somebody does in the client."""
        return await self.operator.post("people", {"do": do, **order})

    async def switch(self, **switches: Any) -> None:
        """Another behaviour of the server."""
        await self.operator.post("switches", switches)

    async def call(self, method: str, path: str, body: Any = None) -> int:
        """What another program does through the API; the status of the answer."""
        headers = {"Authorization": f"Bearer {await self.client.token()}", "If-Match": "*"}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
            http.request(method, await self.client.api(path), json=body, headers=headers) as answer,
        ):
            return answer.status

    async def pay(self, invoice: str, vendor: str, amount: str, document: str) -> Any:
        """A payment by hand, applied to an invoice."""
        order = {"invoice": invoice, "vendor": vendor, "amount": amount, "document": document, "account": "1110"}
        return await self.people("post_payment", **order)


@asynccontextmanager
async def opened(trusted: Authority, **changes: Any) -> AsyncIterator[Site]:
    """Both simulators and a connection to them."""
    made = trusted.issue("entra")
    secret = changes.pop("secret", CLIENT_SECRET)
    tls = (str(made.certificate), str(made.key))
    async with (
        Server(simulator("entra"), tls=tls) as login,
        Server(simulator("business-central")) as api,
        Operator(api) as operator,
    ):
        given = {"tenant": TENANT, "environment": "production", "company": COMPANY, **changes}
        settings = BusinessCentralSettings(
            endpoints=Endpoints(api=api, login=login), ca_file=trusted.certificate, **given
        )
        credentials = BusinessCentralCredentials(client_id=CLIENT_ID, client_secret=SecretStr(secret))
        client = Client(settings, credentials, pause=at_once)
        async with BusinessCentralReader(settings, credentials, client=client) as reader:
            yield Site(reader, client, operator)


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


async def test_every_invoice_adds_up(site: Site) -> None:
    """Lines, discount and tax explain the total of every posted invoice; item lines find their account."""
    invoices = await site.invoices()
    assert len(invoices) >= 10
    assert {number: one.unexplained() for number, one in invoices.items()} == dict.fromkeys(invoices, Decimal(0))
    mixed = invoices["108006"]
    kinds = {line.kind for line in mixed.lines}
    assert {LineKind.ITEM, LineKind.CHARGE, LineKind.RESOURCE, LineKind.ASSET, LineKind.COMMENT} <= kinds
    assert mixed.postings is not None
    assert sum(one.amount for one in mixed.postings) == 0
    assert min(one.amount for one in mixed.postings) == -mixed.total


async def test_open_is_not_the_whole_amount(site: Site) -> None:
    """A partly paid invoice is Open like an unpaid one; only the ledger says what is left."""
    invoice = (await site.invoices())["108005"]
    assert (invoice.status, invoice.total, invoice.open) == (DocumentStatus.OPEN, Decimal(1000), Decimal(600))


async def test_a_part_payment_is_seen_in_the_ledger_only(site: Site) -> None:
    """It leaves no stamp on the invoice; the entry shows the rest, and the payment stands beside it."""
    await site.invoices()
    before = (await site.entries())["108005"]
    await site.pay("108005", "20000", "100", "PAY-1")
    assert await site.invoices() == {}
    after = await site.entries()
    assert (before.open, after["108005"].open) == (Decimal(600), Decimal(500))
    assert after["108005"].version != before.version
    assert (after["PAY-1"].type, after["PAY-1"].amount, after["PAY-1"].is_open) == (
        EntryType.PAYMENT,
        Decimal(-100),
        False,
    )
    books = (await site.operator.ledger())["companies"][0]["invoices"]
    key = next(one["id"] for one in books if one["number"] == "108005")
    (row,) = [row async for row in site.reader.rows(Kind.PURCHASE_INVOICE, [key])]
    (again,) = WIRE.read(row.kind, row.document, await site.reader.context())
    assert isinstance(again, PurchaseInvoice)
    assert again.open == Decimal(500)


async def test_a_full_payment_and_its_unapplication_are_seen(site: Site) -> None:
    """Paid, then Open again, both by the invoice's own stamp."""
    await site.invoices()
    await site.pay("108005", "20000", "600", "PAY-1")
    paid = (await site.invoices())["108005"]
    assert (paid.status, paid.open) == (DocumentStatus.PAID, Decimal(0))
    await site.people("unapply", document="PAY-1")
    again = (await site.invoices())["108005"]
    assert (again.status, again.open) == (DocumentStatus.OPEN, Decimal(600))


async def test_a_closed_entry_is_told_by_its_absence(site: Site) -> None:
    """A whole poll without it says: read it again, and it is closed."""
    before = await site.entries()
    await site.pay("108005", "20000", "600", "PAY-1")
    pages = await site.pages(Kind.LEDGER_ENTRY)
    assert pages[-1].whole
    key = before["108005"].id
    shown = {row.key for page in pages for row in page.rows}
    (row,) = [row async for row in site.reader.rows(Kind.LEDGER_ENTRY, [key])]
    (entry,) = WIRE.read(row.kind, row.document, await site.reader.context())
    assert isinstance(entry, VendorLedgerEntry)
    assert not entry.is_open
    assert key in shown or row.version != before["108005"].version


async def test_holds_and_due_dates_of_the_ledger_are_seen(site: Site) -> None:
    """A person puts an invoice on hold and moves its due date in the ledger."""
    assert (await site.entries())["108007"].on_hold == ""
    await site.people("set_on_hold", invoice="108007", on_hold="ABC")
    await site.people("set_due_date", invoice="108007", due_date="2027-01-31")
    entry = (await site.entries())["108007"]
    assert (entry.on_hold, entry.due_date) == ("ABC", date(2027, 1, 31))


async def test_a_draft_is_seen_once_it_is_posted(site: Site) -> None:
    """The id stays, the number changes, and the draft itself is no record."""
    lines = [{"kind": "Account", "number": "6140", "quantity": "1", "unit_cost": "100"}]
    await site.invoices()
    draft = await site.people("create_draft", vendor="10000", vendor_invoice_number="X-1", lines=lines)
    assert await site.invoices() == {}
    assert await site.call("POST", f"purchaseInvoices({draft['id']})/Microsoft.NAV.post") == 204
    (invoice,) = (await site.invoices()).values()
    assert invoice.id == draft["id"]
    assert invoice.number != draft["number"]
    assert (invoice.vendor_invoice_number, invoice.total, invoice.open) == ("X-1", Decimal(100), Decimal(100))


async def test_a_cancelled_invoice_is_cancelled_and_its_mirror_is_no_bill(site: Site) -> None:
    """It leaves Open without ever being Paid."""
    await site.invoices()
    await site.people("cancel_invoice", invoice="108012")
    assert (await site.invoices())["108012"].status is DocumentStatus.CANCELLED


async def test_the_pay_to_vendor_is_owed(site: Site) -> None:
    """A branch sells, its head office is paid."""
    books = (await site.operator.ledger())["companies"][0]["invoices"]
    apart = {one["number"]: (one["vendor"], one["pay_to"]) for one in books if one["vendor"] != one["pay_to"]}
    invoices = await site.invoices()
    found = {number: (one.buy_from.number, one.pay_to.number) for number, one in invoices.items()}
    assert apart
    assert {number: found[number] for number in apart if number in found} == apart


async def test_without_the_ledger_page_invoices_come_with_an_unknown_rest(site: Site) -> None:
    """They are shown, so that people see them waiting, and are never taken for open in full."""
    await site.switch(ledger_page_published=False)
    invoices = await site.invoices()
    assert {one.open for one in invoices.values() if one.status is DocumentStatus.OPEN} == {None}
    with pytest.raises(Reject) as caught:
        await site.poll(Kind.LEDGER_ENTRY)
    assert caught.value.code == "not_supported"
    capabilities = await site.reader.capabilities()
    assert not capabilities.allows(Ability.OPEN_AMOUNT)
    assert "29" in capabilities.lacking[Ability.OPEN_AMOUNT].action


async def test_a_page_under_another_name_is_found(throw_away: Authority) -> None:
    """The name is the site's choice."""
    async with opened(throw_away, ledger_page="AP_Entries") as site:
        assert not (await site.reader.capabilities()).allows(Ability.OPEN_AMOUNT)
        await site.switch(ledger_page_name="AP_Entries")
        assert (await site.reader.capabilities()).allows(Ability.OPEN_AMOUNT)
        assert await site.entries()


@pytest.mark.parametrize("page", [1, 1000])
async def test_the_open_items_are_all_there(throw_away: Authority, page: int) -> None:
    """The snapshot holds exactly what the books have open."""
    async with opened(throw_away, page_rows=page) as site:
        books = (await site.operator.ledger())["companies"][0]["vendor_entries"]
        expected = {str(one["number"]): -Decimal(one["remaining"]) for one in books if one["open"]}
        found: dict[str, Decimal | None] = {}
        async for part in site.reader.open_items():
            assert part.unreadable == {}
            found.update({one.id: one.open for one in part.entries})
        assert found == expected


async def test_balances_are_those_of_the_books(throw_away: Authority) -> None:
    """Subledger, control account and clearing account, debit positive."""
    async with opened(throw_away, page_rows=3) as site:
        books = {
            one["number"]: Decimal(one["balance"]) for one in (await site.operator.ledger())["companies"][0]["accounts"]
        }
        queries = [
            BalanceQuery(role=AccountRole.SUBLEDGER),
            BalanceQuery(role=AccountRole.CONTROL, account="2110"),
            BalanceQuery(role=AccountRole.CLEARING, account="2950"),
        ]
        subledger, control, clearing = await site.reader.balances(queries, None)
        assert subledger.balance == books["2110"] + books["2120"]
        assert (control.balance, clearing.balance) == (books["2110"], books["2950"])
        assert {subledger.currency, control.currency} == {"USD"}
        (dated,) = await site.reader.balances(queries[1:2], date(2999, 12, 31))
        assert dated.balance == books["2110"]
        (early,) = await site.reader.balances(queries[1:2], date(2020, 1, 1))
        assert early.balance == 0


@pytest.mark.parametrize(
    ("query", "as_of", "code"),
    [
        (BalanceQuery(role=AccountRole.SUBLEDGER, posting_group="DOMESTIC"), None, "not_supported"),
        (BalanceQuery(role=AccountRole.SUBLEDGER), date(2026, 1, 31), "not_supported"),
        (BalanceQuery(role=AccountRole.CLEARING, account="nobody's"), None, "unknown_account"),
        (BalanceQuery(role=AccountRole.CLEARING, account="nobody's"), date(2026, 1, 31), "unknown_account"),
    ],
)
async def test_a_balance_that_cannot_be_told_is_refused(
    site: Site, query: BalanceQuery, as_of: date | None, code: str
) -> None:
    """A tie-out never counts a zero that nobody read."""
    with pytest.raises(Reject) as caught:
        await site.reader.balances([query], as_of)
    assert caught.value.code == code


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


async def test_files_are_listed_and_read(site: Site) -> None:
    """What people attach to a posted invoice comes with name, size and bytes."""
    attached = await site.people("attach", invoice="108005", name="invoice 5512.pdf", content="JVBERi0xLjQK")
    key = (await site.invoices())["108005"].id
    refs = await site.reader.documents(Kind.PURCHASE_INVOICE, key)
    ref = next(one for one in refs if one.id.endswith(attached["id"]))
    assert (ref.name, ref.size, ref.media_type, ref.owner) == ("invoice 5512.pdf", 9, "application/pdf", key)
    assert b"".join([part async for part in site.reader.document(ref, 9)]) == b"%PDF-1.4\n"
    with pytest.raises(Reject) as caught:
        _ = [part async for part in site.reader.document(ref.model_copy(update={"size": None}), 8)]
    assert caught.value.code == "too_large"
    before = len(await site.operator.requests())
    with pytest.raises(Reject) as caught:
        _ = [part async for part in site.reader.document(ref, 8)]
    assert caught.value.code == "too_large"
    assert len(await site.operator.requests()) == before
    gone = ref.model_copy(update={"id": "documentAttachments/11111111-2222-3333-4444-555555555555"})
    with pytest.raises(Reject) as caught:
        _ = [part async for part in site.reader.document(gone, 100)]
    assert caught.value.code == "gone"


async def test_files_of_other_kinds_are_refused(site: Site) -> None:
    """The answer is not an empty list."""
    with pytest.raises(Reject) as caught:
        await site.reader.documents(Kind.VENDOR, "x")
    assert caught.value.code == "not_supported"


async def test_credit_memos_as_documents_are_refused(site: Site) -> None:
    """They are seen in the vendor ledger; the capabilities say so."""
    with pytest.raises(Reject):
        await site.poll(Kind.VENDOR_CREDIT)


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


def test_records_of_a_context_without_currency_are_set_aside() -> None:
    """Nothing is booked in a currency that nobody told."""
    with pytest.raises(ValueError, match="ISO"):
        ReadContext(company="c", local_currency="").iso("")
