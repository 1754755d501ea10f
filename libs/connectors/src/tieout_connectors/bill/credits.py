"""Vendor credits in BILL. Archiving one is final: there is no way back."""

from collections.abc import AsyncIterator
from datetime import datetime

from tieout.domain.bill import BillCredit, BillCreditContent
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.query import OLDEST_CHANGE_FIRST, OLDEST_FIRST, changes, equal, same_text
from tieout_connectors.bill.wire.credits import read_credit, write_credit
from tieout_connectors.bill.wire.lists import RawPage


class Credits:
    """The calls about vendor credits. Each may raise Retry, Reject or Fatal; those that write, InDoubt as well."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get(self, credit: str, *, deadline: float | None = None) -> BillCredit:
        """One credit by BILL's id, with the bills and payments it was used in."""
        return await self._caller.read(Call("GET /v3/vendor-credits/{id}", (credit,), deadline=deadline), read_credit)

    async def create(self, content: BillCreditContent, *, deadline: float | None = None) -> BillCredit:
        """A new credit. It is applied by changing a bill."""
        call = Call("POST /v3/vendor-credits", body=write_credit(content), deadline=deadline)
        return await self._caller.read(call, read_credit)

    async def archive(self, credit: str, *, deadline: float | None = None) -> BillCredit:
        """Take a credit out of use, for ever."""
        call = Call("POST /v3/vendor-credits/{id}/archive", (credit,), deadline=deadline)
        return await self._caller.read(call, read_credit)

    async def find(
        self, vendor: str, reference_number: str, *, deadline: float | None = None
    ) -> tuple[BillCredit, ...]:
        """A vendor's credits of this number, archived ones too, oldest first."""
        call = Call("GET /v3/vendor-credits", deadline=deadline)
        found = await self._caller.find(call, read_credit, narrow=[equal("vendorId", vendor)], sort=OLDEST_FIRST)
        return tuple(
            credit
            for credit in found
            if credit.vendor == vendor and same_text(credit.reference_number, reference_number)
        )

    def all(
        self, *, archived: bool | None = None, updated_since: datetime | None = None, deadline: float | None = None
    ) -> AsyncIterator[BillCredit]:
        """All credits, by the time of their last change. ``archived`` None gives both."""
        call = Call("GET /v3/vendor-credits", deadline=deadline)
        filters = changes(archived, updated_since)
        return self._caller.records(call, read_credit, filters=filters, sort=OLDEST_CHANGE_FIRST)

    def pages(
        self, *, archived: bool | None = None, updated_since: datetime | None = None, deadline: float | None = None
    ) -> AsyncIterator[RawPage]:
        """The same as received, page by page, for the log of raw messages."""
        call = Call("GET /v3/vendor-credits", deadline=deadline)
        return self._caller.pages(call, filters=changes(archived, updated_since), sort=OLDEST_CHANGE_FIRST)
