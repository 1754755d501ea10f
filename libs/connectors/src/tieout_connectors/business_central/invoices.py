"""Purchase invoices with all that was posted for them: reads of several records at a time."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tieout.domain.errors import RecoveryError
from tieout.domain.records import Kind
from tieout_connectors.business_central.client import Client, understood
from tieout_connectors.business_central.wire import invoices as wire
from tieout_connectors.business_central.wire import protocol, questions
from tieout_connectors.spi.erp import RawRow

Raw = Mapping[str, Any]

# Records asked for in one call. A condition is about 55 characters once encoded, and some proxies in front of servers
# on premises refuse addresses above 2 KB.
AT_ONCE: Final = 20

# Headers a page. Each page of headers is followed by some ten calls for the rest of its documents, and is stored only
# with them: an interruption repeats at most this many documents.
PAGE_HEADERS: Final = 100


async def composed(client: Client, headers: Sequence[Raw]) -> tuple[RawRow, ...]:
    """The raw rows of these invoices; drafts are left out, and what was deleted or is a draft again meanwhile."""
    with understood("GET purchaseInvoices"):
        posted = [protocol.key(row) for row in headers if not wire.is_draft(row)]
    groups = list(chunks(posted))
    made = await asyncio.gather(*(_group(client, ids) for ids in groups))
    found = {row.key: row for group in made for row in group}
    return tuple(found[key] for key in posted if key in found)


async def by_ids(client: Client, ids: Sequence[str]) -> tuple[RawRow, ...]:
    """The raw rows of invoices known by id, as they are now."""
    made = await asyncio.gather(*(_group(client, group) for group in chunks(list(dict.fromkeys(ids)))))
    return tuple(row for group in made for row in group)


def chunks(keys: Sequence[str]) -> Iterator[list[str]]:
    """Keys in groups small enough for one call."""
    for start in range(0, len(keys), AT_ONCE):
        yield list(keys[start : start + AT_ONCE])


LEDGER_CALL: Final = "GET ODataV4 vendor ledger page"


async def ledger_rows(client: Client, numbers: Sequence[str]) -> list[Raw] | None:
    """Vendor ledger entries of documents; None where the page is not published."""
    if not client.settings.ledger_page:
        return None
    for last in (False, True):
        address = await client.ledger()
        try:
            return await client.rows(address, LEDGER_CALL, questions.ledger_of(numbers))
        except RecoveryError as error:
            if error.status != 404:
                raise
            # This service knows the company by its name, and a company that was renamed is not found either.
            await client.company(again=True)
            if last or await client.ledger() == address:
                return None
    return None


async def _group(client: Client, ids: list[str]) -> list[RawRow]:
    call = "GET purchaseInvoices"
    found = await client.rows(await client.api("purchaseInvoices"), call, questions.whole_invoices(ids))
    with understood(call):
        documents = {wire.number_of(row): await _completed(client, row) for row in found if not wire.is_draft(row)}
    if not documents:
        return []
    numbers = list(documents)
    postings, ledger = await asyncio.gather(
        client.rows(
            await client.api("generalLedgerEntries"), "GET generalLedgerEntries", questions.postings_of(numbers)
        ),
        ledger_rows(client, numbers),
    )
    with understood(call):
        return [_row(one, postings, ledger) for one in documents.values()]


async def _completed(client: Client, invoice: Raw) -> Raw:
    """The invoice with all of its lines, also where the server cut the expanded list."""
    if not wire.unfinished(invoice):
        return invoice
    path = f"purchaseInvoices({protocol.key(invoice)})/purchaseInvoiceLines"
    call = "GET purchaseInvoices({id})/purchaseInvoiceLines"
    return wire.with_lines(invoice, await client.rows(await client.api(path), call, questions.WHOLE_LINES))


def _row(invoice: Raw, postings: list[Raw], ledger: list[Raw] | None) -> RawRow:
    number = wire.number_of(invoice)
    document = wire.whole_invoice(
        invoice,
        [row for row in postings if wire.posting_of(row) == number],
        None if ledger is None else [row for row in ledger if wire.entry_of(row) == number],
    )
    return RawRow(Kind.PURCHASE_INVOICE, protocol.key(invoice), wire.invoice_version(document), document)
