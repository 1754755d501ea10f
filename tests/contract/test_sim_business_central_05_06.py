"""Business Central's simulator: purchase invoices from draft to paid, and sets that live below a parent."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from support.business_central import ZERO, Client, opened

EXPENSE = {"lineType": "Account", "lineObjectNumber": "6150", "quantity": 1, "unitCost": 100}


@pytest.fixture
async def bc() -> AsyncIterator[Client]:
    """The default company."""
    async with opened() as client:
        yield client


async def _draft(bc: Client, number: str = "A-1", **more: Any) -> dict[str, Any]:
    body = {"vendorNumber": "20000", "vendorInvoiceNumber": number, "purchaseInvoiceLines": [EXPENSE], **more}
    reply = await bc.call("POST", "purchaseInvoices", body)
    assert reply.status == 201, reply
    made: dict[str, Any] = reply.body
    return made


async def _post(bc: Client, invoice: dict[str, Any]) -> Any:
    return await bc.call("POST", f"purchaseInvoices({invoice['id']})/Microsoft.NAV.Post")


async def _read(bc: Client, invoice: dict[str, Any]) -> dict[str, Any]:
    return await bc.one(f"purchaseInvoices?$filter=id eq {invoice['id']}")


# -- 5: one set, one id


async def test_sim_business_central_05_draft_and_posted_share_one_id(bc: Client) -> None:
    """Posting keeps the id, gives the posted number, status Open and a new stamp, and answers 204."""
    draft = await _draft(bc)
    assert (draft["status"], draft["totalAmountIncludingTax"], draft["currencyCode"]) == ("Draft", 100, "USD")
    assert draft["dueDate"] == "2026-05-20"
    await bc.operator.advance(1)
    assert (await _post(bc, draft)).status == 204
    posted = await _read(bc, draft)
    assert posted["status"] == "Open"
    assert posted["number"] == "108015" != draft["number"]
    assert posted["lastModifiedDateTime"] > draft["lastModifiedDateTime"]
    assert "remainingAmount" not in posted
    again = await _post(bc, draft)
    assert (again.status, again.message.split("  ")[0]) == (
        400,
        "The action can be applied to a draft invoice only.",
    )
    patch = await bc.call("PATCH", f"purchaseInvoices({draft['id']})", {"purchaser": "XX"}, If_Match="*")
    assert patch.message.startswith("The invoice has been posted and can no longer be modified.")


async def test_sim_business_central_05_partial_payment_leaves_no_trace_on_the_invoice(bc: Client) -> None:
    """400 of 1,000 moves neither status nor stamp nor ETag; the rest makes it Paid with a new stamp."""
    before = await bc.invoice("INV-5512' and vendorNumber eq '20000")
    assert before["status"] == "Open"
    await bc.operator.advance(60)
    await bc.person("post_payment", document="P-1", invoice=before["number"], amount="200", bank="CHECKING")
    assert await _read(bc, before) == before
    await bc.person("post_payment", document="P-2", invoice=before["number"], bank="CHECKING")
    after = await _read(bc, before)
    assert after["status"] == "Paid"
    assert after["lastModifiedDateTime"] > before["lastModifiedDateTime"]


async def test_sim_business_central_05_reversal_opens_and_cancelling_cancels(bc: Client) -> None:
    """A reversed payment makes a paid invoice Open again; a corrective memo makes one Canceled for good."""
    one, other = await _draft(bc, "A-1"), await _draft(bc, "A-2")
    for invoice in (one, other):
        await _post(bc, invoice)
    await bc.person("post_payment", document="P-1", invoice="A-1", bank="CHECKING")
    assert (await _read(bc, one))["status"] == "Paid"
    await bc.person("reverse", document="P-1")
    assert (await _read(bc, one))["status"] == "Open"
    await bc.person("cancel_invoice", invoice="A-2")
    assert (await _read(bc, other))["status"] == "Canceled"
    canceled = await bc.rows("purchaseInvoices?$filter=status eq 'Canceled'&$select=vendorInvoiceNumber")
    assert {one["vendorInvoiceNumber"] for one in canceled} == {"A-2", "WRONG-1"}


async def test_sim_business_central_05_lines_move_the_header(bc: Client) -> None:
    """A line added, changed or removed changes the header's totals and stamp."""
    draft = await _draft(bc)
    path = f"purchaseInvoices({draft['id']})/purchaseInvoiceLines"
    item = {"lineType": "Item", "lineObjectNumber": "1896-S", "quantity": 4, "taxCode": "STANDARD"}
    await bc.operator.advance(1)
    line = (await bc.call("POST", path, item)).body
    assert (line["sequence"], line["unitCost"], line["unitOfMeasureCode"]) == (20000, Decimal("780.7"), "PCS")
    assert (line["netAmount"], line["netTaxAmount"]) == (Decimal("3122.8"), Decimal("187.37"))
    header = await _read(bc, draft)
    assert header["totalAmountIncludingTax"] == Decimal("3410.17")
    assert header["lastModifiedDateTime"] > draft["lastModifiedDateTime"]
    changed = await bc.call("PATCH", f"{path}({line['id']})", {"quantity": 1}, If_Match="*")
    assert changed.body["netAmount"] == Decimal("780.7")
    assert (await bc.call("DELETE", f"{path}({line['id']})")).status == 204
    assert (await _read(bc, draft))["totalAmountIncludingTax"] == 100


