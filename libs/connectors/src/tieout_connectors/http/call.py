"""One HTTP call: never repeated here, and always clear about whether anything may have left.

A connector owns one aiohttp session per connection, made by ``open_session``. ``send`` returns whatever answer came,
of any status; classifying it is the connector's table. Without an answer it raises ``Retry`` (nothing left) or
``InDoubt`` (something may have).
"""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from json import JSONDecodeError, loads
from types import SimpleNamespace
from typing import Any

import aiohttp

from tieout.domain.errors import InDoubt, Retry

# A body larger than this is not an answer of an accounting API; 64 MiB holds a page of 20,000 rows.
MAX_BODY = 64 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """A call to make. ``call`` is method and path template for classification, metrics and messages."""

    method: str
    url: str
    call: str
    headers: Mapping[str, str]
    body: bytes | None = None
    timeout: float = 30.0
    deadline: float | None = None
    """``time.monotonic()`` after which the request must not be written any more."""


@dataclass(frozen=True)
class Answer:
    """What came back, of any status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON with exact decimals.

        Raises:
            ValueError: if it is not JSON.
        """
        try:
            return loads(self.body, parse_float=Decimal)
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError("the answer is not JSON") from error


class _Late(Exception):
    """The deadline passed while waiting for a connection."""


def open_session(*, verify: ssl.SSLContext | None = None, limit: int = 8) -> aiohttp.ClientSession:
    """A session whose calls ``send`` can tell apart: sent or not. ``verify`` holds a private CA where one is needed."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_acquired)
    trace.on_connection_reuseconn.append(_acquired)
    connector = aiohttp.TCPConnector(limit=limit, ssl=verify if verify is not None else True)
    return aiohttp.ClientSession(connector=connector, trace_configs=[trace], auto_decompress=True)


async def _acquired(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    """A connection is ours and nothing is written yet: the last moment to refuse."""
    state: dict[str, Any] = context.trace_request_ctx
    if state["deadline"] is not None and time.monotonic() > state["deadline"]:
        raise _Late
    state["acquired"] = True


async def send(session: aiohttp.ClientSession, request: Request) -> Answer:
    """Make the call once.

    Raises:
        Retry: nothing was written: no connection, or the deadline had passed.
        InDoubt: something may have been written and no whole answer came.
    """
    state: dict[str, Any] = {"deadline": request.deadline, "acquired": False}
    try:
        async with session.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            timeout=aiohttp.ClientTimeout(total=request.timeout),
            allow_redirects=False,
            trace_request_ctx=state,
        ) as response:
            body = await response.content.read(MAX_BODY + 1)
            while len(body) <= MAX_BODY and not response.content.at_eof():
                body += await response.content.read(MAX_BODY + 1 - len(body))
            if len(body) > MAX_BODY:
                raise InDoubt(
                    f"answer larger than {MAX_BODY} bytes", code="too_large", call=request.call, status=response.status
                )
            return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, body)
    except _Late as error:
        raise Retry("the deadline passed before the request was written", code="late", call=request.call) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        reason = f"{type(error).__name__}: {error}".strip(": ")
        if not state["acquired"]:
            raise Retry(
                reason, code="not_connected", call=request.call, cure="Is the address right and reachable?"
            ) from error
        raise InDoubt(reason, code="no_answer", call=request.call) from error
