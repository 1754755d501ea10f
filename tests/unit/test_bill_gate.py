"""Gates, limits and answers of calls, against a BILL that a test writes line by line."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from json import dumps

import pytest

from support.written_bill import (
    CREATE,
    GET,
    Bill,
    answered,
    caller,
    client,
    replaced,
)
from tieout.domain.errors import InDoubt, Reject, Retry
from tieout_connectors.bill.calls import Call
from tieout_connectors.bill.gate import Limit
from tieout_connectors.http.call import Answer


@pytest.fixture
def bill(monkeypatch: pytest.MonkeyPatch) -> Bill:
    """BILL, written line by line."""
    return replaced(monkeypatch)


class Lanes:
    """A gate that keeps what was asked, and that nobody signs in while holding a lane."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.held = 0
        self.held_at_login: list[int] = []
        self.refusals: list[tuple[Limit, float]] = []

    async def call(self, call: str) -> AbstractAsyncContextManager[object]:
        """Room for a call."""
        self.asked.append(call)
        return self._hold()

    async def login(self) -> AbstractAsyncContextManager[object]:
        """Room for a sign-in."""
        self.asked.append("login")
        self.held_at_login.append(self.held)
        return self._hold()

    def refused(self, limit: Limit, seconds: float) -> None:
        """What BILL has had enough of."""
        self.refusals.append((limit, seconds))

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[None]:
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1


async def test_every_call_and_sign_in_passes_the_gate_a_repetition_too(bill: Bill) -> None:
    """The scheduler outside sees each call that counts, and no sign-in waits inside a lane."""
    lanes = Lanes()
    one = caller(gate=lanes)
    await one.answer(GET)
    bill.valid.clear()
    await one.answer(CREATE)
    assert lanes.asked == ["login", GET.name, CREATE.name, "login", CREATE.name]
    assert (lanes.held, lanes.held_at_login) == (0, [0, 0])


async def test_a_gate_that_stays_shut_is_left_at_the_deadline_and_nothing_is_sent(bill: Bill) -> None:
    """A command that waited too long for its lane is not sent late."""

    class Shut(Lanes):
        async def call(self, call: str) -> AbstractAsyncContextManager[object]:
            await asyncio.Event().wait()
            return await super().call(call)

    one = caller(gate=Shut())
    with pytest.raises(Retry) as caught:
        await one.answer(Call(CREATE.name, body={}, deadline=time.monotonic() + 0.05))
    assert (caught.value.code, bill.calls) == ("late", ["POST /v3/login"])


async def test_the_deadline_reaches_the_http_call(bill: Bill) -> None:
    """The last check, right before writing, has the command's own deadline."""
    deadline = time.monotonic() + 60
    await caller().answer(Call(GET.name, GET.ids, deadline=deadline))
    assert [request.deadline for request in bill.requests] == [None, deadline]


async def test_a_refusal_of_the_gate_is_passed_on(bill: Bill) -> None:
    """A spent budget is told as it is, and nothing is sent."""

    class Spent(Lanes):
        async def call(self, call: str) -> AbstractAsyncContextManager[object]:
            raise Retry("the hour's calls are spent", code="budget", call=call, after=60.0)

    with pytest.raises(Retry) as caught:
        await caller(gate=Spent()).answer(GET)
    assert (caught.value.code, caught.value.after, bill.calls) == ("budget", 60.0, ["POST /v3/login"])


@pytest.mark.parametrize(
    ("told", "after"),
    [("7", 7.0), ("1.5", 1.5), ("-1", None), ("inf", None), ("nan", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
async def test_retry_after_is_honoured_where_a_gateway_sends_it(bill: Bill, told: str, after: float | None) -> None:
    """BILL sends none, a gateway may; what is no time to wait is left to our own back-off."""
    bill.on_call = lambda _request: Answer(429, {"retry-after": told}, b"")
    with pytest.raises(Retry) as caught:
        await caller().answer(GET)
    assert caught.value.after == after


@pytest.mark.parametrize(
    ("status", "code", "headers", "limits"),
    [
        (429, "", {"retry-after": "7"}, [(Limit.ORGANIZATION, 7.0)]),
        (422, "BDC_1144", {}, [(Limit.CALLS, 600.0)]),
        (429, "BDC_1144", {}, [(Limit.CALLS, 600.0)]),
        (429, "", {}, []),
        (422, "BDC_1322", {}, []),
        (423, "BDC_1107", {}, []),
    ],
)
async def test_a_limit_that_others_share_is_told_to_the_gate(
    bill: Bill, status: int, code: str, headers: dict[str, str], limits: list[tuple[Limit, float]]
) -> None:
    """The hour of the key by BILL's clock, a gateway's pause for the organization; the rest is this call's affair."""
    item = {"code": code, "severity": "ERROR", "message": "m", "timestamp": "2026-03-02T09:50:00.000+00:00"}
    bill.on_call = lambda _request: Answer(status, headers, dumps([item]).encode())
    lanes = Lanes()
    with pytest.raises(Retry):
        await caller(gate=lanes).answer(GET)
    assert lanes.refusals == limits


async def test_a_success_that_is_no_json_leaves_a_write_in_doubt(bill: Bill) -> None:
    """A page in place of the new bill: it may be there, so it is looked up."""
    bill.on_call = lambda _request: Answer(201, {}, b"<html>fine</html>")
    one = client()
    with pytest.raises(InDoubt) as caught:
        await one.caller.read(CREATE, lambda raw: raw)
    assert caught.value.code == "unreadable"
    with pytest.raises(Retry):
        await one.vendors.get("00901VENDOR")


async def test_a_success_without_an_id_leaves_a_write_in_doubt_and_a_read_refused_by_field(bill: Bill) -> None:
    """What cannot be read is named by its field, and a write is never taken for done without an id."""
    bill.on_call = lambda _request: answered({"name": "Acme"})
    one = client()
    with pytest.raises(Reject) as caught:
        await one.vendors.get("00901VENDOR")
    assert "vendor.id" in str(caught.value)
    with pytest.raises(InDoubt):
        await one.vendors.archive("00901VENDOR")


@pytest.mark.parametrize("ids", [(), ("",), ("a", "b")])
async def test_a_call_with_the_wrong_ids_is_never_made(bill: Bill, ids: tuple[str, ...]) -> None:
    """An empty id would name the whole list."""
    with pytest.raises(ValueError, match="cannot be called"):
        await caller().answer(Call("GET /v3/vendors/{id}", ids))
    assert bill.calls == ["POST /v3/login"]


async def test_an_id_stays_one_part_of_the_path(bill: Bill) -> None:
    """No text in an id leads to another call."""
    await caller().answer(Call("GET /v3/vendors/{id}", ("../bills?x=1",)))
    assert bill.requests[-1].url == "https://bill.test/connect/v3/vendors/..%2Fbills%3Fx%3D1"
