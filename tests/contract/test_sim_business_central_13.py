"""Business Central's simulator: webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from support.business_central import Client, eventually, opened

DAY = 24 * 3600


@pytest.fixture
async def bc() -> AsyncIterator[Client]:
    """The default company."""
    async with opened() as client:
        yield client


@dataclass
class Receiver:
    """A webhook receiver on loopback. ``status`` is its answer to notifications."""

    url: str = ""
    status: int = 200
    echo: str = "{token}"
    handshakes: int = 0
    calls: list[list[dict[str, Any]]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a handshake with its token, note a notification."""
        token = request.query.get("validationToken")
        if token is not None:
            self.handshakes += 1
            return web.Response(text=self.echo.format(token=token))
        self.calls.append((await request.json())["value"])
        self.arrived.set()
        return web.Response(status=self.status)

    async def next(self) -> list[dict[str, Any]]:
        """The next notification."""
        await asyncio.wait_for(self.arrived.wait(), 10)
        self.arrived.clear()
        return self.calls[-1]


@asynccontextmanager
async def _receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/hook", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
async def hook() -> AsyncIterator[Receiver]:
    """A receiver that answers as it should."""
    async with _receiver() as receiver:
        yield receiver


async def _subscribe(bc: Client, hook: Receiver, entity: str = "vendors", **more: str) -> Any:
    resource = f"/api/v2.0/companies({bc.simulator.companies[0].id})/{entity}"
    body = {"notificationUrl": hook.url, "resource": resource, "clientState": f"secret-{entity}", **more}
    return await bc.call("POST", f"{bc.root}/subscriptions", body)


async def _subscriptions(bc: Client) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await bc.operator.get("webhooks"))["subscriptions"]
    return listed


async def _none_left(bc: Client) -> bool:
    return not await _subscriptions(bc)


# -- 13: webhooks


async def test_sim_business_central_13_creating_waits_for_the_handshake(bc: Client, hook: Receiver) -> None:
    """The receiver must answer the bare token, else there is no subscription."""
    hook.echo = '"{token}"'
    refused = await _subscribe(bc, hook)
    assert (refused.status, hook.handshakes, await _subscriptions(bc)) == (400, 1, [])
    hook.echo = "{token}"
    made = await _subscribe(bc, hook)
    assert made.status == 201
    assert len(made.body["subscriptionId"]) == 32
    assert made.body["expirationDateTime"].startswith("2026-04-23T10:00:")
    assert made.body["clientState"] == "secret-vendors"
    listed = await bc.get(f"{bc.root}/subscriptions")
    assert [one["subscriptionId"] for one in listed.value] == [made.body["subscriptionId"]]


async def test_sim_business_central_13_only_some_sets_can_be_subscribed_to(bc: Client, hook: Receiver) -> None:
    """DimensionValues and vendorPayments are refused; the live list names the others."""
    for entity in ("dimensionValues", "vendorPayments", "purchaseOrders"):
        assert (await _subscribe(bc, hook, entity)).status == 400
    base = bc.root.replace("/api/v2.0", "/api/microsoft/runtime/beta")
    listed = await bc.get(f"{base}/companies({bc.simulator.companies[0].id})/webhookSupportedResources")
    assert {"v2.0/vendors", "v2.0/purchaseInvoices"} <= {one["resource"] for one in listed.value}
    absolute = f"{bc.company}/accounts"
    assert (await _subscribe(bc, hook, resource=absolute)).status == 201


async def test_sim_business_central_13_three_days_unless_renewed(bc: Client, hook: Receiver) -> None:
    """PATCH with If-Match makes the handshake again and gives three more days; then it is gone."""
    made = (await _subscribe(bc, hook)).body
    path = f"{bc.root}/subscriptions('{made['subscriptionId']}')"
    await bc.operator.advance(2 * DAY)
    bare = await bc.call("PATCH", path, {})
    assert (bare.status, bare.code) == (400, "BadRequest_InvalidToken")
    renewed = await bc.call("PATCH", path, {}, If_Match=made["@odata.etag"])
    assert (renewed.status, hook.handshakes) == (200, 2)
    await bc.operator.advance(2 * DAY)
    assert (await bc.get(path)).status == 200
    await bc.operator.advance(DAY + 60)
    assert (await bc.get(path)).status == 404


async def test_sim_business_central_13_delete(bc: Client, hook: Receiver) -> None:
    """DELETE needs If-Match and answers 204."""
    made = (await _subscribe(bc, hook)).body
    path = f"{bc.root}/subscriptions('{made['subscriptionId']}')"
    assert (await bc.call("DELETE", path)).status == 400
    assert (await bc.call("DELETE", path, If_Match="*")).status == 204
    assert await _subscriptions(bc) == []


