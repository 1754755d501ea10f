"""Business Central's simulator: payment lines and posting a batch."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from support.business_central import ZERO, Client, opened

UNKNOWN = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
async def bc() -> AsyncIterator[Client]:
    """The default company."""
    async with opened() as client:
        yield client


async def _entry(bc: Client, number: str, kind: str = "Invoice") -> dict[str, Any]:
    found = await bc.entries(f"Document_Type eq '{kind}' and Document_No eq '{number}'")
    return found[0]


async def _advice(bc: Client) -> dict[str, Any]:
    """The invoice of 1,000 of which 400 is paid."""
    return await bc.invoice("INV-5512' and vendorNumber eq '20000")


# -- 7: lines


async def test_sim_business_central_07_a_line_is_filled_from_what_it_names(bc: Client) -> None:
    """Next line number, work date, vendor from the invoice, description, zero ids where nothing is named."""
    invoice = await _advice(bc)
    made = await bc.pay(appliesToInvoiceId=invoice["id"], amount=600, documentNumber="pay-1")
    assert made.status == 201
    line = made.body
    assert (line["lineNumber"], line["postingDate"], line["documentNumber"]) == (10000, "2026-04-20", "PAY-1")
    assert (line["vendorNumber"], line["description"]) == ("20000", "First Up Consultants")
    assert (line["appliesToInvoiceNumber"], line["appliesToInvoiceId"]) == (invoice["number"], invoice["id"])
    following = (await bc.pay(vendorNumber="10000", amount=5, postingDate="2026-04-19")).body
    assert (following["lineNumber"], following["documentNumber"]) == (20000, "PAY-1")
    assert (await bc.pay(vendorNumber="10000")).body["postingDate"] == "2026-04-19"


async def test_sim_business_central_07_pay_to_vendor_is_the_vendor_of_the_line(bc: Client) -> None:
    """An invoice of a branch is paid to the vendor that its pay-to names."""
    invoice = await bc.invoice("FUB-8")
    line = (await bc.pay(appliesToInvoiceNumber=invoice["number"], amount=320)).body
    assert (invoice["vendorNumber"], line["vendorNumber"]) == ("20100", "20000")


async def test_sim_business_central_07_unknown_invoice_number_is_accepted(bc: Client) -> None:
    """A typo makes a line with a zero id; only posting finds it, and the whole batch waits."""
    made = await bc.pay(vendorNumber="20000", appliesToInvoiceNumber="NOPE", amount=5, documentNumber="T-1")
    assert (made.status, made.body["appliesToInvoiceNumber"], made.body["appliesToInvoiceId"]) == (201, "NOPE", ZERO)
    refused = await bc.post()
    assert (refused.status, refused.code) == (400, "Internal_DataNotFoundFilter")
    assert refused.message.startswith("There is no Vendor Ledger Entry within the filter.")


async def test_sim_business_central_07_creating_a_line_is_refused(bc: Client) -> None:
    """Batch, vendor and invoice are checked with the words of the page."""
    batch, invoice, draft = await bc.batch(), await _advice(bc), await bc.invoice("107002")
    other = (await bc.call("POST", "vendorPaymentJournals", {"code": "OTHER"})).body
    vendor = await bc.vendor("10000")
    path = f"vendorPaymentJournals({batch['id']})/vendorPayments"
    for address, body, text in (
        ("vendorPayments", {"vendorNumber": "20000"}, "You must specify a journal batch ID or a journal ID"),
        (path, {"journalId": other["id"]}, "The Journal Id and Journal Display Name do not match."),
        (path, {"vendorId": UNKNOWN}, 'The "vendorId" does not match to a Vendor.'),
        (path, {"vendorNumber": "X"}, 'The "vendorNumber" does not match to a Vendor.'),
        (path, {"vendorId": vendor["id"], "vendorNumber": "20000"}, "The vendor values do not match"),
        (path, {"appliesToInvoiceId": draft["id"]}, 'The "appliesToInvoiceId" should be the ID of an Open, Paid'),
        (path, {"appliesToInvoiceId": UNKNOWN}, 'The "appliesToInvoiceId" should be the ID of an Open, Paid'),
        (
            path,
            {"appliesToInvoiceId": invoice["id"], "appliesToInvoiceNumber": "1"},
            "The Applies To Invoice values do not match to the same Invoice.",
        ),
        (path, {"vendorNumber": "90000"}, "You cannot create this type of document when Vendor 90000 is blocked"),
        (path, {"vendorNumber": "95000"}, "You cannot create this type of document when Vendor 95000 is blocked"),
    ):
        reply = await bc.call("POST", address, body)
        assert (reply.status, reply.code) == (400, "Application_DialogException"), body
        assert reply.message.startswith(text)
    line = (await bc.call("POST", "vendorPayments", {"journalId": batch["id"], "vendorNumber": "20000"})).body
    moved = await bc.call("PATCH", f"vendorPayments({line['id']})", {"journalId": other["id"]}, If_Match="*")
    assert moved.message.startswith("The Journal Id cannot be changed.")


async def test_sim_business_central_07_old_servers_hide_lines_without_application(bc: Client) -> None:
    """A line typed in the client shows from 29 on; before it is there for the posting and for people only."""
    batch = await bc.batch()
    path = f"vendorPaymentJournals({batch['id']})/vendorPayments"
    await bc.pay(vendorNumber="20000", amount=1, documentNumber="D-1")
    typed = await bc.person("add_journal_line", batch="BILL", values={"account": "10000", "amount": 3})
    shown = {}
    for version in (28, 29):
        await bc.operator.switch(version=version)
        shown[version] = {one["id"] for one in await bc.rows(path)}
        status = (await bc.get(f"vendorPayments({typed['id']})")).status
        assert status == (200 if version == 29 else 404)
    assert shown[29] - shown[28] == {typed["id"]}
    assert len(shown[28]) == 1


async def test_sim_business_central_07_entries_to_apply_are_the_vendors_open_ones(bc: Client) -> None:
    """They hang below a line, show what is left, and each PATCH turns the mark round whatever it says."""
    invoice, branch = await _advice(bc), await bc.invoice("FUB-8")
    line = (await bc.pay(vendorNumber="20000", documentNumber="S-1")).body
    below = f"vendorPaymentJournals({(await bc.batch())['id']})/vendorPayments({line['id']})/applyVendorEntries"
    open_entries = {one["documentNumber"]: one for one in await bc.rows(below)}
    assert {number: one["remainingAmount"] for number, one in open_entries.items()} == {
        invoice["number"]: -600,
        branch["number"]: -320,
    }
    entry = open_entries[invoice["number"]]
    for value, marked in ((True, True), (True, False), (False, True)):
        reply = await bc.call("PATCH", f"{below}({entry['id']})", {"applied": value}, If_Match="*")
        assert (reply.status, reply.body["applied"]) == (200, marked)
    filled = (await bc.get(f"vendorPayments({line['id']})")).body
    assert filled["amount"] == 600


async def test_sim_business_central_07_one_line_pays_several_marked_invoices(bc: Client) -> None:
    """A sum over two marked entries closes both by one document."""
    invoice, branch = await _advice(bc), await bc.invoice("FUB-8")
    line = (await bc.pay(vendorNumber="20000", documentNumber="S-1", amount=920)).body
    below = f"vendorPayments({line['id']})/applyVendorEntries"
    for entry in await bc.rows(below):
        await bc.call("PATCH", f"{below}({entry['id']})", {"applied": True}, If_Match=entry["@odata.etag"])
    assert (await bc.post()).status == 204
    for number in (invoice["number"], branch["number"]):
        assert (await _entry(bc, number))["Remaining_Amount"] == 0
    paid = await _entry(bc, "S-1", "Payment")
    assert (paid["Amount"], paid["Remaining_Amount"], paid["Open"]) == (920, 0, False)


async def test_sim_business_central_07_marking_an_entry_after_the_payments_date_is_refused(bc: Client) -> None:
    """The mark is refused with the words about the earlier posting date."""
    line = (await bc.pay(vendorNumber="20000", documentNumber="S-1", postingDate="2026-03-01")).body
    below = f"vendorPayments({line['id']})/applyVendorEntries"
    entry = (await bc.rows(below))[0]
    reply = await bc.call("PATCH", f"{below}({entry['id']})", {"applied": True}, If_Match="*")
    assert reply.message.startswith("You cannot apply and post an entry to an entry with an earlier posting date.")


async def test_sim_business_central_07_batches_show_banks_by_number_only(bc: Client) -> None:
    """A G/L balancing account has an id; a bank shows zeros and its number; only the first template is listed."""
    made = await bc.batch()
    account = await bc.one("accounts?$filter=number eq '2950'")
    assert (made["balancingAccountId"], made["balancingAccountNumber"]) == (account["id"], "2950")
    bank = await bc.one("vendorPaymentJournals?$filter=code eq 'GENERAL'")
    assert (bank["balancingAccountId"], bank["balancingAccountNumber"]) == (ZERO, "CHECKING")
    refused = await bc.call("POST", "vendorPaymentJournals", {"code": "X", "balancingAccountId": UNKNOWN})
    assert refused.status == 400
    assert {one["code"] for one in await bc.rows("journals")} == {"DEFAULT"}
    listed = await bc.rows("journals?$filter=templateDisplayName eq 'PAYMENT'")
    assert {one["code"] for one in listed} == {"BILL", "GENERAL", "BYHAND"}


# -- 8: posting


async def test_sim_business_central_08_payment_journals_have_no_post_but_journals_have(bc: Client) -> None:
    """The same id posts through ``journals``, whatever the case of the action's name."""
    batch, invoice = await bc.batch(), await _advice(bc)
    await bc.pay(appliesToInvoiceId=invoice["id"], amount=600, documentNumber="P-1")
    none = await bc.call("POST", f"vendorPaymentJournals({batch['id']})/Microsoft.NAV.post")
    assert none.status == 404
    assert (await bc.call("POST", f"journals({batch['id']})/Microsoft.NAV.Post")).status == 204
    assert (await _advice(bc))["status"] == "Paid"


