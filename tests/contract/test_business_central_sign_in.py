"""Signing in to Entra as a Business Central connection does, against its simulator over TLS."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from tieout.domain.errors import Fatal, Retry
from tieout_connectors.business_central.auth import RENEW_AHEAD, TokenRequest, TokenSource
from tieout_devstack.certificates import Authority, authority
from tieout_sandbox.entra import EntraSimulator
from tieout_sandbox.entra.simulator import CLIENT_ID, CLIENT_SECRET, TENANT
from tieout_sandbox.kernel.server import Server


@pytest.fixture(scope="module")
def throw_away(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts but who is given its file."""
    return authority(tmp_path_factory.mktemp("authority"))


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Its time."""
        return self.now


@dataclass
class Entra:
    """The simulator, and what a right request for a token looks like."""

    url: str
    request: TokenRequest
    trusted: Authority

    async def tokens_issued(self) -> int:
        """How many tokens the simulator has given."""
        context = self.trusted.client_context()
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
            http.get(f"{self.url}/_sandbox/ledger", ssl=context) as answer,
        ):
            return len((await answer.json())["issued"])

    async def tell(self, path: str, order: Any) -> None:
        """An order of the tester."""
        context = self.trusted.client_context()
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
            http.post(f"{self.url}/_sandbox/{path}", json=order, ssl=context) as answer,
        ):
            assert answer.status == 200, await answer.text()


@pytest.fixture
async def entra(throw_away: Authority) -> AsyncIterator[Entra]:
    """A running simulator."""
    made = throw_away.issue("entra")
    async with Server(EntraSimulator(), tls=(str(made.certificate), str(made.key))) as url:
        request = TokenRequest(
            login=url,
            tenant=TENANT,
            scope="https://api.businesscentral.dynamics.com/.default",
            client_id=CLIENT_ID,
            client_secret=SecretStr(CLIENT_SECRET),
            authority=throw_away.certificate.read_text(),
        )
        yield Entra(url, request, throw_away)


async def test_all_who_wait_share_one_sign_in(entra: Entra) -> None:
    """Four calls that start at once cost one token."""
    source = TokenSource(entra.request)
    tokens = await asyncio.gather(*(source.token() for _ in range(4)))
    assert len(set(tokens)) == 1
    assert await entra.tokens_issued() == 1


async def test_a_token_is_kept_until_shortly_before_its_end(entra: Entra) -> None:
    """An hour's token is used for an hour less five minutes, then renewed before it fails."""
    clock = Clock()
    source = TokenSource(entra.request, clock=clock)
    first = await source.token()
    clock.now += 3599 - RENEW_AHEAD - 1
    assert await source.token() == first
    clock.now += 2
    assert await source.token() != first


async def test_a_short_token_is_not_renewed_at_every_call(entra: Entra) -> None:
    """A token that lives shorter than the margin is still used for half of its life."""
    await entra.tell("switches", {"token_life_seconds": 100})
    clock = Clock()
    source = TokenSource(entra.request, clock=clock)
    first = await source.token()
    clock.now += 49
    assert await source.token() == first
    clock.now += 2
    assert await source.token() != first


async def test_a_rejected_token_is_replaced_once_for_all(entra: Entra) -> None:
    """Three calls get 401 with one token: one new token serves them all."""
    source = TokenSource(entra.request)
    first = await source.token()
    tokens = await asyncio.gather(*(source.token(rejected=first) for _ in range(3)))
    assert len(set(tokens)) == 1
    assert tokens[0] != first
    assert await entra.tokens_issued() == 2


@pytest.mark.parametrize(
    ("change", "code", "cure"),
    [
        ({"client_secret": SecretStr("wrong")}, "invalid_client 7000215", "not its id"),
        ({"client_id": "00000000-0000-0000-0000-00000000dead"}, "invalid_client 700016", "client id"),
        ({"tenant": "nobody.example"}, "unknown_tenant", "tenant"),
        ({"scope": "rubbish"}, "invalid_scope 70011", "scope"),
        ({"login": "http://127.0.0.1:9"}, "bad_address", "https"),
    ],
)
async def test_what_a_person_must_mend_stops_the_connection(
    entra: Entra, change: dict[str, Any], code: str, cure: str
) -> None:
    """The error says what to change, and the secret is not in it."""
    with pytest.raises(Fatal) as caught:
        await TokenSource(replace(entra.request, **change)).token()
    assert caught.value.code == code
    assert cure in caught.value.cure
    assert CLIENT_SECRET not in f"{caught.value!r}{caught.value}{vars(caught.value)}"


