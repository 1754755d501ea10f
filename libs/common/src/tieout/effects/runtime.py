"""Carrying out commands: look, log the intent, call once, log the end. One ``Runner`` per partition.

Nothing here knows BILL or an ERP. The order of durable writes is the whole point: an intent is committed before the
first byte leaves, the end and its outcome are committed together, and whatever happens between the two is found out by
looking, never by calling again.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final

from tieout.effects import metrics
from tieout.effects.book import Book, sick_pin
from tieout.effects.carrying import Carrying, take_up
from tieout.effects.desk import Desk
from tieout.effects.lanes import COMMANDS_PER_ORGANIZATION, Turns
from tieout.effects.log import EffectsLog
from tieout.effects.messages import Scribe
from tieout.effects.order_work import OrderWork
from tieout.effects.port import Connections
from tieout.effects.protocol import Restored, Timings
from tieout.events.commands import CommandFrame, ErpCommand
from tieout.events.envelope import Message

# Cancelled tasks only have to leave their locks; longer is a defect that must not hold up a rebalance.
UNWIND: Final = 2.0


class Runner:
    """The commands of one partition. Use from the event loop only. ``failure`` ends the process.

    ``orders`` carries out orders of several steps; every other command is one call.
    """

    def __init__(
        self,
        service: str,
        effects: EffectsLog,
        connections: Connections,
        timings: Timings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        at_once: int = COMMANDS_PER_ORGANIZATION,
        orders: OrderWork | None = None,
    ) -> None:
        self._log = effects
        self._connections = connections
        self._book = Book(service, effects, Scribe(service, clock), connections)
        self._desk = Desk(service, self._book, connections, timings, clock, Turns(at_once))
        self._orders = orders
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = metrics.WAITING.labels(service)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def resume(self, restored: Restored) -> None:
        """Take up what a predecessor left: every open intent is in doubt and is looked up before anything else."""
        for order, standing in self._book.restore(restored):
            if isinstance(order.frame, ErpCommand) and self._orders is not None:
                self._spawn(self._orders.take_up(self._desk, order, order.frame))
            else:
                self._spawn(take_up(self._desk, order, standing))
        for connection, sickness in restored.sick.items():
            self._log.progress.pin(sick_pin(connection), sickness.offset)
            self._connections.sicken(connection, sickness.key, sickness.reason)

    def received(self, offset: int, message: Message[CommandFrame]) -> None:
        """A command arrived at an offset of the input."""
        order = self._book.arrived(offset, message)
        if order is not None:
            if isinstance(order.frame, ErpCommand) and self._orders is not None:
                self._spawn(self._orders.run(self._desk, order, order.frame))
            else:
                self._spawn(Carrying(self._desk, order).run())
        else:
            self._spawn(self._book.follow_up(message.id, message.data.connection))
        if offset + 1 >= self._log.until:
            self.caught_up()

    def caught_up(self) -> None:
        """The input has been received up to where it ended when the partition was opened."""
        self._book.caught_up()

    @property
    def busy(self) -> int:
        """Commands being carried out or waiting for their lane; not those that wait for somebody outside."""
        return len(self._tasks) - self._desk.resting

    async def drain(self, seconds: float) -> None:
        """Wait for calls that are under way, at most so long; what remains stays an open intent for the successor.

        What has not called yet is given up at once: nothing of it is lost, and a look or a wait may take minutes.
        """
        self._desk.draining = True
        calling = set(self._desk.calling)
        for task in self._tasks - calling:
            task.cancel()
        if calling:
            await asyncio.wait(calling, timeout=seconds)
        rest = set(self._tasks)
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=UNWIND)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        self._waiting.inc()
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._waiting.dec()
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not self.failure.done():
            self.failure.set_exception(error)
            self.failure.exception()  # seen by whoever watches, or by nobody once the partition is given away
