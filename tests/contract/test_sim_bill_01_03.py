"""BILL's simulator: signing in, headers, the shape of refusals."""

import asyncio
from typing import Any

from tieout_sandbox.bill.default_world import ORGANIZATION, TOKEN_NAME, TOKEN_VALUE

MINUTES = 60
UNKNOWN = "00900000000000000000"


async def test_sim_bill_01_login_answers_an_opaque_session(bill: Any) -> None:
    """Four fields in, session, organization, user and trust out; a second sign-in is another session."""
    reply = await bill.login()
    again = await bill.login()
    assert reply.status == 200
    assert set(reply.body) == {"sessionId", "organizationId", "userId", "trusted"}
    assert reply.body["organizationId"] == ORGANIZATION
    assert reply.body["userId"].startswith("006")
    assert reply.body["trusted"] is False
    assert reply.body["sessionId"] != again.body["sessionId"]


async def test_sim_bill_01_each_login_field_is_required(bill: Any) -> None:
    """A sign-in without one of the four is refused and names it."""
    for name in ("username", "password", "organizationId", "devKey"):
        reply = await bill.login(**{name: ""})
        assert reply.status == 400
        assert reply.body[0]["message"] == f"{name}: must not be empty"


async def test_sim_bill_01_wrong_credentials_say_which(bill: Any) -> None:
    """Password, key and organization have their own codes, all with 401."""
    for wrong, code in (
        ({"password": "no"}, "BDC_1101"),
        ({"devKey": "no"}, "BDC_1102"),
        ({"organizationId": "no"}, "BDC_1123"),
    ):
        reply = await bill.login(**wrong)
        assert (reply.status, reply.codes) == (401, [code])


async def test_sim_bill_01_session_slides_for_35_minutes(bill: Any) -> None:
    """Each call starts the 35 minutes again; 35 minutes without one end the session."""
    for _ in range(2):
        await bill.operator.advance(34 * MINUTES)
        assert (await bill.get("/vendors")).status == 200
    await bill.operator.advance(35 * MINUTES + 1)
    reply = await bill.get("/vendors")
    assert (reply.status, reply.codes) == (401, ["BDC_1109"])


async def test_sim_bill_01_sync_token_lives_48_hours(bill: Any) -> None:
    """A session by sync token outlives 35 minutes and ends after 48 hours without a call."""
    reply = await bill.login(username=TOKEN_NAME, password=TOKEN_VALUE)
    assert reply.body["trusted"] is False
    await bill.operator.advance(47 * 60 * MINUTES)
    assert (await bill.get("/vendors")).status == 200
    await bill.operator.advance(48 * 60 * MINUTES + 1)
    assert (await bill.get("/vendors")).status == 401


async def test_sim_bill_01_sync_token_creates_no_payment(bill: Any) -> None:
    """What needs the second factor is closed to a sync token, vendors are open."""
    await bill.login(username=TOKEN_NAME, password=TOKEN_VALUE)
    await bill.new_vendor("By token")
    reply = await bill.post("/payments", {})
    assert (reply.status, reply.codes) == (403, ["BDC_1361"])
    await bill.operator.switch(mfa_required=False)
    assert (await bill.post("/payments", {})).codes == ["BDC_1361"]
    await bill.login()
    assert (await bill.post("/payments", {})).status == 400


async def test_sim_bill_01_a_wrong_token_is_a_wrong_password(bill: Any) -> None:
    """The name of a sync token alone opens nothing."""
    reply = await bill.login(username=TOKEN_NAME, password="guessed")
    assert (reply.status, reply.codes) == (401, ["BDC_1101"])


async def test_sim_bill_01_untrusted_session_stays_untrusted(bill: Any) -> None:
    """Signing in again does not help; the second factor does."""
    await bill.login()
    assert (await bill.post("/payments", {})).codes == ["BDC_1361"]
    challenge = (await bill.post("/mfa/challenge", {})).body["challengeId"]
    answer = {"challengeId": challenge, "token": "424242", "device": "d1", "rememberMe": True}
    remembered = (await bill.post("/mfa/challenge/validate", answer)).body["rememberMeId"]
    assert (await bill.post("/payments", {})).status == 400
    assert (await bill.login(rememberMeId=remembered, device="d1")).body["trusted"] is True
    await bill.login()
    assert (await bill.post("/mfa/step-up", {"rememberMeId": remembered, "device": "d2"})).body == {"trusted": False}
    assert (await bill.post("/mfa/step-up", {"rememberMeId": remembered, "device": "d1"})).body == {"trusted": True}


