"""The limits per user: a rate in a sliding window, calls at a time, a queue behind them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.kernel.clock import Clock


class QueueTimeoutError(Exception):
    """The call waited in the queue for as long as a call may: 503."""


@dataclass
class _User:
    """What one user has under way."""

    times: deque[datetime] = field(default_factory=deque)
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Throttle:
    """Lets calls in, holds them up or turns them away."""

    def __init__(self, clock: Clock, switches: Mapping[str, Any]) -> None:
        self._clock = clock
        self._switches = switches
        self._users: dict[str, _User] = {}

    @asynccontextmanager
    async def admit(self, name: str) -> AsyncIterator[None]:
        """A place among the calls that are processed.

        Raises:
            Refusal: Too many requests in the window, or too many at a time.
            QueueTimeoutError: No place within the time a call may wait.
        """
        user = self._users.setdefault(name, _User())
        self._count(user)
        await self._wait(user)
        user.running += 1
        try:
            if self._switches["latency_ms"]:
                await asyncio.sleep(float(self._switches["latency_ms"]) / 1000)
            yield
        finally:
            user.running -= 1
            self._wake(user)

    def running(self) -> int:
        """How many calls are processed now, of all users."""
        return sum(user.running for user in self._users.values())

    def queued(self) -> int:
        """How many calls wait for a place now."""
        return sum(len(user.waiting) for user in self._users.values())

    def _count(self, user: _User) -> None:
        now, most = self._clock.now(), int(self._switches["rate_limit"])
        start = now - timedelta(seconds=float(self._switches["rate_window_seconds"]))
        while user.times and user.times[0] <= start:
            user.times.popleft()
        if len(user.times) >= most:
            raise Refusal("too_many", actual=len(user.times) + 1, most=most)
        together = user.running + len(user.waiting)
        limit = int(self._switches["concurrent"]) + int(self._switches["queue"])
        if together >= limit:
            raise Refusal("too_many", actual=together + 1, most=limit)
        user.times.append(now)

    async def _wait(self, user: _User) -> None:
        until = self._clock.now() + timedelta(seconds=float(self._switches["queue_seconds"]))
        while user.running >= int(self._switches["concurrent"]):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            user.waiting.append(turn)
            timer = asyncio.get_running_loop().create_task(self._clock.sleep_until(until))
            try:
                await asyncio.wait({turn, timer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
                if turn in user.waiting:
                    user.waiting.remove(turn)
            if not turn.done():
                raise QueueTimeoutError
        # The place is taken by the caller before anybody else runs: there is no await in between.

    @staticmethod
    def _wake(user: _User) -> None:
        while user.waiting:
            turn = user.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
