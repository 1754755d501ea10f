"""One call to BILL: through the gate, with the session, once; classified; and pages until there are no more.

A 401 means that BILL executed nothing: the client signs in again once and repeats that call once. A second one in a
row, or one from the sign-in itself, is fatal for the connection.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import aiohttp

from tieout.domain.errors import Fatal, InDoubt, RecoveryError, Reject, Retry
from tieout_connectors.bill.errors import (
    FILTER_REFUSED,
    NEXT_HOUR,
    SESSION_INVALID,
    UNREADABLE,
    Endpoint,
    classify,
    endpoint_of,
)
from tieout_connectors.bill.gate import Gate, Limit, OpenGate
from tieout_connectors.bill.query import Filter
from tieout_connectors.bill.session import MemoryStore, Sessions, SessionStore
from tieout_connectors.bill.settings import Addresses, Credentials
from tieout_connectors.bill.wire.fields import encode
from tieout_connectors.bill.wire.lists import RawPage, read_page
from tieout_connectors.bill.wire.privacy import redacted
from tieout_connectors.bill.wire.session import BillSession, read_login, session_headers, write_login
from tieout_connectors.http.call import Answer, Request, send
from tieout_connectors.http.pace import seconds_of
from tieout_connectors.spi.wire import Unreadable

Read = TypeVar("Read")

LOGIN: Final = "POST /v3/login"

# The largest page BILL gives; every row more on a page is a call less of the hour's 20,000.
PAGE: Final = 100

# No list of a company is longer than what an hour's budget can read; a longer one is a server that never ends.
MOST_PAGES: Final = 20_000

_BRACES: Final = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Call:
    """A call to make.

    Attributes:
        name: method and path template, ``PATCH /v3/vendors/{id}``.
        ids: what stands for the braces, in order.
        body: JSON to send, or the bytes of a file.
        events: on the half of the API that manages webhooks.
        deadline: ``time.monotonic()`` after which it must not be written any more.
        timeout: seconds for this call where it needs more than the client's.
    """

    name: str
    ids: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    events: bool = False
    deadline: float | None = None
    timeout: float | None = None


class Caller:
    """Makes the calls of one connection."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        addresses: Addresses,
        credentials: Credentials,
        *,
        store: SessionStore | None = None,
        gate: Gate | None = None,
        fingerprint_key: bytes | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._http = http
        self._addresses = addresses
        self._credentials = credentials
        self._gate = gate or OpenGate()
        self._fingerprint_key = fingerprint_key
        self._timeout = timeout
        self.sessions = Sessions(credentials.organization, self._sign_in, store or MemoryStore())

    async def read(self, call: Call, reader: Callable[[Any], Read]) -> Read:
        """Make the call and read its answer.

        Raises:
            Retry, InDoubt, Reject, Fatal: as classified by ``errors``. A successful answer that cannot be read is in
                doubt for a write; for a read it is Retry if it is no JSON, and Reject naming the field if it is.
        """
        answer = await self.answer(call)
        try:
            return reader(redacted(answer.json(), self._fingerprint_key))
        except Unreadable as error:
            raise _unreadable(call, error, answer.status) from error
        except ValueError as error:
            raise classify(call.name, answer.status, answer.body).error(call.name, answer.status) from error

    async def answer(self, call: Call) -> Answer:
        """Make the call; sign in again and repeat it once if the session has ended. The answer's status is 2xx.

        Raises:
            Retry, InDoubt, Reject, Fatal: as classified by ``errors``.
        """
        async with _until(call.deadline, call.name):
            session = await self.sessions.get()
        answer = await self._once(call, session)
        error = self._refusal(call, answer)
        if error is None:
            return answer
        if not _session_ended(error):
            raise error
        async with _until(call.deadline, call.name):
            session = await self.sessions.renew(session)
        answer = await self._once(call, session)
        error = self._refusal(call, answer)
        if error is None:
            return answer
        if not _session_ended(error):
            raise error
        cure = "BILL refuses a session it has just given; check the developer key and the user, then resume."
        reason = Fatal(error.message, code=error.code, cure=cure, call=call.name, status=error.status)
        raise await self.sessions.give_up(reason)

    async def logout(self) -> None:
        """End the session in BILL, if there is one. One that has ended already is not signed in for that."""
        session = self.sessions.current
        if session is None:
            return
        call = Call("POST /v3/logout")
        refused = self._refusal(call, await self._once(call, session))
        if refused is not None and not _session_ended(refused):
            raise refused
        await self.sessions.forget()

    async def pages(
        self,
        call: Call,
        *,
        filters: Sequence[Filter] = (),
        sort: str = "",
        size: int = PAGE,
    ) -> AsyncIterator[RawPage]:
        """All pages of a list. It ends where BILL names no next page, not at an empty one.

        Rows are as received but for bank details and the like, which no answer holds any more (``wire.privacy``).

        Raises:
            Retry: BILL names a page again that it has given, so that the list would never end.
            Retry, Reject, Fatal: as classified by ``errors``.
        """
        query = dict(call.query) | {"max": str(size)}
        if sort:
            query["sort"] = sort
        if filters:
            query["filters"] = ",".join(map(str, filters))
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            page = await self.read(
                Call(call.name, call.ids, query, headers=call.headers, events=call.events, deadline=call.deadline),
                read_page,
            )
            yield page
            if not page.next:
                return
            if page.next in seen:
                break
            seen.add(page.next)
            query["page"] = page.next
        raise Retry("BILL's list does not end: a page is named again", code="repeated_page", call=call.name)

    async def records(
        self,
        call: Call,
        reader: Callable[[Any], Read],
        *,
        filters: Sequence[Filter] = (),
        sort: str = "",
        size: int = PAGE,
    ) -> AsyncIterator[Read]:
        """All records of a list, read.

        Raises:
            Reject: a row cannot be read; the message names its field.
            Retry, Reject, Fatal: as ``pages``.
        """
        async for page in self.pages(call, filters=filters, sort=sort, size=size):
            for row in page.rows:
                try:
                    record = reader(row)
                except Unreadable as error:
                    raise _unreadable(call, error, 200) from error
                yield record

    async def find(
        self,
        call: Call,
        reader: Callable[[Any], Read],
        *,
        narrow: Sequence[Filter],
        wide: Sequence[Filter] = (),
        sort: str = "",
    ) -> list[Read]:
        """All records that filters let through; where BILL refuses to filter by one of them, by the wide ones only.

        BILL's lists of what can be filtered by are not complete, and a look-up must not fail for that: the caller
        compares what comes back either way.
        """
        try:
            return [record async for record in self.records(call, reader, filters=narrow, sort=sort)]
        except Reject as error:
            if error.code not in FILTER_REFUSED:
                raise
        return [record async for record in self.records(call, reader, filters=wide, sort=sort)]

    async def create_many(
        self, call: Call, reader: Callable[[Any], tuple[Read, ...]], *, most: int
    ) -> tuple[Read, ...]:
        """Create several records in one call, all or none of them; the answer is in the order of the body.

        Raises:
            ValueError: for none, or for more than ``most``.
            InDoubt: also if the answer tells of another number: each has to be looked up.
        """
        if not 0 < len(call.body) <= most:
            raise ValueError(f"{call.name} takes 1 to {most} records, not {len(call.body)}")
        records = await self.read(call, reader)
        if len(records) != len(call.body):
            reason = f"{len(call.body)} records were sent and {len(records)} are told of"
            raise InDoubt(reason, code=UNREADABLE, call=call.name, cure="Look each of them up in BILL.")
        return records

    async def _once(self, call: Call, session: BillSession) -> Answer:
        method, _, template = call.name.partition(" ")
        base = self._addresses.events if call.events else self._addresses.api
        query = f"?{urlencode(call.query, quote_via=quote, safe='')}" if call.query else ""
        url = f"{base}{_path(template, call.ids)}{query}"
        headers = session_headers(session, self._credentials.developer_key) | dict(call.headers)
        body = call.body
        if body is not None and not isinstance(body, bytes):
            body = encode(body)
            headers["content-type"] = "application/json"
        async with AsyncExitStack() as room:
            async with _until(call.deadline, call.name):
                await room.enter_async_context(await self._gate.call(call.name))
            timeout = self._timeout if call.timeout is None else call.timeout
            return await send(self._http, Request(method, url, call.name, headers, body, timeout, call.deadline))

    def _refusal(self, call: Call, answer: Answer) -> RecoveryError | None:
        """The error of an answer, None for a success. What BILL limits is told to all who share the limit."""
        error = _refusal(call, answer)
        if isinstance(error, Retry) and error.after is not None and (limit := _limit_of(error)) is not None:
            self._gate.refused(limit, error.after)
        return error

    async def _sign_in(self) -> BillSession:
        """Sign in, once. It changes nothing in BILL, so what is not known to be refused may be tried again later."""
        async with await self._gate.login():
            request = Request(
                "POST",
                f"{self._addresses.api}{LOGIN.partition(' ')[2]}",
                LOGIN,
                {"content-type": "application/json"},
                encode(write_login(self._credentials)),
                self._timeout,
            )
            try:
                answer = await send(self._http, request)
            except InDoubt as error:
                raise Retry(error.message, code=error.code, call=LOGIN, status=error.status) from error
        refused = self._refusal(Call(LOGIN), answer)
        if refused is not None:
            raise refused
        try:
            session = read_login(answer.json())
        except (ValueError, Unreadable) as error:
            raise Retry(f"sign-in: {error}", code=UNREADABLE, call=LOGIN, status=answer.status) from error
        if session.organization != self._credentials.organization:
            cure = "Correct the organization's id in the settings: nothing may be written to another company."
            reason = f"signed in to organization {session.organization}, not {self._credentials.organization}"
            raise Fatal(reason, code="other_organization", call=LOGIN, status=answer.status, cure=cure)
        return session


