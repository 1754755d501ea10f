"""Sign-in, repetition, gates and pages, against a BILL that a test writes line by line."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from json import dumps, loads
from typing import Any

import pytest

from tieout.domain.errors import Fatal, InDoubt, Reject, Retry
from tieout_connectors.bill import calls
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.session import MemoryStore
from tieout_connectors.bill.settings import Addresses, Credentials
from tieout_connectors.bill.wire.session import BillSession
from tieout_connectors.http.call import Answer, Request

ORGANIZATION = "00801ORGANIZATION000"
CREDENTIALS = Credentials("ap@example.com", "pass-word", ORGANIZATION, "dev-key")
ADDRESSES = Addresses.at("https://bill.test")
VENDOR = {"id": "00901VENDOR", "name": "Acme"}


def refused(status: int, code: str) -> Answer:
    return Answer(status, {}, dumps([{"code": code, "message": f"told {code}", "severity": "ERROR"}]).encode())


def answered(value: Any, status: int = 200) -> Answer:
    return Answer(status, {}, dumps(value).encode())


class Bill:
    """A BILL whose sessions a test ends, and which keeps every call."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.requests: list[Request] = []
        self.logins = 0
        self.valid: set[str] = set()
        self.login_answer: Callable[[], Answer] | None = None
        self.on_call: Callable[[Request], Answer] = lambda _request: answered(VENDOR)
        self.pause = 0.0

    async def send(self, _session: object, request: Request) -> Answer:
        """Answer in place of the network."""
        self.calls.append(request.call)
        self.requests.append(request)
        await asyncio.sleep(self.pause)
        if request.call == "POST /v3/login":
            if self.login_answer is not None:
                return self.login_answer()
            self.logins += 1
            session = f"session-{self.logins}"
            self.valid.add(session)
            return answered({"sessionId": session, "organizationId": ORGANIZATION, "userId": "006U", "trusted": False})
        if request.headers.get("sessionId") not in self.valid:
            return refused(401, "BDC_1109")
        return self.on_call(request)


@pytest.fixture
def bill(monkeypatch: pytest.MonkeyPatch) -> Bill:
    bill = Bill()
    monkeypatch.setattr(calls, "send", bill.send)
    return bill


def client(**more: Any) -> BillClient:
    return BillClient(None, ADDRESSES, CREDENTIALS, **more)  # type: ignore[arg-type]


def caller(**more: Any) -> Caller:
    return client(**more).caller


GET = Call("GET /v3/vendors/{id}", ("00901VENDOR",))
LIST = Call("GET /v3/vendors")
CREATE = Call("POST /v3/vendors", body={"name": "Acme"})


async def test_the_first_call_signs_in_with_the_key_in_the_body_and_later_calls_carry_it_as_a_header(
    bill: Bill,
) -> None:
    """The sign-in is shaped as BILL wants it, and so is every call after it."""
    await caller().answer(GET)
    login, call = bill.requests
    assert loads(login.body or b"") == {
        "username": "ap@example.com",
        "password": "pass-word",
        "organizationId": ORGANIZATION,
        "devKey": "dev-key",
    }
    assert login.url == "https://bill.test/connect/v3/login"
    assert "devKey" not in login.headers
    assert (call.url, call.headers) == (
        "https://bill.test/connect/v3/vendors/00901VENDOR",
        {"devKey": "dev-key", "sessionId": "session-1"},
    )


async def test_calls_that_start_together_sign_in_once(bill: Bill) -> None:
    """Ten calls of a fresh process cost one of the 200 sign-ins."""
    bill.pause = 0.01
    one = caller()
    await asyncio.gather(*(one.answer(GET) for _ in range(10)))
    assert bill.logins == 1


async def test_an_expired_session_is_renewed_once_and_the_call_repeated_once(bill: Bill) -> None:
    """After a quiet hour the next bill goes through; nobody notices."""
    one = caller()
    await one.answer(GET)
    bill.valid.clear()
    bill.calls.clear()
    await one.answer(CREATE)
    assert bill.calls == ["POST /v3/vendors", "POST /v3/login", "POST /v3/vendors"]


