"""All vendors of one organization, in memory: one list read once and then only what changed.

BILL cannot be asked for a short name, and a renamed vendor is not found by its name; so the whole list is kept. A look
is true as of a refresh that began after the look was asked for; looks that wait together share one.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from tieout.domain.bill import BillVendor
from tieout_connectors.bill.vendors import Vendors

# Read again behind the newest change seen: BILL's lists may lag by seconds, and its clock is not ours. Rows seen again
# cost nothing, a row missed would be created twice.
OVERLAP: Final = timedelta(minutes=5)


class VendorIndex:
    """Use from one event loop."""

    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors
        self._by_id: dict[str, BillVendor] = {}
        self._newest: datetime | None = None
        self._begun: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def refreshed(self) -> None:
        """Return after a refresh that began after this call. Raises what BILL's answer is classified as."""
        running = self._begun
        if running is None or running.done():
            await self._wait(self._start())
            return
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._after(running))
        await self._wait(self._next)

    def find(self, short_name: str, name: str) -> tuple[BillVendor, ...]:
        """Vendors with this short name, or of this name (without regard to case and blanks around it)."""
        wanted = name.strip().casefold()
        return tuple(
            vendor
            for vendor in self._by_id.values()
            if vendor.short_name == short_name or vendor.name.strip().casefold() == wanted
        )

    def note(self, vendor: BillVendor) -> None:
        """A write of ours showed this vendor."""
        self._by_id[vendor.id] = vendor

    def _start(self) -> "asyncio.Task[None]":
        self._next = None
        self._begun = asyncio.get_running_loop().create_task(self._refresh())
        return self._begun

    async def _after(self, running: "asyncio.Task[None]") -> None:
        await asyncio.wait({running})
        await self._start()

    @staticmethod
    async def _wait(task: "asyncio.Task[None]") -> None:
        """Shielded: a waiter that gives up does not take the others' refresh along."""
        await asyncio.shield(task)

    async def _refresh(self) -> None:
        since = None if self._newest is None else self._newest - OVERLAP
        newest = self._newest
        async for vendor in self._vendors.all(updated_since=since):
            self._by_id[vendor.id] = vendor
            stamp = vendor.updated or datetime.min.replace(tzinfo=UTC)
            newest = stamp if newest is None else max(newest, stamp)
        self._newest = newest
