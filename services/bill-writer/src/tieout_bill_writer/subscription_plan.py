"""What is to be done about a connection's webhook subscription, from what BILL shows and what is stored. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tieout.connections.webhook_keys import WebhookKeys
from tieout.domain.bill_events import BillSubscription, EventType, SubscribedEvent

# A key that leaked without anybody noticing signs forged hints for so long at most; a forged hint costs a read.
ROTATED_AFTER: Final = timedelta(days=90)

PAYMENT_EVENTS: Final = frozenset({EventType.PAYMENT_UPDATED, EventType.PAYMENT_FAILED})


class Step(StrEnum):
    """One thing to do; each is at most one call that writes."""

    NOTHING = "nothing"
    CREATE = "create"
    """There is none: make one, switched off."""
    REMOVE = "remove"
    """A second one of ours, or any of a retired connection."""
    NEW_KEY = "new_key"
    """Nobody knows its key, or it is old."""
    CHANGE = "change"
    """Another address or other events."""
    ENABLE = "enable"
    """It is off: new, or BILL has switched it off."""
    FORGET = "forget"
    """A retired connection has none any more: its keys go."""


@dataclass(frozen=True)
class Wish:
    """What a connection wants.

    Attributes:
        url: its address, ``""`` if its settings name none.
        wanted: False once the connection is retired.
        payments: False after BILL has refused payment events.
    """

    url: str
    wanted: bool = True
    payments: bool = True

    @property
    def events(self) -> tuple[SubscribedEvent, ...]:
        """What is subscribed to."""
        return tuple(SubscribedEvent(type=one) for one in EventType if self.payments or one not in PAYMENT_EVENTS)


@dataclass(frozen=True)
class Found:
    """What there is: subscriptions of the organization, and the stored keys."""

    subscriptions: Sequence[BillSubscription]
    keys: WebhookKeys | None


@dataclass(frozen=True)
class Plan:
    """The next step, and the subscription it is about."""

    step: Step
    subscription: BillSubscription | None = None


def plan(wish: Wish, found: Found, now: datetime, *, renew: bool = False) -> Plan:
    """The next step towards the wish; ``renew`` asks for a new key whatever is known of the present one.

    Ours is the one whose key is stored, else one that has our address: an address names one connection.
    """
    ours = _ours(wish, found)
    if not (wish.url and wish.wanted):
        if ours:
            return Plan(Step.REMOVE, ours[0])
        return Plan(Step.NOTHING if found.keys is None else Step.FORGET)
    if not ours:
        return Plan(Step.CREATE)
    if len(ours) > 1:
        return Plan(Step.REMOVE, ours[-1])
    return _for_one(wish, ours[0], found.keys, now, renew=renew)


def _for_one(wish: Wish, one: BillSubscription, keys: WebhookKeys | None, now: datetime, *, renew: bool) -> Plan:
    """Key first, then what it tells and where, then on."""
    if renew or keys is None or keys.subscription != one.id or keys.made is None or now - keys.made > ROTATED_AFTER:
        return Plan(Step.NEW_KEY, one)
    if one.url != wish.url or _types(one) != {event.type for event in wish.events}:
        return Plan(Step.CHANGE, one)
    return Plan(Step.NOTHING, one) if one.enabled else Plan(Step.ENABLE, one)


def _ours(wish: Wish, found: Found) -> list[BillSubscription]:
    """The one whose key is stored first, then those of our address, the oldest first."""
    known = "" if found.keys is None else found.keys.subscription
    ours = [one for one in found.subscriptions if one.id == known or (wish.url and one.url == wish.url)]
    return sorted(
        ours, key=lambda one: (one.id != known, "" if one.created is None else one.created.isoformat(), one.id)
    )


def _types(subscription: BillSubscription) -> set[str]:
    return {event.type for event in subscription.events}
