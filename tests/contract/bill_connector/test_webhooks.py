"""Webhooks of BILL's simulator, delivered over TLS to an address of the test and taken in by the connector."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid1, uuid4

import aiohttp
import pytest
from aiohttp import web

from tieout.domain.bill import BillContent, BillLineContent, BillVendorContent
from tieout.domain.bill_events import BillSubscription, EventType, Subject, SubscribedEvent
from tieout.domain.errors import InDoubt, Reject
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.settings import Addresses, CredentialKind, Credentials
from tieout_connectors.bill.signature import HEADER, is_genuine
from tieout_connectors.bill.wire.events import read_event, unwrap
from tieout_connectors.http.call import open_session
from tieout_sandbox.bill.default_world import DEV_KEY, ORGANIZATION, PASSWORD, USERNAME, VENDOR
from tieout_sandbox.kernel.operator import Operator
from tieout_sandbox.kernel.server import Server
from tieout_sandbox.systems import simulator

CREDENTIALS = Credentials(USERNAME, PASSWORD, ORGANIZATION, DEV_KEY, CredentialKind.USER)
EVENTS = [
    SubscribedEvent(type=kind.value)
    for kind in (EventType.BILL_CREATED, EventType.VENDOR_UPDATED, EventType.PAYMENT_UPDATED, EventType.PAYMENT_FAILED)
]
NOWHERE = "https://127.0.0.1:9/webhooks"


@dataclass
class Ear:
    """An address that BILL delivers to, and what it has heard."""

    url: str = ""
    answer: int = 200
    heard: asyncio.Queue[tuple[bytes, str]] = field(default_factory=asyncio.Queue)

    async def next(self) -> tuple[bytes, str]:
        """The next delivery: its bytes and its signature."""
        async with asyncio.timeout(20):
            return await self.heard.get()


@asynccontextmanager
async def listening(tls: Any) -> AsyncIterator[Ear]:
    """An ear on loopback with a certificate of the throw-away authority."""
    ear = Ear()

    async def take(request: web.Request) -> web.Response:
        await ear.heard.put((await request.read(), request.headers.get(HEADER, "")))
        return web.Response(status=ear.answer)

    app = web.Application()
    app.add_routes([web.post("/webhooks", take)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.server()).start()
    ear.url = f"https://127.0.0.1:{runner.addresses[0][1]}/webhooks"
    try:
        yield ear
    finally:
        await runner.cleanup()


@dataclass
class Site:
    """A simulator that trusts the throw-away authority, and a client."""

    operator: Operator
    client: BillClient
    ear: Ear


@pytest.fixture
async def site(loopback_ca: Any) -> AsyncIterator[Site]:
    """The default world and an ear."""
    async with (
        listening(loopback_ca) as ear,
        Server(simulator("bill", None, loopback_ca.ca_file)) as url,
        Operator(url) as operator,
        open_session() as http,
    ):
        yield Site(operator, client_of(http, url), ear)


def client_of(http: aiohttp.ClientSession, url: str) -> BillClient:
    return BillClient(http, Addresses.at(url), CREDENTIALS)


def bill(number: str) -> BillContent:
    return BillContent(
        vendor=VENDOR,
        invoice_number=number,
        invoice_date=date(2026, 11, 30),
        due_date=date(2026, 12, 31),
        lines=(BillLineContent(amount=Decimal("100.10")),),
    )


@pytest.mark.promise("C4")
@pytest.mark.parametrize("shape", ["object", "string", "item"])
async def test_a_delivery_is_genuine_over_its_bytes_and_names_the_bill(site: Site, shape: str) -> None:
    """Signed with the key that was shown once; the same bytes with another key or a blank more are refused."""
    await site.operator.switch(webhook_body=shape)
    new = await site.client.subscriptions.create("Tieout", EVENTS, site.ear.url, key=uuid4())
    made = await site.client.bills.create(bill("W-1"))
    body, signature = await site.ear.next()
    assert is_genuine(body, signature, [new.security_key])
    assert not is_genuine(body, signature, ["another-key"])
    assert not is_genuine(body + b" ", signature, [new.security_key])
    event = read_event(unwrap(body))
    assert (event.subject, event.record, event.vendor, event.type, event.organization) == (
        Subject.BILL,
        made.id,
        VENDOR,
        "bill.created",
        ORGANIZATION,
    )


@pytest.mark.parametrize("errors", ["beside", "inside"])
async def test_a_payment_event_leads_to_the_payment_and_a_failed_one_to_its_bills(site: Site, errors: str) -> None:
    """The allocation is read from the payment; a creation that failed has no payment at all."""
    await site.operator.switch(payment_failed_errors=errors)
    await site.client.subscriptions.create("Tieout", EVENTS, site.ear.url, key=uuid4())
    made = await site.client.bills.create(bill("W-1"))
    await site.ear.next()
    order = {"action": "fail", "bills": [{"billId": made.id, "amount": 100.10}], "code": "BDC_1151", "message": "No."}
    await site.operator.post("payments", order)
    failed = read_event(unwrap((await site.ear.next())[0]))
    assert (failed.record, failed.bills, [one.code for one in failed.problems]) == ("", (made.id,), ["BDC_1151"])
    paid = {"action": "create", "bills": [{"billId": made.id}], "to": "PROCESSED"}
    (payment,) = (await site.operator.post("payments", paid))["payments"]
    event = read_event(unwrap((await site.ear.next())[0]))
    assert (event.subject, event.record, event.bills) == (Subject.PAYMENT, payment["id"], (made.id,))
    read = await site.client.payments.get(event.record)
    assert [(part.bill, part.amount) for part in read.parts] == [(made.id, Decimal("100.10"))]


async def test_a_number_in_place_of_an_account_number_is_read(site: Site) -> None:
    """One sample of BILL's has it so."""
    await site.operator.switch(webhook_numeric_account_number=True)
    await site.client.subscriptions.create("Tieout", EVENTS, site.ear.url, key=uuid4())
    current = await site.client.vendors.get(VENDOR)
    await site.client.vendors.patch(
        VENDOR,
        BillVendorContent(name="Happy Music", short_name=current.short_name, currency="USD", address=current.address),
    )
    event = read_event(unwrap((await site.ear.next())[0]))
    assert (event.subject, event.record) == (Subject.VENDOR, VENDOR)