async def test_sim_business_central_05_discounts_tax_and_rounding_add_up(bc: Client) -> None:
    """Line discount, invoice discount, tax and the rounding line come to the payable, which the ledger shows."""
    await bc.person("setup", values={"invoice_rounding": "0.05"})
    lines = [
        {**EXPENSE, "unitCost": 33.33, "quantity": 3, "discountPercent": 10, "taxCode": "STANDARD"},
        {**EXPENSE, "unitCost": 50.01, "taxCode": "REDUCED"},
        {"lineType": "Comment", "description": "no amount"},
        {**EXPENSE, "unitCost": -10},
    ]
    draft = await _draft(bc, "R-1", discountAmount=7, purchaseInvoiceLines=lines)
    assert (await _post(bc, draft)).status == 204
    invoice = await _read(bc, draft)
    rows = await bc.rows(f"purchaseInvoices({draft['id']})/purchaseInvoiceLines")
    assert [row["lineType"] for row in rows] == ["Account", "Account", "Comment", "Account", "Account"]
    assert rows[-1]["description"] == "Invoice Rounding"
    assert rows[0]["discountAmount"] == Decimal("10.0")
    assert sum(row["invoiceDiscountAllocation"] for row in rows) == 7
    assert rows[3]["invoiceDiscountAllocation"] == 0
    total = sum(row["netAmountIncludingTax"] for row in rows)
    assert total == invoice["totalAmountIncludingTax"]
    assert total % Decimal("0.05") == 0
    entry = (await bc.entries(f"Document_No eq '{invoice['number']}'"))[0]
    assert entry["Amount"] == -total
    booked = await bc.rows(f"generalLedgerEntries?$filter=documentNumber eq '{invoice['number']}'")
    assert sum(one["debitAmount"] - one["creditAmount"] for one in booked) == 0
    assert [one["creditAmount"] for one in booked if one["accountNumber"] == "2110"] == [total]


async def test_sim_business_central_05_every_kind_of_line_posts_to_its_account(bc: Client) -> None:
    """Item, charge, resource, fixed asset and account lines reach the accounts behind them; comments none."""
    invoice = await bc.invoice("107001")
    booked = await bc.rows(f"generalLedgerEntries?$filter=documentNumber eq '{invoice['number']}'")
    amounts = {
        (one["accountNumber"]): one["debitAmount"] - one["creditAmount"]
        for one in booked
        if one["accountNumber"] != "2110"
    }
    assert amounts == {
        "5110": Decimal("4035.75"),
        "5120": 120,
        "6140": 165,
        "1510": 2500,
        "6150": 31,
        "2310": Decimal("242.15"),
    }
    lines = await bc.rows(f"purchaseInvoiceLines?$filter=documentId eq {invoice['id']}")
    kinds = {line["lineType"]: (line["itemId"] != ZERO, line["accountId"] != ZERO) for line in lines}
    assert kinds == {
        "Item": (True, False),
        "Comment": (False, False),
        "Charge": (False, False),
        "Resource": (False, False),
        "Fixed_x0020_Asset": (False, False),
        "Account": (False, True),
    }


