"""Plain HTTP against the simulator of BILL: no connector, so that a misreading shows on one side only."""

import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
        data = body if isinstance(body, bytes | None) else json.dumps(body)
        sent = {"Content-Type": "application/json", **(self.headers if headers is None else headers)}
        request = self.http.request(method, f"{self.url}{base}{path}", data=data, headers=sent, params=query)
        async with request as answer:
            text = await answer.text()
            try:
                parsed = json.loads(text, parse_float=Decimal) if text else None
            except ValueError:
                parsed = text
            return Reply(answer.status, answer.headers, parsed)

    async def get(self, path: str, **query: str) -> Reply:
        """GET on /connect."""
        return await self.call("GET", path, **query)

    async def post(self, path: str, body: Any = None, **query: str) -> Reply:
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