async def test_sim_business_central_08_the_books_say_payables_against_clearing(bc: Client) -> None:
    """Debit payables, credit the balancing account, both with the document number and the line's dimensions."""
    invoice = await _advice(bc)
    line = (await bc.pay(appliesToInvoiceId=invoice["id"], amount=600, documentNumber="P-1")).body
    await bc.call("POST", f"vendorPayments({line['id']})/dimensionSetLines", {"code": "AREA", "valueCode": "WEST"})
    before = {one["number"]: Decimal(one["balance"]) for one in (await bc.truth())["accounts"]}
    await bc.post()
    truth = await bc.truth()
    after = {one["number"]: Decimal(one["balance"]) for one in truth["accounts"]}
    assert {number: after[number] - before[number] for number in after if after[number] != before[number]} == {
        "2110": 600,
        "2950": -600,
    }
    assert truth["balanced"] is True
    booked = await bc.rows("generalLedgerEntries?$filter=documentNumber eq 'P-1'&$expand=dimensionSetLines")
    assert [(one["accountNumber"], one["debitAmount"], one["creditAmount"]) for one in booked] == [
        ("2110", 600, 0),
        ("2950", 0, 600),
    ]
    for one in booked:
        assert [(d["code"], d["valueCode"]) for d in one["dimensionSetLines"]] == [("AREA", "WEST")]
        assert one["documentType"] == "Payment"


