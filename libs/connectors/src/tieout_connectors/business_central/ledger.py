"""The vendor ledger by its ever growing entry number: what is new, and everything that is open.

A part payment, a hold or a due date that a person changed leaves no stamp, so every poll reads all open entries again.
Pages are asked for by number, never by the server's continuation, so that rows which close meanwhile shift nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final, TypeVar

from tieout.domain.errors import Fatal, RecoveryError, Reject
from tieout.domain.records import Kind
from tieout_connectors.business_central.client import Client, understood
from tieout_connectors.business_central.wire import ledger as wire
from tieout_connectors.business_central.wire import protocol, questions
from tieout_connectors.spi.erp import Page, RawRow, Watermark

CALL: Final = "GET ODataV4 vendor ledger page"
NOT_PUBLISHED: Final = "not_supported"
T = TypeVar("T")

# How many numbers a poll reads behind the highest it knows. Servers that take numbers from a sequence commit them out
# of order; one posting of this many vendor entries at a time is more than a payment run has. An entry that comes
# later still is seen as soon as it is open, whatever its number. Stays below the edge's limit of 2,000 names.
BEHIND: Final = 1_000


async def changes(client: Client, since: Watermark) -> AsyncIterator[Page]:
    """Entries new since the watermark, then every open one; the last page is whole."""
    start = int(since.position or 0)
    highest, known, there = start, dict(since.edge), start == 0
    shown: dict[str, str] = {}
    async for rows in _by_number(client, max(0, start - BEHIND), only_open=False):
        fresh = [row for row in rows if since.edge.get(row.key) != row.version]
        for row in rows:
            there = there or int(row.key) == start
            known[row.key] = row.version
            highest = max(highest, int(row.key))
        shown.update({row.key: row.version for row in fresh})
        known = {key: version for key, version in known.items() if int(key) > highest - BEHIND}
        yield Page(tuple(fresh), Watermark(str(highest), dict(known)))
    if not there:
        raise _went_back(start)
    following = Watermark(str(highest) if highest else "", dict(known))
    async for rows in _by_number(client, 0, only_open=True):
        yield Page(tuple(row for row in rows if shown.get(row.key) != row.version), following)
    yield Page((), following, whole=True)


async def open_rows(client: Client) -> AsyncIterator[list[RawRow]]:
    """Every open entry, in order of its number."""
    async for rows in _by_number(client, 0, only_open=True):
        yield rows


async def rows_since(client: Client, day: date) -> AsyncIterator[list[RawRow]]:
    """Every entry posted from a day on, open or not, in order of its number."""
    async for rows in _listed(client, partial(questions.ledger_since, day)):
        yield rows


async def by_numbers(client: Client, numbers: Sequence[str]) -> list[RawRow]:
    """These entries as they are now."""
    return [
        _row(one) for one in await _asked(client, lambda url: client.rows(url, CALL, questions.ledger_entries(numbers)))
    ]


async def by_documents(client: Client, numbers: Sequence[str]) -> list[Mapping[str, Any]]:
    """The entries that bear one of these document numbers, of whatever vendor and type."""
    return await asked(client, questions.ledger_of(numbers))


async def asked(client: Client, question: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """All entries that a question is about, as they are now."""
    return await _asked(client, lambda url: client.rows(url, CALL, question))


async def some(client: Client) -> Any:
    """A page of one row, for a check."""
    return await _asked(client, partial(client.page, call=CALL, question=questions.first(1)))


def _by_number(client: Client, after: int, *, only_open: bool) -> AsyncIterator[list[RawRow]]:
    return _listed(client, partial(questions.ledger_after, only_open=only_open), after)


async def _listed(
    client: Client, asking: Callable[[int], Mapping[str, str]], after: int = 0
) -> AsyncIterator[list[RawRow]]:
    """Page after page, each asked for by the number that it begins behind."""
    more = True
    while more:
        question = asking(after)
        page = await _asked(client, partial(client.page, call=CALL, question=question))
        with understood(CALL):
            rows = [_row(one) for one in protocol.rows(page)]
            more = bool(protocol.next_link(page)) and bool(rows)
        if rows:
            after = max(after, *(int(row.key) for row in rows))
            yield rows


async def _asked(client: Client, ask: Callable[[str], Awaitable[T]]) -> T:
    """The answer of the page. It knows a company by its name, so that one renamed meanwhile is looked up again.

    Raises:
        Reject: NOT_PUBLISHED, if there is no page under the name of the settings.
    """
    if not client.settings.ledger_page:
        raise _not_published("the connection names no vendor ledger page", 0)
    address = await client.ledger()
    try:
        return await ask(address)
    except RecoveryError as error:
        if error.status != 404:
            raise
        await client.company(again=True)
        if await client.ledger() == address:
            raise _not_published(error.message, 404) from error
    return await ask(await client.ledger())


def _went_back(position: int) -> Fatal:
    """Entries are never deleted, so a ledger without the newest one that was read is an older copy of it."""
    return Fatal(
        f"vendor ledger entry {position} was read before and is not there any more",
        code="ledger_went_back",
        call=CALL,
        cure="Was the environment restored from a backup? Compare what was posted since, then read everything again.",
    )


def _not_published(message: str, status: int) -> Reject:
    cure = "Publish page 29 as a web service, under the name given as ledger_page of this connection."
    return Reject(message, code=NOT_PUBLISHED, call=CALL, cure=cure, status=status)


def _row(row: Mapping[str, Any]) -> RawRow:
    with understood(CALL):
        return RawRow(Kind.LEDGER_ENTRY, str(wire.entry_number(row)), wire.ledger_version(row), row)