@pytest.mark.promise("C5")
async def test_a_feed_that_went_silent_is_seen_revived_and_its_gap_read_from_the_history(site: Site) -> None:
    """Half a minute of wrong answers switches the feed off; nothing is lost for it."""
    new = await site.client.subscriptions.create("Tieout", EVENTS, site.ear.url, key=uuid4())
    await site.operator.post("webhooks", {"disable": new.subscription.id})
    assert (await site.client.subscriptions.get(new.subscription.id)).enabled is False
    made = await site.client.bills.create(bill("W-1"))
    revived = await site.client.subscriptions.enable(new.subscription.id)
    assert revived.enabled is True
    since = datetime.now(UTC) - timedelta(minutes=10)
    missed = [
        read_event(unwrap(one.payload))
        async for one in site.client.events.history(new.subscription.id, created_since=since)
    ]
    assert [one.record for one in missed] == [made.id]


async def test_one_event_is_delivered_again_on_demand(site: Site) -> None:
    """With the same event id, so that it counts once."""
    new = await site.client.subscriptions.create("Tieout", EVENTS, site.ear.url, key=uuid4())
    await site.client.bills.create(bill("W-1"))
    first = read_event(unwrap((await site.ear.next())[0]))
    await site.client.events.resend(new.subscription.id, first.id)
    again = read_event(unwrap((await site.ear.next())[0]))
    assert again == first


async def test_a_test_notification_is_readable(site: Site) -> None:
    """What ``tieout`` sends itself to prove the way in."""
    new = await site.client.subscriptions.create("Tieout", EVENTS, site.ear.url, key=uuid4())
    sent = await site.client.subscriptions.test(new.subscription.id, EVENTS[0])
    assert read_event(unwrap(sent.payload)).type == "bill.created"


@pytest.mark.promise("C4")
async def test_a_creation_whose_answer_was_lost_is_repeated_with_its_key_and_gives_the_same_security_key(
    site: Site,
) -> None:
    """The security key is shown once, and is not lost with an answer."""
    key = uuid4()
    await site.client.subscriptions.catalog()
    await site.operator.fault("drop_after", method="POST", path="/v3/subscriptions$")
    with pytest.raises(InDoubt):
        await site.client.subscriptions.create("Tieout", EVENTS, site.ear.url, key=key)
    again = await site.client.subscriptions.create("Tieout", EVENTS, site.ear.url, key=key)
    assert [one.id async for one in site.client.subscriptions.all()] == [again.subscription.id]
    await site.client.bills.create(bill("W-1"))
    body, signature = await site.ear.next()
    assert is_genuine(body, signature, [again.security_key])


@pytest.mark.promise("C4")
async def test_a_new_key_signs_what_comes_after(site: Site) -> None:
    """The old key may still be used for a while, so both are accepted."""
    new = await site.client.subscriptions.create("Tieout", EVENTS, site.ear.url, key=uuid4())
    later = await site.client.subscriptions.new_key(new.subscription.id, key=uuid4())
    assert later != new.security_key
    await site.client.bills.create(bill("W-1"))
    body, signature = await site.ear.next()
    assert is_genuine(body, signature, [new.security_key, later])
    assert is_genuine(body, signature, [later])


async def test_a_subscription_is_listed_replaced_and_deleted_without_showing_its_key(site: Site) -> None:
    """Everything that keeps a feed as the settings say."""
    new = await site.client.subscriptions.create("Tieout", EVENTS, NOWHERE, key=uuid4())
    (listed,) = [one async for one in site.client.subscriptions.all()]
    assert (listed.name, listed.enabled, listed.url, listed.events) == ("Tieout", True, NOWHERE, tuple(EVENTS))
    assert "security_key" not in BillSubscription.model_fields
    replaced = await site.client.subscriptions.replace(new.subscription.id, "Tieout 2", EVENTS[:1], site.ear.url)
    assert (replaced.name, replaced.events, replaced.url) == ("Tieout 2", tuple(EVENTS[:1]), site.ear.url)
    await site.client.subscriptions.delete(new.subscription.id)
    with pytest.raises(Reject):
        await site.client.subscriptions.get(new.subscription.id)


async def test_a_second_subscription_of_the_same_kind_is_rejected(site: Site) -> None:
    """A restart that forgot its subscription is told, and finds it in the list."""
    await site.client.subscriptions.create("Tieout", EVENTS, NOWHERE, key=uuid4())
    with pytest.raises(Reject):
        await site.client.subscriptions.create("Tieout", EVENTS, NOWHERE, key=uuid4())


async def test_a_key_of_another_version_costs_no_call(site: Site) -> None:
    """BILL takes version 4 only."""
    with pytest.raises(ValueError, match="version 4"):
        await site.client.subscriptions.create("Tieout", EVENTS, NOWHERE, key=uuid1())
    assert await site.operator.requests() == []
