"""Business Central's documents as records, on fixtures in the shapes its servers send."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from support.business_central_rows import CONTEXT, changed, load, read
from tieout.domain.erp import (
    Account,
    AccountCategory,
    Blocked,
    Dimension,
    DimensionCode,
    DimensionValue,
    Vendor,
)
from tieout.domain.erp_ledger import DateRange, EntryType, PeriodState, VendorLedgerEntry
from tieout.domain.records import Kind
from tieout_connectors.business_central.wire import BusinessCentralWire, protocol, questions
from tieout_connectors.business_central.wire.fields import unescaped
from tieout_connectors.spi.wire import Unreadable


def test_a_vendor_is_read_with_everything_the_api_shows() -> None:
    """Number with blanks and slash, several mail addresses, umlauts and cut milliseconds arrive as they are."""
    vendor = read(Kind.VENDOR, load("vendor.json"))
    assert isinstance(vendor, Vendor)
    assert vendor.id == "c1b50b8e-1d4e-ef11-a2b3-6045bd0a11f2"
    assert vendor.number == "V#00 17/A"
    assert vendor.name == "Ødegård & Søn"
    assert vendor.currency == "NOK"
    assert vendor.email == "ap@example.no; post@example.no"
    assert vendor.blocked is Blocked.NO
    assert vendor.modified == datetime(2026, 2, 3, 7, 38, 46, 500_000, tzinfo=UTC)
    assert vendor.address.country == "NO"
    assert vendor.version.startswith('W/"')


@pytest.mark.parametrize(
    ("wire", "blocked"),
    [
        (" ", Blocked.NO),
        ("_x0020_", Blocked.NO),
        ("", Blocked.NO),
        ("Payment", Blocked.PAYMENT),
        ("All", Blocked.ALL),
    ],
)
def test_a_block_is_understood_escaped_or_not(wire: str, blocked: Blocked) -> None:
    """The documentation prints a blank, servers send it escaped: both mean not blocked."""
    assert read(Kind.VENDOR, changed("vendor.json", "blocked", to=wire)).blocked is blocked


def test_an_unknown_block_is_not_taken_for_none() -> None:
    """A member this release does not know sets the vendor aside, so that nobody blocked is paid."""
    with pytest.raises(Unreadable, match="blocked"):
        read(Kind.VENDOR, changed("vendor.json", "blocked", to="Privacy"))


def test_a_blank_currency_is_the_ledgers_own() -> None:
    """Nobody sees a vendor without currency when the server leaves it blank."""
    assert read(Kind.VENDOR, changed("vendor.json", "currencyCode", to="")).currency == "USD"


def test_a_currency_code_that_is_no_iso_code_is_named_in_the_complaint() -> None:
    """A site's own code needs an entry in the connection; the complaint says which field."""
    document = changed("vendor.json", "currencyCode", to="EURO")
    with pytest.raises(Unreadable, match="currencyCode"):
        read(Kind.VENDOR, document)
    known = CONTEXT.model_copy(update={"currencies": {"EURO": "EUR"}})
    (vendor,) = BusinessCentralWire().read(Kind.VENDOR, document, known)
    assert isinstance(vendor, Vendor)
    assert vendor.currency == "EUR"


@pytest.mark.parametrize("field", ["id", "number", "blocked"])
def test_a_complaint_names_the_field(field: str) -> None:
    """Whoever looks at a row that was set aside sees what is wrong in it."""
    with pytest.raises(Unreadable) as caught:
        read(Kind.VENDOR, changed("vendor.json", field, to=None if field != "blocked" else 7))
    assert caught.value.path == field


def test_a_complaint_does_not_repeat_the_value() -> None:
    """Personal data does not reach a log through an error."""
    with pytest.raises(Unreadable) as caught:
        read(Kind.VENDOR, changed("vendor.json", "lastModifiedDateTime", to="Mrs. Smith"))
    assert "Smith" not in str(caught.value)


def test_an_account_is_read() -> None:
    """Leading zeros of a number stay; an escaped category is understood."""
    account = read(Kind.ACCOUNT, load("account.json"))
    assert isinstance(account, Account)
    assert account.number == "07110"
    assert account.category is AccountCategory.COST_OF_SALES
    assert account.is_codeable()


@pytest.mark.parametrize(
    ("field", "value"),
    [("accountType", "Begin_x002D_Total"), ("accountType", "Heading"), ("directPosting", False), ("blocked", True)],
)
def test_headings_and_closed_accounts_are_not_offered_for_coding(field: str, value: Any) -> None:
    """A bill's line never gets an account that Business Central would refuse."""
    assert not read(Kind.ACCOUNT, changed("account.json", field, to=value)).is_codeable()


def test_dimensions_and_values_do_not_pretend_to_know_about_blocks() -> None:
    """The API shows neither blocks nor headings, so they are unknown, not false."""
    dimension = read(Kind.DIMENSION, load("dimension.json"))
    value = read(Kind.DIMENSION_VALUE, load("dimension_value.json"))
    assert isinstance(dimension, Dimension)
    assert isinstance(value, DimensionValue)
    assert (dimension.code, dimension.blocked) == ("DEPARTMENT", None)
    assert (value.dimension, value.code, value.blocked, value.direct) == ("DEPARTMENT", "PROD", None, None)


