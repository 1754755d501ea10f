"""What payment-writeback knows of connections: whether their orders may be carried out, and one open ERP for each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from tieout.connections.key_wrapper import WrongMasterKey
from tieout.connections.registry import ConnectionView, Registry
from tieout.connections.secrets import Purpose, SecretStore, SecretUnreadable, StoreNotReady
from tieout.domain.errors import Fatal, Retry
from tieout.domain.settings import Side
from tieout.effects.lanes import Lanes
from tieout.effects.orders import OrderWriter
from tieout.effects.port import Admission, Effect, UnknownEffect
from tieout.effects.roster import FellIll, Roster
from tieout.events.commands import CommandFrame
from tieout.observability.logging import logger
from tieout_connectors.opening import READERS, WRITERS, Values, open_erp
from tieout_connectors.spi.erp_writer import ErpWriter
from tieout_payment_writeback import metrics

log = logger(__name__)

# Writers in use at a stop belong to calls that nobody waits for any more.
CLOSE_SECONDS: Final = 2.0


@dataclass
class _Company:
    """A connection's ERP, opened with the settings and credentials of ``view``; ``users`` counts the goes it is in."""

    view: ConnectionView
    writer: ErpWriter
    users: int = 0
    outdated: bool = False


class Companies:
    """Implements ``effects.orders.OrderConnections``. Use from the event loop."""

    def __init__(self, registry: Registry, secrets: SecretStore) -> None:
        self._registry = registry
        self._secrets = secrets
        self._roster = Roster(registry, Side.ERP)
        self._open: dict[str, _Company] = {}
        self._opening = Lanes()
        self._closing: set[asyncio.Task[None]] = set()
        metrics.SICK.set_function(lambda: float(self._roster.sick))
        metrics.OPEN.set_function(lambda: float(len(self._open)))

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
        """The side answers again. It is opened anew: a token may have been given under other rights."""
        self._roster.heal(connection)
        company = self._open.pop(connection, None)
        if company is not None:
            self._retire(company)

    def is_over(self, connection: str) -> bool:
        """Retired, or not there any more."""
        return self._roster.is_over(connection)

    def may_write(self, connection: str) -> bool:
        """Whether it is active."""
        return self._roster.may_write(connection)

    @property
    def fell_ill(self) -> FellIll:
        """Told of every connection that has to be healed, with the partition key of its commands."""
        return self._roster.fell_ill

    @fell_ill.setter
    def fell_ill(self, told: FellIll) -> None:
        self._roster.fell_ill = told

    def is_current(self, effect: Effect) -> bool:  # noqa: ARG002 - the protocol's name
        """No command here is a single call."""
        return False

    async def effect(self, command: CommandFrame) -> Effect:
        """No command here is a single call: all but orders are another writer's."""
        raise UnknownEffect(command.intent)

    @asynccontextmanager
    async def writer(self, connection: str) -> AsyncIterator[OrderWriter]:
        """The connection's ERP, opened anew once settings or credentials have changed.

        Raises:
            Fatal: there are no credentials, or no such connection. Retry: they cannot be read now.
        """
        company = await self._company(connection)
        company.users += 1
        try:
            yield company.writer
        finally:
            company.users -= 1
            self._close_unused(company)

    async def answers(self, connection: str) -> None:
        """Ask the ERP something small with the settings and credentials of now.

        Raises:
            Fatal, Retry: it does not let the connection in.
        """
        view = self._view(connection)
        credentials = await self._credentials(connection)
        probe = open_erp(READERS, view.settings.erp, credentials)
        try:
            await probe.context()
        finally:
            await probe.close()

    def detach(self, owned: "frozenset[str]") -> None:
        """Partitions were given away: only these connections are still ours."""
        for connection in self._open.keys() - owned:
            self._retire(self._open.pop(connection))

    async def close(self) -> None:
        """Close everything."""
        self.detach(frozenset())
        if self._closing:
            _done, late = await asyncio.wait(self._closing, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()

    @property
    def open(self) -> tuple[str, ...]:
        """Connections whose ERP is open here."""
        return tuple(self._open)

    async def _company(self, connection: str) -> _Company:
        async with self._opening.lane(connection):
            view = self._view(connection)
            current = self._open.get(connection)
            if current is not None and _same(current.view, view):
                return current
            if current is not None:
                self._retire(self._open.pop(connection))
            credentials = await self._credentials(connection)
            writer = open_erp(WRITERS, view.settings.erp, credentials)
            company = self._open[connection] = _Company(view, writer)
            return company

    def _view(self, connection: str) -> ConnectionView:
        view = self._registry.get(connection)
        if view is None:
            raise Fatal(f"there is no connection {connection}", cure="Apply it: tieout connections apply FILE")
        return view

    async def _credentials(self, connection: str) -> Values:
        cure = f"tieout connections secret set {connection} erp"
        try:
            secret = await asyncio.to_thread(self._secrets.get, connection, Side.ERP, Purpose.CREDENTIALS)
        except StoreNotReady as error:
            raise Retry(str(error), code="not_ready") from error
        except (SecretUnreadable, WrongMasterKey) as error:
            raise Fatal(str(error), code="credentials_unreadable", cure=cure) from error
        if secret is None:
            raise Fatal("there are no credentials for the ERP", code="no_credentials", cure=cure)
        return secret.reveal()

    def _retire(self, company: _Company) -> None:
        company.outdated = True
        self._close_unused(company)

    def _close_unused(self, company: _Company) -> None:
        """Whoever still uses it goes on; it is closed by the last of them."""
        if company.outdated and company.users == 0:
            task = asyncio.get_running_loop().create_task(company.writer.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _same(before: ConnectionView, now: ConnectionView) -> bool:
    """Whether an ERP opened under ``before`` still fits."""
    secrets = before.secret_version(Side.ERP) == now.secret_version(Side.ERP)
    return secrets and before.settings.erp == now.settings.erp
