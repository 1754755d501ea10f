"""TLS with a connection's own authority, and a tunnel through its own proxy."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tieout.domain.errors import Retry
from tieout_connectors.http.call import Request, open_session, send
from tieout_connectors.http.session import trust

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for loopback, which is its own authority."""

    pem: str
    server: ssl.SSLContext


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate that no machine trusts."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "site of its own")])
    now = dt.datetime.now(dt.UTC)
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(key_id, critical=False)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return Certificate(pem.decode(), server)


@asynccontextmanager
async def listening(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on loopback; its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request, one empty object."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    await writer.drain()


def call(port: int) -> Request:
    return Request("POST", f"https://127.0.0.1:{port}/v3/bills", "POST /v3/bills", {}, b"")


async def test_a_site_with_its_own_authority_is_reached_once_that_is_given(certificate: Certificate) -> None:
    """An ERP on premises has a certificate that only the company knows."""
    async with (
        listening(answer, certificate.server) as port,
        open_session(verify=trust(certificate.pem)) as session,
    ):
        assert (await send(session, call(port))).status == 200


async def test_without_its_authority_nothing_is_sent_and_the_cure_says_what_is_missing(
    certificate: Certificate,
) -> None:
    """Credentials are never sent to a server that cannot prove who it is."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))

    async with listening(listen, certificate.server) as port, open_session() as session:
        with pytest.raises(Retry) as caught:
            await send(session, call(port))
    assert (caught.value.code, [one for one in heard if one]) == ("certificate", [])
    assert "authority" in caught.value.cure


@dataclass
class Proxy:
    """A proxy that tunnels, or refuses to; and what it was asked."""

    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    asked: bytes = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One tunnel."""
        self.asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        await writer.drain()
        if b" 200 " not in self.answer:
            return
        port = int(self.asked.split(b" ")[1].rpartition(b":")[2])
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        finally:
            inner_writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while part := await source.read(65536):
        target.write(part)
        await target.drain()
    target.close()


async def test_a_tunnel_through_the_connections_proxy_carries_the_call(certificate: Certificate) -> None:
    """The proxy sees the host and its own password, and nothing of the call."""
    proxy = Proxy()
    async with listening(answer, certificate.server) as port, listening(proxy.serve) as through:
        address = f"http://agent:word@127.0.0.1:{through}"
        async with open_session(verify=trust(certificate.pem), proxy=address) as session:
            assert (await send(session, call(port))).status == 200
    assert proxy.asked.startswith(f"CONNECT 127.0.0.1:{port} HTTP/1.1".encode())
    assert b"Proxy-Authorization: Basic YWdlbnQ6d29yZA==" in proxy.asked
    assert b"/v3/bills" not in proxy.asked


async def test_a_proxy_that_refuses_leaves_nothing_in_doubt(certificate: Certificate) -> None:
    """The call was never written, so it may be made again."""
    proxy = Proxy(answer=b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    async with listening(answer, certificate.server) as port, listening(proxy.serve) as through:
        address = f"http://agent:word@127.0.0.1:{through}"
        async with open_session(verify=trust(certificate.pem), proxy=address) as session:
            with pytest.raises(Retry) as caught:
                await send(session, call(port))
    assert (caught.value.code, "407" in caught.value.message, "word" in str(caught.value)) == (
        "not_connected",
        True,
        False,
    )
