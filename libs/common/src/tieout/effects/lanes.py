"""What may run side by side: one command per lane, a few commands and a few calls per organization."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

# BILL refuses a fourth concurrent call for one developer key and organization.
CALLS_PER_ORGANIZATION: Final = 3
# Commands of one organization that look, are intended and call. As many again as may call, so that an intent is being
# written while others call; more would stand behind each other until their deadlines pass.
COMMANDS_PER_ORGANIZATION: Final = 2 * CALLS_PER_ORGANIZATION


class LaneBusy(Exception):
    """A lane was not free in time."""


class Lanes:
    """Serial lanes by key, in the order of asking. A lane nobody uses costs nothing."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def lane(self, key: str, wait: float | None = None) -> AsyncIterator[None]:
        """Hold a lane.

        Raises:
            LaneBusy: it was not free within ``wait`` seconds; None waits for ever.
        """
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._users[key] = self._users.get(key, 0) + 1
        try:
            try:
                async with asyncio.timeout(wait):
                    await lock.acquire()
            except TimeoutError:
                raise LaneBusy(key) from None
            try:
                yield
            finally:
                lock.release()
        finally:
            self._users[key] -= 1
            if self._users[key] == 0:
                del self._users[key], self._locks[key]


class Slots:
    """At most ``limit`` calls at a time per organization; further ones queue, they do not fan out."""

    def __init__(self, limit: int = CALLS_PER_ORGANIZATION) -> None:
        self._limit = limit
        self._slots: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def call(self, organization: str) -> AsyncIterator[None]:
        """Hold one of the organization's places for the time of one call."""
        async with self._slots.setdefault(organization, asyncio.Semaphore(self._limit)):
            yield


class Turns:
    """At most ``limit`` holders per key; those who wait get in by priority (smaller first), then by order of asking."""

    def __init__(self, limit: int = COMMANDS_PER_ORGANIZATION) -> None:
        self._limit = limit
        self._holders: dict[str, int] = {}
        self._waiting: dict[str, list[tuple[int, int, asyncio.Future[None]]]] = {}
        self._asked = 0

    @asynccontextmanager
    async def turn(self, key: str, priority: int) -> AsyncIterator[None]:
        """Hold a turn."""
        await self._enter(key, priority)
        try:
            yield
        finally:
            self._leave(key)

    async def _enter(self, key: str, priority: int) -> None:
        if self._holders.get(key, 0) < self._limit:
            self._holders[key] = self._holders.get(key, 0) + 1
            return
        self._asked += 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting.setdefault(key, []), (priority, self._asked, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(key)
            raise

    def _leave(self, key: str) -> None:
        """Hand the turn to who is next; one that has given up meanwhile is passed over."""
        waiting = self._waiting.get(key, [])
        while waiting:
            _priority, _asked, turn = heapq.heappop(waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._waiting.pop(key, None)
        self._holders[key] -= 1
        if self._holders[key] == 0:
            del self._holders[key]
