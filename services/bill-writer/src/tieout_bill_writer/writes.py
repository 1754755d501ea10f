"""The effects of vendor commands: what to look for, the one call, and how to find it again."""

from tieout.decide.mapping import vendor_as_written
from tieout.domain.bill import BillVendor
from tieout.effects.port import Done
from tieout.events.commands import VendorCommand
from tieout.events.envelope import time_text
from tieout.events.facts import Candidate
from tieout.events.identity import content_hash
from tieout_bill_writer.meters import Meter
from tieout_bill_writer.vendor_index import VendorIndex
from tieout_connectors.bill.client import BillClient


class EnsureVendor:
    """A vendor that BILL is to have. Its mark is its natural key: the ERP's number in the short name, and currency."""

    name = "POST /v3/vendors"

    def __init__(self, client: BillClient, index: VendorIndex, meter: Meter, command: VendorCommand) -> None:
        self._client = client
        self._index = index
        self._meter = meter
        self._command = command

    async def room(self) -> None:
        """Wait for the hour's budget."""
        await self._meter.room()

    async def look(self) -> tuple[Candidate, ...]:
        """Vendors with our number, or of our name without any number: the latter may have been keyed by hand."""
        content = self._command.content
        await self._index.refreshed()
        found = self._index.find(content.short_name, content.name)
        return tuple(candidate(v) for v in found if v.short_name in (content.short_name, "") and self._may_be(v))

    async def perform(self, deadline: float) -> Done:
        """Create it."""
        vendor = await self._client.vendors.create(self._command.content, deadline=deadline)
        self._index.note(vendor)
        return Done(vendor.id, _version(vendor))

    async def settle(self) -> tuple[Done, ...]:
        """What carries our number now; before the call nothing did."""
        content = self._command.content
        await self._index.refreshed()
        found = self._index.find(content.short_name, content.name)
        return tuple(Done(v.id, _version(v)) for v in found if v.short_name == content.short_name and self._may_be(v))

    def _may_be(self, vendor: BillVendor) -> bool:
        same_currency = vendor.currency in ("", self._command.content.currency)
        return same_currency and vendor.id not in self._command.exclude


class UpdateVendor:
    """A linked vendor that is to become as wanted. A change made twice is the same as once, so looking is comparing."""

    name = "PATCH /v3/vendors/{id}"

    def __init__(self, client: BillClient, index: VendorIndex, meter: Meter, command: VendorCommand) -> None:
        self._client = client
        self._index = index
        self._meter = meter
        self._command = command
        self._current: BillVendor | None = None

    async def room(self) -> None:
        """Wait for the hour's budget."""
        await self._meter.room()

    async def look(self) -> tuple[Candidate, ...]:
        """The vendor itself, if it is as wanted already."""
        self._current = await self._client.vendors.get(self._command.target)
        here = candidate(self._current)
        return (here,) if here.content == self._command.content_hash else ()

    async def perform(self, deadline: float) -> Done:
        """Change it."""
        content = self._command.content
        vendor = await self._client.vendors.patch(
            self._command.target, content, current=self._current, deadline=deadline
        )
        self._index.note(vendor)
        return Done(vendor.id, _version(vendor))

    async def settle(self) -> tuple[Done, ...]:
        """The vendor, if the change is there."""
        vendor = await self._client.vendors.get(self._command.target)
        changed = candidate(vendor).content == self._command.content_hash
        return (Done(vendor.id, _version(vendor)),) if changed else ()


def candidate(vendor: BillVendor) -> Candidate:
    """A BILL vendor as the decider compares it."""
    return Candidate(
        id=vendor.id,
        number=vendor.short_name,
        name=vendor.name,
        detail=vendor.currency,
        archived=vendor.archived,
        content=content_hash(vendor_as_written(vendor).model_dump(mode="json", exclude_defaults=True)),
    )


def _version(vendor: BillVendor) -> str:
    return "" if vendor.updated is None else time_text(vendor.updated)
