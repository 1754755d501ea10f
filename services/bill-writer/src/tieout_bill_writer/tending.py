"""One task for each connection that this process looks after: those whose budget's partition is owned here.

A task begins anew when the connection's settings or credentials change, and ends when its partition is given away.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from tieout.connections.registry import ConnectionView, Registry
from tieout.domain.settings import Side
from tieout.log.topics import Names

Work = Callable[[ConnectionView, asyncio.Event], Awaitable[None]]
"""Looks after one connection until it is cancelled, or returns if there is nothing to do any more. The event is set
when somebody wants it to look at once; it clears it. What it raises ends the process."""


@dataclass
class _Tended:
    view: ConnectionView
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None


class Tending:
    """Use from the event loop it was made in, but for ``guard``. ``wants`` judges which connections get a task."""

    def __init__(self, registry: Registry, names: Names, wants: Callable[[ConnectionView], bool], work: Work) -> None:
        self._registry = registry
        self._names = names
        self._wants = wants
        self._work = work
        self._owned: frozenset[int] = frozenset()
        self._tended: dict[str, _Tended] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = registry.subscribe(self._noticed)

    def follow(self, partitions: Collection[int]) -> None:
        """The partitions of budgets owned from now on."""
        self._owned = frozenset(partitions)
        for view in self._registry.all():
            self._align(view.connection)

    def wake(self, connection: str) -> None:
        """Have a connection looked at now."""
        tended = self._tended.get(connection)
        if tended is not None:
            tended.woken.set()

    def guard(self) -> None:
        """Raise what ended a task, if something did: the process must end with it. From any thread."""
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Stop all tasks and wait for their ends."""
        self._unsubscribe()
        self._owned = frozenset()
        for connection in list(self._tended):
            self._end(connection)
        if self._ending:
            await asyncio.wait(self._ending, timeout=2.0)

    def _noticed(self, view: ConnectionView) -> None:
        """In the registry's thread."""
        self._loop.call_soon_threadsafe(self._align, view.connection)

    def _align(self, connection: str) -> None:
        view, tended = self._registry.get(connection), self._tended.get(connection)
        ours = view is not None and self._names.partition_of(view.settings.bill.budget) in self._owned
        if view is None or not ours or not self._wants(view):
            self._end(connection)
        elif tended is None or not _same(tended.view, view):
            before = self._end(connection)
            tended = self._tended[connection] = _Tended(view)
            tended.task = self._loop.create_task(self._after(before, tended))
            tended.task.add_done_callback(self._done)

    async def _after(self, before: "asyncio.Task[None] | None", tended: _Tended) -> None:
        """A predecessor that is still ending must not work beside its successor."""
        if before is not None:
            await asyncio.wait({before})
        await self._work(tended.view, tended.woken)

    def _end(self, connection: str) -> "asyncio.Task[None] | None":
        tended = self._tended.pop(connection, None)
        if tended is None or tended.task is None or tended.task.done():
            return None
        tended.task.cancel()
        self._ending.add(tended.task)
        return tended.task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._ending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = error


def _same(before: ConnectionView, now: ConnectionView) -> bool:
    """Whether the task that was begun under ``before`` may go on."""
    return (
        before.settings.bill == now.settings.bill
        and before.settings.state is now.settings.state
        and before.settings.cutover == now.settings.cutover
        and before.secret_version(Side.BILL) == now.secret_version(Side.BILL)
    )
