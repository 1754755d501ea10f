"""Journeys through BILL as its users make them: by documented calls only, every answer kept."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

from support.bill_caller import ADDRESS, DEV_KEY, ORGANIZATION, RAW, SIGN_IN, Bill, Hook, wanted
from support.recorded_journeys import Document


async def sign_in(bill: Bill) -> list[Document]:
    """A session from its beginning to its end, and what a wrong credential is told."""
    await bill.call("GET", "/login/session")
    await bill.call("GET", "/vendors", devKey="01ANOTHERKEY")
    for wrong in ({"password": "wrong"}, {"devKey": "01UNKNOWN"}, {"organizationId": "00801UNKNOWN"}, {"username": ""}):
        await bill.login(**wrong)
    await bill.login(username="tieout-sync", password="sandbox-sync-token")
    await bill.call("POST", "/logout")
    await bill.call("GET", "/login/session")
    await bill.call("GET", "/vendors/00901SANDBOXHAPPYMUS")
    await bill.call("POST", "/vendors", {"name": "Nobody", "address": ADDRESS})
    await bill.operator.switch(logins_per_hour=1)
    await bill.login()
    return []


async def classifications(bill: Bill) -> list[Document]:
    """Accounts, departments, locations and jobs: all that Tieout does with each."""
    account = {"name": "Travel", "description": "Trains", "account": {"type": "EXPENSE", "number": "6200"}}
    more = [{"name": f"Income {n}", "account": {"type": "INCOME", "number": f"70{n}"}} for n in range(2)]
    await _master(bill, "/classifications/chart-of-accounts", account, more, {"description": "Trains and ships"})
    for kind in ("departments", "locations", "jobs"):
        more = [{"name": f"{kind} {n}", "shortName": f"N{n}"} for n in range(2)]
        body = {"name": f"{kind} first", "shortName": "F", "description": "The first"}
        await _master(bill, f"/classifications/{kind}", body, more, {"name": f"{kind} renamed"})
    await bill.call("POST", "/classifications/jobs", {"description": "without a name"})
    await bill.call("POST", "/classifications/jobs/bulk", [{"name": "good"}, {"description": "bad"}])
    await bill.operator.switch(classifications_off=["jobs"])
    await bill.call("GET", "/classifications/jobs")
    return []


async def vendors(bill: Bill) -> list[Document]:
    """Vendors with little and with much, alone and in bulk."""
    body = {
        "name": "Harbour Supplies", "shortName": "20000", "accountNumber": "C-17", "accountType": "BUSINESS",
        "email": "ap@harbour.example", "phone": "5035550100", "address": {**ADDRESS, "line2": "Hall 2"},
        "billCurrency": "USD", "additionalInfo": {"companyName": "Harbour Supplies LLC", "track1099": True},
        "paymentInformation": {"payeeName": "Harbour Supplies LLC", "email": "remit@harbour.example"},
    }  # fmt: skip
    plain = [{"name": f"Plain {n}", "address": ADDRESS} for n in range(2)]
    await _master(bill, "/vendors", body, plain, {"email": "office@harbour.example"})
    await bill.call("POST", "/vendors", {"name": "No address"})
    await bill.call("POST", "/vendors", {"name": "Wrong country", "address": {**ADDRESS, "country": "USA"}})
    await bill.call("POST", "/vendors/bulk", [plain[0], {"name": "No address"}])
    await bill.call("POST", "/vendors/bulk", [plain[0]] * 21)
    await bill.call("GET", "/vendors?filters=phone:eq:1")
    await bill.call("GET", "/vendors?filters=name:gt:A")
    paid = await bill.vendor("Paid by bank")
    account = {"nameOnAccount": "P", "accountNumber": "111222333", "routingNumber": "074000010", "type": "CHECKING"}
    await bill.person(do="bank_account", kind="vendor", id=paid, body={**account, "ownerType": "BUSINESS"})
    await bill.call("GET", f"/vendors/{paid}")
    await bill.operator.switch(error_items="minimal_shape")
    await bill.call("POST", "/vendors", {"name": "No address"}, expect="errors.json#/$defs/bare")
    return []


async def bills(bill: Bill) -> list[Document]:
    """A bill's life, in bulk too, and what BILL refuses."""
    vendor = await bill.vendor("Nordlys", billCurrency="USD")
    department = await bill.call("POST", "/classifications/departments", {"name": "Sales"})
    lines = [{"quantity": 2, "price": 10.5, "classifications": {"departmentId": department["id"]}}, {"amount": -1.5}]
    header = {"departmentId": department["id"]}
    more = {"description": "Rope", "purchaseOrderNumber": "PO-1", "billLineItems": lines, "classifications": header}
    one = await bill.bill("108031", vendor, **more)
    path = f"/bills/{one['id']}"
    await bill.call("GET", path)
    await bill.call("GET", f"{path}?billApprovals=true")
    await bill.call("PATCH", path, {"description": "Rope and twine"})
    kept = {"id": one["billLineItems"][0]["id"], "amount": 20, "description": "Rope"}
    await bill.call("PUT", path, wanted("108031", vendor, billLineItems=[kept, {"amount": 3.25}]))
    await bill.call("POST", f"{path}/archive")
    await bill.call("POST", f"{path}/restore")
    await bill.call("POST", "/bills/bulk", [wanted("B-1", vendor, 10), wanted("B-2", vendor, 20.25)])
    await bill.call("POST", "/bills/bulk", [wanted("B-3", vendor, 10), wanted("B-4", "00901NOBODY0000000000", 20)])
    await bill.call("POST", "/bills/bulk", [wanted("B-5", vendor, 10), wanted("B" * 22, vendor, 20)])
    await _lists(bill, "/bills")
    await bill.call(
        "GET", f'/bills?filters=vendorId:eq:{vendor},createdTime:gte:"2020-01-01T00:00:00.000Z"&sort=createdTime:desc'
    )
    await bill.call("GET", "/bills?filters=invoice.invoiceNumber:eq:108031")
    for refused in (wanted("B" * 22, vendor, 1), wanted("B-6", "00901NOBODY0000000000", 1), wanted("B-7", vendor)):
        await bill.call("POST", "/bills", refused)
    await bill.call("POST", "/bills", b"{")
    await bill.call("GET", "/bills/00n01NOTHING000000000")
    await bill.pay(action="create", bills=[{"billId": one["id"]}])
    await bill.call("PATCH", path, {"billLineItems": [{"amount": 5}]})
    await bill.operator.switch(duplicate_invoice_refused=True)
    await bill.bill("108031", vendor, 1)
    await bill.operator.switch(doubled_messages=True)
    await bill.bill("108031", vendor, 1)
    return []


