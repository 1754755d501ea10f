"""Questions to the real system before anything is synchronized. Each answer says what it found and what to do."""

from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Final

from tieout.domain.errors import RecoveryError, Reject
from tieout_connectors.business_central import ledger
from tieout_connectors.business_central.client import Client, understood
from tieout_connectors.business_central.wire import protocol
from tieout_connectors.spi.erp import CheckLine, CheckStatus

_OK: Final = CheckStatus.OK

READ_SETS: Final[dict[str, str]] = {
    "vendors": "D365 VENDOR, VIEW",
    "accounts": "D365 BASIC",
    "dimensions": "D365 BASIC",
    "purchaseInvoices": "D365 PURCH DOC, EDIT",
    "generalLedgerEntries": "a set with read permission on table 17 (G/L Entry)",
    "paymentTerms": "D365 BASIC",
}
"""Every set that is read, with the permission set that allows it."""

WRITE_SETS: Final[dict[str, str]] = {
    "vendorPaymentJournals": "D365 JOURNALS, EDIT and D365 JOURNALS, POST",
    "journals": "D365 JOURNALS, EDIT and D365 JOURNALS, POST",
    "bankAccounts": "D365 BASIC",
}
"""Every further set that payments and funds transfers need; a connection that only reads does without."""

PUBLISH: Final = (
    "Open the page Web Services in Business Central, add a line with object type Page, object id 29 and service name "
    "{name}, and tick Published. Give the application read permission on table 25 (Vendor Ledger Entry). Without it no "
    "open amount can be read, and no invoice is sent."
)


async def check(client: Client, today: date) -> list[CheckLine]:
    """All questions in order; it ends at the first of sign-in and company that fails: nothing else could be asked."""
    lines = [await _asked("sign-in", lambda: _sign_in(client))]
    if lines[-1].status is _OK:
        lines.append(await _asked("company", lambda: _company(client)))
    if lines[-1].status is not _OK:
        return lines
    lines.append(await _asked("local currency", lambda: _currency(client)))
    for name, permission in READ_SETS.items():
        lines.append(await _asked(name, partial(_readable, client, name), cure=f"Give the application {permission}."))
    for name, permission in WRITE_SETS.items():
        cure = f"Payments cannot be written back. Give the application {permission}."
        lines.append(await _asked(name, partial(_readable, client, name), cure=cure, refused=CheckStatus.WARNING))
    lines.append(await _asked("vendor ledger page", lambda: _ledger(client)))
    lines.append(await _asked("posting dates", lambda: _posting_dates(client, today)))
    return lines


async def _asked(
    name: str,
    question: Callable[[], Awaitable[CheckLine]],
    *,
    cure: str = "",
    refused: CheckStatus = CheckStatus.FAILED,
) -> CheckLine:
    """The answer, or the refusal as an answer: a check reports, it does not fail."""
    try:
        with understood(f"GET {name}"):
            return await question()
    except RecoveryError as error:
        advice = cure if refused is CheckStatus.WARNING else error.cure or cure
        return CheckLine(name, refused, str(error), advice, error.code, error.status)


async def _sign_in(client: Client) -> CheckLine:
    await client.token()
    return CheckLine("sign-in", _OK, f"Entra gave a token for tenant {client.settings.tenant}")


async def _company(client: Client) -> CheckLine:
    company = await client.company()
    return CheckLine("company", _OK, f"{company.name} ({company.id}) in environment {client.settings.environment}")


async def _currency(client: Client) -> CheckLine:
    code = await client.local_currency()
    if code in client.settings.currencies or (len(code) == 3 and code.isascii() and code.isupper()):
        return CheckLine("local currency", _OK, client.settings.currencies.get(code, code))
    cure = "Enter LCY Code in General Ledger Setup, or name its ISO code under currencies in this connection."
    return CheckLine("local currency", CheckStatus.FAILED, f"{code!r} is no ISO 4217 code", cure)


async def _readable(client: Client, name: str) -> CheckLine:
    count = protocol.count(await client.get(await client.api(f"{name}/$count"), f"GET {name}/$count", {}))
    return CheckLine(name, _OK, f"{count} can be read")


async def _ledger(client: Client) -> CheckLine:
    name = client.settings.ledger_page
    cure = PUBLISH.format(name=name or "VendorLedgerEntries")
    try:
        answer = await ledger.some(client)
    except Reject as error:
        if error.code != ledger.NOT_PUBLISHED:
            raise
        detail = f"no page is published under the name {name!r}" if name else error.message
        return CheckLine("vendor ledger page", CheckStatus.FAILED, detail, cure)
    missing = protocol.ledger_fields_missing(answer)
    if missing:
        detail = f"the page published as {name!r} does not show {', '.join(missing)}"
        return CheckLine("vendor ledger page", CheckStatus.FAILED, detail, cure)
    return CheckLine("vendor ledger page", _OK, f"{name} is published and can be read")


async def _posting_dates(client: Client, today: date) -> CheckLine:
    answer = await client.get(await client.api("generalLedgerSetup"), "GET generalLedgerSetup", {})
    first, last = protocol.posting_dates(answer)
    told = f"posting is allowed from {first or 'any day'} to {last or 'any day'}"
    if (first is None or first <= today) and (last is None or today <= last):
        return CheckLine("posting dates", _OK, told)
    cure = "Widen Allow Posting From and To in General Ledger Setup, or payments dated today will be held."
    return CheckLine("posting dates", CheckStatus.WARNING, f"{told}, not today", cure)
