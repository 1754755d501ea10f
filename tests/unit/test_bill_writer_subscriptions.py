"""Webhook subscriptions: one per connection, its key stored before it is on, whatever breaks in between."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from tieout.connections.registry import ConnectionView
from tieout.connections.secrets import Purpose, Secret, SecretUnreadable
from tieout.connections.webhook_keys import WebhookKeys, read_keys, write_keys
from tieout.domain.bill_events import BillSubscription, EventType, SubscribedEvent
from tieout.domain.errors import Fatal, InDoubt, Reject, Retry
from tieout.domain.settings import State
from tieout_bill_writer import subscriptions
from tieout_bill_writer.subscription_plan import ROTATED_AFTER, Wish
from tieout_bill_writer.subscriptions import RELAPSE, Watch
from tieout_connectors.bill.wire.subscriptions import NewSubscription

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
URL = "https://tieout.example/webhooks/bill/acme"
WISH = Wish(URL)


class Died(BaseException):
    """The process is gone."""


@dataclass
class Bill:
    """BILL's subscriptions. ``breaks`` is raised by the n-th call that writes: after it was done, or instead."""

    there: dict[str, BillSubscription] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)
    replies: dict[UUID, Any] = field(default_factory=dict)
    breaks: dict[int, BaseException] = field(default_factory=dict)
    payments: bool = True
    writes: list[str] = field(default_factory=list)
    made: int = 0

    async def all(self) -> AsyncIterator[BillSubscription]:
        """The list."""
        for found in list(self.there.values()):
            yield found

    def _told(self, name: str, answer: Any) -> Any:
        self.writes.append(name)
        error = self.breaks.pop(len(self.writes), None)
        if error is not None:
            raise error
        return answer

    async def create(
        self, name: str, events: Sequence[SubscribedEvent], url: str, *, key: UUID, enabled: bool
    ) -> NewSubscription:
        """A new one; never two of one address and events."""
        if not self.payments and any(event.type.startswith("payment.") for event in events):
            raise Fatal("payment events", code="BDC_1145", status=403)
        if key not in self.replies:
            if any(each.url == url and each.events == tuple(events) for each in self.there.values()):
                raise Reject("there is one", code="BDC_1129", status=400)
            self.made += 1
            new = BillSubscription(id=f"s{self.made}", name=name, enabled=enabled, events=tuple(events), url=url)
            self.there[new.id] = new
            self.replies[key] = NewSubscription(new, self._sign(new.id))
        return self._told("create", self.replies[key])  # type: ignore[no-any-return]

    async def new_key(self, subscription: str, *, key: UUID) -> str:
        """Another key from now on."""
        if key not in self.replies:
            self.replies[key] = self._sign(subscription)
        return self._told("new_key", self.replies[key])  # type: ignore[no-any-return]

    def _sign(self, subscription: str) -> str:
        self.signs[subscription] = f"key-{len(self.replies)}"
        return self.signs[subscription]

    async def enable(self, subscription: str) -> None:
        """On."""
        self.there[subscription] = self.there[subscription].model_copy(update={"enabled": True})
        self._told("enable", None)

    async def replace(
        self, subscription: str, _name: str, events: Sequence[SubscribedEvent], url: str, *, enabled: bool
    ) -> None:
        """Other events, another address."""
        update = {"events": tuple(events), "url": url, "enabled": enabled}
        self.there[subscription] = self.there[subscription].model_copy(update=update)
        self._told("change", None)

    async def delete(self, subscription: str) -> None:
        """Gone."""
        del self.there[subscription]
        self._told("delete", None)


class Store:
    """The store of secrets; ``dies`` names the write at which the process is gone, before it is done."""

    def __init__(self) -> None:
        self.values: dict[str, str] | None = None
        self.dies = 0
        self.writes = 0
        self.unreadable = False

    def get(self, *_place: Any) -> Secret | None:
        """What is stored."""
        if self.unreadable:
            raise SecretUnreadable("cut")
        return None if self.values is None else Secret(1, self.values)

    def put(self, _connection: str, _side: Any, _purpose: Purpose, values: dict[str, str]) -> int:
        """Store, or die."""
        self.writes += 1
        if self.writes == self.dies:
            raise Died
        self.values, self.unreadable = dict(values), False
        return 1

    def delete(self, *_place: Any) -> bool:
        """Forget."""
        self.values = None
        return True


