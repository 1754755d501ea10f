"""Where BILL is and who signs in."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Addresses:
    """The bases of both halves of the API, without a slash at the end; every path begins with ``/v3/``."""

    api: str
    events: str

    @classmethod
    def at(cls, gateway: str) -> "Addresses":
        """Both bases below one gateway, for example a simulator's ``http://127.0.0.1:8080``."""
        root = gateway.rstrip("/")
        return cls(api=f"{root}/connect", events=f"{root}/connect-events")


class CredentialKind(StrEnum):
    """Both are sent alike. A sync token can make no payment, and its session lives 48 idle hours, not 35 minutes."""

    USER = "user"
    SYNC_TOKEN = "sync-token"  # noqa: S105 - the name of a kind, not a secret


def kind_of(name: str) -> CredentialKind:
    """Users sign in with an e-mail address, tokens have names. A token named like one is taken for a user's sign-in.

    That errs to the safe side: BILL is asked whether it may pay.
    """
    return CredentialKind.USER if "@" in name else CredentialKind.SYNC_TOKEN


@dataclass(frozen=True)
class Credentials:
    """What BILL's sign-in takes. Secrets are left out of ``repr``.

    Attributes:
        name: the BILL user's e-mail, or the sync token's name.
        secret: the password, or the sync token's value.
        organization: begins with ``008``.
        developer_key: works in one environment only.
    """

    name: str
    secret: str = field(repr=False)
    organization: str
    developer_key: str = field(repr=False)
    kind: CredentialKind = CredentialKind.SYNC_TOKEN