async def test_sim_business_central_05_automatic_cost_entries_have_no_document_type(bc: Client) -> None:
    """Where the company posts item costs at once, further entries carry the invoice's number."""
    await bc.person("setup", values={"automatic_cost_posting": True})
    item = {"lineType": "Item", "lineObjectNumber": "1908-S", "quantity": 1}
    draft = await _draft(bc, "C-1", purchaseInvoiceLines=[item])
    await _post(bc, draft)
    number = (await _read(bc, draft))["number"]
    booked = await bc.rows(f"generalLedgerEntries?$filter=documentNumber eq '{number}'")
    extra = {one["accountNumber"]: one["description"] for one in booked if one["documentType"] == "_x0020_"}
    assert set(extra) == {"1310", "5130"}
    assert all(text.startswith("Direct Cost 1908-S on 04/20/26") for text in extra.values())


@pytest.mark.parametrize(
    ("change", "code", "part"),
    [
        ({"vendorInvoiceNumber": ""}, "Application_FieldValidationException", "Vendor Invoice No. must have a value"),
        (
            {"vendorInvoiceNumber": "inv-5512"},
            "Application_DialogException",
            "Purchase Invoice INV-5512 already exists",
        ),
        ({"purchaseInvoiceLines": []}, "Application_DialogException", "There is nothing to post."),
        (
            {"postingDate": "2024-12-31"},
            "Application_DialogException",
            "not within your range of allowed posting dates",
        ),
        (
            {"purchaseInvoiceLines": [{**EXPENSE, "lineObjectNumber": "6160"}]},
            "Application_DialogException",
            "Select a Dimension Value Code for the Dimension Code DEPARTMENT for G/L Account 6160",
        ),
        (
            {"purchaseInvoiceLines": [{**EXPENSE, "lineObjectNumber": "6190"}]},
            "Application_FieldValidationException",
            "Blocked must be equal to 'No'",
        ),
        (
            {"purchaseInvoiceLines": [{**EXPENSE, "lineObjectNumber": "2110"}]},
            "Application_FieldValidationException",
            "Direct Posting must be equal to 'Yes'",
        ),
    ],
)
async def test_sim_business_central_05_posting_is_refused(bc: Client, change: Any, code: str, part: str) -> None:
    """What a posting checks; a refused draft stays a draft and books nothing."""
    await bc.person("close_period", **{"from": "2026-01-01"})
    draft = (
        await _draft(bc, **change)
        if "vendorInvoiceNumber" not in change
        else await _draft(bc, change["vendorInvoiceNumber"])
    )
    before = len((await bc.truth())["entries"])
    reply = await _post(bc, draft)
    assert (reply.status, reply.code) == (400, code)
    assert part in reply.message
    assert (await _read(bc, draft))["status"] == "Draft"
    assert len((await bc.truth())["entries"]) == before


async def test_sim_business_central_05_creating_names_a_vendor(bc: Client) -> None:
    """No vendor, an unknown one, two that differ, a blocked one, and pay-to vendors."""
    for body, part in (
        ({}, 'A "vendorNumber" or a "vendorID" must be provided.'),
        ({"vendorNumber": "77"}, "The vendor cannot be found."),
        ({"vendorNumber": "10000", "vendorId": (await bc.vendor())["id"]}, "The vendor values do not match"),
        ({"vendorNumber": "95000"}, "You cannot create this type of document when Vendor 95000 is blocked"),
    ):
        reply = await bc.call("POST", "purchaseInvoices", body)
        assert (reply.status, reply.code) == (400, "Application_DialogException")
        assert part in reply.message
    made = await bc.call("POST", "purchaseInvoices", {"vendorNumber": "20100"})
    assert (made.body["vendorNumber"], made.body["payToVendorNumber"]) == ("20100", "20000")
    assert (made.body["payToName"], made.body["payToContact"]) == ("First Up Consultants", "Evan McIntosh")


async def test_sim_business_central_05_a_vendor_without_posting_groups_fails_at_posting(bc: Client) -> None:
    """The vendor is created without complaint; posting names the missing group."""
    await bc.person("setup", values={"default_business_group": ""})
    vendor = (await bc.call("POST", "vendors", {"displayName": "Bare"})).body
    draft = await _draft(bc, vendorNumber=vendor["number"])
    reply = await _post(bc, draft)
    assert reply.code == "Application_FieldValidationException"
    assert f"Gen. Bus. Posting Group must have a value in Vendor: No.={vendor['number']}" in reply.message


