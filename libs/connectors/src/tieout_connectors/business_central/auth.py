"""The access token of a connection, from Entra by client credentials.

msal blocks, so it runs in a small pool of threads, with a ``requests`` session of its own: this connection's authority
and proxy, nothing of the environment, and a time-out on every call. Secrets and tokens reach no message and no log.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import msal
import requests
from msal.exceptions import MsalServiceError
from pydantic import SecretStr
from requests.adapters import HTTPAdapter

from tieout.domain.errors import Fatal, RecoveryError, Retry
from tieout_connectors.http.pace import Pace, seconds_of
from tieout_connectors.http.session import trust

CALL: Final = "POST /{tenant}/oauth2/v2.0/token"

# Seconds for one request to Entra; a renewal makes two (discovery and token).
REQUEST_TIMEOUT: Final = 15.0

# Seconds for a renewal, waiting for a thread included. It stays below the poller's stall alarm (60 s).
RENEWAL_TIMEOUT: Final = 45.0

# A token is renewed so long before it ends. The longest call of Business Central is 8 minutes, but a token is
# checked when the call arrives, so only queueing and clock differences count. At most half of a token's life.
RENEW_AHEAD: Final = 300.0

# Threads for all connections of a process: a hanging Entra must not take the loop's threads away from others.
_POOL: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="entra")

# Entra's numbers and OAuth's words for what a person has to mend; the number, where there is one, is more exact.
_CURES: Final[dict[str, str]] = {
    "7000215": "The client secret is wrong: enter its value, not its id, from Entra, App registrations, Certificates.",
    "7000222": "The client secret has expired: make a new one in Entra, App registrations, Certificates and secrets.",
    "700016": "No such application in this tenant: check the client id and the tenant.",
    "90002": "No such tenant: check the tenant's id or domain.",
    "invalid_client": "Check the client id and the client secret of the registration in Entra.",
    "unauthorized_client": "Allow the registration in Entra to sign in, and grant administrator consent.",
    "invalid_scope": "Check the login address and the scope of this connection.",
    "invalid_resource": "Grant the registration API.ReadWrite.All of Dynamics 365 Business Central, with consent.",
    "invalid_tenant": "No such tenant: check the tenant's id or domain.",
    "invalid_grant": "Grant the registration API.ReadWrite.All of Dynamics 365 Business Central, with consent.",
    "invalid_request": "Check the tenant and the client id of this connection.",
}

# Entra asks to come again; everything else it refuses needs a person, unless its status says that it is only busy.
_TEMPORARY: Final = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
THROTTLED: Final = 429


@dataclass(frozen=True)
class Token:
    """A bearer token; ``renew_at`` on the monotonic clock. Its value shows in no representation."""

    value: str = field(repr=False)
    renew_at: float


class _Bounded(HTTPAdapter):
    """Every request of msal ends in time (by itself ``requests`` waits for ever) and trusts the site's authority.

    ``status`` is that of the last answer: msal reports a refused discovery as a ``ValueError`` without it. ``after`` is
    its Retry-After in seconds, None without one: msal tells nobody.
    """

    def __init__(self, authority: str | None) -> None:
        self._context = trust(authority)
        self.status = 0
        self.after: float | None = None
        super().__init__()

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
        super().init_poolmanager(*sizes, **options, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, **options, ssl_context=self._context)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        options["timeout"] = REQUEST_TIMEOUT
        response = super().send(request, **options)
        self.status = response.status_code
        self.after = seconds_of(response.headers.get("Retry-After", ""))
        return response


@dataclass(frozen=True)
class TokenRequest:
    """What a token is asked for with. ``authority`` is PEM text, trusted in addition to the system's authorities."""

    login: str
    tenant: str
    scope: str
    client_id: str
    client_secret: SecretStr
    authority: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)


