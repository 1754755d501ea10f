"""Business Central's simulator: stamps, languages, the vendor ledger page."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from support.business_central import COMPANY, Client, opened

DAY = 24 * 3600


@pytest.fixture
async def bc() -> AsyncIterator[Client]:
    """The default company."""
    async with opened() as client:
        yield client


# -- 14: stamps


async def _delta(bc: Client, since: str, operator: str = "gt") -> set[str]:
    rows = await bc.rows(f"vendors?$filter=lastModifiedDateTime {operator} {since}&$orderby=lastModifiedDateTime")
    return {one["number"] for one in rows}


async def test_sim_business_central_14_a_long_transaction_hides_behind_the_watermark(bc: Client) -> None:
    """What began before and committed after a read has the older stamp: a plain ``gt`` never sees it."""
    await bc.person("change_vendor", number="10000", values={"city": "Slow"}, commit_after=60)
    await bc.operator.advance(10)
    await bc.person("change_vendor", number="20000", values={"city": "Fast"})
    seen = await bc.rows("vendors?$filter=lastModifiedDateTime gt 2026-04-20T00:00:00Z&$orderby=lastModifiedDateTime")
    assert [one["number"] for one in seen] == ["20000"]
    watermark = seen[-1]["lastModifiedDateTime"]
    await bc.operator.advance(60)
    assert (await bc.vendor("10000"))["city"] == "Slow"
    assert "10000" not in await _delta(bc, watermark)
    assert "10000" in await _delta(bc, "2026-04-20T10:00:00Z")


async def test_sim_business_central_14_every_write_may_lag(bc: Client) -> None:
    """With the switch each write shows a stamp so many seconds before it could be seen."""
    await bc.person("change_vendor", number="20000", values={"city": "One"})
    watermark = (await bc.vendor("20000"))["lastModifiedDateTime"]
    await bc.operator.switch(commit_lag_seconds=5)
    await bc.person("change_vendor", number="10000", values={"city": "Two"})
    assert await _delta(bc, watermark) <= {"20000"}
    assert (await bc.vendor("10000"))["lastModifiedDateTime"] < watermark


async def test_sim_business_central_14_many_rows_share_one_stamp(bc: Client) -> None:
    """A tool touches every vendor in one moment; pages of the delta still cover each once."""
    await bc.person("bulk_touch")
    rows = await bc.rows("vendors")
    assert len({one["lastModifiedDateTime"] for one in rows}) == 1
    assert len({vendor.modified for vendor in bc.simulator.companies[0].vendors}) == 1
    await bc.operator.switch(page_size=5)
    paged = await bc.rows("vendors?$filter=lastModifiedDateTime ge 2026-04-20T00:00:00Z&$orderby=lastModifiedDateTime")
    assert sorted(one["number"] for one in paged) == sorted(one["number"] for one in rows)
    assert len(paged) == len(rows)


async def test_sim_business_central_14_what_no_delta_shows(bc: Client) -> None:
    """Deletions, balances, blocked dimensions' flag and renamed vendors' old invoices leave no stamp of their own."""
    since = "2026-04-20T00:00:00Z"
    invoice = await bc.invoice("GDI-77")
    balance = (await bc.vendor("30000"))["balance"]
    await bc.person("post_payment", document="P-1", invoice="GDI-77", amount="10", bank="CHECKING")
    assert (await bc.vendor("30000"))["balance"] == balance - 10
    await bc.person("delete_vendor", number="95000")
    assert await _delta(bc, since) == set()
    await bc.person("change_vendor", number="30000", values={"number": "30001", "display_name": "Renamed"})
    assert await _delta(bc, since) == {"30001"}
    after = (await bc.get(f"purchaseInvoices({invoice['id']})")).body
    assert (after["vendorNumber"], after["vendorName"]) == ("30001", "Graphic Design Institute")
    assert after["lastModifiedDateTime"] == invoice["lastModifiedDateTime"]
    assert after["vendorId"] == invoice["vendorId"]


async def test_sim_business_central_14_patch_may_keep_the_stamp(bc: Client) -> None:
    """With the switch a PATCH changes the ETag and not the stamp."""
    vendor = await bc.vendor()
    await bc.operator.switch(patch_keeps_stamp=True)
    changed = (await bc.call("PATCH", f"vendors({vendor['id']})", {"city": "Oslo"}, If_Match="*")).body
    assert changed["lastModifiedDateTime"] == vendor["lastModifiedDateTime"]
    assert changed["@odata.etag"] != vendor["@odata.etag"]


async def test_sim_business_central_14_a_restored_backup_forgets(bc: Client) -> None:
    """Yesterday's backup: later payments are gone, their entry numbers are given again, invoices are open."""
    await bc.person("backup")
    await bc.person("post_payment", document="P-1", invoice="GDI-77", bank="CHECKING")
    number = (await bc.entries("Document_No eq 'P-1'"))[0]["Entry_No"]
    await bc.person("restore")
    assert (await bc.invoice("GDI-77"))["status"] == "Open"
    assert await bc.entries("Document_No eq 'P-1'") == []
    await bc.person("post_payment", document="P-2", invoice="RE-2041", bank="EUROBANK")
    assert (await bc.entries("Document_No eq 'P-2'"))[0]["Entry_No"] == number
    assert (await bc.truth())["balanced"] is True


