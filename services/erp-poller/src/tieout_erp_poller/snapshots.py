"""Snapshots: an ERP's ledgers as a tie-out compares them, read now and answered on ``snapshots`` in parts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol, cast

from tieout.domain.erp_ledger import AccountBalance, AccountRole, BalanceQuery
from tieout.domain.errors import RecoveryError
from tieout.domain.records import ReadContext
from tieout.domain.settings import State
from tieout.domain.snapshots import AccountPosting, OpenEntry
from tieout.events.envelope import Message, Payload
from tieout.events.requests import CheckLine, CheckStatus, SnapshotAsked
from tieout.events.snapshots import Snapshot, answers
from tieout.log.outgoing import outgoing
from tieout.log.produce import PlainProducer
from tieout.log.topics import Names, Topic
from tieout.observability.crash_points import reach
from tieout.tie_out.subledger import Strays
from tieout_connectors.spi.erp import OpenItems
from tieout_erp_poller import metrics
from tieout_erp_poller.checks import late, refused
from tieout_erp_poller.connection import Readers
from tieout_erp_poller.raw import SOURCE
from tieout_erp_poller.views import Views

# The parts leave so long before the deadline that the asker, who stops waiting then, still gets them.
ANSWER_SECONDS: Final = 2.0
# A snapshot holds a company's open items in memory, some hundred megabytes at worst.
AT_ONCE: Final = 2
# A ledger that is posted to while it is read gives balances that do not fit its entries. After three tries the last one
# is answered: the tie-out then says that the account moved.
TRIES: Final = 3


class SnapshotErp(Protocol):
    """What a snapshot needs of a connector: a part of ``ErpSource``."""

    async def context(self) -> ReadContext:
        """The company's local currency among other things."""
        ...

    def open_items(self) -> AsyncIterator[OpenItems]:
        """Every open vendor ledger entry."""
        ...

    def vendor_entries(self, since: date) -> AsyncIterator[OpenItems]:
        """Every vendor ledger entry posted from a day on."""
        ...

    def postings(self, account: str, since: date) -> AsyncIterator[tuple[AccountPosting, ...]]:
        """The entries of an account posted from a day on."""
        ...

    async def balances(self, queries: Sequence[BalanceQuery], as_of: date | None) -> tuple[AccountBalance, ...]:
        """Balances of now, or of a day."""
        ...


class Snapshots:
    """Serves ``SnapshotAsked``; belongs to the event loop it is made in."""

    def __init__(
        self, names: Names, views: Views, readers: Readers, producer: PlainProducer, clock: Callable[[], datetime]
    ) -> None:
        self._names = names
        self._views = views
        self._readers = readers
        self._producer = producer
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)

    async def serve(self, request: Message[Payload], asked: SnapshotAsked, served: Callable[[], None]) -> None:
        """Read and answer before the deadline; what nobody waits for any more is dropped unread."""
        ends = asked.deadline - timedelta(seconds=ANSWER_SECONDS)
        seconds = (ends - self._clock()).total_seconds()
        if seconds > 0:
            found = await self._found(asked, seconds)
            messages = answers(request, asked, found, SOURCE, self._clock())
            reach("erp-poller.answer.snapshot.before")
            await self._producer.send([outgoing(self._names, Topic.SNAPSHOTS, message) for message in messages])
            reach("erp-poller.answer.snapshot.after")
        metrics.REQUESTS.labels("served" if seconds > 0 else "expired").inc()
        served()

    async def _found(self, asked: SnapshotAsked, seconds: float) -> Snapshot | CheckLine:
        try:
            async with asyncio.timeout(seconds), self._places:
                view = await self._views.until(
                    asked.connection, lambda view: view.generation >= asked.generation, seconds
                )
                if view is None:
                    return late()
                if view.settings.state is State.RETIRED:
                    return _failed("the connection is retired, and not read any more", "", "retired")
                reader = await self._readers.open(view)
                try:
                    return await read(cast("SnapshotErp", reader), asked)
                finally:
                    await reader.close()
        except TimeoutError:
            return late()
        except RecoveryError as error:
            return refused(error)


async def read(reader: SnapshotErp, asked: SnapshotAsked) -> Snapshot:
    """One snapshot, read again while its balances move.

    Raises:
        Retry, Reject, Fatal: the ERP does not answer, or refuses.
    """
    for _try in range(TRIES):
        before = await _balances(reader, asked)
        found = await _read(reader, asked, before)
        if await _balances(reader, asked) == before:
            break
    return found


async def _read(reader: SnapshotErp, asked: SnapshotAsked, balances: tuple[AccountBalance, ...]) -> Snapshot:
    entries: list[OpenEntry] = []
    unreadable: list[str] = []
    async for part in reader.open_items():
        entries += [OpenEntry.of(entry) for entry in part.entries]
        unreadable += part.unreadable
    postings: list[AccountPosting] = []
    for account in dict.fromkeys(filter(None, (asked.clearing, *asked.sources))):
        async for page in reader.postings(account, asked.since):
            postings += page
    strays = Strays()
    if asked.control:
        for account in asked.control:
            async for page in reader.postings(account, asked.since):
                _each(strays.general, page)
        async for part in reader.vendor_entries(asked.since):
            _each(strays.vendor, part.entries)
    currency = (await reader.context()).local_currency
    return Snapshot(
        currency=currency,
        entries=entries,
        unreadable=unreadable,
        balances=balances,
        strays=strays.found(),
        postings=postings,
    )


async def _balances(reader: SnapshotErp, asked: SnapshotAsked) -> tuple[AccountBalance, ...]:
    """Of now, and of clearing also as it stood before the cut-over."""
    queries = [BalanceQuery(role=AccountRole.SUBLEDGER)] if asked.control else []
    queries += [BalanceQuery(role=AccountRole.CONTROL, account=account) for account in asked.control]
    clearing = BalanceQuery(role=AccountRole.CLEARING, account=asked.clearing)
    now = await reader.balances([*queries, clearing] if asked.clearing else queries, None)
    if not asked.clearing:
        return now
    return (*now, *await reader.balances([clearing], asked.since - timedelta(days=1)))


def _each(take: Callable[[Any], None], rows: Sequence[Any]) -> None:
    for row in rows:
        take(row)


def _failed(detail: str, cure: str, code: str) -> CheckLine:
    return CheckLine(name="erp", status=CheckStatus.FAILED, detail=detail, cure=cure, code=code)