class TokenSource:
    """The current token of one connection; renewed ahead of time, by one caller for all that wait."""

    def __init__(
        self,
        request: TokenRequest,
        *,
        pool: Executor = _POOL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request = request
        self._pool = pool
        self._clock = clock
        self._token: Token | None = None
        self._renewal: asyncio.Task[Token] | None = None
        self._pace = Pace(clock)

    async def token(self, *, rejected: str = "") -> str:
        """A token that is good for a few minutes and is not ``rejected``, which the service refused with 401.

        Raises:
            Retry: Entra could not be reached or asks to come again.
            Fatal: Entra refuses the application; the cure says what to change.
        """
        token = self._token
        if token is not None and token.value != rejected and self._clock() < token.renew_at:
            return token.value
        if self._renewal is None or self._renewal.done():
            self._pace.keep(CALL)
            self._renewal = asyncio.create_task(self._renew())
            # Whoever waited may be gone when it fails; the next caller starts another one and sees the reason.
            self._renewal.add_done_callback(lambda task: task.cancelled() or task.exception())
        renewed = await asyncio.shield(self._renewal)
        return renewed.value

    async def close(self) -> None:
        """Give up a renewal that is still under way."""
        if self._renewal is not None and not self._renewal.done():
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)

    async def _renew(self) -> Token:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(RENEWAL_TIMEOUT):
                answer = await loop.run_in_executor(self._pool, _ask, self._request)
        except TimeoutError as error:
            raise Retry("Entra did not answer in time", code="no_answer", call=CALL) from error
        except Retry as error:
            self._pace.rest(error.after)
            raise
        life = float(answer["expires_in"])
        self._token = Token(answer["access_token"], self._clock() + life - min(RENEW_AHEAD, life / 2))
        return self._token


def _ask(request: TokenRequest) -> dict[str, Any]:
    """Ask Entra, in a thread. A new msal application each time: its caches would repeat a refusal for a minute."""
    with requests.Session() as session:
        adapter = _Bounded(request.authority)
        session.trust_env = False
        session.mount("https://", adapter)
        if request.proxy:
            session.proxies = {"https": request.proxy}
        try:
            app = msal.ConfidentialClientApplication(
                request.client_id,
                client_credential=request.client_secret.get_secret_value(),
                authority=f"{request.login}/{request.tenant}",
                instance_discovery=False,
                http_client=session,
            )
            answer = app.acquire_token_for_client([request.scope])
        except requests.exceptions.SSLError as error:
            cure = "Give the connection the certificate of the authority that signed the server's."
            raise Retry("Entra's certificate is not trusted", code="certificate", call=CALL, cure=cure) from error
        except requests.exceptions.RequestException as error:
            reason = f"no answer of Entra: {type(error).__name__}"
            cure = "Is the login address right and reachable?"
            raise Retry(reason, code="not_connected", call=CALL, cure=cure) from error
        except MsalServiceError as error:
            status, after = adapter.status, adapter.after
            raise Retry(str(error), code="unavailable", call=CALL, status=status, after=after) from error
        except (ValueError, KeyError) as error:
            raise _undiscovered(error, adapter.status, adapter.after) from error
    if "access_token" not in answer:
        raise refusal(answer, adapter.status, adapter.after)
    return dict(answer)


def _undiscovered(error: Exception, status: int, after: float | None) -> RecoveryError:
    """The library raises ValueError for an unknown tenant (400), and also for throttling and for no JSON."""
    if status in {400, 404}:
        cure = "Check the tenant and the login address of this connection."
        return Fatal("Entra knows no such tenant", code="unknown_tenant", call=CALL, cure=cure, status=status)
    if isinstance(error, ValueError) and "https://" in str(error) and status == 0:
        cure = "The login address must begin with https://."
        return Fatal("the login address cannot be used", code="bad_address", call=CALL, cure=cure)
    return Retry("the answer of Entra cannot be read", code="unreadable", call=CALL, status=status, after=after)


def refusal(answer: dict[str, Any], status: int = 0, after: float | None = None) -> RecoveryError:
    """What a refusal of Entra means; decided by its status, numbers and words, never by its text."""
    word = str(answer.get("error", ""))
    numbers = [str(number) for number in answer.get("error_codes") or ()]
    message = str(answer.get("error_description") or word or "Entra gave no token and no reason").splitlines()[0]
    code = " ".join([word, *numbers]).strip()
    if word in _TEMPORARY or status == THROTTLED:
        return Retry(message, code=code, call=CALL, status=status, after=after)
    cures = [_CURES[key] for key in [*numbers, word] if key in _CURES]
    cure = cures[0] if cures else "Compare the registration in Entra with this connection's settings."
    return Fatal(message, code=code, call=CALL, cure=cure, status=status)
