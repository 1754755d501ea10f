"""One HTTP call against a server that speaks plain sockets, so that what really left can be counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace

import pytest

from tieout.domain.errors import Fatal, InDoubt, RecoveryError, Retry
from tieout_connectors.http import call as http_call
from tieout_connectors.http.call import Answer, Request, open_session, send
from tieout_connectors.http.session import trust

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

Handler = Callable[["Wire", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Wire:
    """A server that keeps every request it was sent, whole or not."""

    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """The next request: head, and as much body as it announces."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        request = head + await reader.readexactly(length)
        self.requests.append(request)
        self.arrived.set()
        return request


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[Wire]:
    """A server on loopback whose connections are served by ``handler`` and closed after it."""
    wire = Wire()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.connections += 1
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            await handler(wire, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def request(url: str, method: str = "POST", **more: object) -> Request:
    body = b'{"a":1}' if method in {"POST", "PUT", "PATCH"} else None
    return Request(method, url, f"{method} /x", {}, body, **more)  # type: ignore[arg-type]


async def one_call(wire: Wire, method: str = "POST", **more: object) -> Answer:
    async with open_session() as session:
        return await send(session, request(wire.url, method, **more))


async def answer_once(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await wire.read(reader)
    writer.write(OK)
    await writer.drain()


async def answer_always(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await answer_once(wire, reader, writer)


async def drop_after_reading(wire: Wire, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await wire.read(reader)


async def never_answer(wire: Wire, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await wire.read(reader)
    await asyncio.Event().wait()


async def test_a_dropped_answer_of_a_write_is_in_doubt_and_was_sent_once() -> None:
    """A payment whose answer is lost is looked up, never sent again by a library."""
    async with listening(drop_after_reading) as wire:
        with pytest.raises(InDoubt) as caught:
            await one_call(wire)
        assert (caught.value.code, len(wire.requests)) == ("no_answer", 1)


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "GET"])
async def test_no_method_is_repeated_on_a_kept_connection_that_broke(method: str) -> None:
    """Not even what HTTP calls idempotent is repeated unasked: the budget counts every call."""
    dropped: list[bytes] = []

    async def second_is_dropped(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer_once(wire, reader, writer)
        dropped.append(await wire.read(reader))

    async with listening(second_is_dropped) as wire, open_session() as session:
        await send(session, request(wire.url, method))
        with pytest.raises(Retry if method == "GET" else InDoubt):
            await send(session, request(wire.url, method))
        assert (len(wire.requests), wire.connections, len(dropped)) == (2, 1, 1)


async def test_a_kept_connection_that_was_closed_meanwhile_is_not_used() -> None:
    """A server that closes idle connections costs no look-up: the call goes out on a fresh one, once."""
    async with listening(answer_once) as wire, open_session() as session:
        await send(session, request(wire.url))
        await asyncio.sleep(0.05)  # the server's end of the connection arrives
        await send(session, request(wire.url))
        assert (len(wire.requests), wire.connections) == (2, 2)


async def test_a_lost_answer_of_a_read_may_be_asked_for_again() -> None:
    """Reading twice harms nobody, so a read is never in doubt."""
    async with listening(drop_after_reading) as wire:
        with pytest.raises(Retry) as caught:
            await one_call(wire, "GET")
        assert (caught.value.code, caught.value.executed) == ("no_answer", "no")


async def test_a_silent_server_leaves_a_write_in_doubt_after_the_timeout() -> None:
    """A server that takes the request and says nothing is not waited for without end."""
    async with listening(never_answer) as wire:
        with pytest.raises(InDoubt):
            await one_call(wire, timeout=0.2)


async def test_a_cut_answer_of_a_write_is_in_doubt() -> None:
    """Half an answer is no answer."""

    async def cut(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read(reader)
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()

    async with listening(cut) as wire:
        with pytest.raises(InDoubt):
            await one_call(wire)


async def test_nonsense_in_place_of_http_is_in_doubt_for_a_write() -> None:
    """An answer that is not HTTP tells nothing about what was executed."""

    async def babble(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read(reader)
        writer.write(b"\x00\x01\x02 nonsense\r\n\r\n")
        await writer.drain()

    async with listening(babble) as wire:
        with pytest.raises(InDoubt):
            await one_call(wire)


async def test_a_refused_connection_is_known_not_to_have_executed() -> None:
    """Where nobody listens nothing was sent, and the call may be repeated."""
    async with listening(answer_once) as wire:
        pass
    with pytest.raises(Retry) as caught:
        await one_call(wire)
    assert caught.value.code == "not_connected"


async def test_a_deadline_already_passed_opens_no_connection() -> None:
    """A command that came too late does not even knock."""
    async with listening(answer_once) as wire:
        with pytest.raises(Retry) as caught:
            await one_call(wire, deadline=time.monotonic() - 1)
        assert (caught.value.code, wire.connections) == ("late", 0)


async def test_a_deadline_that_passes_while_waiting_for_a_connection_writes_nothing() -> None:
    """Behind a slow call the deadline runs out in the queue, and not a byte of the late call leaves."""
    async with listening(never_answer) as wire, open_session(limit=1) as session:
        slow = asyncio.create_task(send(session, request(wire.url, timeout=5)))
        await wire.arrived.wait()
        with pytest.raises(Retry) as caught:
            async with asyncio.timeout(3):
                await send(session, request(wire.url, timeout=5, deadline=time.monotonic() + 0.1))
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        assert (caught.value.code, len(wire.requests)) == ("late", 1)


@pytest.mark.parametrize("kept", [False, True])
async def test_the_deadline_is_checked_after_the_connection_is_ours(
    monkeypatch: pytest.MonkeyPatch,
    kept: bool,  # noqa: FBT001
) -> None:
    """A process that was paused between taking the connection and writing writes nothing after the deadline."""
    async with listening(answer_always) as wire, open_session() as session:
        if kept:
            await send(session, request(wire.url))
        before = len(wire.requests)
        now = time.monotonic()
        times = iter([now, now + 10])  # the check on entry, then the one right before writing
        monkeypatch.setattr("tieout_connectors.http.call.time.monotonic", lambda: next(times, now + 10))
        with pytest.raises(Retry) as caught:
            await send(session, request(wire.url, deadline=now + 5))
        monkeypatch.undo()
        await send(session, request(wire.url, "GET"))
        assert (caught.value.code, len(wire.requests) - before) == ("late", 1)


async def test_the_deadline_is_checked_again_right_before_the_body_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was paused between headers and body has sent neither, and sends neither when it wakes up."""
    async with listening(answer_always) as wire, open_session() as session:
        now = time.monotonic()
        times = iter([now, now + 10])  # before the headers, before the body
        monkeypatch.setattr("tieout_connectors.http.session.time", SimpleNamespace(monotonic=lambda: next(times)))
        with pytest.raises(Retry) as caught:
            await send(session, request(wire.url, deadline=now + 5))
        monkeypatch.undo()
        await send(session, request(wire.url, "GET"))
        assert (caught.value.code, len(wire.requests)) == ("late", 1)


async def test_an_answer_larger_than_any_accounting_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never stops sending does not fill the memory."""
    monkeypatch.setattr(http_call, "MAX_BODY", 1000)

    async def flood(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 5000)
        await writer.drain()
        await asyncio.Event().wait()

    async with listening(flood) as wire:
        with pytest.raises(InDoubt) as caught:
            await one_call(wire)
        assert caught.value.code == "too_large"


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    """Credentials are never carried to an address that the settings do not name."""

    async def elsewhere(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read(reader)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with listening(elsewhere) as wire:
        assert (await one_call(wire)).status == 302


async def test_an_address_that_is_none_is_fatal() -> None:
    """A typing error in the settings is told at once, not retried for ever."""
    async with open_session() as session:
        with pytest.raises(Fatal) as caught:
            await send(session, request("http:///v3/bills"))
    assert caught.value.code == "bad_address"


async def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that happens to stand in the environment sees nothing."""
    async with listening(answer_once) as proxy, listening(answer_once) as wire:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        await one_call(wire)
        assert (len(wire.requests), proxy.connections) == (1, 0)


async def test_a_connections_own_proxy_is_used_with_its_credentials() -> None:
    """A site that may only leave through its proxy is reached through it."""
    async with listening(answer_once) as proxy, listening(answer_once) as wire:
        async with open_session(proxy=proxy.url.replace("//", "//agent:w%40rd@")) as session:
            await send(session, request(wire.url + "/v3/bills"))
        head = proxy.requests[0]
        assert (wire.connections, head.startswith(f"POST {wire.url}/v3/bills HTTP/1.1".encode())) == (0, True)
        assert b"Proxy-Authorization: Basic YWdlbnQ6d0ByZA==" in head


async def test_a_proxys_password_is_in_no_error() -> None:
    """A proxy that is down is named without its password."""
    async with listening(answer_once) as proxy:
        pass
    async with open_session(proxy=proxy.url.replace("//", "//agent:word@")) as session:
        with pytest.raises(RecoveryError) as caught:
            await send(session, request("http://127.0.0.1:9/"))
    assert isinstance(caught.value, Retry)
    assert "word" not in str(caught.value)


async def test_cookies_are_handed_out_and_never_kept() -> None:
    """A sign-in by cookie is the connector's to keep; the session adds none by itself."""

    async def two_cookies(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await wire.read(reader)
            cookies = b"Set-Cookie: B1SESSION=one; HttpOnly\r\nSet-Cookie: ROUTEID=.node2; path=/\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\n" + cookies + b"Content-Length: 2\r\n\r\n{}")
            await writer.drain()

    async with listening(two_cookies) as wire, open_session() as session:
        url = wire.url.replace("127.0.0.1", "localhost")  # aiohttp's own jar takes cookies of named hosts only
        answer = await send(session, request(url))
        await send(session, request(url))
        assert dict(answer.cookies) == {"B1SESSION": "one", "ROUTEID": ".node2"}
        assert b"cookie" not in wire.requests[1].lower()


def test_decimals_are_read_exactly_and_what_is_no_number_is_refused() -> None:
    """An amount of 12,345,678.90 arrives to the cent."""
    assert Answer(200, {}, b'{"amount": 12345678.90}').json() == {"amount": Decimal("12345678.90")}
    for body in (b"NaN", b"[Infinity]", b"<html>", b"", b"[" * 100_000):
        with pytest.raises(ValueError, match="the answer"):
            Answer(200, {}, body).json()


def test_an_authority_that_is_no_certificate_is_refused() -> None:
    """A wrong file in the settings is noticed when it is read, not at the first call."""
    with pytest.raises(OSError, match=r"."):
        trust("no certificate")


def test_secrets_of_a_call_are_not_in_its_repr() -> None:
    """Headers and bodies hold sign-ins; a traceback that shows the request shows neither."""
    shown = repr(Request("POST", "https://x", "POST /x", {"sessionId": "s3cret"}, b"s3cret"))
    assert "s3cret" not in shown + repr(Answer(200, {"set-cookie": "s3cret"}, b"s3cret", {"a": "s3cret"}))
