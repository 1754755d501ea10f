"""Sign-in and its repetition, against a BILL that a test writes line by line."""

import asyncio
from json import dumps, loads

import pytest

from support.written_bill import (
    CREATE,
    CREDENTIALS,
    GET,
    LIST,
    ORGANIZATION,
    VENDOR,
    Bill,
    answered,
    caller,
    client,
    refused,
    replaced,
)
from tieout.domain.errors import Fatal, InDoubt, Retry
from tieout_connectors.bill import calls
from tieout_connectors.bill.session import MemoryStore
from tieout_connectors.bill.wire.session import BillSession
from tieout_connectors.http.call import Answer, Request


@pytest.fixture
def bill(monkeypatch: pytest.MonkeyPatch) -> Bill:
    """BILL, written line by line."""
    return replaced(monkeypatch)


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
