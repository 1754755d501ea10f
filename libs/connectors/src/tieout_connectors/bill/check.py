"""Whether a connection's BILL side would work, asked with real calls and before anything is synchronized.

Each line is one question, one call, one answer. Nothing is written. What fails because the sign-in failed is not asked.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tieout.domain.bill import ClassificationKind
from tieout.domain.bill_payments import BillBankAccount, FundingAccountStatus
from tieout.domain.errors import RecoveryError
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.errors import NO_PERMISSION
from tieout_connectors.bill.settings import CredentialKind
from tieout_connectors.bill.wire.classifications import COLLECTIONS
from tieout_connectors.bill.wire.lists import read_page
from tieout_connectors.bill.wire.organization import read_bank_account, read_may_pay, read_organization_name, read_user
from tieout_connectors.bill.wire.session import SessionDetails, read_session_details
from tieout_connectors.spi.erp import CheckLine, CheckStatus

OK, WARNING, FAILED = CheckStatus.OK, CheckStatus.WARNING, CheckStatus.FAILED

# What Tieout reads in every run; a user who may not is of no use.
NEEDED: Final[Mapping[str, str]] = {
    "vendors": "GET /v3/vendors",
    "bills": "GET /v3/bills",
    "payments": "GET /v3/payments",
    "accounts": f"GET /v3/classifications/{COLLECTIONS[ClassificationKind.ACCOUNT].path}",
}

# What an organization may have switched off; a mapping that names it would hold.
OPTIONAL: Final[Mapping[str, str]] = {
    f"{COLLECTIONS[kind].path}": f"GET /v3/classifications/{COLLECTIONS[kind].path}"
    for kind in (ClassificationKind.DEPARTMENT, ClassificationKind.LOCATION, ClassificationKind.JOB)
}

# Roles of BILL that pay bills. A CUSTOM role may or may not.
PAYING_ROLES: Final = frozenset({"ADMINISTRATOR", "ACCOUNTANT", "PAYER"})

_LESS: Final = "Give Tieout a sync token, or a user of its own that may enter bills and not pay them."


async def check(caller: Caller, kind: CredentialKind, organization: str) -> list[CheckLine]:
    """Ask BILL whether the connection would work. Raises nothing of BILL's: what fails is a line."""
    session = await _ask("sign-in", caller.read(Call("GET /v3/login/session"), read_session_details))
    if isinstance(session, CheckLine):
        return [session]
    lines = [CheckLine("sign-in", OK, f"signed in as user {session.user}")]
    if session.organization != organization:
        cure = "Correct the organization's id in the settings."
        lines.append(CheckLine("organization", FAILED, f"the session is for {session.organization}", cure))
        return lines
    lines.append(await _organization(caller, organization))
    for name, call in NEEDED.items():
        lines.append(await _listed(caller, name, call, FAILED))
    for name, call in OPTIONAL.items():
        lines.append(await _listed(caller, name, call, WARNING))
    lines.append(await _funding(caller))
    lines.append(await _paying(caller, kind, session))
    lines.append(await _listed(caller, "webhooks", "GET /v3/subscriptions", WARNING, events=True))
    return lines


async def _ask(name: str, answer: Awaitable[Any]) -> Any:
    """The answer, or the line that says why there is none."""
    try:
        return await answer
    except RecoveryError as error:
        return _refused(name, FAILED, error)


def _refused(name: str, status: CheckStatus, error: RecoveryError, cure: str = "") -> CheckLine:
    return CheckLine(name, status, str(error), cure or error.cure, error.code, error.status)


async def _organization(caller: Caller, organization: str) -> CheckLine:
    """Only an administrator may read the organization, and Tieout should be none: then its id has to do."""
    call = Call("GET /v3/organizations/{id}", (organization,))
    try:
        name = await caller.read(call, read_organization_name)
    except RecoveryError as error:
        if error.code == NO_PERMISSION or error.status == 403:
            return CheckLine("organization", OK, f"{organization}; its name is shown to administrators only")
        return _refused("organization", FAILED, error)
    return CheckLine("organization", OK, f"{organization}: {name}")


async def _listed(caller: Caller, name: str, call: str, otherwise: CheckStatus, *, events: bool = False) -> CheckLine:
    query: dict[str, str] = {} if events else {"max": "1"}
    try:
        await caller.read(Call(call, query=query, events=events), read_page)
    except RecoveryError as error:
        return _refused(name, otherwise, error)
    return CheckLine(name, OK, "may be listed")


async def _funding(caller: Caller) -> CheckLine:
    """Which bank accounts payments come from: each has to be mapped to a bank of the ERP."""
    name, cure = "funding accounts", "Let the BILL user see the bank accounts, or take their ids from BILL by hand."
    try:
        banks = [one async for one in caller.records(Call("GET /v3/funding-accounts/banks"), read_bank_account)]
    except RecoveryError as error:
        return _refused(name, WARNING, error, cure)
    usable = [bank for bank in banks if not bank.archived]
    if not usable:
        return CheckLine(
            name, WARNING, "BILL has no bank account to pay from", "Add one in BILL before bills are paid."
        )
    shown = "; ".join(map(_shown, usable))
    unverified = [bank.id for bank in usable if bank.status is not FundingAccountStatus.VERIFIED]
    if len(unverified) == len(usable):
        return CheckLine(name, WARNING, shown, "Verify a bank account in BILL before bills are paid.")
    return CheckLine(name, OK, shown)


def _shown(bank: BillBankAccount) -> str:
    return f"{bank.id} {bank.bank or bank.name} ({bank.status.value})"


async def _paying(caller: Caller, kind: CredentialKind, session: SessionDetails) -> CheckLine:
    """Tieout makes no payments, so a sign-in that could is a risk without a use."""
    name = "cannot pay"
    if kind is CredentialKind.SYNC_TOKEN:
        return CheckLine(name, OK, "a sync token can make no payment")
    questions: tuple[Callable[[], Awaitable[bool | None]], ...] = (
        lambda: caller.read(Call("GET /v3/funding-accounts/permissions"), read_may_pay),
        lambda: _role_pays(caller, session.user),
    )
    answers: list[bool | None] = []
    for question in questions:
        try:
            answers.append(await question())
        except RecoveryError:
            answers.append(None)  # a user may not be allowed to ask; the other question may be answered
    if True in answers:
        return CheckLine(name, WARNING, "the BILL user of this connection may make payments", _LESS)
    if False in answers:
        return CheckLine(name, OK, "the BILL user of this connection may not make payments")
    return CheckLine(name, WARNING, "BILL does not tell whether this user may make payments", _LESS)


async def _role_pays(caller: Caller, user: str) -> bool | None:
    role = (await caller.read(Call("GET /v3/users/{id}", (user,)), read_user)).role
    if role in PAYING_ROLES:
        return True
    return None if role in {"", "CUSTOM", "UNDEFINED"} else False