async def approvals(bill: Bill) -> list[Document]:
    """A bill that BILL approves again."""
    vendor = await bill.vendor("Watched")
    await bill.login(username="admin@sandbox.example", password="sandbox-admin")
    rule = [{"key": "BILL_AMOUNT", "op": "gte", "values": ["1"]}]
    approvers = ["00601SANDBOXAPPROVER", "00601SANDBOXADMINIST"]
    policy = {"policyName": "All", "rules": rule, "approvers": approvers}
    async with bill.recorder.http.post(
        f"{bill.url}/connect/v3/bill-approvals/policies", json=policy, headers=bill.headers
    ) as answer:
        assert answer.status == 201, await answer.text()
    await bill.login()
    for number, deeds in (("A-1", ("approve",)), ("A-2", ("approve", "approve")), ("A-3", ("deny",))):
        one = await bill.bill(number, vendor, 50, billApprovals=True)
        for deed in deeds:
            await bill.person(do=deed, kind="bill", id=one["id"])
        await bill.call("GET", f"/bills/{one['id']}?billApprovals=true")
    await bill.call("GET", "/bills")
    return []


async def payments(bill: Bill) -> list[Document]:
    """Payments as people make them, and one told to BILL."""
    vendor = await bill.vendor("Paid often")
    made = [await bill.bill(f"P-{n}", vendor, 100.5) for n in range(9)]
    ids = [one["id"] for one in made]
    card = {"fundingAccount": {"type": "CARD_ACCOUNT", "id": "cat01SANDBOXCARDVISA"}}
    check = {"disbursementType": "CHECK", "description": "Thank you"}
    ways: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
        (check, [{"action": "advance"}] * 6),
        (card, [{"action": "advance", "to": "PROCESSED"}, {"action": "void", "reason": "Twice"}]),
        ({}, [{"action": "cancel"}]),
        ({}, [{"action": "advance", "to": "CLEARED"}, {"action": "return"}]),
        ({"fundingAccount": {"type": "WALLET"}}, [{"action": "advance", "to": "PROCESSED"}, {"action": "bounce"}]),
        ({}, [{"action": "advance", "to": "SENT"}, {"action": "void", "pending": True}]),
    ]
    for number, (more, deeds) in enumerate(ways):
        created = await bill.pay(action="create", bills=[{"billId": ids[number]}], **more)
        payment = _first(created)["id"]
        await bill.call("GET", f"/payments/{payment}")
        for deed in deeds:
            await bill.pay(id=payment, **deed)
            await bill.call("GET", f"/payments/{payment}")
        await bill.call("GET", f"/bills/{ids[number]}")
    await bill.pay(action="create", bills=[{"billId": ids[6]}, {"billId": ids[7], "amount": 40}], to="PROCESSED")
    told = {"vendorId": vendor, "processDate": "2026-12-01", "toPrintCheck": False, "syncReference": "108040"}
    recorded = await bill.call(
        "POST", "/bills/record-payment", {**told, "payments": [{"billId": ids[8], "amount": 60.25}]}
    )
    await bill.call("GET", f"/payments/{recorded['id']}")
    await bill.call("POST", "/bills/record-payment", {**told, "payments": [{"billId": ids[8], "amount": 999}]})
    await bill.call("POST", "/bills/record-payment", {"vendorId": vendor})
    await _lists(bill, "/payments")
    await bill.call("GET", f"/payments?filters=vendorId:eq:{vendor},processDate:eq:2026-12-01")
    await bill.call("GET", f"/payments?filters=billId:eq:{ids[0]}")
    await bill.call("GET", "/payments/stp01NOTHING000000000")
    await bill.call("GET", "/bills")
    return []


