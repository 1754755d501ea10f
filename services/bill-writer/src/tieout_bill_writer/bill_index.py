"""The bills of the vendors that commands are about, in memory, read for many vendors in one list.

An organization may have a hundred thousand bills, so not all of them are read, and of those read only what tells one
from another is kept. A vendor's bills are read once and then what changed; the vendors of waiting commands are read
together, so that a backfill of hundreds of bills costs a handful of lists.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from tieout.domain.bill import Bill
from tieout.domain.errors import Reject
from tieout_bill_writer.index import FRESH, plain
from tieout_connectors.bill.bills import Bills
from tieout_connectors.bill.errors import FILTER_REFUSED

# Vendors in one list call: their ids make an address of about 2 KB, far below what any gateway takes.
TOGETHER: Final = 50
# Behind the beginning of the reading before, by our clock: BILL's is up to half a minute away and its lists lag.
OVERLAP: Final = timedelta(minutes=2)
# An expected command that does not look within this time was parked or given back.
EXPECTED: Final = 120.0
# A vendor nobody asked about for so long is forgotten: reading it anew costs no more than its changes would.
FORGOTTEN: Final = 3600.0


@dataclass(frozen=True)
class BillEntry:
    """What tells one bill from another."""

    id: str
    number: str
    invoice_date: date | None
    amount: Decimal | None
    archived: bool
    updated: datetime | None


@dataclass
class _Known:
    """A vendor's bills as of a moment: by the loop's clock, and by the wall's."""

    as_of: float
    since: datetime
    bills: dict[str, BillEntry]


class BillIndex:
    """Use from one event loop."""

    def __init__(self, bills: Bills, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._bills = bills
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._expected: dict[str, float] = {}
        self._lock = asyncio.Lock()

    def expect(self, vendor: str) -> None:
        """A look for a bill of this vendor will come: it is read together with others."""
        self._expected[vendor] = asyncio.get_running_loop().time()

    async def refreshed(self, vendor: str, within: float) -> None:
        """Return once the vendor's bills are known as of now, or of less than ``within`` seconds before.

        Raises what BILL's answer is classified as.
        """
        loop = asyncio.get_running_loop()
        asked = loop.time() - within
        self._expected[vendor] = loop.time()
        async with self._lock:
            known = self._known.get(vendor)
            if known is None or known.as_of < asked:
                await self._load(self._batch(vendor, loop.time()))
        self._expected.pop(vendor, None)

    def find(self, vendor: str, number: str) -> tuple[BillEntry, ...]:
        """The vendor's bills of this number, without regard to case and blanks; archived ones too."""
        known = self._known.get(vendor)
        wanted = plain(number)
        return () if known is None else tuple(one for one in known.bills.values() if one.number == wanted)

    def note(self, bill: Bill) -> None:
        """A bill as a list or an answer showed it; of vendors that are not known nothing is kept."""
        known = self._known.get(bill.vendor)
        if known is None:
            return
        before = known.bills.get(bill.id)
        if before is not None and before.updated and bill.updated and bill.updated < before.updated:
            return
        known.bills[bill.id] = BillEntry(
            bill.id, plain(bill.invoice_number), bill.invoice_date, bill.amount, bill.archived, bill.updated
        )

    def _batch(self, vendor: str, now: float) -> list[str]:
        """The vendor, and others that are waited for and are as new or as old here as it is."""
        for name in [name for name, at in self._expected.items() if now - at > EXPECTED]:
            del self._expected[name]
        for name in [name for name, known in self._known.items() if now - known.as_of > FORGOTTEN]:
            del self._known[name]
        is_new = vendor not in self._known
        others = [
            name
            for name in self._expected
            if name != vendor
            and (name not in self._known) is is_new
            and (is_new or now - self._known[name].as_of > FRESH / 2)
        ]
        return [vendor, *others][:TOGETHER]

    async def _load(self, vendors: list[str]) -> None:
        begun, at = asyncio.get_running_loop().time(), self._clock()
        known = [self._known[vendor] for vendor in vendors if vendor in self._known]
        since = min(one.since for one in known) - OVERLAP if known else None
        found = await self._read(vendors, since)
        for vendor in vendors:
            before = self._known.get(vendor)
            self._known[vendor] = _Known(begun, at, {} if before is None else before.bills)
        for bill in found:
            self.note(bill)

    async def _read(self, vendors: list[str], since: datetime | None) -> list[Bill]:
        try:
            return list(await self._bills.of_vendors(vendors, updated_since=since))
        except Reject as error:
            if error.code not in FILTER_REFUSED:
                raise
        return [bill for vendor in vendors for bill in await self._bills.of_vendor(vendor)]
