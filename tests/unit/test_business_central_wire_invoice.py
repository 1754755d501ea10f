"""Posted purchase invoices of Business Central as records: they add up, and nothing in them is guessed."""

from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from support.business_central_rows import CONTEXT, changed, load, read
from tieout.domain.erp import (
    DimensionCode,
    DocumentStatus,
    LineKind,
    PurchaseInvoice,
    Terms,
    VendorRef,
)
from tieout.domain.records import Kind
from tieout_connectors.business_central.wire import BusinessCentralWire
from tieout_connectors.spi.wire import Unreadable


def invoice_with(**fields: Any) -> PurchaseInvoice:
    """The fixture's invoice with other header fields."""
    document = load("purchase_invoice.json")
    document["invoice"].update(fields)
    record = read(Kind.PURCHASE_INVOICE, document)
    assert isinstance(record, PurchaseInvoice)
    return record


def test_an_invoice_adds_up() -> None:
    """Lines before the invoice's discount, the discount, tax and total explain each other to the cent."""
    invoice = read(Kind.PURCHASE_INVOICE, load("purchase_invoice.json"))
    assert isinstance(invoice, PurchaseInvoice)
    assert [line.net for line in invoice.lines] == [Decimal(0), Decimal(600), Decimal(400), Decimal(0)]
    assert (invoice.net, invoice.tax, invoice.total) == (Decimal(950), Decimal(57), Decimal(1007))
    assert invoice.discount == Decimal(50)
    assert invoice.unexplained() == 0


def test_an_invoice_carries_its_open_amount_and_discount_from_the_ledger() -> None:
    """400 of 1,007 are paid: 607 stay open and 20.14 can still be deducted until 10 April."""
    invoice = read(Kind.PURCHASE_INVOICE, load("purchase_invoice.json"))
    assert (invoice.open, invoice.ledger_entry, invoice.on_hold) == (Decimal(607), "2831", "")
    assert invoice.terms == Terms(possible=Decimal("20.14"), until=date(2026, 4, 10))
    assert invoice.status is DocumentStatus.OPEN


def test_an_invoice_is_owed_to_the_pay_to_vendor() -> None:
    """Who sold and who is paid are two vendors here; the bill is for the second."""
    invoice = read(Kind.PURCHASE_INVOICE, load("purchase_invoice.json"))
    assert invoice.buy_from.number == "20000"
    assert invoice.pay_to == VendorRef(
        number="20100", id="e8a5738a-44e3-ea11-bb43-000d3a2feca1", name="First Up Factoring"
    )


def test_lines_say_what_they_are_for() -> None:
    """Only account lines name an account; comments stay comments; an escaped asset line is understood."""
    invoice = read(Kind.PURCHASE_INVOICE, load("purchase_invoice.json"))
    kinds = [LineKind.COMMENT, LineKind.ACCOUNT, LineKind.ITEM, LineKind.ASSET]
    assert [line.kind for line in invoice.lines] == kinds
    assert [line.account for line in invoice.lines] == ["", "07110", "", ""]
    assert [line.number for line in invoice.lines] == ["", "07110", "1896-S", "FA-1"]


def test_dimensions_come_by_code() -> None:
    """Dimension set lines share their ids under every parent; the codes tell them apart."""
    invoice = read(Kind.PURCHASE_INVOICE, load("purchase_invoice.json"))
    desk = (DimensionCode(dimension="DEPARTMENT", value="PROD"), DimensionCode(dimension="PROJECT", value="P-7"))
    assert invoice.lines[2].dimensions == desk
    assert invoice.dimensions == (DimensionCode(dimension="DEPARTMENT", value="SALES"),)


def test_postings_are_the_invoices_own() -> None:
    """A payment under the same document number lends its account to no line; debits are positive."""
    invoice = read(Kind.PURCHASE_INVOICE, load("purchase_invoice.json"))
    assert invoice.postings is not None
    assert [(one.account, one.amount) for one in invoice.postings] == [
        ("07110", Decimal(570)),
        ("14100", Decimal(380)),
        ("15100", Decimal(57)),
        ("22300", Decimal(-1007)),
    ]
    assert invoice.postings[1].document_amount == Decimal(380)
    assert invoice.postings[1].dimensions[1].value == "P-7"


def test_postings_of_a_foreign_invoice_have_no_amount_in_its_currency() -> None:
    """The general ledger keeps the local currency only, and nothing is guessed from it."""
    document = load("purchase_invoice.json")
    document["invoice"]["currencyCode"] = "EUR"
    document["ledger"][0]["Currency_Code"] = "EUR"
    invoice = read(Kind.PURCHASE_INVOICE, document)
    assert {one.document_amount for one in invoice.postings} == {None}


@pytest.mark.parametrize("status", ["Draft", "In_x0020_Review", "In Review", "_x0020_"])
def test_an_unposted_invoice_is_no_record(status: str) -> None:
    """Drafts never become bills."""
    document = changed("purchase_invoice.json", "invoice", "status", to=status)
    assert BusinessCentralWire().read(Kind.PURCHASE_INVOICE, document, CONTEXT) == ()


def test_without_the_ledger_page_the_open_amount_is_unknown() -> None:
    """Open may be paid in part: without the entry nobody knows what is left, and zero would be a lie."""
    invoice = read(Kind.PURCHASE_INVOICE, changed("purchase_invoice.json", "ledger", to=None))
    assert (invoice.open, invoice.on_hold, invoice.terms, invoice.ledger_entry) == (None, None, None, "")


