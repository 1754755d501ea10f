"""Snapshots: an organization's bills and payments as a tie-out compares them, read now and answered in parts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final, Protocol, TypeVar

from tieout.connections.registry import ConnectionView, Registry
from tieout.domain.bill import Bill
from tieout.domain.bill_payments import BillPayment
from tieout.domain.errors import RecoveryError, Reject
from tieout.domain.settings import Side, State
from tieout.domain.snapshots import BillSeen, PaymentSeen
from tieout.events.envelope import Message, Payload
from tieout.events.requests import CheckLine, CheckStatus, SnapshotAsked
from tieout.events.snapshots import Snapshot, answers
from tieout.observability.crash_points import reach
from tieout_bill_writer.organizations import Organizations
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.errors import FILTER_REFUSED
from tieout_connectors.bill.query import OLDEST_FIRST

# An organization's bills and payments of years stand in memory while they are read, below a hundred megabytes.
AT_ONCE: Final = 2
# The parts leave so long before the deadline that the asker, who stops waiting then, still gets them.
ANSWER_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.5
# Settings are dates without zone, BILL's stamps are UTC: a day more than is needed costs a page.
MARGIN: Final = timedelta(days=1)
NOT_THERE: Final = 404


class _Seen(Protocol):
    """What is told of a record."""

    @property
    def id(self) -> str:
        """BILL's id."""
        ...


R = TypeVar("R", bound=_Seen)


class Snapshots:
    """Use from the event loop."""

    def __init__(self, service: str, registry: Registry, organizations: Organizations) -> None:
        self._source = f"/{service}"
        self._registry = registry
        self._organizations = organizations
        self._places = asyncio.Semaphore(AT_ONCE)

    async def handle(self, request: Message[SnapshotAsked]) -> Sequence[Message[Payload]] | None:
        """The parts of the answer; None if it is another side's, or nobody waits for it any more."""
        asked = request.data
        seconds = (asked.deadline - datetime.now(UTC)).total_seconds() - ANSWER_SECONDS
        if asked.side is not Side.BILL or seconds <= 0:
            return None
        found = await self._found(asked, seconds)
        return tuple(answers(request, asked, found, self._source, datetime.now(UTC)))

    async def _found(self, asked: SnapshotAsked, seconds: float) -> Snapshot | CheckLine:
        try:
            async with asyncio.timeout(seconds), self._places:
                view = await self._view(asked)
                if view.settings.state is State.RETIRED:
                    return _failed("the connection is retired, and not read any more", "", "retired")
                client = (await self._organizations.organization(asked.connection)).client
                reach("bill-writer.check.snapshot.before")
                found = await read(client, asked)
                reach("bill-writer.check.snapshot.after")
                return found
        except TimeoutError:
            cure = "Is BILL reachable from bill-writer? Compare again with more time."
            return _failed("no answer in time", cure, "no_answer")
        except RecoveryError as error:
            return CheckLine(
                name="bill",
                status=CheckStatus.FAILED,
                detail=error.message,
                cure=error.cure,
                code=error.code,
                http_status=error.status,
            )

    async def _view(self, asked: SnapshotAsked) -> ConnectionView:
        """The settings that the asker knows, or newer ones; waits for them until it is cancelled."""
        while True:
            view = await asyncio.to_thread(self._registry.wait_for, asked.connection, asked.generation, POLL_SECONDS)
            if view is not None:
                return view


async def read(client: BillClient, asked: SnapshotAsked) -> Snapshot:
    """What changed in BILL since the cut-over, or the bills that are named.

    Raises:
        Retry, Reject, Fatal: BILL does not answer, or refuses.
    """
    if asked.bills:
        found = [bill for bill in [await _bill(client, identity) for identity in asked.bills] if bill is not None]
        return Snapshot(bills=[BillSeen.of(bill) for bill in found])
    since = datetime.combine(asked.since, time(), UTC) - MARGIN
    bills = await _all(lambda moment: client.bills.all(updated_since=moment, sort=OLDEST_FIRST), since, BillSeen.of)
    payments = await _all(
        lambda moment: client.payments.all(updated_since=moment, sort=OLDEST_FIRST), since, PaymentSeen.of
    )
    return Snapshot(bills=bills, payments=payments)


async def _bill(client: BillClient, identity: str) -> Bill | None:
    try:
        return await client.bills.get(identity)
    except Reject as error:
        if error.status == NOT_THERE:
            return None
        raise


T = TypeVar("T", Bill, BillPayment)


async def _all(
    listed: Callable[[datetime | None], AsyncIterator[T]], since: datetime, seen: Callable[[T], R]
) -> list[R]:
    """Each once, by the order of creation: a record that changes while the list is paged pushes no other out of it."""
    try:
        found = [seen(record) async for record in listed(since)]
    except Reject as error:
        if error.code not in FILTER_REFUSED:
            raise
        found = [seen(record) async for record in listed(None)]
    return list({one.id: one for one in found}.values())


def _failed(detail: str, cure: str, code: str) -> CheckLine:
    return CheckLine(name="bill", status=CheckStatus.FAILED, detail=detail, cure=cure, code=code)
