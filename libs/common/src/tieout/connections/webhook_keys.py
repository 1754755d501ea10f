"""The keys that BILL signs a connection's notifications with: stored by bill-writer, checked by webhook-ingest.

BILL does not say how long the old key goes on after a rotation, so both count for a while. The order that loses
nothing: store the new keys first (``rotated``), then switch the subscription on; what is signed in between is refused
and comes again after 2, 4, 8 and 16 seconds.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from tieout.connections.secrets import Purpose, Secret, SecretStore, SecretUnreadable
from tieout.domain.settings import Side
from tieout.events.envelope import parse_time, time_text

# BILL's repeats of one notification end half a minute after the first. An hour covers any slow change-over on its side
# and is the longest that a key somebody has stolen stays good after its rotation.
GRACE: Final = timedelta(hours=1)

CURRENT: Final = "current"
PREVIOUS: Final = "previous"
UNTIL: Final = "previous_until"
SUBSCRIPTION: Final = "subscription"
MADE: Final = "made"


@dataclass(frozen=True)
class WebhookKeys:
    """Up to two keys; ``repr`` shows neither.

    Attributes:
        previous: counts until ``previous_until``, UTC.
        subscription: BILL's id of the subscription that ``current`` is of; ``""`` while nobody knows whether BILL still
            signs with it: a new one is being made, or was when the process ended.
        made: when BILL made ``current``, UTC.
    """

    current: str = field(repr=False)
    previous: str = field(default="", repr=False)
    previous_until: datetime | None = None
    subscription: str = ""
    made: datetime | None = None

    def accepted(self, now: datetime) -> tuple[str, ...]:
        """The keys that a signature made now may be of."""
        if self.previous and self.previous_until is not None and now < self.previous_until:
            return (self.current, self.previous)
        return (self.current,)

    def rotated(self, key: str, now: datetime, grace: timedelta = GRACE) -> Self:
        """These keys after BILL has given a new one; the old one goes on for ``grace``. The same key is no change."""
        return self if key == self.current else type(self)(key, self.current, now + grace, self.subscription, now)


def read_keys(store: SecretStore, connection: str) -> WebhookKeys | None:
    """A connection's keys, None if there are none. Blocking.

    Raises:
        SecretUnreadable: what is stored is no set of keys, or does not open.
        StoreNotReady, SideNotHeld, WrongMasterKey: see ``SecretStore.get``.
    """
    secret = store.get(connection, Side.BILL, Purpose.WEBHOOK_KEYS)
    return None if secret is None else _keys_of(secret, connection)


def write_keys(store: SecretStore, connection: str, keys: WebhookKeys) -> int:
    """Store a connection's keys in place of those before; returns their version. Raises as ``SecretStore.put``."""
    values = {CURRENT: keys.current}
    if keys.previous and keys.previous_until is not None:
        values |= {PREVIOUS: keys.previous, UNTIL: time_text(keys.previous_until)}
    if keys.subscription:
        values[SUBSCRIPTION] = keys.subscription
    if keys.made is not None:
        values[MADE] = time_text(keys.made)
    return store.put(connection, Side.BILL, Purpose.WEBHOOK_KEYS, values)


def _keys_of(secret: Secret, connection: str) -> WebhookKeys:
    try:
        subscription = secret[SUBSCRIPTION] if SUBSCRIPTION in secret else ""  # noqa: SIM401 - a secret has no get
        made = parse_time(secret[MADE]) if MADE in secret else None
        if PREVIOUS not in secret:
            return WebhookKeys(secret[CURRENT], subscription=subscription, made=made)
        return WebhookKeys(secret[CURRENT], secret[PREVIOUS], parse_time(secret[UNTIL]), subscription, made)
    except (KeyError, ValueError):
        raise SecretUnreadable(f"the webhook keys of {connection} are incomplete: have them rotated") from None
