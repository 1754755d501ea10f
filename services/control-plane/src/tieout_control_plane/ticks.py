"""Time for the decider: one tick per active connection and slot."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from tieout.connections.registry import Registry
from tieout.domain.settings import State
from tieout.log.topics import Names
from tieout.observability.logging import logger
from tieout_control_plane.log_writer import LogUnavailable, LogWriter
from tieout_control_plane.messages import tick
from tieout_control_plane.metrics import TICKS

# Some hundreds of messages cost one commit; more would only make the transaction longer.
BATCH: Final = 500
log = logger(__name__)


def slot_of(now: datetime, seconds: int) -> datetime:
    """The beginning of the slot that ``now`` (UTC) lies in; slots count from midnight of 1 January 1970."""
    passed = int(now.timestamp())
    return datetime.fromtimestamp(passed - passed % seconds, UTC)


class Ticker:
    """Writes the ticks of each slot once. After a restart a slot's ticks may come again, with the same ids."""

    def __init__(self, registry: Registry, writer: LogWriter, names: Names, seconds: int) -> None:
        self._registry = registry
        self._writer = writer
        self._names = names
        self._seconds = seconds
        self._last = datetime.fromtimestamp(0, UTC)

    async def run(self) -> None:
        """Until cancelled. Raises Superseded."""
        while True:
            now = datetime.now(UTC)
            try:
                await self.tick(now)
            except LogUnavailable as error:
                log.warning("no ticks in this slot", reason=str(error))
            following = slot_of(now, self._seconds) + timedelta(seconds=self._seconds)
            await asyncio.sleep(max(0.01, (following - datetime.now(UTC)).total_seconds()))

    async def tick(self, now: datetime) -> int:
        """The ticks of the slot of ``now``, unless this or a later slot's were written; returns how many.

        A clock that is set back therefore gives no tick until it has caught up: time in the log never runs backwards.
        """
        slot = slot_of(now, self._seconds)
        if slot <= self._last:
            return 0
        active = [view.connection for view in self._registry.all() if view.settings.state is State.ACTIVE]
        for start in range(0, len(active), BATCH):
            batch = active[start : start + BATCH]
            await self._writer.commit("tick", [tick(self._names, connection, slot) for connection in batch])
            TICKS.inc(len(batch))
        self._last = slot
        return len(active)
