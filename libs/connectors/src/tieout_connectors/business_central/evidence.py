"""What the ledgers show of orders: payments by their marks, invoices with what is open, general ledger entries."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from tieout.domain.erp_ledger import EntryType
from tieout.domain.errors import Fatal, Reject
from tieout.domain.records import ReadContext
from tieout_connectors.business_central import ledger
from tieout_connectors.business_central.client import Client, together, understood
from tieout_connectors.business_central.wire import postings as wire
from tieout_connectors.business_central.wire import questions

Row = Mapping[str, Any]
_POSTINGS: Final = "GET generalLedgerEntries"

# How far from its day a payment by hand is looked for. People enter it on the day they hear of it; more than three days
# apart, the weekly payment of the same amount would be taken for it.
DAYS_APART: Final = timedelta(days=3)


class Evidence:
    """The ledgers of one company, for the write side. It keeps the local currency, which never changes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._context: ReadContext | None = None

    async def context(self) -> ReadContext:
        """The company's currency and the codes of the settings."""
        if self._context is None:
            codes = self._client.settings.currencies
            local = await self._client.local_currency()
            company = await self._client.company()
            self._context = ReadContext(
                company=company.id, local_currency=codes.get(local, local), currencies=codes, settings={}
            )
        return self._context

    async def payments(self, numbers: Iterable[str], externals: Iterable[str]) -> list[wire.Entry]:
        """Payments under these document numbers or external numbers, and what undid them."""
        wanted, outside = set(numbers), set(externals)
        found = await together(
            (
                self._entries(sorted(wanted), questions.ledger_of),
                # A batch with a posting number series would give them other numbers; the external ones stay.
                self._entries(sorted(outside), questions.ledger_of_external),
            )
        )
        entries = {one.record.id: one for part in found for one in part}
        return [
            one
            for one in entries.values()
            if one.record.type is EntryType.PAYMENT
            and (one.record.document_number in wanted or one.record.external_number in outside)
        ]

    async def invoices(self, numbers: Iterable[str]) -> list[wire.Entry]:
        """The entries of invoices by their posted numbers, of whatever vendor."""
        found = await self._entries(list(numbers), questions.ledger_of)
        return [one for one in found if one.record.type is EntryType.INVOICE]

    async def paid_about(self, vendor: str, first: date, last: date) -> list[wire.Entry]:
        """Payments of a vendor that stand, posted about these days."""

        def ask(_keys: Sequence[str]) -> dict[str, str]:
            return questions.ledger_of_vendor(vendor, first - DAYS_APART, last + DAYS_APART)

        return [one for one in await self._entries([vendor], ask) if one.paid and not one.reversed]

    async def postings(self, documents: Iterable[str]) -> list[wire.Posting]:
        """The general ledger entries of these documents."""
        return await self._postings([questions.postings_numbered(part) for part in questions.chunks(list(documents))])

    async def postings_about(self, account: str, first: date, last: date) -> list[wire.Posting]:
        """An account's general ledger entries, posted about these days."""
        return await self._postings([questions.postings_between(account, first - DAYS_APART, last + DAYS_APART)])

    async def _entries(
        self, keys: Sequence[str], question: Callable[[Sequence[str]], dict[str, str]]
    ) -> list[wire.Entry]:
        context = await self.context()
        found: list[wire.Entry] = []
        for part in questions.chunks(keys):
            rows = await _published(ledger.asked(self._client, question(part)))
            with understood(ledger.CALL):
                found += [wire.entry(row, context) for row in rows]
        return found

    async def _postings(self, asked: Iterable[dict[str, str]]) -> list[wire.Posting]:
        url = await self._client.api("generalLedgerEntries")
        found: list[wire.Posting] = []
        for question in asked:
            rows = await self._client.rows(url, _POSTINGS, question)
            with understood(_POSTINGS):
                found += [wire.posting(row) for row in rows]
        return found


async def _published(rows: Awaitable[list[Row]]) -> list[Row]:
    """The page's rows. Without the page no payment can be found or proved, so nothing may be written any more."""
    try:
        return await rows
    except Reject as error:
        if error.code != ledger.NOT_PUBLISHED:
            raise
        raise Fatal(error.message, code=error.code, call=error.call, cure=error.cure, status=error.status) from error
