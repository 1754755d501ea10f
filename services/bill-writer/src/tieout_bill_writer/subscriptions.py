"""Each active connection's webhook subscription: made, watched, revived, its key rotated; taken away in the end.

These calls change something in BILL and have no intent in the effects log. That is safe because none of them makes a
record of anybody's books, and because each may be repeated after any crash or lost answer; every step begins by looking
at what BILL has, by our address.

| call | if its answer is lost, or the process dies after it |
| --- | --- |
| create | made again with the same idempotency key, which gives the same answer; later it is found by its address. \
It is made switched off, so nothing is signed with a key that nobody stored |
| new key | the same; later the stored keys name no subscription, since that is written *before* the call, and a key \
is made once more. The old one counts for another hour |
| change, enable | sets what is wanted; twice is once |
| delete | what is gone is not found any more |

Two processes, one of them superseded, can only do the same again: BILL refuses a second subscription of one address and
events, and a key that is not the stored one shows itself as a feed that goes off again, and is replaced.

The order that loses nothing: the key is stored first, then the subscription is switched on. What BILL did not deliver
while it was off is found by a poll that is made at once.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeVar
from uuid import uuid4

from prometheus_client import Counter, Gauge

from tieout.connections.registry import ConnectionView, Registry
from tieout.connections.secrets import Purpose, SecretStore, SecretUnreadable, StoreNotReady
from tieout.connections.webhook_keys import WebhookKeys, read_keys, write_keys
from tieout.domain.bill_events import BillSubscription
from tieout.domain.errors import Fatal, InDoubt, RecoveryError, Reject, Retry
from tieout.domain.settings import Side, State
from tieout.log.topics import Names
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger
from tieout_bill_writer.organizations import Organizations
from tieout_bill_writer.subscription_plan import Found, Plan, Step, Wish, plan
from tieout_bill_writer.tending import Tending
from tieout_connectors.bill.errors import NO_PERMISSION
from tieout_connectors.bill.subscriptions import Subscriptions as Calls

log = logger(__name__)

T = TypeVar("T")

NAME: Final = "Tieout"
# From nothing to a working subscription are three steps; more than these in a row is a plan that runs in circles.
MOST_STEPS: Final = 8
# A call whose answer was lost is made again with the same idempotency key so often, then left to the next look.
TRIES: Final = 3
PAUSE: Final = 1.0
# Gone off again so soon after it was revived: its deliveries are refused. A key that is not the stored one is a cause
# that can be removed from here, so it gets a new one.
RELAPSE: Final = timedelta(hours=1)
# BILL may allow payment events to an organization later; until then polling finds payments.
PAYMENTS_AGAIN: Final = timedelta(days=1)
# The shortest pause after a failure; it doubles up to the time between two looks.
FIRST_PAUSE: Final = 5.0

STEPS: Final = Counter("tieout_bill_subscription_steps", "Steps done on webhook subscriptions.", ["step"])
STATES: Final = Gauge(
    "tieout_bill_subscriptions",
    "Connections with webhooks by state: on; without_payments: on, but BILL refuses payment events, so polling finds "
    "them; failing: polling alone carries the job, see the log.",
    ["state"],
)


class Subscriptions:
    """Use from the event loop. ``poll`` is told of a connection that has missed something; ``every`` is seconds."""

    def __init__(
        self,
        names: Names,
        registry: Registry,
        organizations: Organizations,
        store: SecretStore,
        poll: Callable[[str], None],
        *,
        every: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._organizations = organizations
        self._store = store
        self._poll = poll
        self._every = every
        self._clock = clock
        self._states: dict[str, str] = {}
        self._tending = Tending(registry, names, _has_a_say, self._tend)
        self.guard = self._tending.guard
        for state in ("on", "without_payments", "failing"):
            STATES.labels(state).set_function(partial(self._count, state))

    def follow(self, partitions: Collection[int]) -> None:
        """The partitions of budgets owned from now on."""
        self._tending.follow(partitions)

    async def close(self) -> None:
        """Stop looking after them; they stay on."""
        await self._tending.close()

    async def _tend(self, view: ConnectionView, _woken: asyncio.Event) -> None:
        """Look after one connection's subscription until it needs none any more."""
        watch = Watch(view, self._organizations, self._store, self._poll, self._clock)
        pause = FIRST_PAUSE
        try:
            while True:
                try:
                    needed = await watch.look()
                except (RecoveryError, StoreNotReady) as error:
                    self._tell(view.connection, "failing", str(error))
                    pause = min(pause * 2, self._every)
                else:
                    if not needed:
                        return
                    self._tell(view.connection, "on" if watch.payments else "without_payments", "")
                    pause = self._every
                await asyncio.sleep(pause)
        finally:
            self._states.pop(view.connection, None)

    def _count(self, state: str) -> float:
        return list(self._states.values()).count(state)

    def _tell(self, connection: str, state: str, reason: str) -> None:
        if self._states.get(connection) == state:
            return
        self._states[connection] = state
        if state == "failing":
            log.warning("the webhook subscription is not in order", connection=connection, reason=reason)
        elif state == "without_payments":
            log.warning("BILL refuses payment events; polling finds payments", connection=connection)