async def credits_of_vendors(bill: Bill) -> list[Document]:
    """A vendor's credit, used on a bill and archived."""
    vendor = await bill.vendor("Returns")
    lines = [{"amount": 30, "description": "Broken"}, {"amount": 12.5}]
    body = {"vendorId": vendor, "referenceNumber": "C-1", "creditDate": "2026-11-20", "vendorCreditLineItems": lines}
    one = await bill.call("POST", "/vendor-credits", body)
    other = await bill.call("POST", "/vendor-credits", {**body, "referenceNumber": "C-2", "description": "Unused"})
    owed = await bill.bill("R-1", vendor, 100)
    await bill.call("PATCH", f"/bills/{owed['id']}", {"vendorCredits": [{"id": one["id"], "amount": 20}]})
    await bill.call("GET", f"/bills/{owed['id']}")
    await bill.call("GET", f"/vendor-credits/{one['id']}")
    await _lists(bill, "/vendor-credits")
    await bill.call("POST", f"/vendor-credits/{other['id']}/archive")
    await bill.call("POST", "/vendor-credits", {"vendorId": vendor})
    await bill.call("GET", "/vendor-credits/vcr01NOTHING000000000")
    return []


async def documents(bill: Bill) -> list[Document]:
    """A document on its way to a bill."""
    vendor = await bill.vendor("Papers")
    owed = await bill.bill("D-1", vendor, 9.99)
    path = f"/documents/bills/{owed['id']}"
    await bill.call("GET", path)
    first = await bill.call("POST", f"{path}?name=invoice 1.pdf", b"%PDF-1.4 one", **RAW)
    await bill.call("GET", f"/documents/upload-status?ids={first['id']}")
    await bill.operator.advance(600)
    await bill.call("GET", f"/documents/upload-status?ids={first['id']}")
    await bill.call("POST", f"{path}?name=second.pdf", b"%PDF-1.4 two", **RAW)
    await bill.operator.advance(600)
    await bill.call("GET", path)
    await bill.call("GET", f"{path}?max=1")
    await bill.call("POST", f"{path}?name=large.pdf", b"x" * 6_300_000, **RAW)
    await bill.call("POST", "/documents/bills/00n01NOTHING000000000?name=a.pdf", b"%PDF", **RAW)
    return []