async def test_calls_that_fail_together_share_one_sign_in_and_each_is_repeated_once(bill: Bill) -> None:
    """Three calls in flight when the session ends: one sign-in for all, and no record is sent twice."""
    one = caller()
    await one.answer(GET)
    bill.valid.clear()
    bill.calls.clear()
    bill.pause = 0.01
    await asyncio.gather(*(one.answer(CREATE) for _ in range(3)))
    assert (bill.calls.count("POST /v3/login"), bill.calls.count("POST /v3/vendors")) == (1, 6)


async def test_a_call_that_learns_late_that_the_session_ended_uses_the_new_one(bill: Bill) -> None:
    """A slow answer about the old session does not cost a second sign-in."""
    one = caller()
    await one.answer(GET)
    old = one.sessions.current
    assert old is not None
    bill.valid.clear()
    await one.answer(GET)
    assert (await one.sessions.renew(old)).id == "session-2"
    assert bill.logins == 2


async def test_any_401_signs_in_again_whatever_its_code(bill: Bill) -> None:
    """BILL's code may be missing or another: 401 is enough."""
    answers = iter([Answer(401, {}, b"<html>"), answered(VENDOR)])
    bill.on_call = lambda _request: next(answers)
    await caller().answer(GET)
    assert bill.logins == 2


async def test_a_refused_sign_in_is_fatal_and_is_not_tried_again(bill: Bill) -> None:
    """A wrong password costs one sign-in, not two hundred."""
    bill.login_answer = lambda: refused(401, "BDC_1101")
    one = caller()
    for _ in range(5):
        with pytest.raises(Fatal) as caught:
            await one.answer(GET)
        assert (caught.value.code, caught.value.call) == ("BDC_1101", "POST /v3/login")
    assert bill.calls == ["POST /v3/login"]


async def test_a_second_401_in_a_row_is_fatal_and_no_more_sign_ins_are_spent(bill: Bill) -> None:
    """BILL refuses the session it has just given: the connection stops instead of trying for ever."""
    bill.on_call = lambda _request: refused(401, "BDC_1109")
    one = caller()
    for _ in range(4):
        with pytest.raises(Fatal):
            await one.answer(GET)
    assert (bill.logins, bill.calls.count("GET /v3/vendors/{id}")) == (2, 2)


async def test_once_somebody_has_acted_the_connection_goes_on(bill: Bill) -> None:
    """New credentials, or an unlocked user: resumed without a restart."""
    bill.login_answer = lambda: refused(401, "BDC_1110")
    one = caller()
    with pytest.raises(Fatal):
        await one.answer(GET)
    bill.login_answer = None
    one.sessions.reset()
    assert (await one.answer(GET)).status == 200


async def test_a_spent_hour_of_sign_ins_is_waited_for_and_not_fatal(bill: Bill) -> None:
    """The 201st sign-in of an hour is tried again in the next."""
    bill.login_answer = lambda: refused(422, "BDC_1144")
    one = caller()
    with pytest.raises(Retry):
        await one.answer(GET)
    bill.login_answer = None
    assert (await one.answer(GET)).status == 200


