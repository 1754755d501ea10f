"""Balances for the tie-out: the vendor subledger from its open entries, an account from the general ledger."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

from tieout.domain.erp import ZERO
from tieout.domain.erp_ledger import AccountBalance, AccountRole, BalanceQuery
from tieout.domain.errors import Reject
from tieout.domain.snapshots import AccountPosting
from tieout_connectors.business_central import ledger
from tieout_connectors.business_central.client import Client, understood
from tieout_connectors.business_central.wire import protocol, questions
from tieout_connectors.business_central.wire.postings import account_posting

_ENTRIES = "GET generalLedgerEntries"


async def balance(client: Client, query: BalanceQuery, as_of: date | None, currency: str) -> AccountBalance:
    """One balance, debit positive.

    Raises:
        Reject: ``not_supported`` for vendors of one posting group (API v2.0 does not show groups) and for the subledger
            of a past day (the page shows what is open now); ``unknown_account``.
    """
    if query.role is AccountRole.SUBLEDGER:
        amount = await _subledger(client, query, as_of)
    elif as_of is None:
        amount = await _now(client, query.account)
    else:
        amount = await _until(client, query.account, as_of)
    return AccountBalance(query=query, currency=currency, balance=amount, as_of=as_of)


async def _subledger(client: Client, query: BalanceQuery, as_of: date | None) -> Decimal:
    if query.posting_group:
        raise Reject("vendor posting groups are not shown by API v2.0", code="not_supported")
    if as_of is not None:
        raise Reject("the vendor ledger page shows what is open now, not on a past day", code="not_supported")
    amount = ZERO
    async for rows in ledger.open_rows(client):
        with understood(_ENTRIES):
            amount += sum((protocol.local_remainder(row.document) for row in rows), ZERO)
    return amount


async def _now(client: Client, account: str) -> Decimal:
    answer = await client.get(await client.api("accounts"), "GET accounts", questions.account_named(account))
    with understood("GET accounts"):
        amount = protocol.net_change(answer)
    if amount is None:
        raise _unknown(account)
    return amount


async def _until(client: Client, account: str, as_of: date) -> Decimal:
    """Summed over the entries, by number, so that entries posted meanwhile shift no page."""
    await _now(client, account)
    url = await client.api("generalLedgerEntries")
    amount, after, more = ZERO, 0, True
    while more:
        page = await client.page(url, _ENTRIES, questions.postings_until(account, as_of, after))
        with understood(_ENTRIES):
            rows = protocol.rows(page)
            amount += sum((protocol.debit(row) for row in rows), ZERO)
            after = max([after, *(protocol.posting_number(row) for row in rows)])
            more = bool(protocol.next_link(page)) and bool(rows)
    return amount


async def postings(client: Client, account: str, since: date) -> AsyncIterator[tuple[AccountPosting, ...]]:
    """The entries of an account posted from a day on, page by page, asked for by number so that none is missed.

    Raises:
        Reject: ``unknown_account``.
    """
    await _now(client, account)
    url = await client.api("generalLedgerEntries")
    after, more = 0, True
    while more:
        page = await client.page(url, _ENTRIES, questions.postings_since(account, since, after))
        with understood(_ENTRIES):
            rows = protocol.rows(page)
            after = max([after, *(protocol.posting_number(row) for row in rows)])
            more = bool(protocol.next_link(page)) and bool(rows)
            found = tuple(account_posting(row) for row in rows)
        if found:
            yield found


def _unknown(account: str) -> Reject:
    cure = "Correct the account in the connection; numbers are compared as they are written in the chart of accounts."
    return Reject(f"there is no account {account!r}", code="unknown_account", call="GET accounts", cure=cure)