async def organization(bill: Bill) -> list[Document]:
    """What a check of the connection reads."""
    await bill.call("GET", "/funding-accounts/banks")
    await bill.call("GET", "/funding-accounts/permissions")
    await bill.call("GET", "/users/00601SANDBOXSYNCUSER")
    await bill.call("GET", f"/organizations/{ORGANIZATION}")
    await bill.login(username="admin@sandbox.example", password="sandbox-admin")
    await bill.call("GET", f"/organizations/{ORGANIZATION}")
    return []


async def webhooks(bill: Bill) -> list[Document]:
    """Subscriptions, and everything that BILL sends to one."""
    await bill.events("GET", "/events/catalog")
    kinds = [f"{kind}.{what}" for kind in ("vendor", "bill") for what in ("created", "updated", "archived", "restored")]
    wish = _subscription(bill.hook.url, *kinds, "payment.updated", "payment.failed")
    made = await bill.events("POST", "/subscriptions", wish, X_Idempotent_Key=str(uuid4()))
    path = f"/subscriptions/{made['id']}"
    vendor = await bill.vendor("Heard of", accountNumber="17", email="a@heard.example")
    owed = await bill.bill("W-1", vendor, 75, purchaseOrderNumber="PO-9", description="Oars")
    for where, change in (
        (f"/vendors/{vendor}", {"email": "b@heard.example"}),
        (f"/bills/{owed['id']}", {"dueDate": "2026-12-31"}),
    ):
        await bill.call("PATCH", where, change)
        await bill.call("POST", f"{where}/archive")
        await bill.call("POST", f"{where}/restore")
    await bill.pay(action="create", bills=[{"billId": owed["id"], "amount": 30}], to="SENT")
    await bill.pay(action="fail", bills=[{"billId": owed["id"], "amount": 10}])
    await bill.hook.until(*kinds, "payment.updated", "payment.failed")
    delivered = _deliveries(bill.hook, made["securityKey"])
    await bill.events("GET", "/subscriptions")
    await bill.events("GET", path)
    page = await bill.events("GET", f"/events/subscription/{made['id']}?max=3")
    listed = await bill.events("GET", f"/events/subscription/{made['id']}?max=100&page={page['nextPage']}")
    sent_again = await bill.events("POST", f"/events/subscription/{made['id']}/event/{page['results'][0]['id']}")
    tested = await bill.events("POST", f"{path}/test", {"eventType": "bill.created", "version": "1"})
    for item in (*page["results"], *listed["results"], sent_again):
        delivered.append(Document(f"payload of {item['type']}", "delivery.json", json.loads(item["payload"])))
    delivered.append(Document("payload of a test", "delivery.json#/$defs/told", json.loads(tested["payload"])))
    await bill.events("PATCH", path, {"name": "Renamed", "status": {"enabled": False}})
    await bill.events("PUT", path, _subscription(bill.hook.url, "bill.created"))
    await bill.events("POST", f"{path}/security_key", X_Idempotent_Key=str(uuid4()))
    await _refused_subscriptions(bill, path)
    await bill.events("DELETE", path)
    await bill.events("GET", path)
    return delivered


