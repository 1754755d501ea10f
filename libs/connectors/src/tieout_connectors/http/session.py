"""The aiohttp session of one connection: its own pool, proxy and authority, and none of the environment's.

What ``send`` relies on is set up here: the deadline is checked after the connection is ours and before a byte is
written; the library repeats nothing; no cookie is kept behind the connector's back.
"""

import ssl
import time
from base64 import b64encode
from types import SimpleNamespace
from typing import Final
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp import hdrs

# Idle connections older than this are not used again. It stays below what gateways keep (60 s and more), since a
# connection that the other side just closed turns a POST into a write in doubt and a look-up.
KEEP_ALIVE: Final = 15.0


class Late(aiohttp.ClientError):
    """The deadline passed while the call waited for its connection."""


class Broken(aiohttp.ClientError):
    """The connection broke after the request was handed to it."""


def trust(authority: str | None) -> ssl.SSLContext:
    """The system's authorities and, where a site has its own, that one (PEM text) as well.

    Raises:
        ssl.SSLError: if the text holds no certificate.
    """
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(cadata=authority)
    return context


def open_session(
    *, verify: ssl.SSLContext | None = None, limit: int = 8, proxy: str | None = None
) -> aiohttp.ClientSession:
    """A session whose calls ``send`` can tell apart: written or not.

    Args:
        verify: holds a private authority where one is needed, see ``trust``.
        limit: connections at a time; further calls wait for one, within their time-out.
        proxy: this connection's own proxy (``http://user:password@host:port``). ``HTTP_PROXY`` and ``.netrc`` are not
            read: credentials of one company must not leave through what an environment happens to hold.
    """
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_about_to_write)
    trace.on_request_chunk_sent.append(_about_to_write_body)
    address, sign_in = _parts(proxy)
    connector = aiohttp.TCPConnector(
        limit=limit, ssl=verify if verify is not None else True, keepalive_timeout=KEEP_ALIVE
    )
    return aiohttp.ClientSession(
        connector=connector,
        trace_configs=[trace],
        auto_decompress=True,
        trust_env=False,
        proxy=address,
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(sign_in, _once) if sign_in else (_once,),
    )


def _parts(proxy: str | None) -> tuple[str | None, aiohttp.ClientMiddlewareType | None]:
    """The proxy's address without its password, and what adds the password to each call.

    aiohttp would take both in the address, and show the address in its errors.
    """
    if proxy is None:
        return None, None
    url = urlsplit(proxy)
    if url.username is None:
        return proxy, None
    token = b64encode(unquote(f"{url.username}:{url.password or ''}").encode()).decode()
    headers = {hdrs.PROXY_AUTHORIZATION: f"Basic {token}"}

    async def sign_in(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if request.is_ssl():
            request.update_proxy(request.proxy, None, headers)
        else:
            request.headers.update(headers)
        return await handler(request)

    return url._replace(netloc=url.netloc.rpartition("@")[2]).geturl(), sign_in


async def _about_to_write(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    """The connection is ours and the headers are about to be written: the last moment to refuse.

    aiohttp calls this before it writes, in spite of the event's name; raising here closes the connection unused.
    """
    state: SimpleNamespace | None = context.trace_request_ctx
    if state is None:
        return
    if state.deadline is not None and time.monotonic() > state.deadline:
        state.late = True
        raise Late
    state.written = True


async def _about_to_write_body(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    """The body is about to be written, and the headers with it: they were only kept until now.

    Between the two aiohttp gives way to other tasks (always on Python 3.11), and a process that is paused there goes on
    with a call that its successor has long looked up. What was begun is completed: later parts of a body just go.
    """
    state: SimpleNamespace | None = context.trace_request_ctx
    if state is None or state.begun:
        return
    state.begun = True
    if state.deadline is not None and time.monotonic() > state.deadline:
        state.late, state.written = True, False
        raise Late


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating an idempotent call when a kept connection breaks: two types of error alone make it.

    A repetition would be a call that no budget has reserved, with a deadline that may have passed.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # never written, and told apart by its type
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Broken(f"{type(error).__name__}: {error}") from error
