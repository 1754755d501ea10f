"""Sends notifications: at most so many at once per subscription, 10 s for an answer, only 200 counts, four repeats.

Time is the simulated clock's: whoever moves it 30 s on has the repeats sent at once. When the repeats are spent the
subscription is switched off and what still waits for it is dropped.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any

import aiohttp

from tieout_sandbox.bill.subscriptions import SIGNATURE, Item, Subscription, body_for
from tieout_sandbox.bill.times import printed, stamp
from tieout_sandbox.kernel.clock import Clock

ANSWER_WITHIN = timedelta(seconds=10)
REPEATS = (2, 4, 8, 16)
# Real seconds after which a connection is given up even if nobody moves the simulated clock.
GIVE_UP = aiohttp.ClientTimeout(total=30)
MOST_ATTEMPTS_LOGGED = 100_000


@dataclass(order=True)
class Notice:
    """One notification on its way."""

    due: datetime
    number: int
    item: Item = field(compare=False)
    tries: int = field(default=0, compare=False)


class Lane:
    """What waits for one subscription."""

    def __init__(self, subscription: Subscription, courier: "Courier") -> None:
        self.subscription = subscription
        self._courier = courier
        self._waiting: list[Notice] = []
        self._changed = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def pending(self) -> int:
        """Notifications that wait or are being sent."""
        return len(self._waiting) + len(self._running)

    def put(self, notice: Notice) -> None:
        """Send it when it is due."""
        heappush(self._waiting, notice)
        self._changed.set()

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()

    async def stop(self) -> None:
        """End at once."""
        tasks = [self._task, *self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            most = int(self._courier.switches["webhook_concurrency"])
            if not self._waiting or len(self._running) >= most:
                await self._changed.wait()
            elif self._waiting[0].due > self._courier.clock.now():
                await self._until(self._waiting[0].due)
            else:
                task = asyncio.get_running_loop().create_task(self._attempt(heappop(self._waiting)))
                self._running.add(task)
                task.add_done_callback(self._done)

    async def _until(self, due: datetime) -> None:
        """Until it is due, or something else waits."""
        loop = asyncio.get_running_loop()
        waits = {loop.create_task(self._changed.wait()), loop.create_task(self._courier.clock.sleep_until(due))}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._changed.set()

    async def _attempt(self, notice: Notice) -> None:
        if not self.subscription.enabled:
            return
        notice.tries += 1
        status = await self._courier.deliver(self.subscription, notice.item, notice.tries)
        if status == 200 or not self.subscription.enabled:
            return
        if notice.tries <= len(REPEATS):
            notice.due = self._courier.clock.now() + timedelta(seconds=REPEATS[notice.tries - 1])
            self.put(notice)
            return
        self.subscription.enabled = False
        self.subscription.updated = stamp(self._courier.clock.now())
        self.drop()


class Courier:
    """The sender of one installation. Nothing leaves before ``start``."""

    def __init__(self, clock: Clock, switches: Mapping[str, Any], ca_file: str | None) -> None:
        self.clock = clock
        self.switches = switches
        self._ca_file = ca_file
        self._lanes: dict[str, Lane] = {}
        self._numbers = count(1)
        self._session: aiohttp.ClientSession | None = None
        self.attempts: deque[dict[str, Any]] = deque(maxlen=MOST_ATTEMPTS_LOGGED)

    async def start(self) -> None:
        """Open the client; a CA file that cannot be read is an OSError here."""
        trusted = ssl.create_default_context(cafile=self._ca_file)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trusted), timeout=GIVE_UP, trust_env=False
        )

    async def stop(self) -> None:
        """Send nothing any more."""
        await asyncio.gather(*(lane.stop() for lane in self._lanes.values()))
        self._lanes.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def pending(self) -> int:
        """Notifications that wait or are being sent."""
        return sum(lane.pending for lane in self._lanes.values())

    def send(self, subscription: Subscription, item: Item, after: timedelta) -> None:
        """Send an event to a subscription, for the first time."""
        if self._session is None:
            return
        lane = self._lanes.get(subscription.id)
        if lane is None:
            lane = self._lanes[subscription.id] = Lane(subscription, self)
        lane.put(Notice(self.clock.now() + after, next(self._numbers), item))

    async def deliver(self, subscription: Subscription, item: Item, attempt: int) -> int | None:
        """Send once and wait for the answer: its status, None if there was none within ten seconds."""
        body = body_for(subscription, item, self.switches["webhook_body"])
        loop = asyncio.get_running_loop()
        sending = loop.create_task(self._post(subscription, body))
        limit = loop.create_task(self.clock.sleep_until(self.clock.now() + ANSWER_WITHIN))
        try:
            await asyncio.wait({sending, limit}, return_when=asyncio.FIRST_COMPLETED)
            status = sending.result() if sending.done() else None
        finally:
            sending.cancel()
            limit.cancel()
            await asyncio.gather(sending, limit, return_exceptions=True)
        item.status = status
        self.attempts.append(
            {
                "time": printed(self.clock.now()),
                "subscriptionId": subscription.id,
                "eventId": item.event.id,
                "type": item.event.type,
                "attempt": attempt,
                "status": status,
            }
        )
        return status

    async def _post(self, subscription: Subscription, body: bytes) -> int | None:
        if self._session is None:
            return None
        headers = {"Content-Type": "application/json", SIGNATURE: subscription.sign(body, self.clock.now())}
        try:
            async with self._session.post(
                subscription.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None
