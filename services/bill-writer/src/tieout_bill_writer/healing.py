"""Sick connections: tried again now and then, and at once when somebody changed something; healed ones are reported."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final

from tieout.connections.registry import ConnectionView, Registry
from tieout.domain.errors import RecoveryError
from tieout.domain.settings import Side
from tieout.effects.log import Append, EffectsLog
from tieout.events import catalogue
from tieout.events.envelope import Message
from tieout.events.facts import SideFact
from tieout.events.identity import digest
from tieout.observability.logging import logger
from tieout_bill_writer.organizations import Organizations
from tieout_connectors.bill.calls import Call
from tieout_connectors.bill.wire.session import read_session_details

log = logger(__name__)

FIRST_TRY: Final = 5.0
# A refused sign-in counts against the 200 an hour, so a connection that stays sick takes at most twelve of them.
LONGEST_PAUSE: Final = 300.0


class Healing:
    """One task per sick connection. Use from the event loop."""

    def __init__(
        self,
        registry: Registry,
        organizations: Organizations,
        log_of: Callable[[str], EffectsLog | None],
        *,
        first_try: float = FIRST_TRY,
    ) -> None:
        self._registry = registry
        self._organizations = organizations
        self._log_of = log_of
        self._first_try = first_try
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._changed: dict[str, asyncio.Event] = {}
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = registry.subscribe(self._noticed)
        organizations.fell_ill = self.begin

    def begin(self, connection: str) -> None:
        """A connection fell ill."""
        if connection not in self._tasks:
            self._changed[connection] = asyncio.Event()
            self._spawn(connection, self._heal(connection))

    async def close(self) -> None:
        """Stop trying."""
        self._unsubscribe()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _spawn(self, connection: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks[connection] = task
        task.add_done_callback(lambda _task: self._tasks.pop(connection, None))

    def _noticed(self, view: ConnectionView) -> None:
        """In the registry's thread: new settings or credentials are worth a try at once."""
        self._loop.call_soon_threadsafe(self._wake, view.connection)

    def _wake(self, connection: str) -> None:
        event = self._changed.get(connection)
        if event is not None:
            event.set()

    async def _heal(self, connection: str) -> None:
        pause = self._first_try
        changed = self._changed[connection]
        while True:
            try:
                await asyncio.wait_for(changed.wait(), pause)
            except TimeoutError:
                pause = min(pause * 2, LONGEST_PAUSE)
            changed.clear()
            try:
                organization = await self._organizations.organization(connection)
                organization.client.sessions.reset()
                await organization.client.caller.read(Call("GET /v3/login/session"), read_session_details)
            except RecoveryError as error:
                log.debug("still sick", connection=connection, reason=str(error))
                continue
            break
        self._organizations.heal(connection)
        await self._report(connection)

    async def _report(self, connection: str) -> None:
        view = self._registry.get(connection)
        effects = None if view is None else self._log_of(view.settings.bill.budget)
        if effects is None:
            return
        now = datetime.now(UTC)
        data = SideFact(side=Side.BILL.value, healed=True, reason="BILL answers again")
        message = Message(
            id="s" + digest("side", connection, now.isoformat())[:31],
            source="/bill-writer",
            type=catalogue.name_of(data),
            subject=Side.BILL.value,
            time=now,
            partitionkey=connection,
            data=data,
        )
        await effects.append(Append(facts=(message,)))
        log.info("BILL side is healed", connection=connection)
