"""Lanes: what may run side by side. One command per lane, a few calls per organization."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

# BILL refuses a fourth concurrent call for one developer key and organization.
CALLS_PER_ORGANIZATION: Final = 3


class Lanes:
    """Serial lanes by key, in the order of asking. A lane nobody uses costs nothing."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def lane(self, key: str) -> AsyncIterator[None]:
        """Hold a lane."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._users[key] = self._users.get(key, 0) + 1
        try:
            async with lock:
                yield
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
