"""Sign-in and what BILL tells about the session."""

from dataclasses import dataclass, field
from typing import Any

from tieout_connectors.bill.settings import Credentials
from tieout_connectors.bill.wire.fields import Fields


@dataclass(frozen=True)
class BillSession:
    """A signed-in session. It works only with the developer key it was made with.

    Attributes:
        id: the secret that stands for the sign-in; left out of ``repr``.
        trusted: confirmed by a second factor, so that it could make payments.
    """

    id: str = field(repr=False)
    organization: str
    user: str = ""
    trusted: bool = False


@dataclass(frozen=True)
class SessionDetails:
    """What BILL says about the session in use. ``mfa`` is BILL's word, for example ``DISABLED`` or ``COMPLETE``."""

    organization: str
    user: str
    mfa: str = ""
    mfa_bypass: bool = False


def write_login(credentials: Credentials) -> dict[str, Any]:
    """The body of a sign-in; the developer key stands in it, not in a header."""
    return {
        "username": credentials.name,
        "password": credentials.secret,
        "organizationId": credentials.organization,
        "devKey": credentials.developer_key,
    }


def read_login(raw: Any) -> BillSession:
    """The answer to a sign-in."""
    login = Fields(raw, "login")
    return BillSession(
        id=login.needed("sessionId"),
        organization=login.needed("organizationId"),
        user=login.text("userId"),
        trusted=login.flag("trusted") or False,
    )


def read_session_details(raw: Any) -> SessionDetails:
    """The answer to the question whose session this is."""
    session = Fields(raw, "session")
    return SessionDetails(
        organization=session.needed("organizationId"),
        user=session.needed("userId"),
        mfa=session.text("mfaStatus"),
        mfa_bypass=session.flag("mfaBypass") or False,
    )


def session_headers(session: BillSession, developer_key: str) -> dict[str, str]:
    """What every call after sign-in carries."""
    return {"devKey": developer_key, "sessionId": session.id}
