"""Webhooks: from a change of a record to notifications, and the paths to manage subscriptions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from tieout_sandbox.bill.call import Answer, Call, Endpoint
from tieout_sandbox.bill.courier import Courier
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.events import CATALOG, VERSION, Event, body_of
from tieout_sandbox.bill.fields import Field, Fields, Kind, read
from tieout_sandbox.bill.history import history_page, subscription_page
from tieout_sandbox.bill.installation import Installation
from tieout_sandbox.bill.organization import Organization
from tieout_sandbox.bill.store import Row
from tieout_sandbox.bill.subscriptions import Item, Subscription, new_id, show, show_item
from tieout_sandbox.bill.times import stamp

MOST_SUBSCRIPTIONS = 10
KEY_KEPT = timedelta(hours=24)
BASE = "/connect-events/v3"

_STATUS: Fields = {"enabled": Field(Kind.FLAG, required=True)}
_EVENT: Fields = {"type": Field(required=True, options=CATALOG), "version": Field(required=True, options=(VERSION,))}
_SUBSCRIPTION: Fields = {
    "name": Field(required=True),
    "status": Field(Kind.OBJECT, required=True, inside=_STATUS),
    "events": Field(Kind.LIST, required=True, inside=_EVENT),
    "notificationUrl": Field(required=True),
}
_TEST: Fields = {"eventType": Field(options=CATALOG), "version": Field(options=(VERSION,))}


@dataclass
class Webhooks:
    """Subscriptions, their history and the courier of one installation."""

    installation: Installation
    courier: Courier
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    _replies: dict[tuple[str, str], tuple[datetime, Any]] = field(default_factory=dict)
    _held: list[tuple[Subscription, Item]] = field(default_factory=list)

    def listen(self, org: Organization) -> None:
        """Hear of every change in an organization."""
        org.publish = lambda event_type, row: self.publish(org, event_type, row)

    def publish(self, org: Organization, event_type: str, row: Row) -> None:
        """Tell those who have subscribed."""
        wanting = [one for one in self.of(org.id) if one.wants(event_type)]
        if not wanting:
            return
        now = stamp(self.installation.clock.now())
        event = Event(new_id(), event_type, org.id, row.id, now, body_of(org, event_type, row))
        for subscription in wanting:
            if subscription.enabled or self.installation.switches["history_while_disabled"]:
                item = subscription.note(event)
                if subscription.enabled:
                    self._dispatch(subscription, item)

    def of(self, org_id: str) -> list[Subscription]:
        """The subscriptions of an organization."""
        return [one for one in self.subscriptions.values() if one.organization == org_id]

    def flush(self) -> None:
        """Send what is held back to be turned round, the last first."""
        for subscription, item in reversed(self._held):
            self._send(subscription, item)
        self._held.clear()

    def endpoints(self) -> list[Endpoint]:
        """The paths of subscriptions and events."""
        all_of_them, one = f"{BASE}/subscriptions", f"{BASE}/subscriptions/{{id}}"
        seen, act = "subscriptions.read", "subscriptions.write"
        return [
            Endpoint("GET", f"{BASE}/events/catalog", "", self._catalog),
            Endpoint("POST", all_of_them, act, self._once(self._create)),
            Endpoint("GET", all_of_them, seen, lambda call: subscription_page(call, self.of(call.org.id))),
            Endpoint("GET", one, seen, lambda call: Answer(show(self._find(call)))),
            Endpoint("PUT", one, act, self._put),
            Endpoint("PATCH", one, act, self._patch),
            Endpoint("DELETE", one, act, self._delete),
            Endpoint("POST", f"{one}/security_key", act, self._once(self._rotate)),
            Endpoint("POST", f"{one}/security-key", act, self._once(self._rotate)),
            Endpoint("POST", f"{one}/test", act, self._test),
            Endpoint(
                "GET", f"{BASE}/events/subscription/{{id}}", seen, lambda call: history_page(call, self._find(call))
            ),
            Endpoint("POST", f"{BASE}/events/subscription/{{id}}/event/{{event}}", act, self._resend),
        ]

    def _dispatch(self, subscription: Subscription, item: Item) -> None:
        switches = self.installation.switches
        if switches["webhook_lose"] > 0:
            switches.update({"webhook_lose": switches["webhook_lose"] - 1})
            return
        group = int(switches["webhook_reorder"])
        if group < 2:
            self._send(subscription, item)
            return
        self._held.append((subscription, item))
        if len(self._held) >= group:
            self.flush()

    def _send(self, subscription: Subscription, item: Item) -> None:
        switches = self.installation.switches
        delay = timedelta(seconds=float(switches["webhook_delay_seconds"]))
        for _ in range(1 + int(switches["webhook_duplicates"])):
            self.courier.send(subscription, item, delay)

    def _find(self, call: Call) -> Subscription:
        subscription = self.subscriptions.get(call.path())
        if subscription is None or subscription.organization != call.org.id:
            raise refuse("BDC_1205", call.path())
        return subscription

    def _once(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        """A call with an idempotent key: a success is repeated for 24 hours, after a failure the call runs again."""

        def answer(call: Call) -> Answer:
            key = call.request.headers.get("X-Idempotent-Key", "")
            _check_key(key)
            kept = self._replies.get((call.org.id, key))
            if kept is not None and call.now - kept[0] < KEY_KEPT:
                return Answer(kept[1])
            given = handler(call)
            kept_still = {one: reply for one, reply in self._replies.items() if call.now - reply[0] < KEY_KEPT}
            self._replies = {**kept_still, (call.org.id, key): (call.now, given.body)}
            return given

        return answer

    def _catalog(self, _call: Call) -> Answer:
        return Answer([{"type": event_type, "versions": [VERSION]} for event_type in CATALOG])

    def _create(self, call: Call) -> Answer:
        fields = read(_SUBSCRIPTION, call.body())
        if len(self.of(call.org.id)) >= MOST_SUBSCRIPTIONS:
            raise refuse("BDC_1129", f"at most {MOST_SUBSCRIPTIONS} subscriptions for an organization")
        self._check(call, fields["notificationUrl"], fields["events"], None)
        new = Subscription(
            id=new_id(),
            organization=call.org.id,
            name=fields["name"],
            url=fields["notificationUrl"],
            events=fields["events"],
            enabled=fields["status"]["enabled"],
            created=call.now,
            updated=call.now,
        )
        self.subscriptions[new.id] = new
        return Answer({**show(new), "securityKey": new.key})

    def _put(self, call: Call) -> Answer:
        return self._become(call, read(_SUBSCRIPTION, call.body()))

    def _patch(self, call: Call) -> Answer:
        changeable = {name: rule for name, rule in _SUBSCRIPTION.items() if name != "events"}
        return self._become(call, read(changeable, call.body(), partial=True))

    def _become(self, call: Call, fields: dict[str, Any]) -> Answer:
        one = self._find(call)
        url, events = fields.get("notificationUrl", one.url), fields.get("events", one.events)
        self._check(call, url, events, one)
        one.url, one.events, one.name = url, events, fields.get("name", one.name)
        one.enabled = fields.get("status", {"enabled": one.enabled})["enabled"]
        one.updated = call.now
        return Answer(show(one))

    def _delete(self, call: Call) -> Answer:
        gone = self.subscriptions.pop(self._find(call).id)
        gone.enabled = False
        return Answer()

    def _rotate(self, call: Call) -> Answer:
        lag = timedelta(seconds=float(call.switches["key_rotation_lag_seconds"]))
        return Answer({"securityKey": self._find(call).rotate(call.now, lag)})

    async def _test(self, call: Call) -> Answer:
        one = self._find(call)
        body = call.body() if call.raw else {}
        event_type = read(_TEST, body).get("eventType") or one.events[0]["type"]
        entity = event_type.partition(".")[0]
        sample = {"id": "test", "archived": False, **(body.get(entity) or {})}
        event = Event(new_id(), event_type, one.organization, "test", call.now, {entity: sample})
        return await self._deliver(one, Subscription.note(_apart(one), event))

    async def _resend(self, call: Call) -> Answer:
        one = self._find(call)
        item = next((item for item in one.history if item.event.id == call.path("event")), None)
        if item is None:
            raise refuse("BDC_1205", call.path("event"))
        return await self._deliver(one, item)

    async def _deliver(self, one: Subscription, item: Item) -> Answer:
        await self.courier.deliver(one, item, 1)
        return Answer(show_item(one, item))

    def _check(self, call: Call, url: str, events: list[dict[str, str]], itself: Subscription | None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise refuse("BDC_1119", "notificationUrl: must be an https address")
        if not call.switches["payment_events_allowed"] and any(one["type"].startswith("payment.") for one in events):
            raise refuse("BDC_1145", "payment events")
        if any(one is not itself and one.same_as(url, events) for one in self.of(call.org.id)):
            raise refuse("BDC_1129", "there is a subscription with the same events and notificationUrl")


def _apart(one: Subscription) -> Subscription:
    """A copy whose history nobody sees: test events are not kept."""
    return Subscription(one.id, one.organization, one.name, one.url, one.events, one.enabled, one.created, one.updated)


def _check_key(key: str) -> None:
    try:
        good = UUID(key).version == 4
    except ValueError:
        good = False
    if not good:
        raise refuse("BDC_1117", "header X-Idempotent-Key must be a UUID version 4")