async def test_sim_business_central_08_the_whole_batch_or_nothing(bc: Client) -> None:
    """One wrong line leaves every line unposted and in place; without it all are posted and gone."""
    invoice = await _advice(bc)
    good = (await bc.pay(appliesToInvoiceId=invoice["id"], amount=600, documentNumber="P-1")).body
    bad = (await bc.pay(vendorNumber="10000", appliesToInvoiceNumber="NOPE", amount=1, documentNumber="P-2")).body
    before = await bc.truth()
    assert (await bc.post()).status == 400
    after = await bc.truth()
    for part in ("entries", "vendor_entries", "applications", "bank_entries", "accounts"):
        assert after[part] == before[part]
    assert (await bc.get(f"vendorPayments({good['id']})")).status == 200
    assert (await bc.call("DELETE", f"vendorPayments({bad['id']})")).status == 204
    assert (await bc.post()).status == 204
    assert (await bc.get(f"vendorPayments({good['id']})")).status == 404
    assert (await _entry(bc, invoice["number"]))["Open"] is False


async def test_sim_business_central_08_post_takes_the_lines_of_people_too(bc: Client) -> None:
    """A batch is shared: what somebody typed in it is posted as well."""
    await bc.batch()
    await bc.pay(vendorNumber="20000", amount=5, documentNumber="P-1")
    values = {"account": "10000", "amount": 7, "document_number": "HAND-1"}
    await bc.person("add_journal_line", batch="BILL", values=values)
    await bc.post()
    assert (await _entry(bc, "HAND-1", "Payment"))["Vendor_No"] == "10000"


async def test_sim_business_central_08_a_ghost_line_stays_without_a_number_series(bc: Client) -> None:
    """One empty line 10000 is left; it shows from version 29, is never posted, and is not there with a series."""
    await bc.pay(vendorNumber="20000", amount=5, documentNumber="P-1")
    await bc.post()
    batch = await bc.batch()
    path = f"vendorPaymentJournals({batch['id']})/vendorPayments"
    ghosts = await bc.rows(path)
    assert [(one["lineNumber"], one["amount"], one["vendorNumber"]) for one in ghosts] == [(10000, 0, "")]
    await bc.operator.switch(version=28)
    assert await bc.rows(path) == []
    empty = await bc.post()
    assert (empty.status, empty.message.split("  ")[0]) == (400, "There is nothing to post.")