async def test_sim_business_central_13_changes_within_the_delay_are_one_notification(
    bc: Client, hook: Receiver
) -> None:
    """Created, updated and deleted items of two subscriptions with one address travel together after 30 s."""
    await _subscribe(bc, hook)
    await _subscribe(bc, hook, "purchaseInvoices")
    made = await bc.person("create_vendor", vendor={"number": "N-1", "display_name": "New"})
    await bc.person("change_vendor", number="N-1", values={"city": "Oslo"})
    old = await bc.vendor()
    for city in ("Oslo", "Rome"):
        await bc.person("change_vendor", number="20000", values={"city": city})
    await bc.person("delete_vendor", number="95000")
    await bc.person("bulk_touch")
    draft = await bc.invoice("107002")
    path = f"purchaseInvoices({draft['id']})/purchaseInvoiceLines"
    await bc.call("POST", path, {"lineType": "Account", "lineObjectNumber": "6150", "quantity": 1, "unitCost": 5})
    await bc.operator.advance(29)
    assert hook.calls == []
    await bc.operator.advance(1)
    items = await hook.next()
    base = f"api/v2.0/companies({bc.simulator.companies[0].id})"
    told = {one["resource"]: one["changeType"] for one in items}
    deleted = [resource for resource, kind in told.items() if kind == "deleted"]
    assert len(deleted) == 1
    assert told == {
        f"{base}/vendors({made['id']})": "created",
        f"{base}/vendors({old['id']})": "updated",
        deleted[0]: "deleted",
        f"{base}/purchaseInvoices({draft['id']})": "updated",
    }
    assert {one["clientState"] for one in items} == {"secret-vendors", "secret-purchaseInvoices"}
    assert set(items[0]) == {
        "subscriptionId",
        "clientState",
        "expirationDateTime",
        "resource",
        "changeType",
        "lastModifiedDateTime",
    }


async def test_sim_business_central_13_many_changes_are_one_collection(bc: Client, hook: Receiver) -> None:
    """Above the threshold one item names the set from 50 ms before the first change, without filter after deletions."""
    await bc.operator.switch(webhook_collection_threshold=3)
    await _subscribe(bc, hook)
    for number in range(4):
        await bc.person("create_vendor", vendor={"number": f"N-{number}", "display_name": "New"})
    await bc.operator.advance(31)
    (item,) = await hook.next()
    assert item["changeType"] == "collection"
    base = f"api/v2.0/companies({bc.simulator.companies[0].id})/vendors"
    assert item["resource"].startswith(f"{base}?$filter=lastModifiedDateTime%20gt%202026-04-20T")
    since = item["resource"].partition("gt%20")[2]
    rows = await bc.rows(f"vendors?$filter=lastModifiedDateTime gt {since}")
    assert {one["number"] for one in rows} == {"N-0", "N-1", "N-2", "N-3"}
    for number in range(4):
        await bc.person("delete_vendor", number=f"N-{number}")
    await bc.operator.advance(31)
    (item,) = await hook.next()
    assert item["resource"] == base


async def test_sim_business_central_13_server_errors_are_retried_then_end_it(bc: Client, hook: Receiver) -> None:
    """Five retries after 1, 1, 10, 100 and 1000 minutes; the sixth failure deletes the subscription."""
    await bc.operator.switch(subscription_days=30)
    await _subscribe(bc, hook)
    hook.status = 503
    await bc.person("change_vendor", number="20000", values={"city": "Oslo"})
    await bc.operator.advance(31)
    await hook.next()
    for minutes in (1, 1, 10, 100, 1000):
        assert len(await _subscriptions(bc)) == 1
        await bc.operator.advance(minutes * 60 - 5)
        assert not hook.arrived.is_set()
        await bc.operator.advance(10)
        await hook.next()
    await eventually(lambda: _none_left(bc))
    assert len(hook.calls) == 6


async def test_sim_business_central_13_a_retry_that_is_answered_keeps_it(bc: Client, hook: Receiver) -> None:
    """One failure is not the end."""
    await _subscribe(bc, hook)
    hook.status = 429
    await bc.person("change_vendor", number="20000", values={"city": "Oslo"})
    await bc.operator.advance(31)
    first = await hook.next()
    hook.status = 202
    await bc.operator.advance(61)
    assert await hook.next() == first
    assert len(await _subscriptions(bc)) == 1


async def test_sim_business_central_13_any_other_status_ends_it_at_once(bc: Client, hook: Receiver) -> None:
    """One 404 of an ingress is enough."""
    await _subscribe(bc, hook)
    hook.status = 404
    await bc.person("change_vendor", number="20000", values={"city": "Oslo"})
    await bc.operator.advance(31)
    await hook.next()
    await eventually(lambda: _none_left(bc))
    assert len(hook.calls) == 1


async def test_sim_business_central_13_at_most_so_many_subscriptions(bc: Client, hook: Receiver) -> None:
    """The environment's limit is 200, here lowered."""
    assert bc.simulator.switches["subscription_limit"] == 200
    await bc.operator.switch(subscription_limit=1)
    assert (await _subscribe(bc, hook)).status == 201
    assert (await _subscribe(bc, hook, "accounts")).status == 400