# -- 15: languages


async def test_sim_business_central_15_messages_follow_the_language_and_codes_do_not(bc: Client) -> None:
    """Accept-Language goes before the app user's setting; platform errors stay English."""
    path = f"journals({(await bc.batch())['id']})/Microsoft.NAV.post"
    english = await bc.call("POST", path)
    german = await bc.call("POST", path, Accept_Language="de-DE,en;q=0.5")
    assert english.message.startswith("There is nothing to post.")
    assert german.message.startswith("Es gibt nichts zu buchen.")
    assert english.code == german.code == "Application_DialogException"
    await bc.operator.switch(language="de-DE")
    assert (await bc.call("POST", path)).message.startswith("Es gibt nichts zu buchen.")
    asked = await bc.call("POST", path, Accept_Language="en-US")
    assert asked.message.startswith("There is nothing to post.")
    platform = await bc.get("nowhere")
    assert platform.message.startswith("Resource not found for the segment 'nowhere'.")
    await bc.pay(vendorNumber="20000", appliesToInvoiceNumber="NOPE", amount=1, documentNumber="P-1")
    refused = await bc.post()
    assert refused.code == "Internal_DataNotFoundFilter"
    assert refused.message.startswith("Es ist kein Kreditorenposten innerhalb des Filters vorhanden.")


# -- 16: the vendor ledger page


async def test_sim_business_central_16_published_or_not(bc: Client) -> None:
    """A switch unpublishes the page or gives it another name; then the old name is 404."""
    assert (await bc.get(bc.page)).status == 200
    await bc.operator.switch(ledger_page_published=False)
    gone = await bc.get(bc.page)
    assert (gone.status, gone.code) == (404, "BadRequest_NotFound")
    await bc.operator.switch(ledger_page_published=True, ledger_page_name="KreditorPosten")
    assert (await bc.get(bc.page)).status == 404
    assert (await bc.get(bc.page.replace("VendorLedgerEntries", "KreditorPosten") + "?$top=1")).status == 200
    assert (await bc.get(bc.page.replace(COMPANY[:6], "NOBODY"))).status == 404
    for method in ("POST", "PATCH", "DELETE"):
        assert (await bc.call(method, bc.page, {})).status in (404, 405)


async def test_sim_business_central_16_signs_names_and_captions(bc: Client) -> None:
    """Invoices negative, payments positive; captions escaped; the local currency is an empty code."""
    entry = (await bc.entries("External_Document_No eq 'INV-5512' and Vendor_No eq '20000'"))[0]
    assert (entry["Original_Amount"], entry["Amount"], entry["Remaining_Amount"]) == (-1000, -1000, -600)
    assert (entry["Document_Type"], entry["Open"], entry["On_Hold"]) == ("Invoice", True, "")
    assert (entry["Currency_Code"], entry["Amount_LCY"], entry["Description"]) == ("", -1000, "Invoice 1005")
    payment = (await bc.entries("Document_No eq 'PAY-9001'"))[0]
    assert (payment["Document_Type"], payment["Amount"], payment["Open"]) == ("Payment", 400, False)
    memo = (await bc.entries("External_Document_No eq 'CR-1'"))[0]
    assert (memo["Document_Type"], memo["Amount"], memo["Open"]) == ("Credit_x0020_Memo", 100, True)
    euro = (await bc.entries("Vendor_No eq '60000'"))[0]
    assert (euro["Currency_Code"], euro["Amount"], euro["Amount_LCY"]) == ("EUR", Decimal("-850.5"), Decimal("-935.55"))
    single = await bc.get(f"{bc.page}({entry['Entry_No']})")
    assert single.body["Document_No"] == entry["Document_No"]


