"""Calls to Business Central: token, repetition, continuations, and that nothing leaves for another server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from tieout.domain.errors import Fatal, Reject, Retry
from tieout_connectors.business_central import checks
from tieout_connectors.business_central.answers import TokenLapsed
from tieout_connectors.business_central.client import AT_A_TIME, TRIES, Client, together
from tieout_connectors.business_central.settings import (
    BusinessCentralCredentials,
    BusinessCentralSettings,
    Endpoints,
)
from tieout_connectors.spi.erp import CheckStatus

COMPANY = "9ee48135-93e1-ef11-9344-6045bde9ca09"
CREDENTIALS = BusinessCentralCredentials(client_id="app", client_secret=SecretStr("very-secret-value"))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Tokens:
    """Tokens t1, t2, ...; a rejected one is replaced."""

    def __init__(self) -> None:
        self.number = 1

    async def token(self, *, rejected: str = "") -> str:
        """The current one."""
        if rejected == f"t{self.number}":
            self.number += 1
        return f"t{self.number}"

    async def close(self) -> None:
        """Nothing is under way."""


class Pauses:
    """Waits that are noted instead of waited, and the clock that they move."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.now = 1000.0

    async def __call__(self, seconds: float) -> None:
        """Note it."""
        self.seconds.append(seconds)
        self.now += seconds


class Site:
    """A client and the server it talks to. The handler answers whatever is not the list of companies."""

    def __init__(self, client: Client, pauses: Pauses, tokens: Tokens) -> None:
        self.client = client
        self.pauses = pauses
        self.tokens = tokens
        self.seen: list[web.Request] = []


@asynccontextmanager
async def site(handler: Handler, **settings: Any) -> AsyncIterator[Site]:
    """A running server and a client for it."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/companies"):
            return web.json_response({"value": [{"id": COMPANY, "name": "CRONUS USA, Inc."}]})
        seen.append(request)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(app) as server:
        given = {"tenant": "t", "environment": "Production", "company": "cronus usa, inc.", **settings}
        endpoints = Endpoints(api=str(server.make_url("")))
        pauses, tokens = Pauses(), Tokens()
        chosen = BusinessCentralSettings(endpoints=endpoints, **given)
        async with Client(chosen, CREDENTIALS, tokens=tokens, pause=pauses, clock=lambda: pauses.now) as client:
            made = Site(client, pauses, tokens)
            made.seen = seen
            yield made


def error(status: int, code: str, **headers: str) -> web.Response:
    """A refusal as the service sends it."""
    return web.json_response({"error": {"code": code, "message": "m"}}, status=status, headers=headers)


def script(*answers: web.StreamResponse | BaseException) -> Handler:
    """One answer after the other, the last one for ever."""
    left = list(answers)

    async def handler(_request: web.Request) -> web.StreamResponse:
        chosen = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(chosen, BaseException):
            raise chosen
        if isinstance(chosen, web.Response):
            return web.Response(status=chosen.status, body=chosen.body, headers=chosen.headers)
        return chosen

    return handler


async def vendors(made: Site) -> Any:
    """One read."""
    return await made.client.get(await made.client.api("vendors"), "GET vendors", {})


async def test_addresses_are_built_from_tenant_environment_and_company() -> None:
    """The company is found by its name in any case, and addressed by its id."""
    async with site(script(web.json_response({"value": []}))) as made:
        await vendors(made)
        assert made.seen[0].path == f"/v2.0/t/Production/api/v2.0/companies({COMPANY})/vendors"


async def test_reads_never_go_to_a_replica() -> None:
    """A replica may lag behind what was just posted."""
    async with site(script(web.json_response({"value": []}))) as made:
        await vendors(made)
        assert "Data-Access-Intent" not in made.seen[0].headers


async def test_an_answer_that_is_too_large_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking again cannot help; a smaller page can."""
    monkeypatch.setattr("tieout_connectors.http.call.MAX_BODY", 1000)
    async with site(script(web.json_response({"value": ["x" * 2000]}))) as made:
        with pytest.raises(Reject) as caught:
            await vendors(made)
        assert caught.value.code == "too_large"
        assert len(made.seen) == 1


async def test_when_one_of_several_reads_fails_the_others_are_given_up() -> None:
    """Nothing goes on behind a poll that has already ended."""
    began = asyncio.Event()
    ended: list[str] = []

    async def slow() -> None:
        began.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("slow")

    async def fails() -> None:
        await began.wait()
        raise Retry("no")

    with pytest.raises(Retry):
        await together([slow(), fails()])
    assert ended == ["slow"]