class Scene:
    """One connection, its BILL and its store; a watch lives as long as a process does."""

    def __init__(self) -> None:
        self.bill, self.store, self.now, self.polled = Bill(), Store(), NOON, 0
        self.watch = self.begin()

    def begin(self, state: str = "active", url: str | None = URL) -> Watch:
        """A process starts."""
        settings = SimpleNamespace(state=State(state), bill=SimpleNamespace(webhooks=url))
        view: Any = ConnectionView("acme", 1, settings, {})  # type: ignore[arg-type]
        clients: Any = self
        store: Any = self.store
        self.watch = Watch(view, clients, store, self._poll, lambda: self.now)
        return self.watch

    async def organization(self, _connection: str) -> Any:
        """With a client."""
        return SimpleNamespace(client=SimpleNamespace(subscriptions=self.bill))

    def _poll(self, _connection: str) -> None:
        self.polled += 1

    def keys(self) -> WebhookKeys:
        """What ingest reads."""
        store: Any = self.store
        found = read_keys(store, "acme")
        assert found is not None
        return found

    def in_order(self) -> bool:
        """One subscription, on, whose signatures ingest accepts."""
        ours = [each for each in self.bill.there.values() if each.url == URL]
        (only,) = ours
        return bool(only.enabled) and self.keys().current == self.bill.signs[only.id]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Nothing is there yet; pauses between tries take no time."""
    monkeypatch.setattr(subscriptions, "PAUSE", 0)
    return Scene()


async def test_it_is_made_off_then_its_key_is_stored_then_it_is_on(scene: Scene) -> None:
    """Nothing is ever signed with a key that nobody has; what happened meanwhile is polled."""
    assert await scene.watch.look()
    assert scene.bill.writes == ["create", "enable"]
    assert scene.in_order()
    assert scene.polled == 1
    assert await scene.watch.look()
    assert scene.bill.writes == ["create", "enable"], "what is in order costs a look and nothing else"


def deaths() -> list[Callable[[Scene], None]]:
    """Every way to die on the way: after each call of BILL, before each write of the store."""

    def after(number: int) -> Callable[[Scene], None]:
        return lambda scene: scene.bill.breaks.update({number: Died()})

    def before(number: int) -> Callable[[Scene], None]:
        return lambda scene: setattr(scene.store, "dies", number)

    return [after(1), after(2), before(1), before(2)]


@pytest.mark.parametrize("death", deaths())
async def test_a_death_anywhere_heals_with_one_subscription(scene: Scene, death: Callable[[Scene], None]) -> None:
    """The next process finds it by its address and gives it a key that is stored."""
    death(scene)
    with pytest.raises(Died):
        await scene.watch.look()
    await scene.begin().look()
    assert scene.in_order()
    assert scene.bill.made == 1


@pytest.mark.parametrize("death", deaths())
async def test_a_death_while_the_key_is_rotated_heals(scene: Scene, death: Callable[[Scene], None]) -> None:
    """BILL signs with a key that was lost: the stored one says that it is not known to fit, and is replaced."""
    await scene.watch.look()
    scene.now += ROTATED_AFTER + timedelta(hours=1)
    scene.bill.writes.clear()
    scene.store.writes = 0
    death(scene)
    try:
        await scene.begin().look()
    except Died:
        await scene.begin().look()
    assert scene.in_order()


async def test_the_old_key_goes_on_for_a_while_after_a_rotation(scene: Scene) -> None:
    """What BILL signed before it changed over is still accepted."""
    await scene.watch.look()
    old = scene.keys().current
    scene.now += ROTATED_AFTER + timedelta(hours=1)
    await scene.watch.look()
    assert scene.in_order()
    assert scene.keys().accepted(scene.now) == (scene.keys().current, old)
    assert scene.keys().accepted(scene.now + timedelta(hours=2)) == (scene.keys().current,)


@pytest.mark.parametrize("error", [InDoubt("the answer was lost"), Retry("busy")])
async def test_a_lost_answer_is_asked_for_with_the_same_idempotency_key(scene: Scene, error: Exception) -> None:
    """BILL has made it and shows the key once more, instead of refusing a second one."""
    scene.bill.breaks[1] = error
    await scene.watch.look()
    assert scene.bill.writes == ["create", "create", "enable"]
    assert scene.in_order()


async def test_a_lost_new_key_is_asked_for_once_more_and_not_made_twice(scene: Scene) -> None:
    """BILL gives the key it has made already."""
    await scene.watch.look()
    scene.now += ROTATED_AFTER + timedelta(hours=1)
    scene.bill.breaks[3] = InDoubt("the answer was lost")
    await scene.watch.look()
    assert scene.bill.writes == ["create", "enable", "new_key", "new_key"]
    assert len(scene.bill.replies) == 2
    assert scene.in_order()


async def test_one_that_bill_switched_off_is_on_again_and_the_gap_is_polled(scene: Scene) -> None:
    """Hours after it was last seen well it is off: switched on, with its key, and what happened is read."""
    await scene.watch.look()
    scene.now += RELAPSE * 2
    scene.bill.there["s1"] = scene.bill.there["s1"].model_copy(update={"enabled": False})
    await scene.watch.look()
    assert scene.bill.writes == ["create", "enable", "enable"]
    assert scene.polled == 2


async def test_one_that_goes_off_again_and_again_gets_another_key(scene: Scene) -> None:
    """The stored key was put back by somebody: every delivery is refused. A new key ends that."""
    await scene.watch.look()
    scene.store.values = {**(scene.store.values or {}), "current": "of a backup"}
    scene.bill.there["s1"] = scene.bill.there["s1"].model_copy(update={"enabled": False})
    await scene.watch.look()
    assert scene.bill.writes == ["create", "enable", "new_key", "enable"]
    assert scene.in_order()


async def test_a_death_between_that_key_and_its_storing_heals_at_once(scene: Scene) -> None:
    """What is stored says that it is not known to fit, so the next process need not wait for refused deliveries."""
    await scene.watch.look()
    scene.bill.there["s1"] = scene.bill.there["s1"].model_copy(update={"enabled": False})
    scene.bill.breaks[3] = Died()
    with pytest.raises(Died):
        await scene.watch.look()
    await scene.begin().look()
    assert scene.in_order()


async def test_refused_payment_events_are_done_without_and_tried_again_a_day_later(scene: Scene) -> None:
    """The others are subscribed to, which is shown; once BILL allows them they are added."""
    scene.bill.payments = False
    assert await scene.watch.look()
    assert not scene.watch.payments
    assert EventType.PAYMENT_UPDATED not in {event.type for event in scene.bill.there["s1"].events}
    scene.bill.payments = True
    await scene.watch.look()
    assert not scene.watch.payments
    scene.now += timedelta(days=1, hours=1)
    await scene.watch.look()
    assert scene.bill.writes == ["create", "enable", "change"]
    assert scene.bill.there["s1"].events == WISH.events
    assert scene.in_order()


async def test_a_refusal_as_duplicate_never_makes_a_second_one(scene: Scene) -> None:
    """BILL's list lags behind what it refuses: the next look finds it."""
    scene.bill.there["s9"] = BillSubscription(id="s9", name="Tieout", enabled=True, events=WISH.events, url=URL)

    async def lagging() -> AsyncIterator[BillSubscription]:
        for found in ():
            yield found

    showing, scene.bill.all = scene.bill.all, lagging  # type: ignore[method-assign]
    with pytest.raises(Reject):
        await scene.watch.look()
    scene.bill.all = showing  # type: ignore[method-assign]
    await scene.watch.look()
    assert set(scene.bill.there) == {"s9"}
    assert scene.in_order()


