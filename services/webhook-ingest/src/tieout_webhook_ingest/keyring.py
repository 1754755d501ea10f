"""The keys of each connection, kept in memory so that a notification costs no read of the database.

What is read stays good for a few seconds. A signature that no known key has made lets the keys be read again at once,
so a rotation is followed by the first notification that is signed with the new key; forgeries get no more out of that
than a read now and then.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from tieout.connections.fingerprints import fingerprint_key
from tieout.connections.key_wrapper import SideNotHeld, WrongMasterKey
from tieout.connections.secrets import SecretStore, SecretUnreadable, StoreNotReady
from tieout.connections.webhook_keys import WebhookKeys, read_keys
from tieout.domain.settings import Side
from tieout.observability.logging import logger
from tieout_webhook_ingest import metrics

log = logger(__name__)

# How long keys that were read count without being read again: so late is a withdrawn key noticed.
FRESH_SECONDS: Final = 5.0
# How long they count while the database does not answer. Refusing genuine notifications switches the feed off after
# half a minute; keeping on accepts a withdrawn key for as long. BILL's events are hints that are read again.
STALE_SECONDS: Final = 3600.0
# A read takes a millisecond. Whoever has older keys waits no longer than this for newer ones; whoever has none waits
# longer, within the time that BILL waits.
READ_SECONDS: Final = 1.0
FIRST_SECONDS: Final = 5.0
# Reads that wrong signatures may cause: per connection and for all of them. A genuine notification that meets the limit
# is refused and comes again after two seconds.
AGAIN_SECONDS: Final = 1.0
AGAIN_SECONDS_OF_ALL: Final = 0.05
READS_AT_ONCE: Final = 4


class KeysUnavailable(Exception):
    """The keys of a connection cannot be read now."""


@dataclass(frozen=True)
class Held:
    """What is held for a connection; ``keys`` None says that none are stored."""

    keys: WebhookKeys | None
    fingerprint_key: bytes | None = field(default=None, repr=False)


@dataclass
class _Entry:
    held: Held | None = None
    read_at: float = float("-inf")
    due: float = float("-inf")
    again: float = float("-inf")
    reading: "asyncio.Task[None] | None" = None


class StoredKeys:
    """What the store of secrets holds for a connection. Blocking."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store
        self._fingerprint_keys: dict[str, bytes] = {}

    def __call__(self, connection: str) -> Held:
        """Read it. Raises KeysUnavailable."""
        try:
            keys = read_keys(self._store, connection)
            return Held(keys, self._fingerprint_key(connection))
        except (StoreNotReady, SecretUnreadable, WrongMasterKey, SideNotHeld) as error:
            raise KeysUnavailable(str(error)) from error

    def _fingerprint_key(self, connection: str) -> bytes | None:
        """Never changes once it is there."""
        known = self._fingerprint_keys.get(connection)
        if known is None and (known := fingerprint_key(self._store, connection, Side.BILL)) is not None:
            self._fingerprint_keys[connection] = known
        return known


class Keyring:
    """Use from the event loop. ``load`` is called in a thread; ``clock`` is seconds that only rise."""

    def __init__(self, load: Callable[[str], Held], clock: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._again_of_all = float("-inf")
        self._threads = ThreadPoolExecutor(READS_AT_ONCE, thread_name_prefix="keys")
        self._failing = False

    async def of(self, connection: str) -> Held:
        """What is held for a connection that the registry knows, a few seconds old at most while the store answers.

        Raises:
            KeysUnavailable: it was not read for too long.
        """
        entry = self._entries.setdefault(connection, _Entry())
        if entry.reading is None and self._clock() >= entry.due:
            await self._read(connection, entry)
        elif entry.reading is not None and entry.held is None:
            await _wait(entry.reading, FIRST_SECONDS)
        if entry.held is None or self._clock() - entry.read_at > STALE_SECONDS:
            raise KeysUnavailable("they could not be read")
        return entry.held

    async def again(self, connection: str, known: Held) -> Held | None:
        """Something newer than ``known``, after no key of it has made a signature; None if there is nothing yet."""
        entry = self._entries[connection]
        if entry.held is known and not await self._read_again(connection, entry):
            return None
        return entry.held if entry.held != known else None

    async def _read_again(self, connection: str, entry: _Entry) -> bool:
        if entry.reading is not None:
            await _wait(entry.reading, READ_SECONDS)
            return True
        now = self._clock()
        if now < max(entry.again, self._again_of_all):
            metrics.KEY_READS.labels("limited").inc()
            return False
        entry.again = now + AGAIN_SECONDS
        self._again_of_all = now + AGAIN_SECONDS_OF_ALL
        await self._read(connection, entry)
        return True

    async def _read(self, connection: str, entry: _Entry) -> None:
        """Read once for all who want it, and wait for it for a while."""
        entry.due = self._clock() + FRESH_SECONDS
        task = asyncio.get_running_loop().create_task(self._fill(connection, entry))
        entry.reading = task
        await _wait(task, FIRST_SECONDS if entry.held is None else READ_SECONDS)

    async def _fill(self, connection: str, entry: _Entry) -> None:
        began = self._clock()
        try:
            held = await asyncio.get_running_loop().run_in_executor(self._threads, self._load, connection)
        except KeysUnavailable as error:
            self._tell(connection, str(error))
        else:
            entry.held = entry.held if held == entry.held else held
            entry.read_at = began
            self._tell(connection, None)
        finally:
            entry.reading = None

    def _tell(self, connection: str, problem: str | None) -> None:
        """Count, and log the change from well to ill once."""
        metrics.KEY_READS.labels("read" if problem is None else "failed").inc()
        if problem is not None and not self._failing:
            log.warning("webhook keys cannot be read", connection=connection, reason=problem)
        self._failing = problem is not None

    def close(self) -> None:
        """Give the threads back."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _wait(reading: "asyncio.Task[None]", seconds: float) -> None:
    """Wait for a while, without ending the reading if the one who waits is ended."""
    await asyncio.wait({reading}, timeout=seconds)
