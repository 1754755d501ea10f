"""Business Central's simulator: what a posting refuses, and discounts and rates when it does not."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from support.business_central import Client, opened

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


# -- 9: refusals of a posting


async def _refused(bc: Client, code: str, part: str) -> None:
    before = (await bc.truth())["entries"]
    reply = await bc.post()
    assert (reply.status, reply.code) == (400, code)
    assert part in reply.message
    assert (await bc.truth())["entries"] == before


async def test_sim_business_central_09_date_outside_the_window(bc: Client) -> None:
    """A closed period refuses; opened again, the same batch posts."""
    await bc.pay(vendorNumber="20000", amount=5, documentNumber="P-1", postingDate="2026-03-31")
    await bc.person("close_period", **{"from": "2026-04-01"})
    await _refused(bc, "Application_DialogException", "Posting Date is not within your range of allowed posting dates")
    assert (await bc.one("generalLedgerSetup"))["allowPostingFrom"] == "2026-04-01"
    await bc.person("close_period")
    assert (await bc.post()).status == 204


async def test_sim_business_central_09_document_number_is_used_once(bc: Client) -> None:
    """A number stands once per type in the whole vendor ledger, reversed or not; one batch may share it."""
    for _ in range(2):
        await bc.pay(vendorNumber="20000", amount=5, documentNumber="P-1")
    assert (await bc.post()).status == 204
    await bc.pay(vendorNumber="10000", amount=5, documentNumber="p-1")
    await _refused(bc, "Application_DialogException", "Purchase Payment P-1 already exists.")
    await bc.person("reverse", document="P-1")
    await _refused(bc, "Application_DialogException", "Purchase Payment P-1 already exists.")


async def test_sim_business_central_09_external_number_only_where_demanded(bc: Client) -> None:
    """Twice the same external number posts, unless the setup demands such numbers."""
    for number in ("P-1", "P-2"):
        await bc.pay(vendorNumber="20000", amount=5, documentNumber=number, externalDocumentNumber="X-1")
        assert (await bc.post()).status == 204
    await bc.person("setup", values={"external_number_mandatory": True})
    await bc.pay(vendorNumber="20000", amount=5, documentNumber="P-3", externalDocumentNumber="X-1")
    await _refused(bc, "Application_DialogException", "Purchase Payment X-1 already exists for this vendor.")


async def test_sim_business_central_09_invoice_closed_or_of_another_vendor(bc: Client) -> None:
    """No open entry of this vendor under that number."""
    invoice = await _advice(bc)
    line = (await bc.pay(vendorNumber="10000", appliesToInvoiceNumber=invoice["number"], amount=5)).body
    await bc.call("PATCH", f"vendorPayments({line['id']})", {"documentNumber": "P-1"}, If_Match="*")
    await _refused(bc, "Internal_DataNotFoundFilter", "There is no Vendor Ledger Entry within the filter.")
    await bc.person("post_payment", document="HAND", invoice=invoice["number"], bank="CHECKING")
    await bc.call("PATCH", f"vendorPayments({line['id']})", {"vendorNumber": "20000"}, If_Match="*")
    await _refused(bc, "Internal_DataNotFoundFilter", "There is no Vendor Ledger Entry within the filter.")


async def test_sim_business_central_09_currencies_differ(bc: Client) -> None:
    """The line has the vendor's currency; an invoice in another one cannot be applied."""
    lines = [{"number": "6150", "unit_cost": "50"}]
    await bc.person("post_invoice", vendor="60000", vendor_invoice_number="USD-1", currency="USD", lines=lines)
    invoice = await bc.invoice("USD-1")
    assert invoice["currencyCode"] == "USD"
    await bc.pay(appliesToInvoiceId=invoice["id"], amount=50, documentNumber="P-1")
    await _refused(bc, "Application_DialogException", "All entries in one application must be in the same currency.")


async def test_sim_business_central_09_payment_before_the_invoice(bc: Client) -> None:
    """Dated a day before the invoice it cannot be applied; on the day it can."""
    invoice = await _advice(bc)
    line = (
        await bc.pay(appliesToInvoiceId=invoice["id"], amount=5, documentNumber="P-1", postingDate="2026-03-30")
    ).body
    await _refused(bc, "Application_DialogException", "not allowed to apply and post an entry to an entry with an")
    path = f"vendorPayments({line['id']})"
    await bc.call("PATCH", path, {"postingDate": invoice["postingDate"]}, If_Match="*")
    assert (await bc.post()).status == 204