async def test_retired_nothing_is_left_and_nobody_looks_again(scene: Scene) -> None:
    """A subscription would go on telling a stranger; once it and its keys are gone BILL is not called any more."""
    await scene.watch.look()
    retired = scene.begin("retired")
    assert not await retired.look()
    assert (scene.bill.there, scene.store.values) == ({}, None)
    scene.bill.all = None  # type: ignore[assignment, method-assign]
    assert not await retired.look()


async def test_keys_that_do_not_open_are_replaced(scene: Scene) -> None:
    """Somebody cut the row in the database: a new key, the same subscription."""
    await scene.watch.look()
    scene.store.unreadable = True
    await scene.watch.look()
    assert scene.in_order()
    assert scene.bill.made == 1


async def test_a_connection_without_webhooks_costs_no_call(scene: Scene) -> None:
    """Polling alone carries it."""
    scene.bill.all = None  # type: ignore[assignment, method-assign]
    assert not await scene.begin(url=None).look()
    assert await asyncio.to_thread(lambda: scene.store.values) is None


def test_keys_come_back_as_they_were_stored() -> None:
    """Also those that an earlier release stored, which name no subscription."""
    store: Any = Store()
    stored = WebhookKeys("b", "a", NOON, "s1", NOON)
    write_keys(store, "acme", stored)
    assert read_keys(store, "acme") == stored
    store.values = {"current": "a"}
    assert read_keys(store, "acme") == WebhookKeys("a")
