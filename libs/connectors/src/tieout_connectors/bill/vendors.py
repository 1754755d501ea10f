"""Vendors in BILL. Nothing keeps BILL from holding two of one name: look before creating."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from tieout.domain.bill import BillVendor, BillVendorContent
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.query import (
    OLDEST_CHANGE_FIRST,
    OLDEST_FIRST,
    changes,
    safe_prefix,
    same_text,
    since,
    starts_with,
)
from tieout_connectors.bill.wire.lists import RawPage
from tieout_connectors.bill.wire.vendors import read_vendor, read_vendors, write_vendor, write_vendor_change

MOST_AT_ONCE: Final = 20


class Vendors:
    """The calls about vendors. Every one may raise Retry, Reject or Fatal; those that write, InDoubt as well."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get(self, vendor: str, *, deadline: float | None = None) -> BillVendor:
        """One vendor by BILL's id, archived or not."""
        return await self._caller.read(Call("GET /v3/vendors/{id}", (vendor,), deadline=deadline), read_vendor)

    async def create(self, content: BillVendorContent, *, deadline: float | None = None) -> BillVendor:
        """A new vendor, also where there is one of the same name."""
        call = Call("POST /v3/vendors", body=write_vendor(content), deadline=deadline)
        return await self._caller.read(call, read_vendor)

    async def create_many(
        self, contents: Sequence[BillVendorContent], *, deadline: float | None = None
    ) -> tuple[BillVendor, ...]:
        """Up to 20 new vendors in one call, all or none; the answer is in their order."""
        body = [write_vendor(content) for content in contents]
        call = Call("POST /v3/vendors/bulk", body=body, deadline=deadline)
        return await self._caller.create_many(call, read_vendors, most=MOST_AT_ONCE)

    async def patch(
        self,
        vendor: str,
        content: BillVendorContent,
        *,
        current: BillVendor | None = None,
        deadline: float | None = None,
    ) -> BillVendor:
        """Change a vendor to this content, its currency aside: BILL settles that when a vendor is created.

        Give ``current``, the vendor as BILL shows it, so that values that are to go are cleared and not left.
        """
        body = write_vendor_change(content, current)
        call = Call("PATCH /v3/vendors/{id}", (vendor,), body=body, deadline=deadline)
        return await self._caller.read(call, read_vendor)

    async def archive(self, vendor: str, *, deadline: float | None = None) -> BillVendor:
        """Take a vendor out of use; doing it twice changes nothing."""
        return await self._caller.read(Call("POST /v3/vendors/{id}/archive", (vendor,), deadline=deadline), read_vendor)

    async def restore(self, vendor: str, *, deadline: float | None = None) -> BillVendor:
        """Take an archived vendor into use again; doing it twice changes nothing."""
        return await self._caller.read(Call("POST /v3/vendors/{id}/restore", (vendor,), deadline=deadline), read_vendor)

    async def find(
        self, name: str, short_name: str = "", *, created_since: datetime | None = None, deadline: float | None = None
    ) -> tuple[BillVendor, ...]:
        """Vendors of this name or with this short name, archived ones too, oldest first.

        BILL cannot be asked for a short name, so only vendors whose name begins alike are seen; a name that begins with
        a comma, a colon or a quote cannot be asked for at all, and every vendor is read (100 a call).
        """
        prefix = safe_prefix(name)
        window = [] if created_since is None else [since("createdTime", created_since)]
        narrow = [starts_with("name", prefix), *window] if prefix else window
        call = Call("GET /v3/vendors", deadline=deadline)
        found = await self._caller.find(call, read_vendor, narrow=narrow, wide=window, sort=OLDEST_FIRST)
        return tuple(vendor for vendor in found if _is(vendor, name, short_name))

    def all(
        self,
        *,
        archived: bool | None = None,
        updated_since: datetime | None = None,
        sort: str = OLDEST_CHANGE_FIRST,
        deadline: float | None = None,
    ) -> AsyncIterator[BillVendor]:
        """All vendors, by the time of their last change unless sorted otherwise. ``archived`` None gives both."""
        call = Call("GET /v3/vendors", deadline=deadline)
        filters = changes(archived, updated_since)
        return self._caller.records(call, read_vendor, filters=filters, sort=sort)

    def pages(
        self, *, archived: bool | None = None, updated_since: datetime | None = None, deadline: float | None = None
    ) -> AsyncIterator[RawPage]:
        """The same as received, page by page, for the log of raw messages."""
        call = Call("GET /v3/vendors", deadline=deadline)
        filters = changes(archived, updated_since)
        return self._caller.pages(call, filters=filters, sort=OLDEST_CHANGE_FIRST)


def _is(vendor: BillVendor, name: str, short_name: str) -> bool:
    by_number = bool(short_name) and same_text(vendor.short_name, short_name)
    return by_number or same_text(vendor.name, name)
