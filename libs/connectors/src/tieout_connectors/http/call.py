"""One HTTP call: never repeated here, and always clear about whether anything may have left.

A connector owns one aiohttp session per connection, made by ``open_session``. ``send`` returns whatever answer came,
of any status; classifying it is the connector's table. Without an answer it raises one of:

    Retry     nothing was written (no connection, the deadline had passed), or the call only reads
    InDoubt   something may have been written
    Fatal     the address is none; no repetition can help
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from json import JSONDecodeError, loads
from types import SimpleNamespace
from typing import Any, Final

import aiohttp

from tieout.domain.errors import Fatal, InDoubt, RecoveryError, Retry
from tieout_connectors.http.session import open_session

__all__ = ["MAX_BODY", "Answer", "Request", "open_session", "send"]

# A body larger than this is not an answer of an accounting API; 64 MiB holds a page of 20,000 rows.
MAX_BODY = 64 * 1024 * 1024

# These read and nothing else, so a lost answer costs nothing but asking again.
READS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Request:
    """A call to make. ``call`` is method and path template for classification, metrics and messages."""

    method: str
    url: str
    call: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float = 30.0
    """Seconds for everything: waiting for a connection, writing, and reading the whole answer."""
    deadline: float | None = None
    """``time.monotonic()`` after which the request must not be written any more."""


@dataclass(frozen=True)
class Answer:
    """What came back, of any status. Header names are lower case; of a repeated header the last one is kept."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Each cookie that was set, by name. The session keeps none itself: a sign-in is the connector's to remember."""

    def json(self) -> Any:
        """The body as JSON with exact decimals.

        Raises:
            ValueError: if it is not JSON, or holds a number that is none (``NaN``, ``Infinity``).
        """
        try:
            return loads(self.body, parse_float=Decimal, parse_constant=_no_number)
        except (JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError("the answer is not JSON") from error


async def send(session: aiohttp.ClientSession, request: Request) -> Answer:
    """Make the call once.

    Raises:
        Retry: nothing was written, or the call only reads and no whole answer came.
        InDoubt: something may have been written and no whole answer came.
        Fatal: the address cannot be called at all.
    """
    connect = request.timeout
    if request.deadline is not None:
        connect = min(connect, request.deadline - time.monotonic())
        if connect <= 0:
            raise _late(request)
    state = SimpleNamespace(deadline=request.deadline, written=False, late=False, begun=False)
    try:
        async with session.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            timeout=aiohttp.ClientTimeout(total=request.timeout, connect=connect),
            allow_redirects=False,
            trace_request_ctx=state,
        ) as response:
            body = await _body(response, request)
            headers = {name.lower(): value for name, value in response.headers.items()}
            cookies = {name: morsel.value for name, morsel in response.cookies.items()}
            return Answer(response.status, headers, body, cookies)
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise _without_answer(request, state, error) from error


async def _body(response: aiohttp.ClientResponse, request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > MAX_BODY:
            response.close()
            raise _unknown(request, f"answer larger than {MAX_BODY} bytes", "too_large", response.status)
        parts.append(part)
    return b"".join(parts)


def _without_answer(request: Request, state: SimpleNamespace, error: Exception) -> RecoveryError:
    """What the lack of an answer means: it depends on whether the request was being written."""
    if state.late:
        return _late(request)
    reason = f"{type(error).__name__}: {error}".strip(": ")
    if state.written:
        return _unknown(request, reason, "no_answer")
    if isinstance(error, aiohttp.InvalidURL):
        return Fatal(reason, code="bad_address", call=request.call, cure="Correct the address in the settings.")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cure = "Give the connection the certificate of the authority that signed the server's."
        return Retry(reason, code="certificate", call=request.call, cure=cure)
    if isinstance(error, TimeoutError) and request.deadline is not None and time.monotonic() >= request.deadline:
        return _late(request)
    return Retry(reason, code="not_connected", call=request.call, cure="Is the address right and reachable?")


def _unknown(request: Request, reason: str, code: str, status: int = 0) -> RecoveryError:
    kind = Retry if request.method.upper() in READS else InDoubt
    return kind(reason, code=code, call=request.call, status=status)


def _late(request: Request) -> Retry:
    return Retry("the deadline passed before the request was written", code="late", call=request.call)


def _no_number(name: str) -> Any:
    raise ValueError(f"the answer holds {name}, which is no number")
