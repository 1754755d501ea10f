"""Plain HTTP against the simulator of BILL: no connector, so that a misreading shows on one side only."""

import asyncio
import base64
import datetime as dt
import hashlib
import hmac
import io
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.receiving import receiving
from tieout_sandbox.bill import BillSimulator
from tieout_sandbox.bill.default_world import DEV_KEY, ORGANIZATION, PASSWORD, USERNAME, VENDOR
from tieout_sandbox.kernel.operator import Operator
from tieout_sandbox.kernel.server import Server

ADDRESS = {"line1": "1 Test Way", "city": "Portland", "zipOrPostalCode": "97201", "country": "US"}


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers, the body parsed (None if empty, text if it is no JSON)."""

    status: int
    headers: Any
    body: Any

    @property
    def codes(self) -> list[str]:
        """The codes of a refusal."""
        return [item.get("code", "") for item in self.body]


@dataclass
class BillClient:
    """Somebody who calls BILL with one session."""

    url: str
    http: aiohttp.ClientSession
    operator: Operator
    headers: dict[str, str] = field(default_factory=dict)
    vendor: str = VENDOR

    async def login(self, **changes: str) -> Reply:
        """Sign in with the default credentials but for the changes."""
        body = {"username": USERNAME, "password": PASSWORD, "organizationId": ORGANIZATION, "devKey": DEV_KEY}
        reply = await self.call("POST", "/login", {**body, **changes}, headers={})
        if reply.status == 200:
            self.headers = {"devKey": changes.get("devKey", DEV_KEY), "sessionId": reply.body["sessionId"]}
        return reply

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        base: str = "/connect/v3",
        **query: str,
    ) -> Reply:
        """One call on one of the two bases."""
        data = None if body is None else io.BytesIO(body if isinstance(body, bytes) else _json(body))
        sent = {"Content-Type": "application/json", **(self.headers if headers is None else headers)}
        request = self.http.request(method, f"{self.url}{base}{path}", data=data, headers=sent, params=query)
        async with request as answer:
            text = await answer.text()
            try:
                parsed = json.loads(text, parse_float=Decimal) if text else None
            except ValueError:
                parsed = text
            return Reply(answer.status, answer.headers, parsed)

    async def get(self, path: str, **query: Any) -> Reply:
        """GET on /connect."""
        return await self.call("GET", path, **query)

    async def post(self, path: str, body: Any = None, **query: Any) -> Reply:
        """POST on /connect."""
        return await self.call("POST", path, body, **query)

    async def events(self, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        """A call on /connect-events."""
        return await self.call(method, path, body, base="/connect-events/v3", **more)

    async def new_vendor(self, name: str, **more: Any) -> str:
        """A new vendor's id."""
        reply = await self.post("/vendors", {"name": name, "address": ADDRESS, **more})
        assert reply.status == 201, reply
        return str(reply.body["id"])

    def bill(self, number: str, *amounts: Any, **more: Any) -> dict[str, Any]:
        """The body of a bill."""
        return {
            "vendorId": self.vendor,
            "dueDate": "2027-01-31",
            "invoice": {"invoiceNumber": number, "invoiceDate": "2026-12-31"},
            "billLineItems": [{"amount": amount} for amount in amounts or (100,)],
            **more,
        }

    async def new_bill(self, number: str, *amounts: Any, **more: Any) -> Any:
        """A new bill."""
        reply = await self.post("/bills", self.bill(number, *amounts, **more))
        assert reply.status == 201, reply
        return reply.body

    async def the_bill(self, bill_id: str) -> Any:
        """A bill as it stands."""
        return (await self.get(f"/bills/{bill_id}")).body


def _json(body: Any) -> bytes:
    return json.dumps(body, default=float).encode()


def _opened(world: dict[str, Any] | None = None, ca_file: str | None = None) -> Any:
    @asynccontextmanager
    async def opened() -> AsyncIterator[BillClient]:
        async with (
            Server(BillSimulator(world, ca_file)) as url,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http,
            Operator(url) as operator,
        ):
            yield BillClient(url, http, operator)

    return opened()


@pytest.fixture
def bill_world() -> Callable[..., AbstractAsyncContextManager[BillClient]]:
    """Starts a simulator with a world of one's own; nobody is signed in."""
    return _opened


@pytest.fixture
async def bill() -> AsyncIterator[BillClient]:
    """The default world, signed in."""
    async with _opened() as client:
        await client.login()
        yield client