async def test_a_lost_answer_to_a_sign_in_is_no_write_in_doubt(bill: Bill, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was written by signing in, so nothing has to be looked up."""

    async def lost(_session: object, request: Request) -> Answer:
        raise InDoubt("reset", code="no_answer", call=request.call)

    monkeypatch.setattr(calls, "send", lost)
    with pytest.raises(Retry) as caught:
        await caller().answer(CREATE)
    assert (caught.value.code, bill.calls) == ("no_answer", [])


async def test_a_session_of_another_organization_is_refused(bill: Bill) -> None:
    """A mixed-up setting never writes one company's bills to another."""
    other = {"sessionId": "s", "organizationId": "00801OTHER", "userId": "006U", "trusted": False}
    bill.login_answer = lambda: answered(other)
    with pytest.raises(Fatal) as caught:
        await caller().answer(GET)
    assert caught.value.code == "other_organization"


async def test_a_stored_session_is_used_after_a_restart(bill: Bill) -> None:
    """A restart costs no sign-in."""
    store = MemoryStore()
    await caller(store=store).answer(GET)
    await caller(store=store).answer(GET)
    assert (bill.logins, store.session and store.session.id) == (1, "session-1")


async def test_a_stored_session_of_another_organization_is_not_used(bill: Bill) -> None:
    """After the organization was changed in the settings the old session is left alone."""
    bill.valid.add("old")
    await caller(store=MemoryStore(BillSession("old", "00801OTHER"))).answer(GET)
    assert bill.requests[-1].headers["sessionId"] == "session-1"


async def test_logout_ends_the_session_and_forgets_it(bill: Bill) -> None:
    """A retired connection leaves no session behind."""
    store = MemoryStore()
    one = client(store=store)
    await one.caller.answer(GET)
    await one.logout()
    await one.logout()
    assert (bill.calls.count("POST /v3/logout"), store.session) == (1, None)


async def test_logging_out_of_an_expired_session_spends_no_sign_in(bill: Bill) -> None:
    """What has ended needs no ending."""
    store = MemoryStore()
    one = client(store=store)
    await one.caller.answer(GET)
    bill.valid.clear()
    await one.logout()
    assert (bill.logins, store.session) == (1, None)


async def test_a_vendors_bank_details_never_leave_the_client(bill: Bill) -> None:
    """Neither a record nor a raw row holds them; with a key both hold their fingerprint."""
    row = VENDOR | {"paymentInformation": {"bankAccount": {"accountNumber": "111222333"}}}
    bill.on_call = lambda request: answered({"results": [row]} if request.call == LIST.name else row)
    one = client(fingerprint_key=b"key")
    vendor = await one.vendors.get("00901VENDOR")
    rows = [found async for page in one.vendors.pages() for found in page.rows]
    assert "111222333" not in dumps(rows) + vendor.model_dump_json()
    assert rows[0]["paymentInformation"]["bankAccount"]["fingerprint"] == vendor.payment_fingerprint != ""


async def test_a_caller_that_gives_up_does_not_take_the_sign_in_along(bill: Bill) -> None:
    """Another call that waits for the same sign-in still gets it."""
    bill.pause = 0.02
    one = caller()
    first = asyncio.create_task(one.answer(GET))
    await asyncio.sleep(0)
    second = asyncio.create_task(one.answer(GET))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).status == 200
    assert bill.logins == 1


async def test_secrets_are_in_no_error_and_no_repr(bill: Bill) -> None:
    """What is logged of a failure holds neither password nor key nor session."""
    bill.login_answer = lambda: refused(401, "BDC_1101")
    one = caller()
    with pytest.raises(Fatal) as caught:
        await one.answer(GET)
    session = BillSession("s3cret", ORGANIZATION)
    shown = f"{caught.value}{caught.value!r}{CREDENTIALS!r}{session!r}{bill.requests!r}"
    assert not [secret for secret in ("pass-word", "dev-key", "s3cret") if secret in shown]


class Lanes:
    """A gate that keeps what was asked, and that nobody signs in while holding a lane."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.held = 0
        self.held_at_login: list[int] = []

    async def call(self, call: str) -> AbstractAsyncContextManager[object]:
        """Room for a call."""
        self.asked.append(call)
        return self._hold()

    async def login(self) -> AbstractAsyncContextManager[object]:
        """Room for a sign-in."""
        self.asked.append("login")
        self.held_at_login.append(self.held)
        return self._hold()

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


async def test_retry_after_is_honoured_where_a_gateway_sends_it(bill: Bill) -> None:
    """BILL sends none, a gateway may."""
    bill.on_call = lambda _request: Answer(429, {"retry-after": "7"}, b"")
    with pytest.raises(Retry) as caught:
        await caller().answer(GET)
    assert caught.value.after == 7.0


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