async def _refused_subscriptions(bill: Bill, path: str) -> None:
    again = _subscription(bill.hook.url, "bill.created")
    await bill.events("POST", "/subscriptions", again, X_Idempotent_Key=str(uuid4()))
    await bill.events("POST", "/subscriptions", again)
    await bill.events("POST", f"{path}/security_key", X_Idempotent_Key="no-uuid")
    await bill.operator.switch(payment_events_allowed=False)
    wish = _subscription(bill.hook.url, "payment.updated")
    await bill.events("POST", "/subscriptions", wish, X_Idempotent_Key=str(uuid4()))
    await bill.events("GET", "/subscriptions", sessionId="unknown")
    good, bill.headers = bill.headers, {"devKey": DEV_KEY}
    await bill.events("GET", "/subscriptions")
    bill.headers = good


async def trouble(bill: Bill) -> list[Document]:
    """The gateway down, locked, forbidden, throttled: on a list, a record, a write, a bulk and a sign-in."""
    calls: list[tuple[str, str, object]] = [
        ("GET", "/vendors", None),
        ("GET", "/vendors/00901SANDBOXHAPPYMUS", None),
        ("POST", "/vendors", {"name": "N", "address": ADDRESS}),
        ("POST", "/vendors/bulk", [{"name": "N", "address": ADDRESS}]),
        ("POST", "/login", SIGN_IN),
    ]
    states: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"html_502": True}, {"html_502": False}),
        ({"locked_organizations": [ORGANIZATION]}, {"locked_organizations": []}),
        ({"denied_operations": ["vendors.read", "vendors.write"]}, {"denied_operations": []}),
        ({"calls_per_hour": 0, "logins_per_hour": 0}, {"calls_per_hour": 20_000, "logins_per_hour": 200}),
    ]
    for on, off in states:
        await bill.operator.switch(**on)
        for method, path, content in calls:
            await bill.call(method, path, content)
        await bill.operator.switch(**off)
    await bill.operator.switch(latency_seconds=0.2)
    await asyncio.gather(*(bill.call("GET", "/vendors") for _ in range(4)))
    await bill.operator.switch(latency_seconds=0.0, html_502=True)
    await bill.events("GET", "/events/catalog")
    return []


JOURNEYS: Final[dict[str, Callable[[Bill], Awaitable[list[Document]]]]] = {
    one.__name__: one
    for one in (
        sign_in, classifications, vendors, bills, approvals, payments, credits_of_vendors, documents, organization,
        webhooks, trouble,
    )
}  # fmt: skip


async def _master(bill: Bill, path: str, body: object, more: list[Any], change: object) -> None:
    """Everything that Tieout does with one kind of master."""
    made = await bill.call("POST", path, body)
    one = f"{path}/{made['id']}"
    await bill.call("GET", one)
    await bill.call("PATCH", one, change)
    await bill.call("POST", f"{one}/archive")
    await bill.call("POST", f"{one}/restore")
    await bill.call("POST", f"{path}/bulk", more)
    await _lists(bill, path)
    await bill.call("GET", f"{path}/{made['id'][:3]}01NOTHING000000000")


async def _lists(bill: Bill, path: str) -> None:
    """A list whole and page by page; sizes that no page has."""
    await bill.call("GET", path)
    page = await bill.call("GET", f"{path}?max=1&sort=updatedTime:asc")
    await bill.call("GET", f"{path}?max=1&sort=updatedTime:asc&page={page['nextPage']}")
    for size in ("0", "101"):
        await bill.call("GET", f"{path}?max={size}")


def _subscription(url: str, *kinds: str) -> dict[str, Any]:
    events = [{"type": kind, "version": "1"} for kind in kinds]
    return {"name": "Tieout", "status": {"enabled": True}, "events": events, "notificationUrl": url}


def _deliveries(hook: Hook, key: str) -> list[Document]:
    """Each notification, its headers, and whether the bytes are those that were signed, and minified."""
    made = []
    for body, headers in hook.came:
        document = json.loads(body)
        what = document["metadata"]["eventType"]
        signature = base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()
        assert headers["x-bill-sha-signature"] == signature, what
        assert len(body) == len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()), what
        made.append(Document(what, "delivery.json", document))
        made.append(Document(f"headers of {what}", "delivery.json#/$defs/headers", headers))
    return made


def _first(created: Any) -> Any:
    return created[0] if isinstance(created, list) else created["payments"][0]
