"""BILL's simulator: subscriptions of webhooks and what a notification looks like, received by a real https server."""

import json
from typing import Any

import pytest

BILL_EVENTS = ["bill.created", "bill.updated"]


async def test_sim_bill_12_subscription_is_created_once(feed: Any) -> None:
    """200 with the key shown once; without a UUID 4 as key 400; the same key repeats the answer for 24 hours."""
    bill, hook = feed.bill, feed.hook
    wish = feed.wish(hook.url, BILL_EVENTS)
    for key in ({}, {"X-Idempotent-Key": "1"}, {"X-Idempotent-Key": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}):
        assert (await bill.events("POST", "/subscriptions", wish, headers={**bill.headers, **key})).status == 400
    headers = feed.with_key()
    first = await bill.events("POST", "/subscriptions", wish, headers=headers)
    again = await bill.events("POST", "/subscriptions", wish, headers=headers)
    assert first.status == 200
    assert again.body == first.body
    shown = (await bill.events("GET", f"/subscriptions/{first.body['id']}")).body
    assert {**shown, "securityKey": first.body["securityKey"]} == first.body
    assert shown["status"] == {"enabled": True}
    assert (await bill.events("GET", "/subscriptions")).body == {"results": [shown]}
    await bill.operator.advance(24 * 3600 + 1)
    await bill.login()
    again = await bill.events("POST", "/subscriptions", wish, headers={**headers, **bill.headers})
    assert again.status == 400


async def test_sim_bill_12_failed_call_is_run_again_for_its_key(feed: Any) -> None:
    """After a refusal the same key is free: the corrected call runs."""
    bill, hook = feed.bill, feed.hook
    headers = feed.with_key()
    wrong = feed.wish("http://127.0.0.1/hook", BILL_EVENTS)
    assert (await bill.events("POST", "/subscriptions", wrong, headers=headers)).status == 400
    right = feed.wish(hook.url, BILL_EVENTS)
    assert (await bill.events("POST", "/subscriptions", right, headers=headers)).status == 200


async def test_sim_bill_12_catalog_and_unknown_events(feed: Any) -> None:
    """A bare array; no payment.created, no vendor-credit events."""
    bill = feed.bill
    catalog = (await bill.events("GET", "/events/catalog")).body
    types = {one["type"] for one in catalog}
    assert {"payment.updated", "payment.failed", "vendor.created"} <= types
    assert not {"payment.created", "vendor-credit.created"} & types
    assert (await feed.subscribe("payment.created")).status == 400
    await bill.operator.switch(payment_events_allowed=False)
    reply = await feed.subscribe("payment.updated")
    assert (reply.status, reply.codes) == (403, ["BDC_1145"])


async def test_sim_bill_12_ten_subscriptions_and_no_duplicates(feed: Any) -> None:
    """The eleventh is refused, and one with the same events and address."""
    bill, hook = feed.bill, feed.hook
    assert (await feed.subscribe("bill.created", "bill.updated")).status == 200
    assert (await feed.subscribe("bill.updated", "bill.created", name="t")).status == 400
    for number in range(9):
        assert (await feed.subscribe(url=f"{hook.url}?{number}")).status == 200
    assert (await feed.subscribe(url=f"{hook.url}?10")).status == 400
    page = (await bill.events("GET", "/subscriptions", max="6")).body
    assert (len(page["results"]), "prevPage" in page) == (6, False)
    rest = (await bill.events("GET", "/subscriptions", max="6", page=page["nextPage"])).body
    assert (len(rest["results"]), "nextPage" in rest) == (4, False)


async def test_sim_bill_12_change_and_delete(feed: Any) -> None:
    """PATCH changes name and status, PUT the events too, DELETE ends it: 404."""
    bill, hook = feed.bill, feed.hook
    made = (await feed.subscribe()).body
    path = f"/subscriptions/{made['id']}"
    patched = await bill.events("PATCH", path, {"status": {"enabled": False}})
    assert (patched.body["status"], patched.body["name"]) == ({"enabled": False}, "s")
    put = await bill.events("PUT", path, feed.wish(hook.url, ["vendor.created"], "other"))
    assert (put.body["events"], put.body["name"]) == ([{"type": "vendor.created", "version": "1"}], "other")
    gone = await bill.events("DELETE", path)
    assert (gone.status, gone.body) == (200, None)
    assert (await bill.events("GET", path)).codes == ["BDC_1205"]


