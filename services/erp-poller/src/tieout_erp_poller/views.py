"""The registry's connections, told in the event loop."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from tieout.connections.registry import ConnectionView

Told = Callable[[ConnectionView], None]


class Connections(Protocol):
    """What is used of the registry."""

    def get(self, connection: str) -> ConnectionView | None:
        """One connection as it stands."""
        ...

    def all(self) -> tuple[ConnectionView, ...]:
        """All of them."""
        ...

    def subscribe(self, callback: Told) -> Callable[[], None]:
        """Have changes told, in any thread."""
        ...


class Views:
    """Changes as events of the loop it is made in."""

    def __init__(self, registry: Connections) -> None:
        self._registry = registry
        self._loop = asyncio.get_running_loop()
        self._told: list[Told] = []
        self._waiting: set[asyncio.Event] = set()
        registry.subscribe(self._tell)

    def subscribe(self, told: Told) -> None:
        """Have every later change told, in the loop."""
        self._told.append(told)

    def all(self) -> tuple[ConnectionView, ...]:
        """All connections."""
        return self._registry.all()

    def get(self, connection: str) -> ConnectionView | None:
        """One connection as it stands."""
        return self._registry.get(connection)

    async def until(
        self, connection: str, holds: Callable[[ConnectionView], bool], seconds: float
    ) -> ConnectionView | None:
        """The connection once that holds, None if it does not in time."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                while True:
                    event.clear()
                    view = self._registry.get(connection)
                    if view is not None and holds(view):
                        return view
                    await event.wait()
        except TimeoutError:
            return None
        finally:
            self._waiting.discard(event)

    def _tell(self, view: ConnectionView) -> None:
        """Called in the registry's thread."""
        self._loop.call_soon_threadsafe(self._changed, view)

    def _changed(self, view: ConnectionView) -> None:
        for told in self._told:
            told(view)
        for event in self._waiting:
            event.set()
