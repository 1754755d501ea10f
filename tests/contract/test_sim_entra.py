"""The Entra simulator, tried with plain HTTP and with msal as a client really signs in."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import msal
import pytest
import requests

from tieout_sandbox.entra import EntraSimulator, TokenKey, read_bearer
from tieout_sandbox.entra.simulator import CLIENT_ID, CLIENT_SECRET, TENANT
from tieout_sandbox.kernel.server import Server

KEY = TokenKey(b"contract-tests-shared-key")
AUDIENCE = "https://api.businesscentral.dynamics.com"
SCOPE = f"{AUDIENCE}/.default"


@dataclass
class Entra:
    """A running simulator under a throw-away certificate."""

    url: str
    ca: str
    simulator: EntraSimulator

    async def token(self, **form: str) -> tuple[int, dict[str, Any]]:
        """One call of the token endpoint."""
        context = ssl.create_default_context(cafile=self.ca)
        whole = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": SCOPE,
            **form,
        }
        tenant = whole.pop("tenant", TENANT)
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.url}/{tenant}/oauth2/v2.0/token", data=whole, ssl=context) as answer,
        ):
            return answer.status, await answer.json()


@pytest.fixture
async def entra(loopback_ca: Any) -> AsyncIterator[Entra]:
    """The simulator over TLS."""
    simulator = EntraSimulator(key=KEY)
    async with Server(simulator, tls=(loopback_ca.certificate, loopback_ca.key)) as url:
        yield Entra(url, loopback_ca.ca_file, simulator)


def _application(entra: Entra, session: requests.Session, **changes: str) -> Any:
    return msal.ConfidentialClientApplication(
        changes.get("client_id", CLIENT_ID),
        client_credential=changes.get("secret", CLIENT_SECRET),
        authority=f"{entra.url}/{TENANT}",
        instance_discovery=False,
        http_client=session,
    )


def _sign_in(entra: Entra, **changes: str) -> dict[str, Any]:
    with requests.Session() as session:
        session.verify = entra.ca
        session.trust_env = False
        return dict(_application(entra, session, **changes).acquire_token_for_client(scopes=[SCOPE]))


async def test_msal_signs_in_over_tls_under_a_private_authority(entra: Entra) -> None:
    """Msal finds the endpoint by discovery and gets a token for the scope's resource."""
    answer = await asyncio.to_thread(_sign_in, entra)
    assert answer.get("error") is None
    claims = read_bearer(f"Bearer {answer['access_token']}", KEY, entra.simulator.clock.now(), AUDIENCE)
    assert (claims["appid"], claims["tid"]) == (CLIENT_ID, TENANT)
    assert answer["expires_in"] == 3599


async def test_msal_reports_a_wrong_secret_by_its_number(entra: Entra) -> None:
    """A wrong secret is invalid_client 7000215."""
    answer = await asyncio.to_thread(_sign_in, entra, secret="wrong")
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000215])


async def test_an_unknown_app_is_refused(entra: Entra) -> None:
    """An app that is not in the tenant's directory is 700016."""
    status, body = await entra.token(client_id="00000000-0000-0000-0000-00000000beef")
    assert (status, body["error"], body["error_codes"]) == (400, "invalid_client", [700016])
    assert set(body) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
    }


async def test_an_expired_secret_is_told_apart_from_a_wrong_one(entra: Entra) -> None:
    """After the secret's end the answer is 7000222; a second secret still works."""
    async with aiohttp.ClientSession() as http:
        people = f"{entra.url}/_sandbox/people"
        context = ssl.create_default_context(cafile=entra.ca)
        for order in (
            {"do": "expire_secrets", "tenant": TENANT, "client_id": CLIENT_ID},
            {"do": "add_secret", "tenant": TENANT, "client_id": CLIENT_ID, "secret": "second"},
        ):
            async with http.post(people, json=order, ssl=context) as answer:
                assert answer.status == 200
    status, body = await entra.token()
    assert (status, body["error_codes"]) == (401, [7000222])
    status, body = await entra.token(client_secret="second")
    assert status == 200


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ({"tenant": "nowhere.example"}, 90002),
        ({"scope": "openid"}, 70011),
        ({"scope": ""}, 900144),
        ({"grant_type": "password"}, 70003),
        ({"client_secret": ""}, 7000218),
    ],
)
async def test_wrong_requests_name_what_is_wrong(entra: Entra, form: dict[str, str], number: int) -> None:
    """Each wrong parameter has its number."""
    status, body = await entra.token(**form)
    assert status in (400, 401)
    assert body["error_codes"] == [number]


async def test_a_token_lives_as_long_as_the_switch_says_and_no_longer(entra: Entra) -> None:
    """The life is in expires_in, and the token opens nothing after it."""
    entra.simulator.switches["token_life_seconds"] = 60
    _, body = await entra.token()
    bearer, now = f"Bearer {body['access_token']}", entra.simulator.clock.now()
    assert body["expires_in"] == 60
    assert read_bearer(bearer, KEY, now, AUDIENCE)["appid"] == CLIENT_ID
    with pytest.raises(Exception, match="expired"):
        read_bearer(bearer, KEY, entra.simulator.clock.advance(61), AUDIENCE)


async def test_a_token_opens_only_its_own_audience_and_only_unchanged(entra: Entra) -> None:
    """A token for another resource, one signed with another key and no token at all are refused."""
    _, body = await entra.token(scope="https://other.example/.default")
    now = entra.simulator.clock.now()
    with pytest.raises(Exception, match="another audience"):
        read_bearer(f"Bearer {body['access_token']}", KEY, now, AUDIENCE)
    with pytest.raises(Exception, match="wrongly signed"):
        read_bearer(f"Bearer {body['access_token']}", TokenKey(b"another-key-of-16-b"), now, AUDIENCE)
    with pytest.raises(Exception, match="no bearer"):
        read_bearer(None, KEY, now, AUDIENCE)