async def test_sim_business_central_16_new_entries_by_number_open_ones_again(bc: Client) -> None:
    """``Entry_No gt N`` finds what is new; there is no stamp; pages follow the same rules."""
    entries = await bc.rows(bc.page)
    numbers = [one["Entry_No"] for one in entries]
    assert numbers == sorted(numbers)
    assert not {"lastModifiedDateTime", "SystemModifiedAt"} & set(entries[0])
    await bc.person("post_payment", document="P-1", invoice="GDI-77", amount="1", bank="CHECKING")
    fresh = await bc.entries(f"Entry_No gt {numbers[-1]}")
    assert [one["Document_No"] for one in fresh] == ["P-1"]
    await bc.operator.switch(page_size=7)
    assert [one["Entry_No"] for one in await bc.rows(bc.page)] == [*numbers, fresh[0]["Entry_No"]]
    await bc.operator.switch(page_size=3)
    still_open = await bc.entries("Open eq true and Document_Type eq 'Invoice'")
    assert {one["Open"] for one in still_open} == {True}
    assert len(still_open) == 9


async def test_sim_business_central_16_partial_several_and_reversed(bc: Client) -> None:
    """Two payments and a credit on one invoice, then a reversal: open amounts follow, marks point both ways."""
    invoice = await bc.invoice("107001")
    number = invoice["number"]

    async def rest() -> Any:
        entry = (await bc.entries(f"Document_No eq '{number}'"))[0]
        return entry["Remaining_Amount"], entry["Open"], entry["Reversed"]

    total = invoice["totalAmountIncludingTax"]
    await bc.person("post_payment", document="P-1", invoice=number, amount="1000", bank="CHECKING")
    assert await rest() == (-total + 1000, True, False)
    await bc.person("apply", type="Credit Memo", document="109001", invoices=[number])
    assert await rest() == (-total + 1100, True, False)
    await bc.person("post_payment", document="P-2", invoice=number, bank="CHECKING")
    assert await rest() == (0, False, False)
    before = await bc.truth()
    await bc.person("reverse", document="P-1", date="2026-04-20")
    assert await rest() == (-1000, True, False)
    first, second = await bc.entries("Document_No eq 'P-1'")
    assert (first["Reversed"], first["Reversed_by_Entry_No"], first["Open"]) == (True, second["Entry_No"], False)
    assert (second["Reversed"], second["Reversed_Entry_No"], second["Amount"]) == (True, first["Entry_No"], -1000)
    truth = await bc.truth()
    assert truth["balanced"] is True
    bank = {one["number"]: Decimal(one["balance"]) for one in truth["accounts"]}["1110"]
    assert bank == {one["number"]: Decimal(one["balance"]) for one in before["accounts"]}["1110"] + 1000
    assert sum(Decimal(one["amount_local"]) for one in truth["bank_entries"]) == bank


async def test_sim_business_central_16_on_hold(bc: Client) -> None:
    """Three letters on an open entry; emptied again it is released."""
    held = await bc.entries("On_Hold ne ''")
    assert [(one["Vendor_No"], one["On_Hold"]) for one in held] == [("50000", "HLD")]
    await bc.person("set_on_hold", invoice="NP-1", on_hold="")
    assert await bc.entries("On_Hold ne ''") == []


async def test_sim_business_central_16_control_account_equals_the_vendor_ledger_until_somebody_meddles(
    bc: Client,
) -> None:
    """The payables accounts are the sum of the open items; a direct posting breaks that, and only that."""

    async def difference() -> Decimal:
        truth = await bc.truth()
        balances = {one["number"]: Decimal(one["balance"]) for one in truth["accounts"]}
        open_items = sum((Decimal(one["remaining_local"]) for one in truth["vendor_entries"]), Decimal(0))
        assert truth["balanced"] is True
        assert -sum(Decimal(one["balance"]) for one in truth["vendors"]) == open_items
        return balances["2110"] + balances["2120"] - open_items

    assert await difference() == 0
    await bc.person("post_direct", debit="6150", credit="2110", amount="12.34")
    assert await difference() == Decimal("-12.34")


async def test_sim_business_central_16_people_edit_and_delete_waiting_lines(bc: Client) -> None:
    """A person changes the amount of our line, then deletes it: the API sees both."""
    line = (await bc.pay(vendorNumber="20000", amount=5, documentNumber="P-1")).body
    await bc.person("edit_journal_line", document="P-1", values={"amount": "7"})
    changed = (await bc.get(f"vendorPayments({line['id']})")).body
    assert (changed["amount"], changed["@odata.etag"] != line["@odata.etag"]) == (7, True)
    await bc.person("delete_journal_line", id=line["id"])
    assert (await bc.get(f"vendorPayments({line['id']})")).status == 404
