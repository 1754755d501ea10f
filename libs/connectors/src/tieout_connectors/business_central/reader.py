"""The read side of one Business Central company."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Any, Self

from tieout.domain.capabilities import ErpCapabilities
from tieout.domain.erp import DocumentRef
from tieout.domain.erp_ledger import AccountBalance, BalanceQuery, VendorLedgerEntry
from tieout.domain.errors import Reject
from tieout.domain.records import Kind, ReadContext
from tieout.domain.snapshots import AccountPosting
from tieout_connectors.business_central import balances, capabilities, checks, documents, invoices, ledger
from tieout_connectors.business_central.client import Client, understood
from tieout_connectors.business_central.polling import Clock, Poll, utc_now
from tieout_connectors.business_central.settings import BusinessCentralCredentials, BusinessCentralSettings
from tieout_connectors.business_central.wire import protocol, questions
from tieout_connectors.business_central.wire.ledger import ledger_entry
from tieout_connectors.spi.erp import CheckLine, OpenItems, Page, RawRow, Watermark
from tieout_connectors.spi.wire import Unreadable

Raw = Mapping[str, Any]


class BusinessCentralReader:
    """Reads of one company. ``async with`` it, or ``close`` it. ``clock`` gives the time, UTC."""

    def __init__(
        self,
        settings: BusinessCentralSettings,
        credentials: BusinessCentralCredentials,
        *,
        client: Client | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self._client = client or Client(settings, credentials)
        self._clock = clock

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back connections and the token's renewal; the reader is of no use afterwards."""
        await self._client.close()

    async def check(self) -> list[CheckLine]:
        """Ask the real system whether the connection would work, with real calls."""
        return await checks.check(self._client, self._clock().date())

    async def capabilities(self) -> ErpCapabilities:
        """What this site can do: everything declared, less what needs a page that is not published here."""
        try:
            await ledger.some(self._client)
        except Reject as error:
            if error.code != ledger.NOT_PUBLISHED:
                raise
            return capabilities.DECLARED.without(capabilities.WITHOUT_LEDGER)
        return capabilities.DECLARED

    async def context(self) -> ReadContext:
        """The company, its local currency, the codes of the settings, and which dimensions are the global ones."""
        company = await self._client.company()
        local = await self._client.local_currency()
        call = "GET generalLedgerSetup"
        setup = await self._client.get(await self._client.api("generalLedgerSetup"), call, {})
        with understood(call):
            dimensions = protocol.global_dimensions(setup)
        return ReadContext(
            company=company.id,
            local_currency=self._settings.currencies.get(local, local),
            currencies=self._settings.currencies,
            settings=dimensions,
        )

    async def changes(self, kind: Kind, since: Watermark) -> AsyncIterator[Page]:
        """Everything of a kind that changed since the watermark, page by page; all of it for an empty one."""
        if kind is Kind.LEDGER_ENTRY:
            async for page in ledger.changes(self._client, since):
                yield page
        elif kind is Kind.PERIOD:
            yield await self._period(since)
        else:
            poll = Poll(self._client, _stamped(kind), since, self._clock(), self._composer(kind))
            rows = invoices.PAGE_HEADERS if kind is Kind.PURCHASE_INVOICE else None
            async for page in poll.pages(rows):
                yield page

    async def rows(self, kind: Kind, keys: Sequence[str]) -> AsyncIterator[RawRow]:
        """Those records again as they are now; what does not come does not exist any more."""
        compose = self._composer(kind)
        for group in questions.chunks(keys):
            if kind is Kind.LEDGER_ENTRY:
                found = await ledger.by_numbers(self._client, group)
            elif kind is Kind.PURCHASE_INVOICE:
                found = list(await invoices.by_ids(self._client, group))
            elif kind is Kind.PERIOD:
                found = [row for row in (await self._period(Watermark())).rows if row.key in group]
            else:
                name = protocol.SETS[_stamped(kind)]
                url = await self._client.api(name)
                found = list(await compose(await self._client.rows(url, f"GET {name}", questions.by_ids(group))))
            for row in found:
                yield row

    async def open_items(self) -> AsyncIterator[OpenItems]:
        """Every open vendor ledger entry, now."""
        async for part in self._entries(ledger.open_rows(self._client)):
            yield part

    async def vendor_entries(self, since: date) -> AsyncIterator[OpenItems]:
        """Every vendor ledger entry posted from a day on, open or not."""
        async for part in self._entries(ledger.rows_since(self._client, since)):
            yield part

    def postings(self, account: str, since: date) -> AsyncIterator[tuple[AccountPosting, ...]]:
        """The entries of a general ledger account posted from a day on."""
        return balances.postings(self._client, account, since)

    async def _entries(self, pages: AsyncIterator[list[RawRow]]) -> AsyncIterator[OpenItems]:
        context = await self.context()
        async for rows in pages:
            entries: list[VendorLedgerEntry] = []
            unreadable: dict[str, Unreadable] = {}
            for row in rows:
                try:
                    entries.append(ledger_entry(row.document, context))
                except Unreadable as error:
                    unreadable[row.key] = error
            yield OpenItems(tuple(entries), unreadable)

    async def balances(self, queries: Sequence[BalanceQuery], as_of: date | None) -> tuple[AccountBalance, ...]:
        """One balance per query, in their order, read one right after the other."""
        currency = (await self.context()).local_currency
        return tuple([await balances.balance(self._client, query, as_of, currency) for query in queries])

    async def documents(self, kind: Kind, key: str) -> tuple[DocumentRef, ...]:
        """The files of a purchase invoice, without their bytes."""
        if kind is not Kind.PURCHASE_INVOICE:
            raise Reject(f"files of a {kind.value} are not read", code="not_supported")
        return await documents.documents(self._client, key)

    async def document(self, ref: DocumentRef, limit: int) -> AsyncIterator[bytes]:
        """A file's bytes in parts of at most 1 MiB."""
        async for part in documents.document(self._client, ref, limit):
            yield part

    def _composer(self, kind: Kind) -> "_Compose":
        return _Compose(self._client, kind)

    async def _period(self, since: Watermark) -> Page:
        call = "GET generalLedgerSetup"
        answer = await self._client.get(await self._client.api("generalLedgerSetup"), call, {})
        with understood(call):
            rows = [RawRow(Kind.PERIOD, protocol.key(row), protocol.version(row), row) for row in protocol.rows(answer)]
        fresh = tuple(row for row in rows if since.edge.get(row.key) != row.version)
        return Page(fresh, Watermark(edge={row.key: row.version for row in rows}), whole=True)


