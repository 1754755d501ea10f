"""Payments in BILL. They are read; the only one that Tieout writes is one that was made outside and moves no money."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, datetime

from tieout.domain.bill_payments import BillPayment, RecordedPaymentContent
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.query import OLDEST_CHANGE_FIRST, OLDEST_FIRST, changes, equal, same_text
from tieout_connectors.bill.wire.lists import RawPage
from tieout_connectors.bill.wire.payments import read_payment, write_recorded_payment


class Payments:
    """The calls about payments. Every one may raise Retry, Reject or Fatal; recording one, InDoubt as well."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get(self, payment: str, *, deadline: float | None = None) -> BillPayment:
        """One payment by BILL's id, with its division among bills, which no notification carries."""
        return await self._caller.read(Call("GET /v3/payments/{id}", (payment,), deadline=deadline), read_payment)

    async def record(self, content: RecordedPaymentContent, *, deadline: float | None = None) -> BillPayment:
        """Tell BILL of a payment that was made outside: the bills' due amounts fall, no money moves."""
        call = Call("POST /v3/bills/record-payment", body=write_recorded_payment(content), deadline=deadline)
        return await self._caller.read(call, read_payment)

    async def of_vendor(
        self, vendor: str, *, process_date: date | None = None, deadline: float | None = None
    ) -> tuple[BillPayment, ...]:
        """A vendor's payments, oldest first, of one process date where given. BILL refuses to filter by bill."""
        by_vendor = [equal("vendorId", vendor)]
        narrow = by_vendor if process_date is None else [*by_vendor, equal("processDate", process_date)]
        call = Call("GET /v3/payments", deadline=deadline)
        found = await self._caller.find(call, read_payment, narrow=narrow, wide=by_vendor, sort=OLDEST_FIRST)
        return tuple(one for one in found if one.vendor == vendor and process_date in (None, one.process_date))

    async def find_recorded(
        self, content: RecordedPaymentContent, *, deadline: float | None = None
    ) -> tuple[BillPayment, ...]:
        """Payments made outside BILL that are this one: same vendor and process date, and same reference or division.

        A payment that BILL made itself is never one of them, and neither is one whose reference is another's.
        """
        found = await self.of_vendor(content.vendor, process_date=content.process_date, deadline=deadline)
        return tuple(payment for payment in found if payment.online is not True and _is(payment, content))

    def all(
        self,
        *,
        updated_since: datetime | None = None,
        sort: str = OLDEST_CHANGE_FIRST,
        deadline: float | None = None,
    ) -> AsyncIterator[BillPayment]:
        """All payments, by the time of their last change unless sorted otherwise."""
        call = Call("GET /v3/payments", deadline=deadline)
        filters = changes(None, updated_since)
        return self._caller.records(call, read_payment, filters=filters, sort=sort)

    def pages(self, *, updated_since: datetime | None = None, deadline: float | None = None) -> AsyncIterator[RawPage]:
        """The same as received, page by page, for the log of raw messages."""
        call = Call("GET /v3/payments", deadline=deadline)
        return self._caller.pages(call, filters=changes(None, updated_since), sort=OLDEST_CHANGE_FIRST)


def _is(payment: BillPayment, content: RecordedPaymentContent) -> bool:
    """By reference where both have one: two payments of one amount and day are told apart by nothing else."""
    if content.sync_reference and payment.sync_reference:
        return same_text(payment.sync_reference, content.sync_reference)
    there = Counter((part.bill, part.amount) for part in payment.parts)
    return there == Counter((part.bill, part.amount) for part in content.parts)
