"""Webhook subscriptions and the history of what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tieout.domain.bill_events import BillSubscription, DeliveredEvent, SubscribedEvent
from tieout_connectors.bill.wire.fields import Fields, rows
from tieout_connectors.spi.wire import Unreadable


@dataclass(frozen=True)
class NewSubscription:
    """A subscription just made, with the key that its deliveries are signed with. BILL never shows the key again."""

    subscription: BillSubscription
    security_key: str = field(repr=False)


@dataclass(frozen=True)
class CatalogEntry:
    """A notification that BILL offers, with the versions of its content."""

    type: str
    versions: tuple[str, ...]


def read_subscription(raw: Any) -> BillSubscription:
    """A subscription, without its key."""
    subscription = Fields(raw, "subscription")
    return BillSubscription(
        id=subscription.needed("id"),
        name=subscription.text("name"),
        organization=subscription.text("organizationId"),
        enabled=subscription.inner("status").flag("enabled"),
        events=tuple(
            SubscribedEvent(type=event.needed("type"), version=event.text("version") or "1")
            for event in subscription.items("events")
        ),
        url=subscription.text("notificationUrl"),
        created=subscription.moment("createdTime"),
        updated=subscription.moment("updatedTime"),
    )


def read_new_subscription(raw: Any) -> NewSubscription:
    """The answer to the creation of a subscription."""
    return NewSubscription(read_subscription(raw), read_security_key(raw))


def read_security_key(raw: Any) -> str:
    """The key of an answer that holds one."""
    return Fields(raw, "subscription").needed("securityKey")


def write_subscription(
    name: str, events: Sequence[SubscribedEvent], url: str, *, enabled: bool = True
) -> dict[str, Any]:
    """The body that creates a subscription, or replaces one."""
    return {
        "name": name,
        "status": {"enabled": enabled},
        "events": [{"type": event.type, "version": event.version} for event in events],
        "notificationUrl": url,
    }


def write_enabled(*, enabled: bool) -> dict[str, Any]:
    """The body that switches a subscription on or off and leaves the rest."""
    return {"status": {"enabled": enabled}}


def write_test(event: SubscribedEvent) -> dict[str, Any]:
    """The body that asks for a test notification."""
    return {"eventType": event.type, "version": event.version}


def read_catalog(raw: Any) -> tuple[CatalogEntry, ...]:
    """What can be subscribed to: a bare list."""
    return tuple(CatalogEntry(one.needed("type"), one.texts("versions")) for one in rows(raw, "catalog"))


def read_delivered(raw: Any) -> DeliveredEvent:
    """An item of the history, or the answer to a test or a repeated delivery."""
    event = Fields(raw, "event")
    status = event.whole("statusCode")
    payload = raw.get("payload")
    if not isinstance(payload, str):
        raise Unreadable("event.payload", "text was expected")
    return DeliveredEvent(
        id=event.needed("id"),
        type=event.needed("type"),
        version=event.text("version"),
        subscription=event.text("subscriptionId"),
        payload=payload,
        created=event.moment("createdTime"),
        status=status or None,
    )
