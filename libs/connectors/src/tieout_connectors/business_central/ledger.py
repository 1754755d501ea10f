"""The vendor ledger by its ever growing entry number: what is new, and everything that is open.

A part payment, a hold or a due date that a person changed leaves no stamp, so every poll reads all open entries again.
Pages are asked for by number, never by the server's continuation, so that rows which close meanwhile shift nothing.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from tieout.domain.errors import Reject
from tieout.domain.records import Kind
from tieout_connectors.business_central.client import Client, understood
from tieout_connectors.business_central.invoices import LEDGER_CALL
from tieout_connectors.business_central.wire import ledger as wire
from tieout_connectors.business_central.wire import protocol, questions
from tieout_connectors.spi.erp import Page, RawRow, Watermark

# How many numbers a poll reads behind the highest it knows. Servers that take numbers from a sequence commit them out
# of order; one posting of this many vendor entries at a time is more than a payment run has. An entry that comes
# later still is seen as soon as it is open, whatever its number. Stays below the edge's limit of 2,000 names.
BEHIND: Final = 1_000


async def changes(client: Client, since: Watermark) -> AsyncIterator[Page]:
    """Entries new since the watermark, then every open one; the last page is whole."""
    _published(client)
    start = int(since.position or 0)
    highest, known = start, dict(since.edge)
    shown: dict[str, str] = {}
    async for rows in _by_number(client, max(0, start - BEHIND), only_open=False):
        fresh = [row for row in rows if since.edge.get(row.key) != row.version]
        for row in rows:
            known[row.key] = row.version
            highest = max(highest, int(row.key))
        shown.update({row.key: row.version for row in fresh})
        known = {key: version for key, version in known.items() if int(key) > highest - BEHIND}
        yield Page(tuple(fresh), Watermark(str(highest), dict(known)))
    following = Watermark(str(highest) if highest else "", dict(known))
    async for rows in _by_number(client, 0, only_open=True):
        yield Page(tuple(row for row in rows if shown.get(row.key) != row.version), following)
    yield Page((), following, whole=True)


async def open_rows(client: Client) -> AsyncIterator[list[RawRow]]:
    """Every open entry, in order of its number."""
    _published(client)
    async for rows in _by_number(client, 0, only_open=True):
        yield rows


async def by_numbers(client: Client, numbers: list[str]) -> list[RawRow]:
    """These entries as they are now."""
    _published(client)
    found = await client.rows(await client.ledger(), LEDGER_CALL, questions.ledger_entries(numbers))
    with understood(LEDGER_CALL):
        return [_row(one) for one in found]


def _published(client: Client) -> None:
    if not client.settings.ledger_page:
        raise Reject(
            "the connection names no vendor ledger page",
            code="not_supported",
            call=LEDGER_CALL,
            cure="Publish page 29 as a web service and name it as ledger_page of this connection.",
        )


async def _by_number(client: Client, after: int, *, only_open: bool) -> AsyncIterator[list[RawRow]]:
    url = await client.ledger()
    more = True
    while more:
        page = await client.page(url, LEDGER_CALL, questions.ledger_after(after, only_open=only_open))
        with understood(LEDGER_CALL):
            rows = [_row(one) for one in protocol.rows(page)]
            more = bool(protocol.next_link(page)) and bool(rows)
        if rows:
            after = max(after, *(int(row.key) for row in rows))
            yield rows


def _row(row: Mapping[str, Any]) -> RawRow:
    return RawRow(Kind.LEDGER_ENTRY, str(wire.entry_number(row)), wire.ledger_version(row), row)
