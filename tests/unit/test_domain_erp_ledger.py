"""Ledgers of an ERP: when they may be posted to."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tieout.domain.erp_ledger import DateRange, EntryType, PeriodState, VendorLedgerEntry, merged

JANUARY = DateRange(first=date(2026, 1, 1), last=date(2026, 1, 31))
MARCH_ON = DateRange(first=date(2026, 3, 1))
DAYS = st.dates(min_value=date(2026, 1, 1), max_value=date(2026, 3, 31))
RANGES = st.builds(
    lambda first, days, from_ever, for_ever: DateRange(
        first=None if from_ever else first, last=None if for_ever else first + timedelta(days=days)
    ),
    DAYS,
    st.integers(0, 20),
    st.integers(0, 9).map(lambda number: number == 0),
    st.integers(0, 9).map(lambda number: number == 0),
)
seeded = settings(derandomize=True, deadline=None)


@pytest.mark.parametrize(
    ("day", "allowed"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 1, 31), True),
        (date(2026, 2, 1), False),
        (date(2030, 1, 1), True),
    ],
)
def test_a_closed_period_is_seen_before_posting(day: date, allowed: bool) -> None:  # noqa: FBT001
    """A payment of a closed day is told from one of an open day; the first and the last day of a range are open."""
    assert PeriodState(open=(MARCH_ON, JANUARY)).allows(day) is allowed


def test_books_may_be_closed_for_good() -> None:
    """A setup without any open day allows none."""
    assert not PeriodState(open=()).allows(date(2026, 2, 1))


def test_an_unlimited_company_is_always_open() -> None:
    """A setup without dates allows every day."""
    assert PeriodState(open=(DateRange(),)).allows(date(1999, 1, 1))


def test_a_range_runs_forward() -> None:
    """A setup that ends before it begins is refused, not taken as empty."""
    with pytest.raises(ValidationError, match="ends before it begins"):
        DateRange(first=date(2026, 2, 1), last=date(2026, 1, 31))


@seeded
@given(st.lists(RANGES, max_size=8), DAYS)
def test_merged_ranges_hold_the_same_days(ranges: list[DateRange], day: date) -> None:
    """Joining an ERP's periods opens no day and closes none."""
    assert any(each.holds(day) for each in merged(ranges)) == any(each.holds(day) for each in ranges)


@seeded
@given(st.lists(RANGES, max_size=8))
def test_merged_ranges_are_apart_and_in_order(ranges: list[DateRange]) -> None:
    """Periods that touch become one."""
    joined = merged(ranges)
    for before, after in pairwise(joined):
        assert before.last is not None
        assert after.first is not None
        assert after.first > before.last + timedelta(days=1)


def test_twelve_months_are_one_year() -> None:
    """Months that follow each other are one open range."""
    months = [
        DateRange(first=date(2026, month, 1), last=date(2026, month + 1, 1) - timedelta(days=1))
        for month in range(1, 12)
    ]
    assert merged(reversed(months)) == (DateRange(first=date(2026, 1, 1), last=date(2026, 11, 30)),)


def test_a_ledger_entry_tells_what_it_cannot_read() -> None:
    """An entry without a readable remainder is open without an amount, and stays so in the log."""
    entry = VendorLedgerEntry(
        id="2831",
        type=EntryType.INVOICE,
        vendor_number="20000",
        document_number="108031",
        posting_date=date(2026, 3, 31),
        currency="USD",
        amount=Decimal("1000.00"),
        open=None,
        is_open=True,
    )
    assert VendorLedgerEntry.model_validate_json(entry.model_dump_json()) == entry
    assert entry.open is None