@dataclass(frozen=True)
class Authority:
    """A throw-away certificate authority with one certificate for loopback."""

    ca_file: str
    certificate: str
    key: str

    def server(self) -> ssl.SSLContext:
        """The context of a server with the certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@pytest.fixture(scope="session")
def loopback_ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate for 127.0.0.1 that nobody trusts but who is given the CA file."""
    folder = tmp_path_factory.mktemp("ca")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "throw-away CA")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=None))
    leaf = _certificate(name, ca_name, key, ca_key, host)
    return Authority(
        _write(folder / "ca.pem", ca.public_bytes(serialization.Encoding.PEM)),
        _write(folder / "leaf.pem", leaf.public_bytes(serialization.Encoding.PEM)),
        _write(
            folder / "key.pem",
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        ),
    )


def _certificate(
    name: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
    builder = builder.not_valid_after(now + dt.timedelta(days=2)).add_extension(extension, critical=True)
    signer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(signer_id, critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


@dataclass
class Receiver:
    """A webhook address: what came, and what it answers."""

    url: str = ""
    status: int = 200
    seconds: float = 0.0
    came: list[tuple[bytes, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        """Keep it and answer."""
        self.came.append((await request.read(), request.headers["x-bill-sha-signature"]))
        self.changed.set()
        if self.seconds:
            await asyncio.sleep(self.seconds)
        return web.Response(status=self.status)

    async def until(self, count: int) -> list[Any]:
        """The bodies once there are so many."""
        async with asyncio.timeout(10):
            while len(self.came) < count:
                self.changed.clear()
                await self.changed.wait()
        return [json.loads(body) for body, _ in self.came]


@asynccontextmanager
async def _receiving(ca: Any) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with receiving(receiver.take, ca.server()) as receiver.url:
        yield receiver


@pytest.fixture
async def hook(loopback_ca: Any) -> AsyncIterator[Receiver]:
    """A receiver on https with a certificate of the throw-away CA."""
    async with _receiving(loopback_ca) as receiver:
        yield receiver


class Feed:
    """The default world signed in, trusting the throw-away CA, with a receiver of its notifications."""

    def __init__(self, bill: BillClient, hook: Receiver) -> None:
        self.bill = bill
        self.hook = hook

    @staticmethod
    def wish(url: str, events: list[str], name: str = "s") -> dict[str, Any]:
        """The body of a subscription."""
        chosen = [{"type": event, "version": "1"} for event in events]
        return {"name": name, "status": {"enabled": True}, "events": chosen, "notificationUrl": url}

    def with_key(self) -> dict[str, str]:
        """The session's headers and a new idempotent key."""
        return {**self.bill.headers, "X-Idempotent-Key": str(uuid4())}

    async def subscribe(self, *events: str, url: str = "", name: str = "s") -> Reply:
        """A subscription to the receiver, of bills unless told otherwise."""
        wish = self.wish(url or self.hook.url, list(events) or ["bill.created", "bill.updated"], name)
        return await self.bill.events("POST", "/subscriptions", wish, headers=self.with_key())

    async def until(self, holds: Callable[[], Awaitable[Any]]) -> Any:
        """What ``holds`` returns once that is true, within ten seconds."""
        for _ in range(1000):
            if result := await holds():
                return result
            await asyncio.sleep(0.01)
        raise AssertionError("it did not come true")

    async def sent(self, count: int) -> list[Any]:
        """The attempts once the simulator has made so many."""

        async def made() -> list[Any]:
            attempts = (await self.bill.operator.get("webhooks"))["attempts"]
            return attempts if len(attempts) >= count else []

        attempts: list[Any] = await self.until(made)
        return attempts

    @staticmethod
    def signature(key: str, body: bytes) -> str:
        """What BILL's header must say."""
        return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()

    async def history(self, subscription: str, **query: str) -> Any:
        """A page of the history."""
        return (await self.bill.events("GET", f"/events/subscription/{subscription}", **query)).body

    @staticmethod
    def numbers(bodies: list[Any]) -> list[str]:
        """The invoice numbers of notifications."""
        return [body["bill"]["invoice"]["invoiceNumber"] for body in bodies]


@pytest.fixture
def feed_of() -> type[Feed]:
    """A feed of one's own."""
    return Feed


@pytest.fixture
async def feed(loopback_ca: Authority, hook: Receiver) -> AsyncIterator[Feed]:
    """BILL and a receiver of its notifications."""
    async with _opened(None, loopback_ca.ca_file) as client:
        await client.login()
        yield Feed(client, hook)