async def test_an_expired_secret_is_told_as_such(entra: Entra) -> None:
    """Secrets of registrations end after a year or two, and somebody has to make a new one."""
    await entra.tell("people", {"do": "expire_secrets", "tenant": TENANT, "client_id": CLIENT_ID})
    with pytest.raises(Fatal) as caught:
        await TokenSource(entra.request).token()
    assert caught.value.code == "invalid_client 7000222"
    assert "expired" in caught.value.cure


async def test_a_corrected_secret_works_at_once(entra: Entra) -> None:
    """A refusal is not remembered against the next try."""
    wrong = TokenSource(replace(entra.request, client_secret=SecretStr("new-secret")))
    with pytest.raises(Fatal):
        await wrong.token()
    order = {"do": "add_secret", "tenant": TENANT, "client_id": CLIENT_ID, "secret": "new-secret"}
    await entra.tell("people", order)
    assert await wrong.token()


async def test_an_authority_that_is_not_trusted_is_told_as_such(entra: Entra) -> None:
    """The secret is not sent to a server whose certificate nobody vouches for."""
    with pytest.raises(Retry) as caught:
        await TokenSource(replace(entra.request, authority=None)).token()
    assert caught.value.code == "certificate"
    assert await entra.tokens_issued() == 0


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (503, "", {}),
        (500, "<html>", {}),
        (429, {"error": "temporarily_unavailable", "error_description": "AADSTS90033", "error_codes": [90033]}, {}),
        (200, "<html>a proxy's page</html>", {}),
    ],
)
@pytest.mark.parametrize("path", ["/token$", "openid-configuration$"])
async def test_trouble_of_entra_may_pass(
    entra: Entra, path: str, status: int, body: Any, headers: dict[str, str]
) -> None:
    """An outage or throttling of Entra never looks like wrong credentials."""
    fault = {"action": "status", "path": path, "status": status, "body": body, "headers": headers, "times": 9}
    await entra.tell("faults", fault)
    with pytest.raises(Retry):
        await TokenSource(entra.request).token()


@pytest.mark.parametrize("body", [{"error": "invalid_request", "error_codes": [900561]}, "<html>", ""])
@pytest.mark.parametrize("path", ["/token$", "openid-configuration$"])
async def test_entra_is_left_alone_for_as_long_as_it_asks(entra: Entra, path: str, body: Any) -> None:
    """429 with Retry-After, whatever is written in it: told to whoever wants a token, and nobody calls before."""
    fault = {"action": "status", "path": path, "status": 429, "body": body, "headers": {"Retry-After": "20"}}
    await entra.tell("faults", fault)
    clock = Clock()
    source = TokenSource(entra.request, clock=clock)
    for after in (20.0, 15.0):
        with pytest.raises(Retry) as caught:
            await source.token()
        assert caught.value.after == after
        clock.now += 5
    assert await entra.tokens_issued() == 0
    clock.now += 11
    assert await source.token()


async def test_the_environments_proxy_is_not_used(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client secret does not leave through whatever proxy a container happens to name."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert await TokenSource(entra.request).token()


async def test_nobody_there_may_pass(entra: Entra) -> None:
    """A refused connection is told with the address in mind."""
    with pytest.raises(Retry) as caught:
        await TokenSource(replace(entra.request, login="https://127.0.0.1:9")).token()
    assert caught.value.code == "not_connected"


async def test_a_failed_sign_in_is_tried_anew(entra: Entra) -> None:
    """One failure does not stick to the connection."""
    await entra.tell("faults", {"action": "status", "path": "/token$", "status": 503, "times": 1})
    source = TokenSource(entra.request)
    with pytest.raises(Retry):
        await source.token()
    assert await source.token()
