"""The BILL connector and BILL's simulator over a socket: two readings of BILL's documentation that have to agree."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tieout.domain.records import Address
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.settings import Addresses, CredentialKind, Credentials
from tieout_connectors.http.call import open_session
from tieout_sandbox.bill.default_world import DEV_KEY, ORGANIZATION, PASSWORD, USERNAME
from tieout_sandbox.kernel.operator import Operator
from tieout_sandbox.kernel.server import Server
from tieout_sandbox.systems import simulator

CREDENTIALS = Credentials(USERNAME, PASSWORD, ORGANIZATION, DEV_KEY, CredentialKind.USER)
ADDRESS = Address(line1="1 Furnace Way", city="San Jose", state="CA", postal_code="95002", country="US")


@dataclass
class Site:
    """A simulator, the tester's hand on it, and clients of the connector."""

    url: str
    operator: Operator
    http: aiohttp.ClientSession

    def client(self, credentials: Credentials = CREDENTIALS, **more: Any) -> BillClient:
        """A client of its own, as after a restart."""
        return BillClient(self.http, Addresses.at(self.url), credentials, **more)

    async def calls(self, path: str = "") -> list[str]:
        """The calls that reached BILL, in order."""
        seen = await self.operator.requests()
        return [f"{one['method']} {one['path']}" for one in seen if path in one["path"]]

    async def pay(self, **order: Any) -> Any:
        """Let a person pay in BILL; the payments."""
        return (await self.operator.post("payments", order))["payments"]


@asynccontextmanager
async def opened(world: dict[str, Any] | None = None) -> AsyncIterator[Site]:
    """A simulator for as long as a test needs it."""
    async with Server(simulator("bill", world)) as url, Operator(url) as operator, open_session() as http:
        yield Site(url, operator, http)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """The default world."""
    async with opened() as one:
        yield one


@pytest.fixture
def client(site: Site) -> BillClient:
    """A client that has not signed in yet."""
    return site.client()


@pytest.fixture
def opened_site() -> Any:
    """Opens a simulator with a world of one's own."""
    return opened