class Watch:
    """One connection's subscription, under one version of its settings."""

    def __init__(
        self,
        view: ConnectionView,
        organizations: Organizations,
        store: SecretStore,
        poll: Callable[[str], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._connection = view.connection
        self._url = view.settings.bill.webhooks or ""
        self._wanted = view.settings.state is State.ACTIVE and bool(self._url)
        self._organizations = organizations
        self._store = store
        self._poll = poll
        self._clock = clock
        self._no_payments_until: datetime | None = None
        self._revived: datetime | None = None
        self._renew = False

    @property
    def payments(self) -> bool:
        """Whether payment events are asked for: BILL has not refused them lately."""
        return self._no_payments_until is None or self._clock() >= self._no_payments_until

    async def look(self) -> bool:
        """Do what is to be done. Whether there is anything to be watched from now on.

        Raises:
            Retry, InDoubt, Reject, Fatal: a call failed; the next look goes on. StoreNotReady: so did the store.
        """
        keys = await self._keys()
        if not self._wanted and keys is None:
            return False
        organization = await self._organizations.organization(self._connection)
        calls = organization.client.subscriptions
        for _ in range(MOST_STEPS):
            reach("bill-writer.subscription.look.before")
            there = [one async for one in calls.all()]
            reach("bill-writer.subscription.look.after")
            keys = await self._keys()
            next_one = plan(self._wish(), Found(there, keys), self._clock(), renew=self._renew)
            if next_one.step is Step.NOTHING:
                return self._wanted
            await self._do(calls, next_one, keys)
            STEPS.labels(next_one.step).inc()
        raise Retry(f"{MOST_STEPS} steps did not bring the subscription in order", code="in_circles")

    async def _do(self, calls: Calls, next_one: Plan, keys: WebhookKeys | None) -> None:
        one = next_one.subscription
        if next_one.step is Step.CREATE:
            await self._create(calls, keys)
        elif next_one.step is Step.FORGET:
            await asyncio.to_thread(self._store.delete, self._connection, Side.BILL, Purpose.WEBHOOK_KEYS)
        elif one is None:
            raise AssertionError(f"{next_one.step} is about a subscription")
        elif next_one.step is Step.NEW_KEY:
            await self._new_key(calls, one, keys)
        elif next_one.step is Step.CHANGE:
            await self._change(calls, one)
        elif next_one.step is Step.REMOVE:
            await _done("delete", lambda: calls.delete(one.id))
        else:
            await self._enable(calls, one)

    async def _create(self, calls: Calls, keys: WebhookKeys | None) -> None:
        """Make one, switched off. Keys are there before it, and say that somewhere there may be one of ours."""
        keys = await self._unbound(keys)
        key = uuid4()
        made = await self._with_or_without_payments(
            "create", lambda one: calls.create(NAME, one.events, one.url, key=key, enabled=False)
        )
        await self._keep(keys, made.subscription.id, made.security_key)

    async def _new_key(self, calls: Calls, one: BillSubscription, keys: WebhookKeys | None) -> None:
        keys = await self._unbound(keys)
        key = uuid4()
        security_key = await _done("new_key", lambda: calls.new_key(one.id, key=key))
        await self._keep(keys, one.id, security_key)
        self._renew = False

    async def _change(self, calls: Calls, one: BillSubscription) -> None:
        """Other events or another address; whether it is on is decided afterwards."""
        await self._with_or_without_payments(
            "change", lambda to: calls.replace(one.id, NAME, to.events, to.url, enabled=bool(one.enabled))
        )

    async def _enable(self, calls: Calls, one: BillSubscription) -> None:
        now = self._clock()
        if self._revived is not None and now - self._revived < RELAPSE:
            log.warning("the webhook feed went off again; its key is replaced", connection=self._connection)
            self._renew, self._revived = True, None
            return
        await _done("enable", lambda: calls.enable(one.id))
        self._revived = now
        log.info("the webhook feed is on", connection=self._connection)
        # What happened while it was off was not delivered and never will be.
        self._poll(self._connection)

    def _wish(self) -> Wish:
        return Wish(self._url, self._wanted, self.payments)

    async def _with_or_without_payments(self, step: str, call: Callable[[Wish], Awaitable[T]]) -> T:
        """Make the call; where BILL does not allow it with payment events, without them."""
        wish = self._wish()
        try:
            return await _done(step, lambda: call(wish))
        except (Fatal, Reject) as error:
            # Nothing but a missing permission: a refusal as duplicate must not lead to a second one of other events.
            forbidden = error.code == NO_PERMISSION or error.status == 403
            if not wish.payments or not forbidden:
                raise
        without = replace(wish, payments=False)
        made = await _done(step, lambda: call(without))
        self._no_payments_until = self._clock() + PAYMENTS_AGAIN
        return made

    async def _keys(self) -> WebhookKeys | None:
        """The stored keys; what does not open is as good as none, and is replaced."""
        try:
            return await asyncio.to_thread(read_keys, self._store, self._connection)
        except SecretUnreadable as error:
            log.warning("stored webhook keys are replaced", connection=self._connection, reason=str(error))
            return None

    async def _unbound(self, keys: WebhookKeys | None) -> WebhookKeys:
        """Store that nobody knows which subscription the keys are of. Where there are none, one that signs nothing."""
        known = keys or WebhookKeys(secrets.token_urlsafe(32))
        unbound = WebhookKeys(known.current, known.previous, known.previous_until)
        await self._write("unbound", unbound)
        return unbound

    async def _keep(self, keys: WebhookKeys, subscription: str, key: str) -> None:
        now = self._clock()
        rotated = keys.rotated(key, now)
        bound = WebhookKeys(rotated.current, rotated.previous, rotated.previous_until, subscription, now)
        await self._write("key", bound)

    async def _write(self, what: str, keys: WebhookKeys) -> None:
        reach(f"bill-writer.subscription.{what}.before")
        await asyncio.to_thread(write_keys, self._store, self._connection, keys)
        reach(f"bill-writer.subscription.{what}.after")


async def _done(step: str, call: Callable[[], Awaitable[T]]) -> T:
    """Make a call that may be repeated, a few times where its answer was lost."""
    for left in reversed(range(TRIES)):
        reach(f"bill-writer.subscription.{step}.before")
        try:
            answer = await call()
        except (InDoubt, Retry):
            if not left:
                raise
            await asyncio.sleep(PAUSE)
        else:
            reach(f"bill-writer.subscription.{step}.after")
            return answer
    raise AssertionError("the last try answers or raises")


def _has_a_say(view: ConnectionView) -> bool:
    """Active ones have one; a retired one's is taken away; drafts have none, and a paused one's goes on."""
    return view.settings.state in (State.ACTIVE, State.RETIRED)
