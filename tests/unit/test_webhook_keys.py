"""The keys that notifications are signed with: how a rotation is followed, and what a forger can cause."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tieout.connections.webhook_keys import GRACE, WebhookKeys
from tieout_webhook_ingest import keyring as module
from tieout_webhook_ingest.keyring import Held, Keyring, KeysUnavailable

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD, NEW = Held(WebhookKeys("old")), Held(WebhookKeys("new"))


class Store:
    """What the database holds, how often it was asked, and whether it answers."""

    def __init__(self) -> None:
        self.held = OLD
        self.reads: Counter[str] = Counter()
        self.down = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, connection: str) -> Held:
        """One read."""
        self.reads[connection] += 1
        assert self.may_answer.wait(10)
        if self.down:
            raise KeysUnavailable("the database cannot be reached")
        # A new object each time, as from the database.
        return Held(self.held.keys, self.held.fingerprint_key)


class Clock:
    """Seconds that rise only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def store() -> Store:
    """A store that holds the old key."""
    return Store()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands."""
    return Clock()


@pytest.fixture
def keyring(store: Store, clock: Clock) -> Iterator[Keyring]:
    """A keyring that has read nothing."""
    made = Keyring(store, clock)
    yield made
    store.may_answer.set()
    made.close()


def test_the_old_key_counts_for_an_hour_after_a_rotation() -> None:
    """BILL may go on signing with it for a while; after that it is dead."""
    keys = WebhookKeys("old").rotated("new", NOON)
    assert keys.accepted(NOON) == ("new", "old")
    assert keys.accepted(NOON + GRACE - timedelta(seconds=1)) == ("new", "old")
    assert keys.accepted(NOON + GRACE) == ("new",)


def test_a_second_rotation_drops_the_oldest_key() -> None:
    """Never more than two keys."""
    keys = WebhookKeys("1").rotated("2", NOON).rotated("3", NOON)
    assert keys.accepted(NOON) == ("3", "2")


def test_the_same_key_again_is_no_rotation() -> None:
    """BILL repeats an answer of the last day; taking it for a new key would forget the one before."""
    keys = WebhookKeys("1").rotated("2", NOON)
    assert keys.rotated("2", NOON + GRACE) == keys


def test_keys_never_show() -> None:
    """A log line with the object in it gives nothing away."""
    keys = WebhookKeys("s3cr3t-current").rotated("s3cr3t-next", NOON)
    assert "s3cr3t" not in f"{keys!r} {keys} {Held(keys, b's3cr3t-print')!r}"


async def test_many_notifications_cost_one_read(keyring: Keyring, store: Store, clock: Clock) -> None:
    """The database is not asked for each notification; after some seconds it is asked once more."""
    await asyncio.gather(*(keyring.of("acme") for _ in range(200)))
    clock.now += module.FRESH_SECONDS - 0.1
    assert await keyring.of("acme") == OLD
    assert store.reads["acme"] == 1
    clock.now += 0.1
    await asyncio.gather(*(keyring.of("acme") for _ in range(200)))
    assert store.reads["acme"] == 2


async def test_a_rotation_is_seen_within_seconds(keyring: Keyring, store: Store, clock: Clock) -> None:
    """A withdrawn key is refused soon, also if nobody signs with the new one."""
    assert await keyring.of("acme") == OLD
    store.held = NEW
    assert await keyring.of("acme") == OLD
    clock.now += module.FRESH_SECONDS
    assert await keyring.of("acme") == NEW


async def test_the_first_unknown_signature_reads_the_keys_at_once(keyring: Keyring, store: Store) -> None:
    """The first notification under a new key is accepted, not refused until the cache is old."""
    known = await keyring.of("acme")
    store.held = NEW
    assert await keyring.again("acme", known) == NEW
    assert await keyring.of("acme") == NEW
    assert store.reads["acme"] == 2


async def test_who_comes_with_older_keys_gets_the_newer_without_a_read(keyring: Keyring, store: Store) -> None:
    """A burst under a new key costs one read, and all of it is accepted."""
    known = await keyring.of("acme")
    store.held = NEW
    found = await asyncio.gather(*(keyring.again("acme", known) for _ in range(50)))
    assert found == [NEW] * 50
    assert await keyring.again("acme", known) == NEW
    assert store.reads["acme"] == 2


async def test_forgeries_cannot_hammer_the_database(keyring: Keyring, store: Store, clock: Clock) -> None:
    """A thousand wrong signatures cost one read a second, and the genuine keys stay in use."""
    known = await keyring.of("acme")
    for _ in range(1000):
        assert await keyring.again("acme", known) is None
    assert store.reads["acme"] == 2
    clock.now += module.AGAIN_SECONDS
    for _ in range(1000):
        assert await keyring.again("acme", known) is None
    assert store.reads["acme"] == 3
    assert await keyring.of("acme") == OLD


async def test_forgeries_for_one_connection_leave_reads_for_the_others(
    keyring: Keyring, store: Store, clock: Clock
) -> None:
    """A flood for one connection takes one read a second; a rotation of another is followed meanwhile."""
    known = {name: await keyring.of(name) for name in ("acme", "other")}
    first = store.reads["acme"]
    for _ in range(10):
        await keyring.again("acme", known["acme"])
        clock.now += module.AGAIN_SECONDS_OF_ALL
    assert store.reads["acme"] == first + 1
    store.held = NEW
    assert await keyring.again("other", known["other"]) == NEW


async def test_forgeries_for_many_connections_are_limited_together(
    keyring: Keyring, store: Store, clock: Clock
) -> None:
    """Spreading the forgeries over all connections does not help."""
    names = [f"c{number}" for number in range(100)]
    known = [await keyring.of(name) for name in names]
    first = sum(store.reads.values())
    for name, held in zip(names, known, strict=True):
        await keyring.again(name, held)
    assert sum(store.reads.values()) == first + 1
    clock.now += module.AGAIN_SECONDS_OF_ALL
    await keyring.again(names[50], known[50])
    assert sum(store.reads.values()) == first + 2


async def test_a_database_that_is_down_does_not_stop_the_feed(keyring: Keyring, store: Store, clock: Clock) -> None:
    """Known keys go on for an hour, and are asked for again every few seconds, not for every notification."""
    assert await keyring.of("acme") == OLD
    store.down = True
    clock.now += module.FRESH_SECONDS
    for _ in range(100):
        assert await keyring.of("acme") == OLD
    assert store.reads["acme"] == 2
    clock.now += module.STALE_SECONDS
    with pytest.raises(KeysUnavailable):
        await keyring.of("acme")
    store.down = False
    store.held = NEW
    clock.now += module.FRESH_SECONDS
    assert await keyring.of("acme") == NEW


async def test_without_any_keys_a_database_that_is_down_is_asked_seldom(
    keyring: Keyring, store: Store, clock: Clock
) -> None:
    """A process that starts while the database is down refuses, and does not add to its trouble."""
    store.down = True
    for _ in range(100):
        with pytest.raises(KeysUnavailable):
            await keyring.of("acme")
    assert store.reads["acme"] == 1
    store.down = False
    clock.now += module.FRESH_SECONDS
    assert await keyring.of("acme") == OLD


async def test_a_database_that_hangs_delays_one_notification_a_little(
    keyring: Keyring, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BILL is answered from the keys that are known; the read goes on and counts once it ends."""
    monkeypatch.setattr(module, "READ_SECONDS", 0.02)
    assert await keyring.of("acme") == OLD
    store.may_answer.clear()
    store.held = NEW
    clock.now += module.FRESH_SECONDS
    async with asyncio.timeout(5):
        assert await keyring.of("acme") == OLD
        assert await keyring.of("acme") == OLD
        assert await keyring.again("acme", await keyring.of("acme")) is None
    assert store.reads["acme"] == 2
    store.may_answer.set()
    found = await keyring.of("acme")
    async with asyncio.timeout(5):
        while found != NEW:
            await asyncio.sleep(0.01)
            found = await keyring.of("acme")


async def test_giving_up_a_request_does_not_give_up_the_read(keyring: Keyring, store: Store) -> None:
    """A sender that goes away takes nothing from those who wait for the same keys."""
    store.may_answer.clear()
    gone = asyncio.create_task(keyring.of("acme"))
    stays = asyncio.create_task(keyring.of("acme"))
    await asyncio.sleep(0)
    gone.cancel()
    store.may_answer.set()
    assert await stays == OLD
    assert store.reads["acme"] == 1