async def test_sim_bill_12_subscription_belongs_to_its_organization(bill_world: Any, feed_of: Any, hook: Any) -> None:
    """Another organization under the same key neither sees it nor has its events."""
    user = {"username": "u", "password": "p", "role": "ADMINISTRATOR"}
    orgs = [{"id": one, "users": [user]} for one in ("00801A", "00801B")]
    async with bill_world({"dev_keys": ["one"], "organizations": orgs}) as bill:
        credentials = {"username": "u", "password": "p", "devKey": "one"}
        await bill.login(organizationId="00801A", **credentials)
        made = (await feed_of(bill, hook).subscribe("vendor.created")).body
        await bill.login(organizationId="00801B", **credentials)
        await bill.new_vendor("V")
        assert (await bill.events("GET", f"/subscriptions/{made['id']}")).codes == ["BDC_1205"]
        assert (await bill.events("GET", "/subscriptions")).body["results"] == []
        await bill.login(organizationId="00801A", **credentials)
        assert (await bill.events("GET", f"/events/subscription/{made['id']}")).body["results"] == []


async def test_sim_bill_12_notification_of_a_bill(feed: Any) -> None:
    """Minified JSON with metadata and bill; date-time for the invoice; no lines, no amounts paid or due."""
    bill, hook = feed.bill, feed.hook
    made = (await feed.subscribe()).body
    one = await bill.new_bill("N-é", 5)
    body = (await hook.until(1))[0]
    raw, signature = hook.came[0]
    assert raw == json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    assert signature == feed.signature(made["securityKey"], raw)
    assert signature != feed.signature(made["securityKey"], raw + b" ")
    assert set(body) == {"metadata", "bill"}
    assert set(body["metadata"]) == {"eventId", "subscriptionId", "organizationId", "eventType", "version"}
    assert (body["metadata"]["eventType"], body["metadata"]["subscriptionId"]) == ("bill.created", made["id"])
    assert body["bill"]["invoice"] == {"invoiceNumber": "N-é", "invoiceDate": "2026-12-31T00:00:00.000Z"}
    assert body["bill"]["id"] == one["id"]
    assert not {"billLineItems", "approvalStatus", "dueAmount", "paidAmount", "vendorName"} & set(body["bill"])
    await bill.call("PATCH", f"/bills/{one['id']}", {"description": "x"})
    assert (await hook.until(2))[1]["bill"]["vendorName"] == "Happy Music Supplies"


async def test_sim_bill_12_notifications_of_a_payment(feed: Any) -> None:
    """payment.updated carries singleStatus and bill ids but no amounts per bill; the bill raises nothing."""
    bill, hook = feed.bill, feed.hook
    await feed.subscribe("payment.updated", "bill.updated")
    one = await bill.new_bill("P-1", 100)
    wish = {"action": "create", "bills": [{"billId": one["id"]}]}
    made = (await bill.operator.post("payments", wish))["payments"][0]
    await bill.operator.post("payments", {"action": "cancel", "id": made["id"]})
    bodies = await hook.until(2)
    payments = [body["payment"] for body in bodies]
    assert [one["status"] for one in payments] == ["SCHEDULED", "CANCELED"]
    assert payments[0]["billIds"] == [one["id"]]
    assert "billPayments" not in payments[0]
    assert payments[0]["funding"]["amount"] == 100
    assert payments[0]["disbursement"]["disbursementAccount"] == {}
    assert payments[0]["vendor"]["name"] == "Happy Music Supplies"


