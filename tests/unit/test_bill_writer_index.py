"""The indexes before a look: few calls, nothing missed, our own writes at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from support.virtual_time import run, wall
from tieout.domain.bill import Bill, BillVendor
from tieout.domain.errors import Reject, Retry
from tieout_bill_writer.bill_index import BillIndex
from tieout_bill_writer.index import FRESH, OVERLAP, Index
from tieout_bill_writer.organization import vendor_keys

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def vendor(number: int, minutes: float = 0, name: str = "") -> BillVendor:
    """A vendor changed so many minutes after noon."""
    updated = NOON + timedelta(minutes=minutes)
    return BillVendor(id=f"009{number}", name=name or f"V{number}", short_name=str(number), updated=updated)


class Listing:
    """A list of BILL that takes a second and notes how it was asked."""

    def __init__(self, *rows: Any) -> None:
        self.rows = {row.id: row for row in rows}
        self.asked: list[datetime | None] = []
        self.refuse: Exception | None = None

    async def __call__(self, since: datetime | None) -> AsyncIterator[Any]:
        """The rows that changed since then."""
        self.asked.append(since)
        seen = list(self.rows.values())
        await asyncio.sleep(1)
        if self.refuse is not None and since is not None:
            raise self.refuse
        for row in seen:
            if since is None or row.updated >= since:
                yield row


def test_all_is_read_once_and_then_only_what_changed() -> None:
    """The second refresh asks behind the newest change seen, with an overlap for lists that lag."""

    async def story() -> None:
        listing = Listing(vendor(1), vendor(2, 30))
        index = Index(listing, vendor_keys)
        await index.refreshed()
        listing.rows["0093"] = vendor(3, 29.5)
        await index.refreshed()
        assert listing.asked == [None, NOON + timedelta(minutes=30) - OVERLAP]
        assert [one.id for one in index.find("number/3")] == ["0093"]

    run(story())


def test_those_who_wait_together_share_a_refresh_that_began_after_they_asked() -> None:
    """A hundred looks are two lists; one that began before the question is not enough."""

    async def story() -> None:
        listing = Listing(vendor(1))
        index = Index(listing, vendor_keys)
        first = asyncio.create_task(index.refreshed())
        await asyncio.sleep(0.5)
        listing.rows["0092"] = vendor(2, 1)
        await asyncio.gather(*(index.refreshed() for _ in range(99)))
        await first
        assert len(listing.asked) == 2
        assert index.find("number/2")

    run(story())


def test_a_fresh_index_is_enough_for_a_first_look() -> None:
    """Within its time no call is made; after it one is."""

    async def story() -> None:
        listing = Listing(vendor(1))
        index = Index(listing, vendor_keys)
        await index.refreshed(FRESH)
        await asyncio.sleep(FRESH - 2)
        await index.refreshed(FRESH)
        assert len(listing.asked) == 1
        await asyncio.sleep(2)
        await index.refreshed(FRESH)
        assert len(listing.asked) == 2

    run(story())


def test_a_list_broken_off_counts_as_not_read() -> None:
    """The next refresh begins where the last whole one was."""

    async def story() -> None:
        listing = Listing(vendor(1), vendor(2, 30))
        index = Index(listing, vendor_keys)
        await index.refreshed()
        listing.refuse = Retry("BILL is busy")
        with pytest.raises(Retry):
            await index.refreshed()
        listing.refuse = None
        await index.refreshed()
        assert listing.asked[1] == listing.asked[2]

    run(story())


def test_where_changes_cannot_be_asked_for_all_is_read_again() -> None:
    """The filter is refused once and not tried any more."""

    async def story() -> None:
        listing = Listing(vendor(1))
        listing.refuse = Reject("not filterable", code="BDC_1130")
        index = Index(listing, vendor_keys)
        for _ in range(3):
            await index.refreshed()
        assert [since is None for since in listing.asked] == [True, False, True, True]

    run(story())


def test_a_record_is_found_by_what_it_is_now() -> None:
    """Renamed, it is not found by its old name; an older reading does not bring it back."""

    async def story() -> None:
        index = Index(Listing(), vendor_keys)
        index.note(vendor(1, 0, "Old  Name"))
        assert index.find("name/old name")
        index.note(vendor(1, 5, "New Name"))
        index.note(vendor(1, 1, "Old Name"))
        assert not index.find("name/old name")
        assert [one.name for one in index.find("name/new name", "number/1")] == ["New Name"]

    run(story())


class Bills:
    """BILL's bills; each list takes a second. Bills are shown by vendor and by change."""

    def __init__(self, *bills: Bill) -> None:
        self.bills = list(bills)
        self.asked: list[tuple[tuple[str, ...], datetime | None]] = []
        self.refuses_several = False

    async def of_vendors(self, vendors: Sequence[str], *, updated_since: datetime | None = None) -> tuple[Bill, ...]:
        """Several vendors' bills."""
        self.asked.append((tuple(vendors), updated_since))
        await asyncio.sleep(1)
        if self.refuses_several:
            raise Reject("no", code="BDC_1131")
        return self._of(vendors, updated_since)

    async def of_vendor(self, vendor: str) -> tuple[Bill, ...]:
        """One vendor's."""
        self.asked.append(((vendor,), None))
        return self._of([vendor], None)

    def _of(self, vendors: Sequence[str], since: datetime | None) -> tuple[Bill, ...]:
        return tuple(
            bill
            for bill in self.bills
            if bill.vendor in vendors and (since is None or (bill.updated is not None and bill.updated >= since))
        )