async def test_sim_business_central_05_orders_become_invoices_with_ids_of_their_own(bc: Client) -> None:
    """An invoice from an order has another id and names the order, which goes once all of it is invoiced."""
    order = (await bc.rows("purchaseOrders"))[0]
    assert order["status"] == "Open"
    half = await bc.person("invoice_order", order=order["number"], vendor_invoice_number="O-1", share="0.5")
    lines = await bc.rows(f"purchaseOrders({order['id']})/purchaseOrderLines")
    assert [line["invoicedQuantity"] for line in lines if line["lineType"] == "Item"] == [2, 5]
    rest = await bc.person("invoice_order", order=order["number"], vendor_invoice_number="O-2")
    for made in (half, rest):
        invoice = (await bc.get(f"purchaseInvoices({made['id']})")).body
        assert (invoice["orderId"], invoice["orderNumber"], invoice["status"]) == (order["id"], order["number"], "Open")
    assert (await bc.get(f"purchaseOrders({order['id']})")).status == 404
    assert order["id"] not in {one["id"] for one in await bc.rows("purchaseInvoices")}


async def test_sim_business_central_05_a_deleted_draft_is_gone(bc: Client) -> None:
    """DELETE of a draft leaves 404 and nothing in the delta; a posted one stays."""
    draft = await _draft(bc)
    assert (await bc.call("DELETE", f"purchaseInvoices({draft['id']})")).status == 204
    assert (await bc.get(f"purchaseInvoices({draft['id']})")).status == 404
    posted = await bc.invoice("107001")
    assert (await bc.call("DELETE", f"purchaseInvoices({posted['id']})")).status == 400


# -- 6: below a parent only


async def test_sim_business_central_06_children_refuse_to_be_read_without_their_parent(bc: Client) -> None:
    """Each says what it needs."""
    for name, text in (
        ("purchaseInvoiceLines", "You must specify an Id or a Document Id to get the lines."),
        ("dimensionSetLines", "You must get to the parent first to get to the dimension set line."),
        ("vendorPayments", "You must specify a journal batch ID or a journal ID to get a journal line."),
        ("journalLines", "You must specify a journal batch ID or a journal ID to get a journal line."),
        ("applyVendorEntries", "You must specify a vendor payment to get apply vendor entries."),
        ("attachments", "You must specify a parentId and a parentType in the filter."),
    ):
        reply = await bc.get(name)
        assert (reply.status, reply.code) == (400, "Application_DialogException"), name
        assert reply.message.startswith(text)


async def test_sim_business_central_06_lines_by_filter_and_by_id(bc: Client) -> None:
    """A filter on documentId or on the line's own id replaces the path."""
    invoice = await bc.invoice("107001")
    below = await bc.rows(f"purchaseInvoices({invoice['id']})/purchaseInvoiceLines")
    assert await bc.rows(f"purchaseInvoiceLines?$filter=documentId eq {invoice['id']}") == below
    assert await bc.rows(f"purchaseInvoiceLines?$filter=id eq {below[0]['id']}") == below[:1]
    assert (await bc.get(f"purchaseInvoiceLines({below[0]['id']})")).body["id"] == below[0]["id"]
    assert "lastModifiedDateTime" not in below[0]


async def test_sim_business_central_06_dimension_line_has_the_dimensions_id(bc: Client) -> None:
    """The same id stands under every parent; posted parents are read-only, drafts take new lines."""
    department = await bc.one("dimensions?$filter=code eq 'DEPARTMENT'")
    invoice = await bc.invoice("INV-5512' and vendorNumber eq '20000")
    line = (await bc.rows(f"purchaseInvoices({invoice['id']})/purchaseInvoiceLines"))[0]
    entries = await bc.rows(f"generalLedgerEntries?$filter=documentNumber eq '{invoice['number']}'")
    cost = next(one for one in entries if one["accountNumber"] == "6140")
    kinds = {}
    for parent in (f"purchaseInvoiceLines({line['id']})", f"generalLedgerEntries({cost['id']})"):
        shown = await bc.one(f"{parent}/dimensionSetLines")
        assert (shown["id"], shown["code"], shown["valueCode"]) == (department["id"], "DEPARTMENT", "ADM")
        kinds[shown["parentType"]] = shown["parentId"]
        refused = await bc.call("POST", f"{parent}/dimensionSetLines", {"code": "AREA", "valueCode": "EAST"})
        assert "dimension set lines are read only for parent type" in refused.message
    assert kinds == {"Purchase_x0020_Invoice_x0020_Line": line["id"], "General_x0020_Ledger_x0020_Entry": cost["id"]}


