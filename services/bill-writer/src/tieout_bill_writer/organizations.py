"""What bill-writer knows of connections: their settings, one client each, and which are sick."""

import asyncio
from collections.abc import Callable

from tieout.connections.registry import ConnectionView, Registry
from tieout.domain.errors import Fatal
from tieout.domain.settings import Side
from tieout.effects.lanes import Lanes
from tieout.effects.port import Admission, Effect
from tieout.effects.roster import Roster
from tieout.events.commands import CommandFrame
from tieout.log.topics import Names
from tieout.observability.logging import logger
from tieout_bill_writer.opening import Opener
from tieout_bill_writer.organization import Organization
from tieout_bill_writer.writes import effect_of
from tieout_bill_writer.writes.effect import OrganizationEffect

log = logger(__name__)

# Calls under way end within their time-out; a client that is closed at the process's end does not wait for them.
CLOSE_SECONDS = 2.0


class Organizations:
    """Implements ``effects.port.Connections`` for BILL. Use from the event loop."""

    def __init__(self, registry: Registry, names: Names, opener: Opener) -> None:
        self._registry = registry
        self._names = names
        self._opener = opener
        self._open: dict[str, Organization] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._opening = Lanes()
        self._roster = Roster(registry, Side.BILL)

    def admit(self, command: CommandFrame) -> Admission:
        """Compare the command's generation with the settings seen here."""
        return self._roster.admit(command)

    def sicken(self, connection: str, key: str, reason: str) -> None:
        """Park what comes for this connection until ``heal``."""
        self._roster.sicken(connection, key, reason)

    def is_sick(self, connection: str) -> bool:
        """Whether its commands are parked."""
        return self._roster.is_sick(connection)

    def heal(self, connection: str) -> None:
        """The side answers again."""
        self._roster.heal(connection)

    def is_over(self, connection: str) -> bool:
        """Retired, or not there any more."""
        return self._roster.is_over(connection)

    @property
    def fell_ill(self) -> Callable[[str, str], None]:
        """Told of every connection that has to be healed, with the partition key of its commands."""
        return self._roster.fell_ill

    @fell_ill.setter
    def fell_ill(self, told: Callable[[str, str], None]) -> None:
        self._roster.fell_ill = told

    def is_current(self, effect: Effect) -> bool:
        """Whether settings and credentials are still those that the effect was made with."""
        if not isinstance(effect, OrganizationEffect):
            return False
        organization = effect.organization
        view = self._registry.get(organization.view.connection)
        in_use = self._open.get(organization.view.connection) is organization
        return in_use and view is not None and _same(organization.view, view)

    async def effect(self, command: CommandFrame) -> Effect:
        """The effect of a command. Raises UnknownEffect, and as ``organization`` does."""
        return effect_of(await self.organization(command.connection), command)

    async def organization(self, connection: str) -> Organization:
        """The BILL side of a connection, opened anew when its settings or credentials have changed.

        Raises:
            Fatal: there are no credentials, or no such connection. Retry: they cannot be read now.
        """
        async with self._opening.lane(connection):
            view = self._registry.get(connection)
            if view is None:
                raise Fatal(f"there is no connection {connection}", cure="Apply it: tieout connections apply FILE")
            current = self._open.get(connection)
            if current is not None and _same(current.view, view):
                return current
            if current is not None:
                self._retire(self._open.pop(connection))
            organization = self._open[connection] = await self._opener.open(view)
            return organization

    def detach(self, partition: int) -> None:
        """A partition was given away: its connections are another process's, healthy or not."""
        for connection, organization in list(self._open.items()):
            if self._names.partition_of(organization.view.settings.bill.budget) == partition:
                self._retire(self._open.pop(connection))

    async def close(self) -> None:
        """Close all clients. Sessions stay valid and stored."""
        for organization in self._open.values():
            self._retire(organization)
        self._open.clear()
        if self._closing:
            _done, late = await asyncio.wait(self._closing, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()

    def _retire(self, organization: Organization) -> None:
        """Close a client once its calls are over; whoever still holds it is told to take the new one."""
        task = asyncio.get_running_loop().create_task(organization.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _same(before: ConnectionView, now: ConnectionView) -> bool:
    """Whether a client opened under ``before`` still fits."""
    secrets = before.secret_version(Side.BILL) == now.secret_version(Side.BILL)
    return secrets and before.settings.bill == now.settings.bill