async def test_an_unknown_company_stops_the_connection_and_names_those_there_are() -> None:
    """A typo is answered with the names to choose from."""
    async with site(script(web.json_response({"value": []})), company="CRONUS") as made:
        with pytest.raises(Fatal) as caught:
            await made.client.company()
        assert "CRONUS USA, Inc." in caught.value.cure


async def test_amounts_stay_exact() -> None:
    """A decimal of the answer is never a float."""
    body = web.Response(body=b'{"value":[{"balance":12345678.90}]}', content_type="application/json")
    async with site(script(body)) as made:
        answer = await vendors(made)
        assert str(answer["value"][0]["balance"]) == "12345678.90"


async def test_a_lapsed_token_is_renewed_once_and_the_call_repeated() -> None:
    """Nobody notices that an hour is over."""
    async with site(script(error(401, "Authentication_InvalidCredentials"), web.json_response({"value": []}))) as made:
        await vendors(made)
        assert [one.headers["Authorization"] for one in made.seen] == ["Bearer t1", "Bearer t2"]
        assert made.pauses.seconds == []


async def test_a_second_401_in_a_row_stops_the_connection() -> None:
    """A fresh token is refused too: nobody registered the application in this environment."""
    async with site(script(error(401, "Authentication_InvalidCredentials"))) as made:
        with pytest.raises(Fatal) as caught:
            await vendors(made)
        assert len(made.seen) == 2
        assert "Microsoft Entra applications" in caught.value.cure


async def test_a_missing_right_is_not_answered_by_signing_in_again() -> None:
    """Some rights are refused with 401: another token would not help."""
    async with site(script(error(401, "Authorization_RequestDenied"))) as made:
        with pytest.raises(Fatal):
            await vendors(made)
        assert made.tokens.number == 1
        assert len(made.seen) == 1


async def test_throttling_is_waited_out() -> None:
    """429 without Retry-After backs off by itself; with it, at least so long."""
    answers = (
        error(429, "Application_TooManyRequests"),
        error(429, "Application_TooManyRequests", **{"Retry-After": "20"}),
        web.json_response({"value": []}),
    )
    async with site(script(*answers)) as made:
        await vendors(made)
        first, second = made.pauses.seconds
        assert 0.5 <= first <= 1.0
        assert 20.0 <= second <= 22.0


async def test_a_long_wait_is_handed_to_the_schedule_and_kept_by_every_call() -> None:
    """An hour is not waited inside a call, and nobody calls before it is over: the limit is the application's."""
    async with site(script(error(503, "", **{"Retry-After": "3600"}))) as made:
        with pytest.raises(Retry) as caught:
            await vendors(made)
        assert caught.value.after == 3600.0
        assert made.pauses.seconds == []
        made.pauses.now += 600
        for call in (vendors(made), made.client.write("POST", "vendors", "POST vendors", deadline=float("inf"))):
            with pytest.raises(Retry) as again:
                await call
            assert (again.value.code, again.value.after) == ("asked_to_wait", 3000.0)
        assert len(made.seen) == 1
        made.pauses.now += 3001
        with pytest.raises(Retry):
            await vendors(made)
        assert len(made.seen) == 2


async def test_reads_are_repeated_within_a_bound() -> None:
    """A service that is down is asked a few times, then left to the next poll."""
    async with site(script(error(503, ""))) as made:
        with pytest.raises(Retry):
            await vendors(made)
        assert len(made.seen) == TRIES
        assert len(made.pauses.seconds) == TRIES - 1


async def test_an_unreadable_answer_is_asked_for_again() -> None:
    """Half an answer is none."""
    broken = web.Response(body=b'{"value":[', content_type="application/json")
    async with site(script(broken, web.json_response({"value": []}))) as made:
        assert await vendors(made) == {"value": []}


async def test_a_refusal_is_not_repeated() -> None:
    """What can never succeed is asked once."""
    async with site(script(error(400, "BadRequest"))) as made:
        with pytest.raises(Reject):
            await vendors(made)
        assert len(made.seen) == 1


async def test_a_list_follows_the_servers_continuation_word_for_word() -> None:
    """Whatever the server puts into its continuation comes back to it unchanged."""

    async def handler(request: web.Request) -> web.StreamResponse:
        if "$skiptoken" in request.query:
            return web.json_response({"value": [{"n": 2}]})
        link = str(request.url.origin()) + request.path + "?aid=FIN&$skiptoken=a%2Fb%2B1%3D%26"
        return web.json_response({"value": [{"n": 1}], "@odata.nextLink": link})

    async with site(handler, page_rows=7) as made:
        url = await made.client.api("accounts")
        rows = await made.client.rows(url, "GET accounts", {"$orderby": "lastModifiedDateTime"})
        assert rows == [{"n": 1}, {"n": 2}]
        assert made.seen[1].query["$skiptoken"] == "a/b+1=&"
        assert [one.headers["Prefer"] for one in made.seen] == ["odata.maxpagesize=7"] * 2