async def test_sim_business_central_06_dimension_lines_of_a_draft(bc: Client) -> None:
    """By code or id; twice, unknown or incomplete ones are refused with their own words."""
    draft = await _draft(bc)
    path = f"purchaseInvoices({draft['id']})/dimensionSetLines"
    area = await bc.one("dimensions?$filter=code eq 'AREA'")
    made = await bc.call("POST", path, {"code": "AREA", "valueCode": "EAST"})
    assert (made.status, made.body["id"], made.body["valueDisplayName"]) == (201, area["id"], "East")
    for body, text in (
        ({}, 'The "id" or "code" field must be filled in.'),
        ({"code": "PROJECT"}, 'The "valueId" or "valueCode" field must be filled in.'),
        ({"code": "NOPE", "valueCode": "X"}, 'The "code" does not match to a Dimension.'),
        ({"code": "PROJECT", "valueCode": "X"}, 'The "valueCode" does not match to a Dimension Value.'),
        ({"code": "AREA", "valueCode": "WEST"}, "The dimension set line already exists."),
    ):
        reply = await bc.call("POST", path, body)
        assert reply.message.startswith(text)
    changed = await bc.call("PATCH", f"{path}({area['id']})", {"valueCode": "WEST"}, If_Match="*")
    assert (changed.status, changed.body["valueCode"]) == (200, "WEST")
    fixed = await bc.call("PATCH", f"{path}({area['id']})", {"code": "PROJECT", "valueCode": "ALPHA"}, If_Match="*")
    assert fixed.message.startswith('The "id" and "code" fields cannot be modified.')
    loose = await bc.call("POST", "dimensionSetLines", {"code": "AREA", "valueCode": "EAST"})
    assert loose.message.startswith("You must get to the parent first to create a dimension set line.")


async def test_sim_business_central_06_line_edits_keep_their_rules(bc: Client) -> None:
    """Both ids, unknown objects, and moving a line are refused."""
    draft = await _draft(bc)
    path = f"purchaseInvoices({draft['id']})/purchaseInvoiceLines"
    line = (await bc.rows(path))[0]
    account = await bc.one("accounts?$filter=number eq '6150'")
    for method, address, body, text in (
        ("POST", path, {"itemId": draft["id"], "accountId": account["id"]}, 'Both "itemId" and "accountId"'),
        ("POST", path, {"itemId": draft["id"]}, "Item does not exist."),
        ("POST", path, {"lineType": "Account", "lineObjectNumber": "77"}, "Account does not exist."),
        ("PATCH", f"{path}({line['id']})", {"sequence": 5}, "The value for sequence cannot be modified."),
        ("PATCH", f"{path}({line['id']})", {"documentId": account["id"]}, 'The value for "documentId" cannot'),
    ):
        reply = await bc.call(method, address, body, If_Match="*")
        assert reply.status == 400
        assert reply.message.startswith(text)


async def test_sim_business_central_06_files_of_invoices(bc: Client) -> None:
    """Document attachments are listed and read as bytes; uploads are two steps; vendors are no parents of incoming."""
    invoice = await bc.invoice("INV-5512' and vendorNumber eq '20000")
    file = await bc.one(f"purchaseInvoices({invoice['id']})/documentAttachments")
    assert (file["fileName"], file["parentType"]) == ("INV-5512.pdf", "Purchase_x0020_Invoice")
    content = await bc.get(file["attachmentContent@odata.mediaReadLink"])
    assert (content.body, content.headers["Content-Type"]) == (b"%PDF-1.4 invoice INV-5512", "application/pdf")
    assert file["byteSize"] == len(content.body)
    pdf = (await bc.get(f"purchaseInvoices({invoice['id']})/pdfDocument/pdfDocumentContent")).body
    assert pdf.startswith(b"%PDF-1.4")
    made = (await bc.call("POST", "attachments", {"parentId": invoice["id"], "fileName": "more.txt"})).body
    link = made["attachmentContent@odata.mediaEditLink"]
    assert (await bc.call("PATCH", link, b"hello")).status == 400
    assert (await bc.call("PATCH", link, b"hello", If_Match="*", Content_Type="text/plain")).status == 204
    assert (await bc.get(link)).body == b"hello"
    listed = await bc.rows(f"attachments?$filter=parentId eq {invoice['id']} and parentType eq 'Purchase Invoice'")
    assert [one["fileName"] for one in listed] == ["more.txt"]
    vendor = await bc.vendor()
    refused = await bc.get(f"attachments?$filter=parentId eq {vendor['id']} and parentType eq 'Vendor'")
    assert refused.message.startswith("Parent type Vendor is not supported. Use documentAttachments API instead.")
