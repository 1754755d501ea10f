"""Plain HTTP against the simulator of Business Central, with a token that needs no Entra beside it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import aiohttp

from tieout_sandbox.business_central import BusinessCentralSimulator, default_world
from tieout_sandbox.entra import TokenKey
from tieout_sandbox.entra.simulator import CLIENT_ID, TENANT
from tieout_sandbox.kernel.clock import Clock
from tieout_sandbox.kernel.operator import Operator
from tieout_sandbox.kernel.server import Server

KEY = TokenKey(b"business-central-contract-tests")
TODAY = date(2026, 4, 20)
NOW = datetime(2026, 4, 20, 10, 0, tzinfo=UTC)
ENVIRONMENT = "production"
COMPANY = "CRONUS USA, Inc."
ZERO = "00000000-0000-0000-0000-000000000000"


def token(**changes: Any) -> str:
    """A token as Entra issues it, with changed claims."""
    now = int(time.time())
    claims = {
        "aud": "https://api.businesscentral.dynamics.com",
        "iat": now,
        "exp": now + 3599,
        "tid": TENANT,
        "appid": CLIENT_ID,
        "uti": f"{now}-{len(changes)}",
    }
    return KEY.sign({**claims, **changes})


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers, the body parsed, or its bytes where it is no JSON."""

    status: int
    headers: Any
    body: Any

    @property
    def code(self) -> str:
        """The code of an error."""
        return str(self.body["error"]["code"])

    @property
    def message(self) -> str:
        """The message of an error."""
        return str(self.body["error"]["message"])

    @property
    def value(self) -> list[dict[str, Any]]:
        """The rows of a list."""
        rows: list[dict[str, Any]] = self.body["value"]
        return rows


@dataclass
class Client:
    """An app that calls the API of one company."""

    url: str
    http: aiohttp.ClientSession
    operator: Operator
    simulator: BusinessCentralSimulator
    bearer: str = field(default_factory=token)

    @property
    def root(self) -> str:
        """The API's root."""
        return f"{self.url}/v2.0/{TENANT}/{ENVIRONMENT}/api/v2.0"

    @property
    def company(self) -> str:
        """The company's address."""
        return f"{self.root}/companies({self.simulator.companies[0].id})"

    @property
    def page(self) -> str:
        """The published vendor ledger page."""
        return f"{self.url}/v2.0/{TENANT}/{ENVIRONMENT}/ODataV4/Company('{quote(COMPANY)}')/VendorLedgerEntries"

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One call; ``path`` is absolute or below the company. Names of headers with ``_`` for ``-``."""
        url = path if path.startswith("http") else f"{self.company}/{path}"
        sent = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        data = body if isinstance(body, bytes | None) else json.dumps(body, default=float)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self.http.request(method, url, data=data, headers=sent, allow_redirects=False) as answer:
            raw = await answer.read()
            kind = answer.headers.get("Content-Type", "")
            parsed = json.loads(raw, parse_float=Decimal) if raw and "json" in kind else raw
            return Reply(answer.status, answer.headers, parsed)

    async def get(self, path: str, **headers: str) -> Reply:
        """GET."""
        return await self.call("GET", path, **headers)

    async def rows(self, path: str) -> list[dict[str, Any]]:
        """All rows of a list, page by page."""
        rows: list[dict[str, Any]] = []
        link: str | None = path
        while link:
            reply = await self.get(link)
            assert reply.status == 200, reply
            rows += reply.value
            link = reply.body.get("@odata.nextLink")
        return rows

    async def one(self, path: str) -> dict[str, Any]:
        """The only row of a list."""
        rows = await self.rows(path)
        assert len(rows) == 1, rows
        return rows[0]

    async def vendor(self, number: str = "20000") -> dict[str, Any]:
        """A vendor by number."""
        quoted = quote(number.replace("'", "''"))
        return await self.one(f"vendors?$filter=number eq '{quoted}'")

    async def invoice(self, number: str) -> dict[str, Any]:
        """An invoice by the vendor's number."""
        return await self.one(f"purchaseInvoices?$filter=vendorInvoiceNumber eq '{number}'")

    async def person(self, do: str, **order: Any) -> dict[str, Any]:
        """Somebody does something in the client."""
        done: dict[str, Any] = await self.operator.post("people", {"do": do, **order})
        return done

    async def entries(self, wanted: str) -> list[dict[str, Any]]:
        """Vendor ledger entries of the published page."""
        return await self.rows(f"{self.page}?$filter={wanted}")

    async def batch(self, code: str = "BILL", account: str = "2950") -> dict[str, Any]:
        """A payment batch with a G/L balancing account, made if it is not there."""
        found = await self.rows(f"vendorPaymentJournals?$filter=code eq '{code}'")
        if found:
            return found[0]
        balancing = await self.one(f"accounts?$filter=number eq '{account}'")
        body = {"code": code, "displayName": "BILL", "balancingAccountId": balancing["id"]}
        reply = await self.call("POST", "vendorPaymentJournals", body)
        assert reply.status == 201, reply
        made: dict[str, Any] = reply.body
        return made

    async def pay(self, **line: Any) -> Reply:
        """A new payment line in the batch; the reply of the create."""
        batch = await self.batch()
        return await self.call("POST", f"vendorPaymentJournals({batch['id']})/vendorPayments", line)

    async def post(self) -> Reply:
        """Post the batch."""
        batch = await self.batch()
        return await self.call("POST", f"journals({batch['id']})/Microsoft.NAV.post")

    async def truth(self) -> dict[str, Any]:
        """The company's ledger behind the API."""
        whole = await self.operator.ledger()
        company: dict[str, Any] = whole["companies"][0]
        return company


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Wait until something holds that another task brings about; TimeoutError if it never does."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - the condition is behind HTTP, there is no event to wait for
            await asyncio.sleep(0.01)


@asynccontextmanager
async def opened(
    world: dict[str, Any] | None = None, ca_file: str | None = None, **switches: Any
) -> AsyncIterator[Client]:
    """A simulator at a fixed time, with the default world unless another is given."""
    simulator = BusinessCentralSimulator(world or default_world(TODAY), ca_file, key=KEY, clock=Clock(NOW))
    simulator.switches.update(switches)
    async with (
        Server(simulator) as url,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http,
        Operator(url) as operator,
    ):
        yield Client(url, http, operator, simulator)