@pytest.mark.parametrize("link", ["http://evil.example/v2.0/x", "https://127.0.0.1/v2.0/x", "//evil.example/x", "/x"])
async def test_a_continuation_to_another_server_is_refused(link: str) -> None:
    """The access token never goes where the connection does not point."""
    async with site(script(web.json_response({"value": [], "@odata.nextLink": link}))) as made:
        with pytest.raises(Fatal) as caught:
            await made.client.rows(await made.client.api("vendors"), "GET vendors", {})
        assert caught.value.code == "foreign_next_link"
        assert len(made.seen) == 1


async def test_a_list_that_turns_in_a_circle_ends() -> None:
    """A continuation that comes again is not followed for ever."""

    async def handler(request: web.Request) -> web.StreamResponse:
        link = str(request.url.origin()) + request.path + "?$skiptoken=1"
        return web.json_response({"value": [], "@odata.nextLink": link})

    async with site(handler) as made:
        with pytest.raises(Retry) as caught:
            await made.client.rows(await made.client.api("vendors"), "GET vendors", {})
        assert caught.value.code == "endless_list"


async def test_a_lapsed_continuation_starts_the_list_again() -> None:
    """What was read so far is dropped, so that nothing comes twice."""
    asked = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if "$skiptoken" in request.query and asked == 2:
            return error(400, "SkipTokenIsNoLongerValid")
        if "$skiptoken" in request.query:
            return web.json_response({"value": [{"n": 2}]})
        link = str(request.url.origin()) + request.path + "?$skiptoken=1"
        return web.json_response({"value": [{"n": 1}], "@odata.nextLink": link})

    async with site(handler) as made:
        rows = await made.client.rows(await made.client.api("vendors"), "GET vendors", {})
        assert rows == [{"n": 1}, {"n": 2}]
        assert made.pauses.seconds == []


async def test_a_continuation_that_never_works_ends_the_read() -> None:
    """Beginning again is bounded too."""

    async def handler(request: web.Request) -> web.StreamResponse:
        if "$skiptoken" in request.query:
            return error(400, "SkipTokenIsNoLongerValid")
        link = str(request.url.origin()) + request.path + "?$skiptoken=1"
        return web.json_response({"value": [{"n": 1}], "@odata.nextLink": link})

    async with site(handler) as made:
        with pytest.raises(TokenLapsed):
            await made.client.rows(await made.client.api("vendors"), "GET vendors", {})
        assert len(made.seen) < 20


async def test_no_more_than_four_calls_are_under_way() -> None:
    """The service works on five for the application; one is left for an operator's check."""
    running = 0
    most = 0
    gate = asyncio.Event()

    async def handler(_request: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == AT_A_TIME:
            asyncio.get_running_loop().call_later(0.05, gate.set)
        await asyncio.wait_for(gate.wait(), 5)
        running -= 1
        return web.json_response({"value": []})

    async with site(handler) as made:
        await made.client.company()
        await asyncio.gather(*(vendors(made) for _ in range(12)))
        assert most == AT_A_TIME


async def test_an_envelope_that_is_none_of_the_services_may_pass() -> None:
    """A proxy's page in place of a list is not the end of the connection."""
    async with site(script(web.json_response({"login": "please"}))) as made:
        with pytest.raises(Retry) as caught:
            await made.client.rows(await made.client.api("vendors"), "GET vendors", {})
        assert caught.value.code == "unreadable"


async def test_a_check_reports_nonsense_instead_of_failing_itself() -> None:
    """Another server under the address, or another page under the ledger's name: each line says so."""
    async with site(script(web.json_response({"value": [{"No": "10000", "Name": "x"}]}))) as made:
        lines = {line.name: line for line in await checks.check(made.client, date(2026, 4, 1))}
    assert lines["company"].status is CheckStatus.OK
    assert lines["vendors"].status is CheckStatus.FAILED
    ledger = lines["vendor ledger page"]
    assert ledger.status is CheckStatus.FAILED
    assert "Remaining_Amount" in ledger.detail
    assert "object id 29" in ledger.cure


async def test_secrets_show_nowhere() -> None:
    """Neither settings, credentials nor errors hold the secret or a token."""
    async with site(script(error(401, "Authentication_InvalidCredentials"))) as made:
        with pytest.raises(Fatal) as caught:
            await vendors(made)
        shown = f"{CREDENTIALS!r} {made.client.settings!r} {caught.value!r} {caught.value} {vars(caught.value)}"
        assert "very-secret-value" not in shown
        assert "Bearer" not in shown
        assert "t2" not in str(caught.value)