async def test_sim_business_central_09_vendor_blocked_meanwhile(bc: Client) -> None:
    """Blocked after the line was made: refused at posting, for Payment and for All."""
    await bc.pay(vendorNumber="20000", amount=5, documentNumber="P-1")
    for kind in ("Payment", "All"):
        await bc.person("block_vendor", number="20000", blocked=kind)
        await _refused(bc, "Application_DialogException", f"when Vendor 20000 is blocked with type {kind}")
    await bc.person("block_vendor", number="20000", blocked=" ")
    assert (await bc.post()).status == 204


async def test_sim_business_central_09_dimensions_are_checked_at_posting(bc: Client) -> None:
    """Rules of vendor and account, blocked and heading values: found only when posting."""
    await bc.person("set_dimension_rules", vendor="20000", rules={"DEPARTMENT": {"rule": "Code Mandatory"}})
    line = (await bc.pay(vendorNumber="20000", amount=5, documentNumber="P-1")).body
    await _refused(bc, "Application_DialogException", "Select a Dimension Value Code for the Dimension Code DEPARTMENT")
    path = f"vendorPayments({line['id']})/dimensionSetLines"
    await bc.call("POST", path, {"code": "DEPARTMENT", "valueCode": "ADM"})
    for values, part in (
        ({"blocked": True}, "DEPARTMENT - ADM is blocked"),
        ({"blocked": False, "value_type": "Heading"}, "must not be Heading"),
    ):
        await bc.person("change_dimension_value", key=["DEPARTMENT", "ADM"], values=values)
        await _refused(bc, "Application_DialogException", part)
    assert set(await bc.one("dimensionValues?$filter=code eq 'ADM'")) & {"blocked", "valueType"} == set()
    await bc.person("change_dimension_value", key=["DEPARTMENT", "ADM"], values={"value_type": "Standard"})
    await bc.person("change_dimension", key="DEPARTMENT", values={"blocked": True})
    await _refused(bc, "Application_DialogException", "Dimension DEPARTMENT is blocked")
    await bc.person("change_dimension", key="DEPARTMENT", values={"blocked": False})
    await bc.person("set_dimension_rules", account="2950", rules={"DEPARTMENT": {"value": "PROD", "rule": "Same Code"}})
    await _refused(bc, "Application_DialogException", "must be PROD for Dimension Code DEPARTMENT for G/L Account 2950")
    await bc.person("set_dimension_rules", account="2950", rules={"DEPARTMENT": {"rule": "No Code"}})
    await _refused(bc, "Application_DialogException", "must not be mentioned for G/L Account 2950")
    await bc.person("set_dimension_rules", account="2950", rules={})
    assert (await bc.post()).status == 204


async def test_sim_business_central_09_dimension_defaults_of_vendor_and_account_reach_the_line(bc: Client) -> None:
    """A new line carries the default values, so that an ordinary rule needs nothing from the caller."""
    await bc.person("set_dimension_rules", vendor="20000", rules={"AREA": {"value": "EAST", "rule": "Same Code"}})
    line = (await bc.pay(vendorNumber="20000", amount=5, documentNumber="P-1")).body
    shown = await bc.rows(f"vendorPayments({line['id']})/dimensionSetLines")
    assert [(one["code"], one["valueCode"], one["parentType"]) for one in shown] == [
        ("AREA", "EAST", "Journal_x0020_Line")
    ]
    assert (await bc.post()).status == 204


async def test_sim_business_central_09_out_of_balance(bc: Client) -> None:
    """A batch without a balancing account posts only lines that sum to zero per document."""
    loose = (await bc.call("POST", "vendorPaymentJournals", {"code": "LOOSE"})).body
    path = f"vendorPaymentJournals({loose['id']})/vendorPayments"
    await bc.call("POST", path, {"vendorNumber": "20000", "amount": 5, "documentNumber": "P-1"})
    refused = await bc.call("POST", f"journals({loose['id']})/Microsoft.NAV.post")
    assert (refused.status, "out of balance by 5" in refused.message) == (400, True)
    other = {"accountType": "Bank Account", "accountNumber": "CHECKING", "amount": -5, "documentNumber": "P-1"}
    await bc.call("POST", f"journals({loose['id']})/journalLines", other)
    assert (await bc.call("POST", f"journals({loose['id']})/Microsoft.NAV.post")).status == 204
    assert (await bc.truth())["balanced"] is True


