"""The organization, its users and its bank accounts. Numbers of accounts are never read."""

from dataclasses import dataclass
from typing import Any

from tieout.domain.bill_payments import BillBankAccount, FundingAccountStatus
from tieout_connectors.bill.wire.fields import Fields


@dataclass(frozen=True)
class User:
    """A BILL user. ``role`` is BILL's word for it, such as ``CLERK``."""

    id: str
    role: str


def read_organization_name(raw: Any) -> str:
    """The organization's name."""
    return Fields(raw, "organization").text("name")


def read_user(raw: Any) -> User:
    """A user with the role."""
    user = Fields(raw, "user")
    return User(user.needed("id"), user.inner("role").text("type"))


def read_may_pay(raw: Any) -> bool | None:
    """Whether the signed-in user may pay online, None if BILL does not tell."""
    return Fields(raw, "permissions").inner("user").flag("payOnline")


def read_bank_account(raw: Any) -> BillBankAccount:
    """A bank account that payments may be funded from."""
    account = Fields(raw, "bankAccount")
    return BillBankAccount(
        id=account.needed("id"),
        name=account.text("nameOnAccount"),
        bank=account.text("bankName"),
        status=account.choice("status", FundingAccountStatus, FundingAccountStatus.UNDEFINED),
        account=account.text("chartOfAccountId"),
        pays_by_default=account.inner("default").flag("payables") or False,
        archived=account.flag("archived") or False,
    )
