"""Purchase invoices with all that was posted for them: reads of several records at a time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tieout.domain.errors import Reject
from tieout.domain.records import Kind
from tieout_connectors.business_central import ledger
from tieout_connectors.business_central.client import Client, together, understood
from tieout_connectors.business_central.wire import invoices as wire
from tieout_connectors.business_central.wire import protocol, questions
from tieout_connectors.spi.erp import RawRow

Raw = Mapping[str, Any]

# Headers a page. Each page of headers is followed by some ten calls for the rest of its documents, and is stored only
# with them: an interruption repeats at most this many documents.
PAGE_HEADERS: Final = 100


async def composed(client: Client, headers: Sequence[Raw]) -> tuple[RawRow, ...]:
    """The raw rows of these invoices; drafts are left out, and what was deleted or is a draft again meanwhile."""
    with understood("GET purchaseInvoices"):
        posted = [protocol.key(row) for row in headers if not wire.is_draft(row)]
    made = await together(_group(client, ids) for ids in questions.chunks(posted))
    found = {row.key: row for group in made for row in group}
    return tuple(found[key] for key in posted if key in found)


async def by_ids(client: Client, ids: Sequence[str]) -> tuple[RawRow, ...]:
    """The raw rows of invoices known by id, as they are now."""
    made = await together(_group(client, group) for group in questions.chunks(ids))
    return tuple(row for group in made for row in group)


async def _group(client: Client, ids: list[str]) -> list[RawRow]:
    call = "GET purchaseInvoices"
    found = await client.rows(await client.api("purchaseInvoices"), call, questions.whole_invoices(ids))
    with understood(call):
        documents = {wire.number_of(row): await _completed(client, row) for row in found if not wire.is_draft(row)}
    if not documents:
        return []
    numbers = list(documents)
    postings = await client.rows(
        await client.api("generalLedgerEntries"), "GET generalLedgerEntries", questions.postings_of(numbers)
    )
    entries = await _ledger(client, numbers)
    with understood(call):
        return [_row(one, postings, entries) for one in documents.values()]


async def _ledger(client: Client, numbers: list[str]) -> list[Raw] | None:
    """Vendor ledger entries of documents; None where the page is not published, so that nothing open is known."""
    try:
        return await ledger.by_documents(client, numbers)
    except Reject as error:
        if error.code != ledger.NOT_PUBLISHED:
            raise
        return None


async def _completed(client: Client, invoice: Raw) -> Raw:
    """The invoice with all of its lines, also where the server cut the expanded list."""
    if not wire.unfinished(invoice):
        return invoice
    path = f"purchaseInvoices({protocol.key(invoice)})/purchaseInvoiceLines"
    call = "GET purchaseInvoices({id})/purchaseInvoiceLines"
    return wire.with_lines(invoice, await client.rows(await client.api(path), call, questions.WHOLE_LINES))


def _row(invoice: Raw, postings: list[Raw], entries: list[Raw] | None) -> RawRow:
    number = wire.number_of(invoice)
    document = wire.whole_invoice(
        invoice,
        [row for row in postings if wire.posting_of(row) == number],
        None if entries is None else [row for row in entries if wire.entry_of(row) == number],
    )
    return RawRow(Kind.PURCHASE_INVOICE, protocol.key(invoice), wire.invoice_version(document), document)
