"""Subscriptions of webhooks: what is stored of them and of what was sent."""

from base64 import b64encode
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import digest
from json import dumps
from secrets import token_hex, token_urlsafe
from typing import Any

from tieout_sandbox.bill.events import VERSION, Event, metadata
from tieout_sandbox.bill.times import printed
from tieout_sandbox.kernel.wire import dump

SIGNATURE = "x-bill-sha-signature"
HISTORY_KEPT = timedelta(days=180)
# More than 180 days of a busy organization; a storm in a test must not eat the machine.
MOST_HISTORY = 200_000


@dataclass
class Item:
    """One event in the history of a subscription; ``status`` is what the address answered last."""

    number: int
    event: Event
    payload: str
    status: int | None = None


@dataclass
class Subscription:
    """Where to tell what."""

    id: str
    organization: str
    name: str
    url: str
    events: list[dict[str, str]]
    enabled: bool
    created: datetime
    updated: datetime
    key: str = field(default_factory=lambda: token_urlsafe(32))
    old_key: tuple[str, datetime] | None = None
    history: deque[Item] = field(default_factory=lambda: deque(maxlen=MOST_HISTORY))
    count: int = 0

    def wants(self, event_type: str) -> bool:
        """Whether it has subscribed to this type."""
        return any(one["type"] == event_type for one in self.events)

    def note(self, event: Event) -> Item:
        """Enter an event in the history."""
        self.count += 1
        payload = dump({"metadata": metadata(event, self.id), **event.body})
        item = Item(self.count, event, payload)
        self.history.append(item)
        while self.history and event.created - self.history[0].event.created > HISTORY_KEPT:
            self.history.popleft()
        return item

    def rotate(self, now: datetime, lag: timedelta) -> str:
        """A new key; the old one goes on signing for the lag."""
        self.old_key = (self.key, now + lag)
        self.key = token_urlsafe(32)
        return self.key

    def sign(self, body: bytes, now: datetime) -> str:
        """The signature over exactly these bytes."""
        key = self.key
        if self.old_key is not None and now < self.old_key[1]:
            key = self.old_key[0]
        return b64encode(digest(key.encode(), body, sha256)).decode()

    def same_as(self, url: str, events: Iterable[Mapping[str, str]]) -> bool:
        """Whether it tells the same address about the same events."""
        return self.url == url and _types(self.events) == _types(events)


def show(subscription: Subscription) -> dict[str, Any]:
    """A subscription as BILL prints it, never with its key."""
    return {
        "id": subscription.id,
        "name": subscription.name,
        "organizationId": subscription.organization,
        "status": {"enabled": subscription.enabled},
        "events": subscription.events,
        "notificationUrl": subscription.url,
        "createdTime": printed(subscription.created),
        "updatedTime": printed(subscription.updated),
    }


def show_item(subscription: Subscription, item: Item) -> dict[str, Any]:
    """An event of the history: the payload is a string of JSON."""
    return {
        "id": item.event.id,
        "type": item.event.type,
        "version": VERSION,
        "subscriptionId": subscription.id,
        "payload": item.payload,
        "createdTime": printed(item.event.created),
        **({} if item.status is None else {"statusCode": item.status}),
    }


def body_for(subscription: Subscription, item: Item, form: str) -> bytes:
    """The bytes to send in one of the forms of the switch ``webhook_body``."""
    if form == "string":
        return dumps(item.payload, ensure_ascii=False).encode()
    if form == "item":
        return dump(show_item(subscription, item)).encode()
    return item.payload.encode()


def new_id() -> str:
    """An id as BILL gives to subscriptions and events."""
    text = token_hex(16)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _types(events: Iterable[Mapping[str, str]]) -> set[tuple[str, str]]:
    return {(one["type"], one["version"]) for one in events}
