"""The orders of one partition: those that a predecessor left open get their lanes before those that arrive."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from tieout.effects.carrying import LANE_WAIT
from tieout.effects.desk import Desk
from tieout.effects.messages import Answer, Received
from tieout.effects.orders import OrderConnections
from tieout.effects.resting import WaitingRoom
from tieout.effects.stepped import Stepped
from tieout.events.commands import ErpCommand
from tieout.events.facts import Result


class OrderWork:
    """What a runner does with orders. Use from the event loop."""

    def __init__(self, connections: OrderConnections, room: WaitingRoom) -> None:
        self._connections = connections
        self._room = room
        self._ahead: Counter[str] = Counter()
        self._moved = asyncio.Event()

    async def run(self, desk: Desk, order: Received, frame: ErpCommand) -> None:
        """Carry out what has just arrived, behind what was left open of its connection."""
        try:
            async with asyncio.timeout(LANE_WAIT):
                while self._ahead[frame.connection]:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            message = "what was left open of this connection is not settled"
            await desk.book.end(order, Answer(Result.STALE, message=message))
            return
        await Stepped(desk, self._connections, self._room, order, frame).run()

    def take_up(self, desk: Desk, order: Received, frame: ErpCommand) -> Coroutine[Any, Any, None]:
        """Go on with what a predecessor left open. Its lane is asked for before that of anything that arrives."""
        self._ahead[frame.connection] += 1
        return self._resume(desk, order, frame)

    async def _resume(self, desk: Desk, order: Received, frame: ErpCommand) -> None:
        passed = self._passer(frame.connection)
        try:
            await Stepped(desk, self._connections, self._room, order, frame).resume(passed)
        finally:
            passed()

    def _passer(self, connection: str) -> Callable[[], None]:
        """Tells, once, that one of those ahead has its lane or needs none."""
        left = [connection]

        def passed() -> None:
            if left:
                self._ahead[left.pop()] -= 1
                self._moved.set()

        return passed