def test_a_value_beside_another_dimension_is_refused() -> None:
    """A value never lands under a dimension it does not belong to."""
    wrong = changed("dimension_value.json", "dimension", "id", to="b8196a90-44e3-ea11-bb43-000d3a2feca1")
    with pytest.raises(Unreadable, match="dimension"):
        read(Kind.DIMENSION_VALUE, wrong)


def test_posting_dates_without_end_are_open_ended() -> None:
    """The empty date is no bound, not the year 1."""
    row = load("general_ledger_setup.json")["value"][0]
    assert read(Kind.PERIOD, row) == PeriodState(open=(DateRange(first=date(2026, 3, 1)),), version='W/"gls"')


def test_dates_that_exclude_each_other_close_the_ledger() -> None:
    """A setup where the end lies before the beginning lets nobody post on any day."""
    row = load("general_ledger_setup.json")["value"][0]
    row.update(allowPostingTo="2026-02-01")
    assert read(Kind.PERIOD, row).open == ()


@pytest.mark.parametrize(("field", "value"), [("Remaining_Pmt_Disc_Possible", 0), ("Pmt_Discount_Date", "0001-01-01")])
def test_a_discount_of_nothing_or_without_day_is_none(field: str, value: Any) -> None:
    """Nothing is offered to be deducted where nothing is left to deduct."""
    assert read(Kind.LEDGER_ENTRY, changed("ledger_entry.json", field, to=value)).terms is None


def test_a_ledger_entry_is_turned_to_what_is_owed() -> None:
    """Business Central writes invoices negative; owed is positive here."""
    entry = read(Kind.LEDGER_ENTRY, load("ledger_entry.json"))
    assert isinstance(entry, VendorLedgerEntry)
    assert (entry.id, entry.type, entry.vendor_number) == ("2831", EntryType.INVOICE, "20100")
    assert (entry.amount, entry.open, entry.is_open) == (Decimal(1007), Decimal(607), True)
    assert (entry.local_amount, entry.local_open) == (Decimal(1007), Decimal(607))
    assert entry.currency == "USD"
    assert (entry.reverses, entry.reversed_by) == ("", "")
    assert entry.dimensions == (DimensionCode(dimension="DEPARTMENT", value="SALES"),)


def test_a_payment_entry_is_negative_and_a_closed_one_is_a_plain_zero() -> None:
    """No amount reaches a message as minus zero."""
    document = load("purchase_invoice.json")["ledger"][1]
    entry = read(Kind.LEDGER_ENTRY, document)
    assert (entry.type, entry.amount, entry.open) == (EntryType.PAYMENT, Decimal(-400), Decimal(0))
    assert entry.model_dump(mode="json")["open"] == "0"


def test_a_reversal_names_the_other_entry() -> None:
    """A voided payment and its mirror lead to each other."""
    entry = read(Kind.LEDGER_ENTRY, changed("ledger_entry.json", "Reversed_by_Entry_No", to=2900))
    assert (entry.reverses, entry.reversed_by) == ("", "2900")


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ("_x0020_", EntryType.OTHER),
        (" ", EntryType.OTHER),
        ("Credit_x0020_Memo", EntryType.CREDIT),
        ("Credit Memo", EntryType.CREDIT),
        ("Refund", EntryType.REFUND),
        ("Finance_x0020_Charge_x0020_Memo", EntryType.FINANCE_CHARGE),
    ],
)
def test_entry_types_are_understood_escaped_or_not(wire: str, kind: EntryType) -> None:
    """Opening balances have no type and still count."""
    assert read(Kind.LEDGER_ENTRY, changed("ledger_entry.json", "Document_Type", to=wire)).type is kind


def test_a_ledger_entrys_version_follows_what_it_says_and_not_its_etag() -> None:
    """Remaining amounts are computed when read: the ETag may stay or change on its own."""
    before = read(Kind.LEDGER_ENTRY, load("ledger_entry.json")).version
    assert read(Kind.LEDGER_ENTRY, changed("ledger_entry.json", "@odata.etag", to='W/"other"')).version == before
    less = changed("ledger_entry.json", "Remaining_Amount", to=Decimal("-1.00"))
    assert read(Kind.LEDGER_ENTRY, less).version != before


def test_a_kind_that_is_not_read_is_refused() -> None:
    """Nothing unknown passes as an empty answer."""
    with pytest.raises(Unreadable, match="vendor_credit"):
        BusinessCentralWire().read(Kind.VENDOR_CREDIT, {}, CONTEXT)


def test_options_are_unescaped() -> None:
    """Characters that XML names do not allow come back."""
    assert unescaped("G_x002F_L_x0020_Account") == "G/L Account"
    assert unescaped("Begin_x002D_Total") == "Begin-Total"
    assert unescaped("plain") == "plain"


def test_a_filter_doubles_quotes_and_prints_times_in_utc() -> None:
    """A quote in a document number does not end the condition."""
    question = questions.ledger_of(["O'Hara 1", "2"])
    assert question == {"$filter": "Document_No eq 'O''Hara 1' or Document_No eq '2'"}
    moment = datetime(2026, 1, 1, 0, 0, 30, 57_999, tzinfo=UTC)
    assert questions.changed_since(moment)["$filter"] == "lastModifiedDateTime ge 2026-01-01T00:00:30.057Z"


def test_a_row_without_etag_still_has_a_version() -> None:
    """Its content stands in, so that a change is not taken for a repetition."""
    row = {"id": "1", "displayName": "a"}
    assert protocol.version(row) != protocol.version({**row, "displayName": "b"})