class _Compose:
    """Raw rows of rows that are new, with what else a record of their kind needs."""

    def __init__(self, client: Client, kind: Kind) -> None:
        self._client = client
        self._kind = kind
        self._dimensions: dict[str, Raw] = {}

    async def __call__(self, rows: list[Raw]) -> tuple[RawRow, ...]:
        if self._kind is Kind.PURCHASE_INVOICE:
            return await invoices.composed(self._client, rows)
        if self._kind is Kind.DIMENSION_VALUE:
            return await self._values(rows)
        with understood("GET"):
            return tuple(RawRow(self._kind, protocol.key(row), protocol.version(row), row) for row in rows)

    async def _values(self, rows: list[Raw]) -> tuple[RawRow, ...]:
        """Dimension values with their dimensions; a value whose dimension is gone is gone itself in a moment."""
        call = "GET dimensions"
        with understood(call):
            missing = {protocol.dimension_of(row) for row in rows} - self._dimensions.keys()
        if missing:
            found = await self._client.rows(await self._client.api("dimensions"), call, {})
            with understood(call):
                self._dimensions = {protocol.key(row): row for row in found}
        with understood(call):
            return tuple(
                RawRow(self._kind, protocol.key(row), protocol.version(row), protocol.dimension_value(row, owner))
                for row in rows
                if (owner := self._dimensions.get(protocol.dimension_of(row))) is not None
            )


def _stamped(kind: Kind) -> Kind:
    if kind not in protocol.SETS:
        raise Reject(f"{kind.value} is not read from Business Central", code="not_supported")
    return kind
