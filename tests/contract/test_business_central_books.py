"""Invoices, the vendor ledger, balances and files of Business Central, read from its simulator over sockets."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest

from support.business_central_site import WIRE, Site, opened
from tieout.domain.capabilities import Ability
from tieout.domain.erp import DocumentStatus, LineKind, PurchaseInvoice
from tieout.domain.erp_ledger import AccountRole, BalanceQuery, EntryType, VendorLedgerEntry
from tieout.domain.errors import Reject
from tieout.domain.records import Kind
from tieout_devstack.certificates import Authority, authority


@pytest.fixture(scope="module")
def throw_away(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts but who is given its file."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def site(throw_away: Authority) -> AsyncIterator[Site]:
    """The default company."""
    async with opened(throw_away) as made:
        yield made


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
