"""What a service waits for before it takes up its work."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final, Protocol

from tieout.connections.registry import Registry
from tieout.connections.secrets import StoreNotReady
from tieout.log.admin import require_topics
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names, Topic

# Brokers and control-plane may start after us; an orchestrator's patience with a service that is not ready is longer.
START_SECONDS: Final = 120.0
TRY_SECONDS: Final = 0.5


class Verified(Protocol):
    """A store of secrets, as far as a start needs it."""

    def verify(self) -> None:
        """Raises WrongMasterKey or StoreNotReady."""
        ...


async def prepared(
    access: KafkaAccess, names: Names, topics: Sequence[Topic], registry: Registry, store: Verified
) -> None:
    """Wait for topics, for the connections' settings, and for a store whose master key is ours.

    Raises:
        WrongTopics: a topic is missing or not as the catalogue says. WrongMasterKey: the store was made with another.
        StoreNotReady, TimeoutError: not there within two minutes.
    """
    await asyncio.to_thread(require_topics, access, names, topics)
    registry.start()
    await asyncio.to_thread(registry.wait_ready, START_SECONDS)
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            await asyncio.to_thread(store.verify)
        except StoreNotReady:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(TRY_SECONDS)
        else:
            return
