"""BILL for one connection: the session and one object per kind of record."""

import aiohttp

from tieout_connectors.bill.bills import Bills
from tieout_connectors.bill.calls import Caller
from tieout_connectors.bill.check import check
from tieout_connectors.bill.classifications import Classifications
from tieout_connectors.bill.credits import Credits
from tieout_connectors.bill.documents import Documents
from tieout_connectors.bill.events import Events
from tieout_connectors.bill.gate import Gate
from tieout_connectors.bill.payments import Payments
from tieout_connectors.bill.raw import RawRecords
from tieout_connectors.bill.session import Sessions, SessionStore
from tieout_connectors.bill.settings import Addresses, Credentials
from tieout_connectors.bill.subscriptions import Subscriptions
from tieout_connectors.bill.vendors import Vendors
from tieout_connectors.spi.erp import CheckLine


class BillClient:
    """All that Tieout asks of BILL for one connection.

    The HTTP session comes from ``tieout_connectors.http.call.open_session`` and stays its owner's to close. ``store``
    keeps the sign-in across restarts; ``gate`` is asked before every call and every sign-in; ``fingerprint_key`` makes
    the hash by which a change of a vendor's bank details is seen. ``timeout`` is seconds for
    one call with its whole answer; an upload has ``documents.UPLOAD_TIMEOUT``. The settle time of a write in doubt
    starts at its deadline plus that time-out.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        addresses: Addresses,
        credentials: Credentials,
        *,
        store: SessionStore | None = None,
        gate: Gate | None = None,
        fingerprint_key: bytes | None = None,
        timeout: float = 30.0,
    ) -> None:
        self.caller = Caller(
            http,
            addresses,
            credentials,
            store=store,
            gate=gate,
            fingerprint_key=fingerprint_key,
            timeout=timeout,
        )
        self.vendors = Vendors(self.caller)
        self.classifications = Classifications(self.caller)
        self.bills = Bills(self.caller)
        self.credits = Credits(self.caller)
        self.payments = Payments(self.caller)
        self.raw = RawRecords(self.caller)
        self.documents = Documents(self.caller)
        self.subscriptions = Subscriptions(self.caller)
        self.events = Events(self.caller)
        self._credentials = credentials

    @property
    def sessions(self) -> Sessions:
        """The sign-in: the one in use, and ``reset`` once somebody has acted on a refusal."""
        return self.caller.sessions

    async def check(self) -> list[CheckLine]:
        """Ask BILL, with real calls that only read, whether the connection would work."""
        return await check(self.caller, self._credentials.kind, self._credentials.organization)

    async def logout(self) -> None:
        """End the session in BILL, if there is one; it is dead at once."""
        await self.caller.logout()

    async def close(self) -> None:
        """Stop what is under way. The session stays valid and stored."""
        await self.sessions.close()