def test_paid_says_that_nothing_is_open_even_without_the_ledger_page() -> None:
    """Business Central sets Paid only when the entry is closed."""
    document = changed("purchase_invoice.json", "ledger", to=None)
    document["invoice"]["status"] = "Paid"
    invoice = read(Kind.PURCHASE_INVOICE, document)
    assert (invoice.open, invoice.status) == (Decimal(0), DocumentStatus.PAID)


def test_an_entry_that_is_not_there_yet_leaves_the_open_amount_unknown() -> None:
    """The page answered, but without this invoice's entry."""
    assert read(Kind.PURCHASE_INVOICE, changed("purchase_invoice.json", "ledger", to=[])).open is None


def test_an_entry_of_another_vendor_is_not_taken() -> None:
    """Two vendors' documents may bear one number."""
    document = changed("purchase_invoice.json", "ledger", 0, "Vendor_No", to="99999")
    assert read(Kind.PURCHASE_INVOICE, document).open is None


def test_two_entries_for_one_invoice_are_refused() -> None:
    """Which one is right is not guessed."""
    document = load("purchase_invoice.json")
    document["ledger"].append(deepcopy(document["ledger"][0]))
    with pytest.raises(Unreadable, match="ledger"):
        read(Kind.PURCHASE_INVOICE, document)


@pytest.mark.parametrize("text", ["XYZ", "a  "])
def test_a_hold_is_any_text(text: str) -> None:
    """Whatever three characters a person enters, the invoice is on hold."""
    document = changed("purchase_invoice.json", "ledger", 0, "On_Hold", to=text)
    assert read(Kind.PURCHASE_INVOICE, document).on_hold == text.strip()


def test_a_hold_that_the_page_does_not_show_is_unknown() -> None:
    """A page published without the column does not make an invoice free to pay."""
    document = load("purchase_invoice.json")
    del document["ledger"][0]["On_Hold"]
    assert read(Kind.PURCHASE_INVOICE, document).on_hold is None


def test_the_empty_due_date_is_none() -> None:
    """An invoice without due date is not due in the year 1."""
    document = changed("purchase_invoice.json", "ledger", 0, "Due_Date", to="0001-01-01")
    document["invoice"]["dueDate"] = "0001-01-01"
    assert read(Kind.PURCHASE_INVOICE, document).due_date is None


def test_the_due_date_is_the_ledger_entrys() -> None:
    """People change it there; the posted invoice keeps the old one, which counts only where nothing else tells."""
    assert invoice_with(dueDate="2026-01-01").due_date == date(2026, 4, 30)
    document = changed("purchase_invoice.json", "ledger", 0, "Due_Date", to="0001-01-01")
    document["invoice"]["dueDate"] = "2026-01-01"
    assert read(Kind.PURCHASE_INVOICE, document).due_date == date(2026, 1, 1)


def test_a_list_that_the_server_cut_is_refused() -> None:
    """An invoice with half of its lines never becomes a bill."""
    document = load("purchase_invoice.json")
    document["invoice"]["purchaseInvoiceLines@odata.nextLink"] = "https://x/y"
    with pytest.raises(Unreadable, match="purchaseInvoiceLines"):
        read(Kind.PURCHASE_INVOICE, document)
    document = load("purchase_invoice.json")
    document["invoice"]["purchaseInvoiceLines"][1]["dimensionSetLines@odata.nextLink"] = "https://x/y"
    with pytest.raises(Unreadable, match=r"purchaseInvoiceLines\[1\]\.dimensionSetLines"):
        read(Kind.PURCHASE_INVOICE, document)


def test_a_complaint_inside_a_line_names_the_line() -> None:
    """The path leads to the value."""
    document = changed("purchase_invoice.json", "invoice", "purchaseInvoiceLines", 2, "netAmount", to="abc")
    with pytest.raises(Unreadable) as caught:
        read(Kind.PURCHASE_INVOICE, document)
    assert caught.value.path == "invoice.purchaseInvoiceLines[2].netAmount"


def test_amounts_are_exact_and_floats_refused() -> None:
    """12,345,678.90 arrives to the cent; a float has lost digits already and is not taken."""
    assert invoice_with(totalAmountIncludingTax=Decimal("12345678.90")).total == Decimal("12345678.90")
    assert invoice_with(totalAmountIncludingTax="12345678.90").total == Decimal("12345678.90")
    with pytest.raises(Unreadable, match="totalAmountIncludingTax"):
        invoice_with(totalAmountIncludingTax=12345678.90)


def test_a_part_payment_changes_an_invoices_version() -> None:
    """The ETag stays when a part is paid; the version must not."""
    before = read(Kind.PURCHASE_INVOICE, load("purchase_invoice.json"))
    after = read(
        Kind.PURCHASE_INVOICE, changed("purchase_invoice.json", "ledger", 0, "Remaining_Amount", to=Decimal("-207.00"))
    )
    assert before.version != after.version


def test_a_reference_of_zeros_is_none() -> None:
    """The empty GUID never links two documents."""
    assert invoice_with(payToVendorId="00000000-0000-0000-0000-000000000000").pay_to.id == ""
