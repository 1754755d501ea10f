"""Records of an ERP: what was read, frozen, with None for what cannot be read."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tieout.domain.erp import (
    Account,
    DimensionCode,
    DocumentStatus,
    Instalment,
    InvoiceLine,
    LedgerPosting,
    LineKind,
    PurchaseInvoice,
    Terms,
    Vendor,
    VendorRef,
)
from tieout.domain.records import Kind, ReadContext

CENTS = st.integers(min_value=-(10**9), max_value=10**9).map(lambda cents: Decimal(cents).scaleb(-2))
VENDOR = VendorRef(number="20000", id="v1", name="First Up Consultants")


def line(net: str | Decimal, tax: str | Decimal = "0", kind: LineKind = LineKind.ACCOUNT) -> InvoiceLine:
    return InvoiceLine(id="10000", kind=kind, number="6100", net=Decimal(net), tax=Decimal(tax))


def invoice(**changes: object) -> PurchaseInvoice:
    """An invoice of 1,000 with 190 tax, posted and open."""
    fields: dict[str, object] = {
        "id": "i1",
        "number": "108031",
        "buy_from": VENDOR,
        "pay_to": VENDOR,
        "posting_date": date(2026, 3, 31),
        "document_date": date(2026, 3, 30),
        "currency": "USD",
        "status": DocumentStatus.OPEN,
        "net": "1000.00",
        "tax": "190.00",
        "total": "1190.00",
        "open": "1190.00",
        "lines": (line("600", "114"), line("400", "76")),
    }
    return PurchaseInvoice.model_validate(fields | changes)


def test_a_vendor_still_needs_only_what_it_needed() -> None:
    """A vendor written by an earlier release is read, and what it did not know is empty."""
    vendor = Vendor.model_validate({"id": "v1", "number": "10000", "name": "Fabrikam", "currency": "USD"})
    assert (vendor.remit_to, vendor.pay_to, vendor.payment_fingerprint) == ((), "", "")


@pytest.mark.parametrize(
    ("direct", "blocked", "codeable"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_only_open_posting_accounts_are_coded(direct: bool, blocked: bool, codeable: bool) -> None:  # noqa: FBT001
    """A bill's line never names a heading or a blocked account."""
    account = Account(id="a1", number="6100", name="Travel", direct=direct, blocked=blocked)
    assert account.is_codeable() is codeable


def test_records_do_not_change() -> None:
    """What was read stays as it was read."""
    read = invoice()
    with pytest.raises(ValidationError, match="frozen"):
        read.open = Decimal(0)  # type: ignore[misc]


def test_a_newer_writers_field_is_skipped() -> None:
    """A record of a newer release is read by an older one."""
    assert invoice(colour="green") == invoice()


def test_an_invoice_without_open_amount_says_so() -> None:
    """An open amount must be told, be it as unreadable: it is never zero by omission."""
    assert invoice(open=None).open is None
    fields = invoice().model_dump()
    del fields["open"]
    with pytest.raises(ValidationError, match="open"):
        PurchaseInvoice.model_validate(fields)


@pytest.mark.parametrize("field", ["net", "tax", "total", "open"])
def test_an_invoices_amounts_are_no_floats(field: str) -> None:
    """A binary float never gets into an invoice."""
    with pytest.raises(ValidationError, match="float"):
        invoice(**{field: 1190.0})


def test_what_is_withheld_is_not_owed() -> None:
    """The bill is for the net payable: total less what the law or a prepayment keeps back."""
    assert invoice(withheld="119.00").payable == Decimal("1071.00")


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, "0"),
        ({"total": "1190.01"}, "0.01"),
        ({"total": "1190.01", "rounding": "0.01"}, "0"),
        ({"total": "1140.00", "discount": "50.00"}, "0"),
        ({"lines": ()}, "1000.00"),
        ({"withheld": "100.00"}, "0"),
        ({"lines": (line("600"), line("400"), line("0", kind=LineKind.COMMENT))}, "0"),
    ],
)
def test_lines_explain_the_total(changes: dict[str, object], left: str) -> None:
    """Lines, discount, tax and rounding must make the total to the cent, else it is seen."""
    assert invoice(**changes).unexplained() == Decimal(left)


@settings(derandomize=True, deadline=None)
@given(st.lists(CENTS, min_size=1, max_size=60), CENTS, CENTS, CENTS)
def test_any_invoice_that_adds_up_is_explained(
    nets: list[Decimal], discount: Decimal, tax: Decimal, rounding: Decimal
) -> None:
    """However many lines, an invoice that adds up leaves nothing, and a cent more leaves that cent."""
    total = sum(nets, Decimal(0)) - discount + tax + rounding
    fields: dict[str, object] = {
        "lines": tuple(line(net) for net in nets),
        "discount": discount,
        "tax": tax,
        "rounding": rounding,
    }
    assert invoice(**fields, total=total).unexplained() == 0
    assert invoice(**fields, total=total + Decimal("0.01")).unexplained() == Decimal("0.01")


@pytest.mark.parametrize("status", DocumentStatus)
def test_all_but_drafts_are_posted(status: DocumentStatus) -> None:
    """A cancelled invoice still stands in the ledger; a draft does not."""
    assert invoice(status=status).is_posted() is (status is not DocumentStatus.DRAFT)


def test_an_invoice_comes_back_from_the_log() -> None:
    """An invoice with everything in it is the same after writing and reading, to the last digit."""
    whole = invoice(
        due_date=date(2026, 4, 30),
        payable_from=date(2026, 4, 15),
        approved=True,
        on_hold="",
        terms=Terms(code="2/10", possible=Decimal("23.80"), until=date(2026, 4, 10)),
        instalments=(Instalment(number=1, due_date=date(2026, 4, 30), amount=Decimal("1190.00"), open=None),),
        dimensions=(DimensionCode(dimension="DEPARTMENT", value="SALES"),),
        postings=(
            LedgerPosting(
                id="2831", document_number="108031", posting_date=date(2026, 3, 31), account="6100", amount=Decimal(600)
            ),
        ),
        modified=datetime(2026, 3, 31, 8, 0, tzinfo=UTC),
    )
    assert PurchaseInvoice.model_validate_json(whole.model_dump_json()) == whole


@pytest.mark.parametrize(("code", "iso"), [("", "USD"), ("EUR", "EUR"), ("$", "USD"), ("Z-US$", "USD"), ("JPY", "JPY")])
def test_a_currency_code_becomes_iso(code: str, iso: str) -> None:
    """A blank code is the local currency, and the ERP's own symbols are translated."""
    context = ReadContext(company="c1", local_currency="USD", currencies={"$": "USD", "Z-US$": "USD"})
    assert context.iso(code) == iso


@pytest.mark.parametrize("code", ["##", "US", "usd", "DOLLAR", "£££"])
def test_an_unknown_currency_code_is_not_guessed(code: str) -> None:
    """A code that nobody translated stops the row instead of becoming some currency."""
    with pytest.raises(ValueError, match="no ISO 4217 code"):
        ReadContext(company="c1", local_currency="USD").iso(code)


def test_every_kind_has_its_word() -> None:
    """The names of kinds stand in topics for ever, so none may change."""
    assert {kind.value for kind in Kind} == {
        "vendor",
        "account",
        "dimension",
        "dimension_value",
        "purchase_invoice",
        "vendor_credit",
        "ledger_entry",
        "period",
    }
