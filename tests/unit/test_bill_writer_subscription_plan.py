"""The next step of a webhook subscription, from what BILL shows and what is stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tieout.connections.webhook_keys import WebhookKeys
from tieout.domain.bill_events import BillSubscription
from tieout_bill_writer.subscription_plan import ROTATED_AFTER, Found, Plan, Step, Wish, plan

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
URL = "https://tieout.example/webhooks/bill/acme"
WISH = Wish(URL)


def one(identity: str = "s1", **changes: Any) -> BillSubscription:
    """A subscription that is in order."""
    base = BillSubscription(id=identity, name="Tieout", enabled=True, events=WISH.events, url=URL, created=NOON)
    return base.model_copy(update=changes)


def keys(subscription: str = "s1", made: datetime | None = NOON) -> WebhookKeys:
    """Stored keys of a subscription."""
    return WebhookKeys("key", subscription=subscription, made=made)


OTHER = one("theirs", url="https://other.example/hook")


@pytest.mark.parametrize(
    ("there", "stored", "step", "about"),
    [
        ([], None, Step.CREATE, None),
        ([OTHER], None, Step.CREATE, None),
        ([], keys(), Step.CREATE, None),
        ([OTHER, one()], keys(), Step.NOTHING, "s1"),
        ([one()], None, Step.NEW_KEY, "s1"),
        ([one()], keys(""), Step.NEW_KEY, "s1"),
        ([one()], keys("gone"), Step.NEW_KEY, "s1"),
        ([one()], keys(made=None), Step.NEW_KEY, "s1"),
        ([one()], keys(made=NOON - ROTATED_AFTER - timedelta(days=1)), Step.NEW_KEY, "s1"),
        ([one(enabled=False)], keys(""), Step.NEW_KEY, "s1"),
        ([one(enabled=False)], keys(), Step.ENABLE, "s1"),
        ([one(enabled=None)], keys(), Step.ENABLE, "s1"),
        ([one(url="https://old.example/webhooks/bill/acme")], keys(), Step.CHANGE, "s1"),
        ([one(events=WISH.events[:3])], keys(), Step.CHANGE, "s1"),
        ([one(), one("s2", created=NOON + timedelta(1))], keys("s2"), Step.REMOVE, "s1"),
        ([one("s2", created=NOON + timedelta(1)), one()], None, Step.REMOVE, "s2"),
    ],
)
def test_the_next_step(
    there: list[BillSubscription], stored: WebhookKeys | None, step: Step, about: str | None
) -> None:
    """Ours is found by key or address, never made twice, switched on only once its key is stored."""
    found = plan(WISH, Found(there, stored), NOON)
    assert (found.step, found.subscription and found.subscription.id) == (step, about)


@pytest.mark.parametrize("wish", [Wish(URL, wanted=False), Wish("")])
def test_what_is_not_wanted_is_taken_away(wish: Wish) -> None:
    """Retired, or the address is gone from the settings: the subscription goes, then its keys, others' stay."""
    assert plan(wish, Found([OTHER, one()], keys()), NOON).step is Step.REMOVE
    assert plan(wish, Found([OTHER], keys()), NOON) == Plan(Step.FORGET)
    assert plan(wish, Found([OTHER], None), NOON) == Plan(Step.NOTHING)


def test_one_whose_key_was_never_stored_is_taken_away_by_its_address() -> None:
    """The process died before it stored the key, and then the connection was retired."""
    assert plan(Wish(URL, wanted=False), Found([one(enabled=False)], keys("")), NOON).step is Step.REMOVE