async def test_sim_business_central_09_overpayment_posts_and_leaves_the_rest_open(bc: Client) -> None:
    """700 on 600: the invoice closes, 100 stays on the payment."""
    invoice = await _advice(bc)
    await bc.pay(appliesToInvoiceId=invoice["id"], amount=700, documentNumber="P-1")
    assert (await bc.post()).status == 204
    assert (await _entry(bc, invoice["number"]))["Remaining_Amount"] == 0
    paid = await _entry(bc, "P-1", "Payment")
    assert (paid["Amount"], paid["Remaining_Amount"], paid["Open"]) == (700, 100, True)


async def test_sim_business_central_09_blocked_and_total_accounts(bc: Client) -> None:
    """A batch whose balancing account was blocked meanwhile is refused by its name."""
    await bc.pay(vendorNumber="20000", amount=5, documentNumber="P-1")
    await bc.person("change_account", key="2950", values={"blocked": True})
    await _refused(bc, "Application_FieldValidationException", "G/L Account: No.=2950")


async def test_sim_business_central_09_payment_discount_is_taken_in_time(bc: Client) -> None:
    """980 of 1,000 in time closes the invoice; the full 1,000 leaves 20 on the payment; a day late there is none."""
    for number, day, amount, open_left, payment_left in (
        ("D-1", "2026-04-11", 980, 0, 0),
        ("D-2", "2026-04-11", 1000, 0, 20),
        ("D-3", "2026-04-12", 980, -20, 0),
        ("D-4", "2026-04-11", 979, -21, 0),
    ):
        lines = [{"number": "6130", "unit_cost": "1000"}]
        made = await bc.person(
            "post_invoice", vendor="30000", vendor_invoice_number=number, posting_date="2026-04-01", lines=lines
        )
        await bc.pay(appliesToInvoiceId=made["id"], amount=amount, documentNumber=number, postingDate=day)
        assert (await bc.post()).status == 204
        invoice = await _entry(bc, made["number"])
        assert (invoice["Pmt_Discount_Date"], invoice["Original_Pmt_Disc_Possible"]) == ("2026-04-11", -20)
        assert (number, invoice["Remaining_Amount"]) == (number, open_left)
        assert (await _entry(bc, number, "Payment"))["Remaining_Amount"] == payment_left
    truth = await bc.truth()
    received = next(one for one in truth["accounts"] if one["number"] == "7120")
    assert Decimal(received["balance"]) == -40
    assert truth["balanced"] is True


async def test_sim_business_central_09_exchange_rates_end_in_gains_and_losses(bc: Client) -> None:
    """A euro invoice paid at another rate closes in euros and in dollars; the difference is realized."""
    invoice = await bc.invoice("RE-2041")
    await bc.person("change_currency", key="EUR", values={"rates": [["2025-01-01", "1.10"], ["2026-04-15", "1.20"]]})
    before = await bc.truth()
    await bc.pay(appliesToInvoiceId=invoice["id"], amount=850.5, documentNumber="P-1")
    assert (await bc.post()).status == 204
    entry = await _entry(bc, invoice["number"])
    assert (entry["Remaining_Amount"], entry["Remaining_Amt_LCY"], entry["Open"]) == (0, 0, False)
    truth = await bc.truth()
    lost = next(one for one in truth["accounts"] if one["number"] == "7140")
    assert Decimal(lost["balance"]) == Decimal("1020.60") - Decimal("935.55")
    assert truth["balanced"] is True
    control = {one["number"]: Decimal(one["balance"]) for one in truth["accounts"]}["2120"]
    open_local = sum(
        Decimal(one["remaining_local"]) for one in truth["vendor_entries"] if one["posting_group"] == "FOREIGN"
    )
    assert control == open_local
    assert len(truth["entries"]) > len(before["entries"])
