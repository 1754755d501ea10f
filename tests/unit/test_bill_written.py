"""What stands in BILL compared with what would be written: zeros, order and people's own fields make no difference."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.bill import (
    Bill,
    BillAccountType,
    BillClassification,
    BillClassificationContent,
    BillCoding,
    BillContent,
    BillLine,
    BillLineContent,
    BillVendor,
    BillVendorContent,
    ClassificationKind,
    CreditUse,
)
from tieout.domain.bill_written import (
    bill_as_written,
    canonical_amount,
    classification_as_written,
    vendor_as_written,
    with_line_ids,
)
from tieout.domain.records import Address
from tieout.events.identity import content_hash

DAY, DUE = date(2026, 10, 1), date(2026, 11, 1)


def line(identity: str, amount: str, account: str = "0ca1") -> BillLine:
    """A line as BILL shows it."""
    return BillLine(id=identity, amount=Decimal(amount), description="d", coding=BillCoding(account=account))


def wanted(amount: str, account: str = "0ca1") -> BillLineContent:
    """A line as it is to stand there."""
    return BillLineContent(amount=Decimal(amount), description="d", coding=BillCoding(account=account))


def stored(*lines: BillLine, **changes: Any) -> Bill:
    """A bill as BILL shows it."""
    base = {"id": "00n1", "vendor": "0091", "invoice_number": "I-1", "invoice_date": DAY, "due_date": DUE}
    return Bill.model_validate(base | {"lines": lines} | changes)


def content(*lines: BillLineContent, **changes: Any) -> BillContent:
    """A bill as it is to stand there."""
    base = {"vendor": "0091", "invoice_number": "I-1", "invoice_date": DAY, "due_date": DUE}
    return BillContent.model_validate(base | {"lines": lines} | changes)


def hashed(one: BillContent | None) -> str:
    """The hash that travels in commands and candidates."""
    assert one is not None
    return content_hash(one.model_dump(mode="json", exclude_defaults=True))


def test_zeros_and_order_make_no_difference() -> None:
    """BILL writes 1000 as 1000.0 and lists lines as it likes: the bill is the same, to the hash."""
    like = content(wanted("1000.00"), wanted("25.50"))
    bill = stored(line("bli2", "25.5"), line("bli1", "1000.0"))
    assert hashed(bill_as_written(bill, like)) == hashed(like)


def test_without_a_content_to_compare_amounts_have_two_decimals() -> None:
    """The same bill always reads the same."""
    assert hashed(bill_as_written(stored(line("a", "5")))) == hashed(bill_as_written(stored(line("a", "5.00"))))
    assert format(canonical_amount(Decimal("1E+3")), "f") == "1000.00"
    assert canonical_amount(Decimal("0.125")) == Decimal("0.125")


def test_a_difference_is_a_difference() -> None:
    """An amount, a date, a coding, one line twice instead of two different ones."""
    like = content(wanted("10.00"), wanted("20.00"))
    same = [line("a", "10"), line("b", "20")]
    assert bill_as_written(stored(*same), like) == like
    for bill in (
        stored(line("a", "10"), line("b", "20.01")),
        stored(line("a", "10"), line("b", "10")),
        stored(line("a", "10"), line("b", "20", "0ca2")),
        stored(*same, line("c", "0")),
        stored(*same, due_date=DAY),
        stored(*same, purchase_order="PO 1"),
    ):
        assert bill_as_written(bill, like) != like


def test_what_cannot_be_read_from_a_bill_is_taken_from_the_content() -> None:
    """Credits are compared by their sum, the wish for approvals and a header coding of people's not at all."""
    like = content(wanted("10.00"), credits=(CreditUse(credit="vcr1", amount=Decimal(3)),), approvals=True)
    coded = BillCoding(department="0de1")
    assert bill_as_written(stored(line("a", "10"), credited=Decimal("3.00"), coding=coded), like) == like
    assert bill_as_written(stored(line("a", "10"), credited=Decimal(4)), like) != like


def test_an_incomplete_reading_is_no_reading() -> None:
    """A notification has no lines: nothing can be said of it."""
    assert bill_as_written(stored()) is None
    assert bill_as_written(stored(line("a", "10"), due_date=None)) is None
    assert bill_as_written(stored(BillLine(id="a"))) is None


amounts = st.lists(st.sampled_from(["1.00", "2.00", "3.00"]), min_size=1, max_size=6)


@given(amounts, amounts)
def test_lines_find_their_equals_first(there: list[str], here: list[str]) -> None:
    """No id is given twice, every equal line keeps its own, and only surplus lines are new or gone."""
    bill = stored(*(line(f"bli{number}", amount) for number, amount in enumerate(there)))
    named = with_line_ids(content(*map(wanted, here)), bill)
    ids = [one.id for one in named.lines if one.id]
    assert len(ids) == len(set(ids)) == min(len(there), len(here))
    amount_of = {one.id: one.amount for one in bill.lines}
    kept = sum(amount_of.get(one.id) == one.amount for one in named.lines)
    assert kept >= sum(min(there.count(each), here.count(each)) for each in set(here))
    assert [one.amount for one in named.lines] == [Decimal(each) for each in here]


def test_a_vendor_without_currency_is_in_the_one_asked_for() -> None:
    """BILL may leave out the currency; nothing else is overlooked."""
    address = Address(line1="1", city="Oslo", country="NO")
    like = BillVendorContent(name="N", short_name="1", currency="EUR", address=address)
    assert vendor_as_written(BillVendor(id="0091", name="N", short_name="1", address=address), like) == like
    assert vendor_as_written(BillVendor(id="0091", name="n", short_name="1", address=address), like) != like


def test_description_and_parent_are_peoples_where_the_content_has_none() -> None:
    """A PATCH leaves them too, so they are no difference."""
    like = BillClassificationContent(
        kind=ClassificationKind.ACCOUNT, name="A", number="1", account_type=BillAccountType.EXPENSE
    )
    row = BillClassification(
        kind=ClassificationKind.ACCOUNT, id="0ca1", name="A", number="1", account_type=BillAccountType.EXPENSE,
        description="by hand", parent="0ca9",
    )  # fmt: skip
    assert classification_as_written(row, like) == like
    assert classification_as_written(row) != like