def bill(number: str, vendor_id: str, updated: datetime | None = None) -> Bill:
    """A bill."""
    return Bill(id=f"00n{number}", vendor=vendor_id, invoice_number=number, amount=Decimal(1), updated=updated)


def test_vendors_that_are_expected_are_read_together() -> None:
    """Ninety looks for ninety vendors are two lists, because no address holds more than fifty ids."""

    async def story() -> None:
        there = Bills(*(bill(f"I{n}", f"v{n}") for n in range(90)))
        index = BillIndex(there, wall)
        for number in range(90):
            index.expect(f"v{number}")
        await asyncio.gather(*(index.refreshed(f"v{number}", FRESH) for number in range(90)))
        assert [len(vendors) for vendors, _since in there.asked] == [50, 40]
        assert [one.id for one in index.find("v7", "i7")] == ["00nI7"]

    run(story())


def test_a_known_vendor_is_asked_for_its_changes_only() -> None:
    """Behind the beginning of the last reading, with an overlap for both clocks and lagging lists."""

    async def story() -> None:
        there = Bills()
        index = BillIndex(there, wall)
        await index.refreshed("v1", FRESH)
        began = wall() - timedelta(seconds=1)
        await asyncio.sleep(FRESH)
        there.bills.append(bill("I1", "v1", wall() - timedelta(seconds=5)))
        await index.refreshed("v1", FRESH)
        assert there.asked[1] == (("v1",), began - timedelta(minutes=2))
        assert index.find("v1", " I1 ")

    run(story())


def test_our_own_bill_is_known_at_once_and_others_are_not_kept() -> None:
    """A bill just written is found without a list; bills of vendors nobody asked about take no memory."""

    async def story() -> None:
        there = Bills()
        index = BillIndex(there, wall)
        await index.refreshed("v1", FRESH)
        index.note(bill("I1", "v1"))
        index.note(bill("I2", "v2"))
        assert index.find("v1", "I1")
        assert not index.find("v2", "I2")
        assert len(there.asked) == 1
        await asyncio.sleep(4000)
        await index.refreshed("v3", FRESH)
        assert set(index._known) == {"v3"}

    run(story())


def test_where_several_vendors_cannot_be_asked_for_each_is() -> None:
    """More calls, the same answer."""

    async def story() -> None:
        there = Bills(bill("I1", "v1"), bill("I2", "v2"))
        there.refuses_several = True
        index = BillIndex(there, wall)
        index.expect("v2")
        await index.refreshed("v1", FRESH)
        assert index.find("v1", "I1")
        assert index.find("v2", "I2")

    run(story())
