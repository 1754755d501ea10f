"""Calls to one Business Central company: addresses, token, at most four at a time, reads repeated within a bound.

Reads change nothing, so a lost answer is asked for again. A write is one call, never repeated here. What may be done
after a refusal is the table of ``errors``.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from tieout.domain.errors import Fatal, Reject, Retry
from tieout_connectors.business_central.answers import TokenLapsed, classified, json_of, refusal, refused_twice
from tieout_connectors.business_central.auth import TokenRequest, TokenSource
from tieout_connectors.business_central.settings import BusinessCentralCredentials, BusinessCentralSettings
from tieout_connectors.business_central.wire import protocol
from tieout_connectors.http import call as http
from tieout_connectors.http.pace import Pace
from tieout_connectors.http.session import open_session, trust
from tieout_connectors.spi.wire import Unreadable

if TYPE_CHECKING:
    from aiohttp import ClientSession

# Calls at a time. The service works on five for one user, queues 95 and refuses the rest; one is left for a check
# that an operator starts meanwhile under the same application.
AT_A_TIME: Final = 4

# Seconds for one read. The service gives up after 8 minutes, the gateway after 10; a page of 1,000 rows takes seconds,
# and a read that takes two minutes had better be repeated with less.
READ_TIMEOUT: Final = 120.0

# Seconds for one write. Posting a batch of one payment takes a few; longer than this it waits for a lock or a place in
# the queue, and what became of it is looked up. With SETTLE it covers the longest life of a call on the service.
WRITE_TIMEOUT: Final = 120.0

# Seconds after that time-out during which a write may still take effect: the service queues a call for up to 8 minutes
# and works on it for up to 8 more, whether or not anybody still listens. Less, and a late posting would be repeated.
SETTLE: Final = 16 * 60 - int(WRITE_TIMEOUT)

# How often a read is made in all, and the pauses between, in seconds: 0.5, 1, 2 and 4 with full jitter on top, so at
# most 15 s of pauses. What lasts longer is the poller's business, which runs again on its schedule.
TRIES: Final = 5
FIRST_PAUSE: Final = 0.5

# A longer Retry-After is not waited for inside a call: the run ends with Retry and that number of seconds.
LONGEST_PAUSE: Final = 60.0

# Pages of one list: 20,000 pages of 1,000 rows. A list that never ends must not hold a poll for ever.
MOST_PAGES: Final = 20_000

Pause = Callable[[float], Awaitable[None]]
T = TypeVar("T")
Understand = Callable[[str, http.Answer], T]


# How often a list is begun again because the server forgot its continuation.
RESTARTS: Final = 5


async def together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The answers of all calls in their order. When one fails the others are given up, so that none goes on unseen."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def understood(call: str) -> Iterator[None]:
    """An answer whose envelope is not the documented one: something between us and the service, so it may pass."""
    try:
        yield
    except Unreadable as error:
        raise Retry(str(error), code="unreadable", call=call, cure=_NOT_ODATA) from error


_NOT_ODATA: Final = "If it stays: does another server, such as a proxy, answer under this address?"


class Tokens(Protocol):
    """Where access tokens come from."""

    async def token(self, *, rejected: str = "") -> str:
        """A token other than ``rejected``."""
        ...

    async def close(self) -> None:
        """Give up what is under way."""
        ...


@dataclass(frozen=True)
class Company:
    """The company of the connection: its id for API v2.0, its name for the published page."""

    id: str
    name: str


class Client:
    """Signed-in calls to one environment. ``async with`` it, or ``close`` it."""

    def __init__(
        self,
        settings: BusinessCentralSettings,
        credentials: BusinessCentralCredentials,
        *,
        tokens: Tokens | None = None,
        pause: Pause = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._pause = pause
        self._pace = Pace(clock)
        self._slots = asyncio.Semaphore(AT_A_TIME)
        self._dice = random.Random()  # noqa: S311 - jitter, not a secret
        authority = settings.authority()
        proxy = settings.proxy.get_secret_value() if settings.proxy else None
        self._verify = trust(authority) if authority else None
        self._proxy = proxy
        self._session: ClientSession | None = None
        self._origin = _origin(settings.api_root)
        self._company: Company | None = None
        self._tokens: Tokens = tokens or TokenSource(
            TokenRequest(
                login=settings.endpoints.login,
                tenant=settings.tenant,
                scope=settings.endpoints.scope,
                client_id=credentials.client_id,
                client_secret=credentials.client_secret,
                authority=authority,
                proxy=proxy,
            )
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. The client cannot be used afterwards."""
        await self._tokens.close()
        if self._session is not None:
            await self._session.close()

    async def company(self, *, again: bool = False) -> Company:
        """The company of the settings, found by its id or its name; looked up once, or ``again``.

        Raises:
            Fatal: there is none, with the names that there are.
        """
        if self._company is None or again:
            call = "GET companies"
            found = await self.rows(f"{self.settings.api_root}/companies", call, {})
            with understood(call):
                companies = [Company(*protocol.company(row)) for row in found]
            wanted = self.settings.company.strip().lower()
            matches = [one for one in companies if wanted in {one.id, one.name.lower()}]
            if not matches:
                names = ", ".join(sorted(one.name for one in companies)) or "none"
                raise Fatal(
                    f"no company {self.settings.company!r} in this environment",
                    code="unknown_company",
                    call=call,
                    cure=f"Correct the connection's company. The application may see: {names}.",
                )
            self._company = matches[0]
        return self._company

    async def token(self) -> str:
        """The current access token; Retry or Fatal if Entra gives none."""
        return await self._tokens.token()

    async def local_currency(self) -> str:
        """The company's own currency code, ``""`` if it has none set up."""
        url = await self.api("companyInformation")
        answer = await self.get(url, "GET companyInformation", {})
        with understood("GET companyInformation"):
            return protocol.currency_of(answer)

    async def api(self, path: str) -> str:
        """Address of a path of the company in API v2.0."""
        company = await self.company()
        return f"{self.settings.api_root}/companies({company.id})/{path}"

    async def ledger(self) -> str:
        """Address of the published vendor ledger page."""
        return self.settings.ledger_root((await self.company()).name)

    async def get(self, url: str, call: str, question: Mapping[str, str]) -> Any:
        """One JSON document.

        Raises:
            Retry, Reject, Fatal: as the table says, after all repetitions that it allows.
        """
        return await self._read(_with(url, question), call, {}, json_of)

    async def content(self, url: str, call: str) -> bytes:
        """The bytes of a file.

        Raises:
            Retry, Reject, Fatal: as ``get``; Reject with code ``too_large`` beyond what one answer may have.
        """
        return await self._read(url, call, {"Accept": "*/*"}, lambda _call, answer: answer.body)

    async def page(self, url: str, call: str, question: Mapping[str, str]) -> Any:
        """The first page of a list."""
        return await self._read(_with(url, question), call, self._paged(None), json_of)

    async def pages(
        self, url: str, call: str, question: Mapping[str, str], *, page_rows: int | None = None
    ) -> AsyncGenerator[Any]:
        """A list, page by page as the server cuts it.

        Raises:
            TokenLapsed: the server forgot where the list was; begin again, rows may come twice.
            Retry, Reject, Fatal: as ``get``; Fatal also for a continuation at another server.
        """
        headers = self._paged(page_rows)
        address = _with(url, question)
        followed: set[str] = set()
        while address:
            if address in followed or len(followed) >= MOST_PAGES:
                raise Retry("the list does not end", code="endless_list", call=call)
            followed.add(address)
            page = await self._read(address, call, headers, json_of)
            yield page
            with understood(call):
                following = protocol.next_link(page)
            address = self._own(following, call)

    async def rows(self, url: str, call: str, question: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """A whole short list. It is begun again when the server forgets where it was.

        Raises:
            Retry, Reject, Fatal: as ``pages``.
        """
        restarts = 0
        while True:
            found: list[Mapping[str, Any]] = []
            try:
                async with aclosing(self.pages(url, call, question)) as pages:
                    async for page in pages:
                        with understood(call):
                            found.extend(protocol.rows(page))
            except TokenLapsed:
                restarts += 1
                if restarts > RESTARTS:
                    raise
                continue
            return found

    async def write(
        self, method: str, path: str, call: str, *, deadline: float, body: bytes | None = None, match: str = ""
    ) -> http.Answer:
        """One call that changes something, made once. ``path`` is the company's; ``match`` is the ETag it must have.

        Args:
            method: POST, PATCH or DELETE.
            path: below the company in API v2.0.
            call: method and path template.
            deadline: ``time.monotonic()`` after which it must not be written any more.
            body: JSON.
            match: for ``If-Match``; ``*`` for any, ``""`` to leave the header out.

        Raises:
            Retry: known not executed; after an expired token the next call has another one.
            InDoubt, Reject, Fatal: as the table says.
        """
        url = await self.api(path)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if match:
            headers["If-Match"] = match
        request = http.Request(method, url, call, headers, body, timeout=WRITE_TIMEOUT, deadline=deadline)
        token = await self._tokens.token()
        answer = await self._once(request, token)
        if 200 <= answer.status < 300:
            return answer
        refused = refusal(call, answer)
        if answer.status == 401 and isinstance(refused, Retry):
            await self._tokens.token(rejected=token)
        raise refused

    def _own(self, address: str, call: str) -> str:
        """A continuation, refused if it leads elsewhere: our token would go there with it."""
        if address and _origin(address) != self._origin:
            raise Fatal(
                f"the list goes on at another server: {_origin(address)}",
                code="foreign_next_link",
                call=call,
                cure="Have the server's public address set up (PublicODataBaseUrl), or correct this connection's.",
            )
        return address

    def _paged(self, page_rows: int | None) -> dict[str, str]:
        rows = min(page_rows or self.settings.page_rows, self.settings.page_rows)
        return {"Prefer": f"odata.maxpagesize={rows}"}

    async def _read(self, url: str, call: str, headers: Mapping[str, str], understand: Understand[T]) -> T:
        tries = 0
        while True:
            tries += 1
            try:
                return understand(call, await self._signed(url, call, headers))
            except TokenLapsed:
                raise
            except Retry as error:
                if error.code == "too_large":
                    raise Reject(
                        error.message, code=error.code, call=call, cure="Lower page_rows of this connection."
                    ) from error
                wait = self._wait(tries, error)
                if wait is None:
                    raise
                await self._pause(wait)

    def _wait(self, tries: int, error: Retry) -> float | None:
        """Seconds until the next try, None if there is to be none."""
        if tries >= TRIES or error.code in _NOT_AGAIN or (error.after or 0.0) > LONGEST_PAUSE:
            return None
        backoff = FIRST_PAUSE * 2.0 ** (tries - 1)
        return max(error.after or 0.0, backoff) + self._dice.uniform(0.0, backoff)

    async def _signed(self, url: str, call: str, headers: Mapping[str, str]) -> http.Answer:
        """One read; after a 401 once more with a new token, after a second one Fatal."""
        request = http.Request("GET", url, call, headers, timeout=READ_TIMEOUT)
        token = await self._tokens.token()
        answer = await self._once(request, token)
        if answer.status == 401:
            verdict = classified(call, answer)
            if verdict.kind is not Retry:
                raise verdict.error(call, 401)
            answer = await self._once(request, await self._tokens.token(rejected=token))
            if answer.status == 401:
                raise refused_twice(call, answer)
        if answer.status != 200:
            raise refusal(call, answer)
        return answer

    async def _once(self, request: http.Request, token: str) -> http.Answer:
        headers = {"Accept": "application/json", **request.headers, "Authorization": f"Bearer {token}"}
        if self._session is None:
            self._session = open_session(verify=self._verify, proxy=self._proxy)
        async with self._slots:
            # Asked here and not before: who waits for a place may be told meanwhile, by the answer of another call.
            self._pace.keep(request.call)
            answer = await http.send(self._session, replace(request, headers=headers))
        self._pace.heard(answer.status, answer.headers)
        return answer


# Repeating these within seconds cannot help.
_NOT_AGAIN: Final = frozenset({"certificate"})


def _with(url: str, question: Mapping[str, str]) -> str:
    """Option names keep their dollar sign; blanks are %20, because a plus is not decoded by every OData server."""
    return f"{url}?{urlencode(question, quote_via=quote, safe='$')}" if question else url


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    standard = {"http": 80, "https": 443}.get(parts.scheme.lower())
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or standard