async def test_sim_business_central_08_number_series_of_a_batch() -> None:
    """The next number is suggested, used up by the posting, and no ghost stays."""
    async with opened() as bc:
        books = bc.simulator.companies[0]
        made = await bc.batch()
        await bc.person("create_series", values={"code": "PMT", "last": "G0009"})
        await bc.person("change_batch", key=["PAYMENT", "BILL"], values={"number_series": "PMT"})
        first = (await bc.pay(vendorNumber="20000", amount=5)).body
        assert first["documentNumber"] == "G0010"
        assert (await bc.post()).status == 204
        assert await bc.rows(f"vendorPaymentJournals({made['id']})/vendorPayments") == []
        assert (await bc.pay(vendorNumber="20000", amount=5)).body["documentNumber"] == "G0011"
        assert books.batches.get(made["id"]) is not None


async def test_sim_business_central_08_batch_name_counts_up_where_the_template_says(bc: Client) -> None:
    """The id stays, the code does not."""
    await bc.person("change_template", key="PAYMENT", values={"increment": True})
    batch = await bc.batch("BILL01")
    path = f"vendorPaymentJournals({batch['id']})"
    await bc.call("POST", f"{path}/vendorPayments", {"vendorNumber": "20000", "amount": 5, "documentNumber": "P-1"})
    assert (await bc.call("POST", f"journals({batch['id']})/Microsoft.NAV.post")).status == 204
    assert (await bc.get(path)).body["code"] == "BILL02"


async def test_sim_business_central_08_job_queue_answers_before_it_posts(bc: Client) -> None:
    """204 at once; the posting comes later and may fail, then the lines stay."""
    await bc.operator.switch(post_with_job_queue=True, job_queue_delay_seconds=30)
    invoice = await _advice(bc)
    line = (await bc.pay(appliesToInvoiceId=invoice["id"], amount=600, documentNumber="P-1")).body
    assert (await bc.post()).status == 204
    assert (await bc.get(f"vendorPayments({line['id']})")).status == 200
    assert (await _entry(bc, invoice["number"]))["Open"] is True
    await bc.operator.advance(31)
    assert (await bc.get(f"vendorPayments({line['id']})")).status == 404
    assert (await _entry(bc, invoice["number"]))["Open"] is False
    late = (await bc.pay(vendorNumber="20000", appliesToInvoiceNumber="NOPE", amount=5, documentNumber="P-2")).body
    assert (await bc.post()).status == 204
    await bc.operator.advance(31)
    assert (await bc.get(f"vendorPayments({late['id']})")).status == 200
    waiting = [one for one in (await bc.truth())["journal_lines"] if one["id"] == late["id"]]
    assert waiting[0]["job_status"] == "Error"


async def test_sim_business_central_08_general_journals_move_money_to_the_bank(bc: Client) -> None:
    """Clearing against the bank account in a general batch: ledger and bank agree."""
    journal = await bc.one("journals?$filter=code eq 'DEFAULT'")
    path = f"journals({journal['id']})"
    line = {
        "accountType": "G/L Account",
        "accountNumber": "2950",
        "amount": 1234.5,
        "documentNumber": "FT-1",
        "balanceAccountType": "Bank Account",
        "balancingAccountNumber": "CHECKING",
        "description": "Funds of 20 April",
    }
    made = await bc.call("POST", f"{path}/journalLines", line)
    assert (made.status, made.body["accountType"]) == (201, "G_x002F_L_x0020_Account")
    assert (await bc.call("POST", f"{path}/Microsoft.NAV.post")).status == 204
    booked = await bc.rows("generalLedgerEntries?$filter=documentNumber eq 'FT-1'")
    assert [(one["accountNumber"], one["debitAmount"] - one["creditAmount"]) for one in booked] == [
        ("2950", Decimal("1234.5")),
        ("1110", Decimal("-1234.5")),
    ]
    bank = [one for one in (await bc.truth())["bank_entries"] if one["document_number"] == "FT-1"]
    assert [Decimal(one["amount"]) for one in bank] == [Decimal("-1234.5")]


async def test_sim_business_central_08_a_dropped_answer_still_posted(bc: Client) -> None:
    """The answer is lost, the posting stands: only the ledger tells."""
    invoice = await _advice(bc)
    await bc.pay(appliesToInvoiceId=invoice["id"], amount=600, documentNumber="P-1")
    await bc.operator.fault("drop_after", method="POST", path="Microsoft.NAV.post")
    with pytest.raises(aiohttp.ClientError):
        await bc.post()
    assert (await _entry(bc, "P-1", "Payment"))["Amount"] == 600
