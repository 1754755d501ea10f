"""BILL's simulator: delivery of notifications: what counts, repeats, history, and everything that can go wrong."""

import json
from typing import Any

import pytest

BILL_EVENTS = ["bill.created", "bill.updated"]


@pytest.mark.parametrize("status", [202, 204, 302, 500])
async def test_sim_bill_12_only_200_counts_and_then_it_is_off(feed: Any, status: int) -> None:
    """Five attempts at 0, 2, 6, 14, 30 s of simulated time; then the subscription is off and stays silent."""
    bill, hook = feed.bill, feed.hook
    made = (await feed.subscribe()).body
    hook.status = status
    await bill.new_bill("R-1", 1)
    for attempt, wait in enumerate((2, 4, 8, 16), start=1):
        await feed.sent(attempt)
        assert (await bill.events("GET", f"/subscriptions/{made['id']}")).body["status"] == {"enabled": True}
        await bill.operator.advance(wait - 1)
        assert len((await bill.operator.get("webhooks"))["attempts"]) == attempt
        await bill.operator.advance(1.5)
    attempts = await feed.sent(5)
    assert [one["attempt"] for one in attempts] == [1, 2, 3, 4, 5]
    assert {one["status"] for one in attempts} == {status}
    assert len({one["eventId"] for one in attempts}) == 1

    async def off() -> bool:
        return not (await bill.events("GET", f"/subscriptions/{made['id']}")).body["status"]["enabled"]

    await feed.until(off)
    await bill.new_bill("R-2", 1)
    await bill.operator.advance(60)
    assert len(hook.came) == 5


async def test_sim_bill_12_silenced_feed_is_read_from_the_history(feed: Any) -> None:
    """What happened while it was off is in the history without a status and can be sent again; on again, it flows."""
    bill, hook = feed.bill, feed.hook
    made = (await feed.subscribe()).body
    path = f"/subscriptions/{made['id']}"
    await bill.operator.post("webhooks", {"disable": made["id"]})
    one = await bill.new_bill("H-1", 1)
    history = (await bill.events("GET", f"/events/subscription/{made['id']}")).body["results"]
    assert [item["type"] for item in history] == ["bill.created"]
    assert "statusCode" not in history[0]
    assert json.loads(history[0]["payload"])["bill"]["id"] == one["id"]
    assert isinstance(history[0]["payload"], str)
    resent = await bill.events("POST", f"/events/subscription/{made['id']}/event/{history[0]['id']}")
    assert (resent.status, resent.body["statusCode"], resent.body["id"]) == (200, 200, history[0]["id"])
    assert (await hook.until(1))[0]["metadata"]["eventId"] == history[0]["id"]
    await bill.events("PATCH", path, {"status": {"enabled": True}})
    await bill.new_bill("H-2", 1)
    assert (await hook.until(2))[1]["bill"]["invoice"]["invoiceNumber"] == "H-2"


async def test_sim_bill_12_history_pages_and_filters(feed: Any) -> None:
    """Newest first, by entity, by time, nextPage only; new events do not shift the pages."""
    bill = feed.bill
    made = (await feed.subscribe("bill.created")).body
    path = f"/events/subscription/{made['id']}"
    bills = []
    for number in range(5):
        await bill.operator.advance(1)
        bills.append(await bill.new_bill(f"H-{number}", 1))
    first = (await bill.events("GET", path, max="2")).body
    await bill.new_bill("H-new", 1)
    second = (await bill.events("GET", path, max="2", page=first["nextPage"])).body

    def numbers(page: Any) -> list[str]:
        return [json.loads(item["payload"])["bill"]["invoice"]["invoiceNumber"] for item in page["results"]]

    assert (numbers(first), numbers(second)) == (["H-4", "H-3"], ["H-2", "H-1"])
    assert "prevPage" not in second
    assert numbers((await bill.events("GET", path, entityId=bills[0]["id"])).body) == ["H-0"]
    since = (await bill.events("GET", path, createdTimeFrom=bills[3]["createdTime"])).body
    assert numbers(since) == ["H-new", "H-4", "H-3"]
    oldest = (await bill.events("GET", path)).body["results"][-2:]
    until = (await bill.events("GET", path, createdTimeTo=oldest[0]["createdTime"])).body
    assert numbers(until) == ["H-1", "H-0"]


async def test_sim_bill_12_history_shows_what_the_address_answered(feed: Any) -> None:
    """The statusCode is the last answer."""
    bill, hook = feed.bill, feed.hook
    made = (await feed.subscribe()).body
    hook.status = 503
    await bill.new_bill("S-1", 1)
    await feed.sent(1)
    history = (await bill.events("GET", f"/events/subscription/{made['id']}")).body["results"]
    assert history[0]["statusCode"] == 503
    hook.status = 200
    await bill.operator.advance(2.5)
    await feed.sent(2)
    history = (await bill.events("GET", f"/events/subscription/{made['id']}")).body["results"]
    assert history[0]["statusCode"] == 200


async def test_sim_bill_12_ten_seconds_for_an_answer(feed: Any) -> None:
    """An answer later than ten seconds of the simulated clock does not count; the next attempt follows."""
    bill, hook = feed.bill, feed.hook
    await feed.subscribe()
    hook.seconds = 20
    await bill.new_bill("T-1", 1)
    await hook.until(1)
    await bill.operator.advance(9)
    assert (await bill.operator.get("webhooks"))["attempts"] == []
    await bill.operator.advance(1.5)
    assert (await feed.sent(1))[0]["status"] is None
    hook.seconds = 0
    await bill.operator.advance(2.5)
    assert (await feed.sent(2))[1]["status"] == 200


async def test_sim_bill_12_unknown_certificate_is_not_delivered_to(bill_world: Any, feed_of: Any, hook: Any) -> None:
    """Without the CA file the address is not trusted: no answer, nothing received."""
    async with bill_world() as bill:
        await bill.login()
        feed = feed_of(bill, hook)
        await feed.subscribe()
        await bill.new_bill("C-1", 1)
        assert (await feed.sent(1))[0]["status"] is None
    assert hook.came == []


async def test_sim_bill_12_duplicates_reordering_losses_delays(feed: Any) -> None:
    """Each can be ordered: sent thrice, in reverse, not at all, later."""
    bill, hook = feed.bill, feed.hook
    made = (await feed.subscribe("bill.created")).body
    await bill.operator.switch(webhook_duplicates=2)
    await bill.new_bill("D-1", 1)
    assert len({body["metadata"]["eventId"] for body in await hook.until(3)}) == 1
    await bill.operator.switch(webhook_duplicates=0, webhook_reorder=3, webhook_concurrency=1)
    for number in range(4):
        await bill.new_bill(f"O-{number}", 1)
    assert feed.numbers(await hook.until(6))[3:] == ["O-2", "O-1", "O-0"]
    await bill.operator.post("webhooks", {"flush": True})
    assert feed.numbers(await hook.until(7))[6] == "O-3"
    await bill.operator.switch(webhook_reorder=0, webhook_lose=1)
    await bill.new_bill("L-1", 1)
    await bill.new_bill("L-2", 1)
    assert feed.numbers(await hook.until(8))[7] == "L-2"
    history = (await bill.events("GET", f"/events/subscription/{made['id']}")).body["results"]
    assert "statusCode" not in history[1]
    await bill.operator.switch(webhook_delay_seconds=30)
    await bill.new_bill("W-1", 1)
    await bill.operator.advance(29)
    assert len(hook.came) == 8
    await bill.operator.advance(1.5)
    assert feed.numbers(await hook.until(9))[8] == "W-1"