async def test_sim_bill_01_details_and_logout(bill: Any) -> None:
    """The session tells who it is and is dead right after the logout."""
    details = (await bill.get("/login/session")).body
    assert details["organizationId"] == ORGANIZATION
    assert (await bill.get("/session")).codes == ["BDC_1121"]
    reply = await bill.post("/logout")
    assert (reply.status, reply.body) == (200, None)
    assert (await bill.get("/vendors")).codes == ["BDC_1109"]


async def test_sim_bill_01_all_sessions_end_when_asked(bill: Any) -> None:
    """A tester ends every session without moving the clock."""
    assert (await bill.operator.delete("sessions")) == {"ended": 1}
    assert (await bill.get("/vendors")).codes == ["BDC_1109"]


async def test_sim_bill_01_two_hundred_logins_an_hour(bill: Any) -> None:
    """The 201st sign-in of a clock hour is refused, the next hour's first is not."""
    used = (await bill.operator.get("usage"))["keys"][0]["logins"]
    for _ in range(200 - used):
        assert (await bill.login()).status == 200
    reply = await bill.login()
    assert (reply.status, reply.codes) == (422, ["BDC_1144"])
    await bill.operator.advance(60 * MINUTES)
    assert (await bill.login()).status == 200


async def test_sim_bill_01_login_locks_when_switched_on(bill: Any) -> None:
    """After some wrong passwords even the right one is refused."""
    await bill.operator.switch(login_lock_after=2)
    for _ in range(2):
        assert (await bill.login(password="no")).codes == ["BDC_1101"]
    assert (await bill.login()).codes == ["BDC_1110"]


async def test_sim_bill_02_session_is_bound_to_its_key(bill_world: Any) -> None:
    """Another valid developer key does not open the session."""
    user = {"username": "u", "password": "p", "role": "ADMINISTRATOR"}
    world = {"dev_keys": ["one", "two"], "organizations": [{"id": "00801A", "users": [user]}]}
    async with bill_world(world) as bill:
        await bill.login(username="u", password="p", organizationId="00801A", devKey="one")
        assert (await bill.get("/vendors")).status == 200
        bill.headers["devKey"] = "two"
        assert (await bill.get("/vendors")).codes == ["BDC_1109"]


async def test_sim_bill_02_connect_headers(bill: Any) -> None:
    """Without a known key 1102, without a known session 1109, both 401."""
    session, key = bill.headers["sessionId"], bill.headers["devKey"]
    for headers, code in (
        ({}, "BDC_1102"),
        ({"sessionId": session}, "BDC_1102"),
        ({"sessionId": session, "devKey": "other"}, "BDC_1102"),
        ({"devKey": key}, "BDC_1109"),
        ({"devKey": key, "sessionId": "other"}, "BDC_1109"),
    ):
        reply = await bill.call("GET", "/vendors", headers=headers)
        assert (reply.status, reply.codes) == (401, [code])


async def test_sim_bill_02_webhook_base_headers(bill: Any) -> None:
    """On the webhook base a missing header is 400, a wrong one 401."""
    session, key = bill.headers["sessionId"], bill.headers["devKey"]
    for headers, status in (
        ({"devKey": key}, 400),
        ({"sessionId": session}, 400),
        ({"devKey": "other", "sessionId": session}, 401),
        ({"devKey": key, "sessionId": "other"}, 401),
        ({"devKey": key, "sessionId": session}, 200),
    ):
        assert (await bill.events("GET", "/events/catalog", headers=headers)).status == status


