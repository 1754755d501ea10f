"""Somebody who calls BILL's simulator in plain HTTP, the people in BILL, and an address that BILL notifies."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from aiohttp import web

from support.receiving import receiving
from support.recorded_journeys import Document, Recorder, Taken
from support.wire_contract import Exchange
from tieout_sandbox.kernel.operator import Operator
from tieout_sandbox.kernel.server import Server
from tieout_sandbox.systems import simulator

ORGANIZATION: Final = "00801SANDBOXTRADING1"
DEV_KEY: Final = "01SANDBOXDEVELOPERKEY"
SIGN_IN: Final = {
    "username": "tieout@sandbox.example",
    "password": "sandbox-password",
    "organizationId": ORGANIZATION,
    "devKey": DEV_KEY,
}
ADDRESS: Final = {
    "line1": "4 Quay Road", "city": "Astoria", "stateOrProvince": "OR", "zipOrPostalCode": "97103", "country": "US",
}  # fmt: skip
RAW: Final = {"Content-Type": "application/octet-stream"}


@dataclass
class Bill:
    """Somebody who calls BILL, and a person who works in it."""

    url: str
    recorder: Recorder
    operator: Operator
    hook: "Hook"
    headers: dict[str, str] = field(default_factory=dict)

    async def login(self, **changes: str) -> None:
        """Sign in; the session of the next calls."""
        body = {name: value for name, value in {**SIGN_IN, **changes}.items() if value}
        answer = await self.recorder.call("POST", f"{self.url}/connect/v3/login", body)
        if self.recorder.status == 200:
            self.headers = {"devKey": SIGN_IN["devKey"], "sessionId": answer["sessionId"]}

    async def call(self, method: str, path: str, body: object = None, expect: str = "", **headers: str) -> Any:
        """A call on /connect; ``path`` may have a query."""
        return await self._on("connect", method, path, body, expect, headers)

    async def events(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """A call on /connect-events."""
        return await self._on("connect-events", method, path, body, "", headers)

    async def _on(
        self, base: str, method: str, path: str, body: object, expect: str, headers: Mapping[str, str]
    ) -> Any:
        path, _, query = path.partition("?")
        url = f"{self.url}/{base}/v3{path}{'?' if query else ''}{quote(query, safe='=&')}"
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.recorder.call(method, url, body, sent, expect)

    async def person(self, **order: Any) -> Any:
        """What a person does in BILL by hand."""
        return await self.operator.post("people", order)

    async def pay(self, **order: Any) -> Any:
        """What a person does with payments in BILL."""
        return await self.operator.post("payments", order)

    async def vendor(self, name: str, **more: Any) -> str:
        """A new vendor's id."""
        made = await self.call("POST", "/vendors", {"name": name, "address": ADDRESS, **more})
        return str(made["id"])

    async def bill(self, number: str, vendor: str, *amounts: float, **more: Any) -> Any:
        """A new bill."""
        return await self.call("POST", "/bills", wanted(number, vendor, *amounts, **more))


def wanted(number: str, vendor: str, *amounts: float, **more: Any) -> dict[str, Any]:
    """The body of a bill."""
    lines = [{"amount": amount, "description": f"Part {place}"} for place, amount in enumerate(amounts, 1)]
    invoice = {"invoiceNumber": number, "invoiceDate": "2026-11-30"}
    return {"vendorId": vendor, "dueDate": "2026-12-30", "invoice": invoice, "billLineItems": lines, **more}


@dataclass
class Hook:
    """An address that BILL notifies."""

    url: str = ""
    came: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        """Keep what came."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.came.append((await request.read(), headers))
        self.changed.set()
        return web.Response()

    async def until(self, *kinds: str) -> list[Any]:
        """What came, once there is one of each kind; TimeoutError after ten seconds."""
        async with asyncio.timeout(10):
            while not set(kinds) <= {one["metadata"]["eventType"] for one in self.bodies()}:
                self.changed.clear()
                await self.changed.wait()
        return self.bodies()

    def bodies(self) -> list[Any]:
        """The notifications so far."""
        return [json.loads(body) for body, _ in self.came]


@asynccontextmanager
async def _hooked(tls: SSLContext) -> AsyncIterator[Hook]:
    hook = Hook()
    async with receiving(hook.take, tls) as hook.url:
        yield hook


async def travel(journey: Callable[[Bill], Awaitable[list[Document]]], tls: SSLContext, ca_file: str) -> Taken:
    """Make a journey in a world of its own, signed in."""
    async with (
        Server(simulator("bill", None, ca_file)) as url,
        _hooked(tls) as hook,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as http,
        Operator(url) as operator,
    ):
        recorder = Recorder(http)
        bill = Bill(url, recorder, operator, hook)
        await bill.login()
        documents = await journey(bill)
        return Taken(recorder.seen, documents)


def beside(seen: Exchange) -> Iterator[str]:
    """What is wrong with figures and counts: sections 5 (max), 7 (due, paid) and 8.2 (allocation)."""
    if seen.status >= 300:
        return
    document = seen.document
    rows = document.get("results", [document]) if isinstance(document, dict) else document or []
    if len(rows) > int(seen.query.get("max", "20")) and isinstance(document, dict):
        yield f"{len(rows)} rows"
    for row in rows:
        if "billLineItems" in row and sum(line["amount"] for line in row["billLineItems"]) != row["amount"]:
            yield f"{row['id']}: the lines are not the amount"
        if "dueAmount" in row and row["amount"] != row["dueAmount"] + row["scheduledAmount"] + row["paidAmount"]:
            yield f"{row['id']}: due, scheduled and paid are not the amount"
        if "billPayments" in row and sum(part["amount"] for part in row["billPayments"]) != row["amount"]:
            yield f"{row['id']}: the parts are not the amount"