@asynccontextmanager
async def _until(deadline: float | None, call: str) -> AsyncIterator[None]:
    """Wait for what stands before a call, but not beyond the moment after which it must not be written.

    Raises:
        Retry: the deadline has passed; nothing has been written.
    """
    delay = None if deadline is None else deadline - time.monotonic()
    try:
        async with asyncio.timeout(delay) as limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise Retry("the deadline passed before the call could be made", code="late", call=call) from error


def _unreadable(call: Call, error: Unreadable, status: int) -> RecoveryError:
    kind = Reject if endpoint_of(call.name) is Endpoint.READ else InDoubt
    cure = f"{error.path} is not what BILL documents. Report this with the record's id."
    return kind(str(error), code=UNREADABLE, call=call.name, status=status, cure=cure)


def _refusal(call: Call, answer: Answer) -> RecoveryError | None:
    if 200 <= answer.status < 300:
        return None
    error = classify(call.name, answer.status, answer.body).error(call.name, answer.status)
    if isinstance(error, Retry) and error.after is None:
        error.after = seconds_of(answer.headers.get("retry-after", ""))
    return error


def _limit_of(error: Retry) -> Limit | None:
    """Which limit a refusal is about, None if it is about none; by BILL's code first, whatever the status."""
    if error.code == NEXT_HOUR:
        return Limit.LOGINS if error.call == LOGIN else Limit.CALLS
    return Limit.ORGANIZATION if error.status == 429 else None


def _session_ended(error: RecoveryError) -> bool:
    """Any 401, whatever its code; and BILL's own code for it, whatever the status."""
    return error.status == 401 or error.code == SESSION_INVALID


def _path(template: str, ids: tuple[str, ...]) -> str:
    """The path with its ids: each one text without a slash, however odd it is.

    Raises:
        ValueError: if the template has another number of ids, or one is empty: it would name the whole list.
    """
    parts = _BRACES.split(template)
    if len(parts) != len(ids) + 1 or not all(ids):
        raise ValueError(f"{template} cannot be called with the ids {ids!r}")
    return parts[0] + "".join(quote(one, safe="") + part for one, part in zip(ids, parts[1:], strict=True))
