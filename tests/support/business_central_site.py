"""A connection to the simulators of Business Central and Entra over sockets, and people at work in the company."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from pydantic import SecretStr

from tieout.domain.erp import PurchaseInvoice
from tieout.domain.erp_ledger import VendorLedgerEntry
from tieout.domain.records import Kind, Record
from tieout_connectors.business_central import (
    BusinessCentralCredentials,
    BusinessCentralReader,
    BusinessCentralSettings,
    Endpoints,
)
from tieout_connectors.business_central.client import Client
from tieout_connectors.business_central.wire import BusinessCentralWire
from tieout_connectors.spi.erp import Page, Watermark
from tieout_devstack.certificates import Authority
from tieout_sandbox.entra.simulator import CLIENT_ID, CLIENT_SECRET, TENANT
from tieout_sandbox.kernel.operator import Operator
from tieout_sandbox.kernel.server import Server
from tieout_sandbox.systems import simulator

WIRE = BusinessCentralWire()
COMPANY = "CRONUS USA, Inc."


async def at_once(_seconds: float) -> None:
    """Pauses between repetitions cost a test nothing."""


@dataclass
class Site:
    """A running company, people in it, and the connection to it."""

    reader: BusinessCentralReader
    client: Client
    operator: Operator
    credentials: BusinessCentralCredentials
    positions: dict[Kind, Watermark] = field(default_factory=dict)

    async def poll(self, kind: Kind) -> dict[str, Record]:
        """The records of one poll by key, from where the last one ended."""
        return {key: record for page in await self.pages(kind) for key, record in (await self.records(page)).items()}

    async def pages(self, kind: Kind) -> list[Page]:
        """The pages of one poll, from where the last one ended."""
        since = self.positions.get(kind, Watermark())
        pages = [page async for page in self.reader.changes(kind, since)]
        self.positions[kind] = pages[-1].next
        return pages

    async def records(self, page: Page) -> dict[str, Record]:
        """The records of a page."""
        context = await self.reader.context()
        return {row.key: one for row in page.rows for one in WIRE.read(row.kind, row.document, context)}

    async def invoices(self) -> dict[str, PurchaseInvoice]:
        """The invoices of a poll by number."""
        found = (await self.poll(Kind.PURCHASE_INVOICE)).values()
        return {one.number: one for one in found if isinstance(one, PurchaseInvoice)}

    async def entries(self) -> dict[str, VendorLedgerEntry]:
        """The vendor ledger entries of a poll by document number."""
        found = (await self.poll(Kind.LEDGER_ENTRY)).values()
        return {one.document_number: one for one in found if isinstance(one, VendorLedgerEntry)}

    async def people(self, do: str, **order: Any) -> Any:
        """Something that somebody does in the client."""
        return await self.operator.post("people", {"do": do, **order})

    async def switch(self, **switches: Any) -> None:
        """Another behaviour of the server."""
        await self.operator.post("switches", switches)

    async def call(self, method: str, path: str, body: Any = None) -> int:
        """What another program does through the API; the status of the answer."""
        headers = {"Authorization": f"Bearer {await self.client.token()}", "If-Match": "*"}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
            http.request(method, await self.client.api(path), json=body, headers=headers) as answer,
        ):
            return answer.status

    async def pay(self, invoice: str, vendor: str, amount: str, document: str) -> Any:
        """A payment by hand, applied to an invoice."""
        order = {"invoice": invoice, "vendor": vendor, "amount": amount, "document": document, "account": "1110"}
        return await self.people("post_payment", **order)


@asynccontextmanager
async def opened(trusted: Authority, **changes: Any) -> AsyncIterator[Site]:
    """Both simulators and a connection to them."""
    made = trusted.issue("entra")
    secret = changes.pop("secret", CLIENT_SECRET)
    tls = (str(made.certificate), str(made.key))
    async with (
        Server(simulator("entra"), tls=tls) as login,
        Server(simulator("business-central")) as api,
        Operator(api) as operator,
    ):
        given = {"tenant": TENANT, "environment": "production", "company": COMPANY, **changes}
        settings = BusinessCentralSettings(
            endpoints=Endpoints(api=api, login=login), ca_file=trusted.certificate, **given
        )
        credentials = BusinessCentralCredentials(client_id=CLIENT_ID, client_secret=SecretStr(secret))
        client = Client(settings, credentials, pause=at_once)
        async with BusinessCentralReader(settings, credentials, client=client) as reader:
            yield Site(reader, client, operator, credentials)
