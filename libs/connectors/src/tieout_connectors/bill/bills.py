"""Bills in BILL. It may refuse a second bill of one number or take it: look before creating."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from tieout.domain.bill import Bill, BillContent
from tieout.domain.errors import Reject
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.query import (
    OLDEST_CHANGE_FIRST,
    OLDEST_FIRST,
    among,
    changes,
    equal,
    same_text,
    since,
    until,
)
from tieout_connectors.bill.wire.bills import read_bill, read_bills, write_bill, write_bill_change
from tieout_connectors.bill.wire.lists import RawPage

MOST_AT_ONCE: Final = 100


class Bills:
    """The calls about bills. Every one may raise Retry, Reject or Fatal; those that write, InDoubt as well."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get(self, bill: str, *, approvals: bool = False, deadline: float | None = None) -> Bill:
        """One bill by BILL's id, archived or not; its approvers are told where ``approvals`` are asked for."""
        query = {"billApprovals": "true"} if approvals else {}
        return await self._caller.read(Call("GET /v3/bills/{id}", (bill,), query, deadline=deadline), read_bill)

    async def create(self, content: BillContent, *, deadline: float | None = None) -> Bill:
        """A new bill. The answer has ids and statuses, but neither the vendor's name nor what is due.

        Raises:
            Reject: with ``executed`` yes where BILL refuses a number that the vendor has already: look it up.
        """
        call = Call("POST /v3/bills", body=write_bill(content), deadline=deadline)
        return await self._caller.read(call, read_bill)

    async def create_many(self, contents: Sequence[BillContent], *, deadline: float | None = None) -> tuple[Bill, ...]:
        """Up to 100 new bills in one call, of any vendors, all or none; the answer is in their order."""
        body = [write_bill(content) for content in contents]
        call = Call("POST /v3/bills/bulk", body=body, deadline=deadline)
        return await self._caller.create_many(call, read_bills, most=MOST_AT_ONCE)

    async def patch(self, content: BillContent, current: Bill, *, deadline: float | None = None) -> Bill:
        """Change what differs from ``current``, the bill as BILL shows it; no call is made if nothing does.

        Raises:
            ValueError: if lines were added or removed: that takes ``replace``.
        """
        body = write_bill_change(content, current)
        if not body:
            return current
        return await self._caller.read(
            Call("PATCH /v3/bills/{id}", (current.id,), body=body, deadline=deadline), read_bill
        )

    async def replace(self, content: BillContent, current: Bill, *, deadline: float | None = None) -> Bill:
        """Replace a whole bill: a line without id is new, one left out is removed, a credit left out is taken off.

        Raises:
            Reject: code ``credits_lost``, without a call, if ``current`` has credits and the content names none.
        """
        if current.credited and not content.credits:
            reason = f"bill {current.id} has vendor credits of {current.credited} that a replacement would take off"
            raise Reject(reason, code="credits_lost", call="PUT /v3/bills/{id}", cure="Name the credits to be kept.")
        call = Call("PUT /v3/bills/{id}", (current.id,), body=write_bill(content), deadline=deadline)
        return await self._caller.read(call, read_bill)

    async def archive(self, bill: str, *, deadline: float | None = None) -> Bill:
        """Take a bill out of use; doing it twice changes nothing. There is no deletion."""
        return await self._caller.read(Call("POST /v3/bills/{id}/archive", (bill,), deadline=deadline), read_bill)

    async def restore(self, bill: str, *, deadline: float | None = None) -> Bill:
        """Take an archived bill into use again; doing it twice changes nothing."""
        return await self._caller.read(Call("POST /v3/bills/{id}/restore", (bill,), deadline=deadline), read_bill)

    async def of_vendor(
        self,
        vendor: str,
        *,
        created_since: datetime | None = None,
        created_until: datetime | None = None,
        deadline: float | None = None,
    ) -> tuple[Bill, ...]:
        """A vendor's bills, archived ones too, oldest first; within a window of BILL's creation times, both included.

        Give the window a margin: BILL's clock is not ours, and its lists may lag by seconds.
        """
        by_vendor = [equal("vendorId", vendor)]
        narrow = list(by_vendor)
        if created_since is not None:
            narrow.append(since("createdTime", created_since))
        if created_until is not None:
            narrow.append(until("createdTime", created_until))
        call = Call("GET /v3/bills", deadline=deadline)
        found = await self._caller.find(call, read_bill, narrow=narrow, wide=by_vendor, sort=OLDEST_FIRST)
        return tuple(bill for bill in found if bill.vendor == vendor and _within(bill, created_since, created_until))

    async def of_vendors(
        self, vendors: Sequence[str], *, updated_since: datetime | None = None, deadline: float | None = None
    ) -> tuple[Bill, ...]:
        """The bills of several vendors in one list, archived ones too, oldest first; only what changed since, if given.

        Sorted by creation, since a bill that changes while the list is paged must not push another one past the reader.

        Raises:
            ValueError: for no vendor, or an id that cannot stand in a filter.
        """
        of_these = [among("vendorId", tuple(vendors))]
        narrow = of_these if updated_since is None else [*of_these, since("updatedTime", updated_since)]
        call = Call("GET /v3/bills", deadline=deadline)
        found = await self._caller.find(call, read_bill, narrow=narrow, wide=of_these, sort=OLDEST_FIRST)
        return tuple(bill for bill in found if bill.vendor in vendors)

    async def find(
        self,
        vendor: str,
        invoice_number: str,
        *,
        invoice_date: date | None = None,
        amount: Decimal | None = None,
        created_since: datetime | None = None,
        created_until: datetime | None = None,
        deadline: float | None = None,
    ) -> tuple[Bill, ...]:
        """A vendor's bills of this number, and of this date and amount where given; archived ones too, oldest first.

        The number is compared here, without regard to case and blanks: BILL does not promise a filter for it. Give the
        number as it was written to BILL, shortened where it had to be.
        """
        bills = await self.of_vendor(
            vendor, created_since=created_since, created_until=created_until, deadline=deadline
        )
        return tuple(
            bill
            for bill in bills
            if same_text(bill.invoice_number, invoice_number)
            and invoice_date in (None, bill.invoice_date)
            and amount in (None, bill.amount)
        )

    def all(
        self,
        *,
        archived: bool | None = None,
        updated_since: datetime | None = None,
        sort: str = OLDEST_CHANGE_FIRST,
        deadline: float | None = None,
    ) -> AsyncIterator[Bill]:
        """All bills, by the time of their last change unless sorted otherwise. ``archived`` None gives both."""
        call = Call("GET /v3/bills", deadline=deadline)
        filters = changes(archived, updated_since)
        return self._caller.records(call, read_bill, filters=filters, sort=sort)

    def pages(
        self, *, archived: bool | None = None, updated_since: datetime | None = None, deadline: float | None = None
    ) -> AsyncIterator[RawPage]:
        """The same as received, page by page, for the log of raw messages."""
        call = Call("GET /v3/bills", deadline=deadline)
        return self._caller.pages(call, filters=changes(archived, updated_since), sort=OLDEST_CHANGE_FIRST)


def _within(bill: Bill, created_since: datetime | None, created_until: datetime | None) -> bool:
    """Whether a bill lies in the window. One whose creation time is not told does: a look-up must not miss it."""
    if bill.created is None:
        return True
    after = created_since is None or bill.created >= created_since
    return after and (created_until is None or bill.created <= created_until)