async def test_sim_bill_03_refusal_has_all_fields(bill: Any) -> None:
    """A bare array of objects with timestamp, code, severity, category, message and params as an object."""
    reply = await bill.get(f"/vendors/{UNKNOWN}")
    assert reply.status == 404
    item = reply.body[0]
    assert set(item) == {"timestamp", "code", "severity", "category", "message", "params"}
    assert (item["code"], item["severity"], item["params"]) == ("BDC_1205", "ERROR", {})
    assert item["timestamp"].endswith("+00:00")
    assert len(item["timestamp"]) == len("2025-10-02T17:56:51.933+00:00")


async def test_sim_bill_03_unknown_path_and_broken_body(bill: Any) -> None:
    """A wrong path is 1121, a body that is no JSON is 1122."""
    assert (await bill.get("/vendor")).codes == ["BDC_1121"]
    reply = await bill.post("/vendors", b"{not json")
    assert (reply.status, reply.codes) == (400, ["BDC_1122"])
    assert (await bill.post("/vendors", b'{"name": NaN}')).codes == ["BDC_1122"]


async def test_sim_bill_03_several_problems_at_once(bill: Any) -> None:
    """One refusal names every problem with the dotted path of its field."""
    body = {"name": 7, "address": {"line1": "x", "city": "", "country": "US"}}
    reply = await bill.post("/vendors", body)
    assert reply.status == 400
    assert {item["message"] for item in reply.body} == {
        "name: must be a string",
        "address.city: must not be empty",
        "address.zipOrPostalCode: must not be null",
    }


async def test_sim_bill_03_minimal_items(bill: Any) -> None:
    """Only message and severity: for request shapes alone, or for everything."""
    shape, unknown = ("/vendors", {"name": "A"}), f"/vendors/{UNKNOWN}"
    await bill.operator.switch(error_items="minimal_shape")
    assert (await bill.post(*shape)).body == [{"message": "address: must not be null", "severity": "ERROR"}]
    assert (await bill.get(unknown)).codes == ["BDC_1205"]
    await bill.operator.switch(error_items="minimal")
    assert set((await bill.get(unknown)).body[0]) == {"message", "severity"}


async def test_sim_bill_03_params_and_wrapping_forms(bill: Any) -> None:
    """Params as an array or not at all; the body as an object with message or errors."""
    unknown = f"/vendors/{UNKNOWN}"
    await bill.operator.switch(error_params="array")
    assert (await bill.get(unknown)).body[0]["params"][0]["value"] == UNKNOWN
    await bill.operator.switch(error_params="absent")
    assert "params" not in (await bill.get(unknown)).body[0]
    await bill.operator.switch(error_body="object")
    assert set((await bill.get(unknown)).body) == {"message"}
    await bill.operator.switch(error_body="errors")
    assert (await bill.get(unknown)).body["errors"][0]["code"] == "BDC_1205"


async def test_sim_bill_03_html_502(bill: Any) -> None:
    """The gateway's own page: 502, HTML, nothing done."""
    await bill.operator.switch(html_502=True)
    reply = await bill.post("/vendors", {"name": "A"})
    assert reply.status == 502
    assert reply.headers["Content-Type"].startswith("text/html")
    await bill.operator.switch(html_502=False)
    assert len((await bill.get("/vendors")).body["results"]) == 1


async def test_sim_bill_03_doubled_message(bill: Any) -> None:
    """A refusal about a bill comes plain and once more with the bill's id and a colon in front."""
    one = await bill.new_bill("D-1", 10)
    await bill.operator.switch(doubled_messages=True)
    paid = {"billId": one["id"], "amount": 11}
    body = {"vendorId": bill.vendor, "processDate": "2026-12-31", "toPrintCheck": False, "payments": [paid]}
    messages = [item["message"] for item in (await bill.post("/bills/record-payment", body)).body]
    assert len(messages) == 2
    assert messages[1] == f"{one['id']} : {messages[0]}"


async def test_sim_bill_03_unknown_switch_values_are_refused(bill: Any) -> None:
    """A misspelt switch turns nothing, so that a test cannot pass for the wrong reason."""
    for wrong in ({"error_itms": "full"}, {"error_items": "ful"}, {"html_502": "yes"}, {"webhook_lose": -1}):
        asked = bill.operator.switch(**wrong)
        result = await asyncio.gather(asked, return_exceptions=True)
        assert isinstance(result[0], RuntimeError)