@pytest.mark.parametrize("where", ["beside", "inside"])
async def test_sim_bill_12_payment_failed_has_no_payment_id(feed: Any, where: str) -> None:
    """A creation that failed: bills with amounts, errors beside or inside the payment, nothing in the list."""
    bill, hook = feed.bill, feed.hook
    await bill.operator.switch(payment_failed_errors=where)
    await feed.subscribe("payment.failed")
    one = await bill.new_bill("P-1", 100)
    await bill.operator.post("payments", {"action": "fail", "bills": [{"billId": one["id"]}]})
    body = (await hook.until(1))[0]
    assert body["payment"]["bills"] == [{"id": one["id"], "amount": 100}]
    assert "id" not in body["payment"]
    errors = body["payment"]["errors"] if where == "inside" else body["errors"]
    assert errors[0]["code"] == "BDC_1151"
    assert (await bill.get("/payments")).body["results"] == []


async def test_sim_bill_12_vendor_notification(feed: Any) -> None:
    """All fields of the vendor; the account number as a number with the switch."""
    bill, hook = feed.bill, feed.hook
    await bill.operator.switch(webhook_numeric_account_number=True)
    await feed.subscribe("vendor.created")
    await bill.new_vendor("V", accountNumber="12345", shortName="V10")
    body = (await hook.until(1))[0]
    assert (body["vendor"]["accountNumber"], body["vendor"]["shortName"]) == (12345, "V10")


async def test_sim_bill_12_test_event(feed: Any) -> None:
    """A signed event with the values that were given, answered as an item with the status; not in the history."""
    bill, hook = feed.bill, feed.hook
    made = (await feed.subscribe()).body
    path = f"/subscriptions/{made['id']}/test"
    reply = await bill.events("POST", path, {"eventType": "bill.created", "version": "1", "bill": {"id": "00nX"}})
    assert (reply.status, reply.body["statusCode"], reply.body["type"]) == (200, 200, "bill.created")
    assert json.loads(reply.body["payload"]) == (await hook.until(1))[0]
    assert hook.came[0][1] == feed.signature(made["securityKey"], hook.came[0][0])
    assert (await bill.events("POST", path)).status == 200
    assert (await bill.events("GET", f"/events/subscription/{made['id']}")).body["results"] == []


@pytest.mark.parametrize("spelling", ["security_key", "security-key"])
async def test_sim_bill_12_key_rotation(feed: Any, spelling: str) -> None:
    """A new key signs from now on, or after the lag of the switch; both spellings of the path."""
    bill, hook = feed.bill, feed.hook
    made = (await feed.subscribe()).body
    await bill.operator.switch(key_rotation_lag_seconds=60)
    path = f"/subscriptions/{made['id']}/{spelling}"
    assert (await bill.events("POST", path)).status == 400
    new = (await bill.events("POST", path, headers=feed.with_key())).body["securityKey"]
    await bill.new_bill("K-1", 1)
    await hook.until(1)
    await bill.operator.advance(61)
    await bill.new_bill("K-2", 1)
    await hook.until(2)
    assert [signature for _, signature in hook.came] == [
        feed.signature(made["securityKey"], hook.came[0][0]),
        feed.signature(new, hook.came[1][0]),
    ]


@pytest.mark.parametrize("form", ["string", "item"])
async def test_sim_bill_12_other_forms_of_the_body(feed: Any, form: str) -> None:
    """The body as a JSON string, or as an event item; signed over what is sent."""
    bill, hook = feed.bill, feed.hook
    made = (await feed.subscribe()).body
    await bill.operator.switch(webhook_body=form)
    await bill.new_bill("F-1", 1)
    body = (await hook.until(1))[0]
    inside = body if form == "string" else body["payload"]
    assert json.loads(inside)["bill"]["invoice"]["invoiceNumber"] == "F-1"
    assert hook.came[0][1] == feed.signature(made["securityKey"], hook.came[0][0])


async def test_sim_bill_12_deleted_subscription_is_silent(feed: Any) -> None:
    """A person deletes it in BILL: 404, and nothing comes."""
    bill = feed.bill
    made = (await feed.subscribe()).body
    await bill.operator.post("webhooks", {"delete": made["id"]})
    assert (await bill.events("GET", f"/subscriptions/{made['id']}")).status == 404
    await bill.new_bill("X", 1)
    assert (await bill.operator.get("webhooks"))["pending"] == 0
