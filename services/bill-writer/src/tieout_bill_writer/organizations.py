"""What bill-writer knows of connections: their settings, their credentials, one client each, and which are sick."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiohttp

from tieout.connections.registry import ConnectionView, Registry
from tieout.connections.secrets import Purpose, SecretStore
from tieout.domain.errors import Fatal
from tieout.domain.settings import Side, State
from tieout.effects.lanes import Lanes
from tieout.effects.port import Admission, Effect, Verdict
from tieout.events.commands import CommandFrame, Intent, VendorCommand
from tieout.observability.logging import logger
from tieout_bill_writer.meters import Meter, Meters, OrganizationGate
from tieout_bill_writer.sessions import StoredSessions, authority_of
from tieout_bill_writer.vendor_index import VendorIndex
from tieout_bill_writer.writes import EnsureVendor, UpdateVendor
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.settings import Addresses, Credentials
from tieout_connectors.http.session import open_session, trust

log = logger(__name__)

Build = Callable[[BillClient, VendorIndex, Meter, VendorCommand], Effect]

EFFECTS: Final[dict[Intent, Build]] = {
    Intent.VENDOR_ENSURE: EnsureVendor,
    Intent.VENDOR_UPDATE: UpdateVendor,
}


@dataclass
class Organization:
    """A connection's BILL side, ready to be called. It lasts as long as settings and credentials do."""

    view: ConnectionView
    http: aiohttp.ClientSession
    client: BillClient
    index: VendorIndex
    meter: Meter


class Organizations:
    """Implements ``effects.port.Connections`` for BILL. Use from the event loop."""

    def __init__(self, registry: Registry, secrets: SecretStore, meters: Meters, *, timeout: float) -> None:
        self._registry = registry
        self._secrets = secrets
        self._meters = meters
        self._timeout = timeout
        self._open: dict[str, Organization] = {}
        self._retired: list[Organization] = []
        self._opening = Lanes()
        self._sick: dict[str, str] = {}
        self.fell_ill: Callable[[str], None] = lambda _connection: None

    def admit(self, command: CommandFrame) -> Admission:
        """Compare the command's generation with the settings seen here."""
        view = self._registry.get(command.connection)
        if view is None or view.generation < command.generation:
            return Admission(Verdict.WAIT, "the settings it was decided under have not been seen here")
        if view.generation > command.generation:
            return Admission(Verdict.STALE, f"settings are at generation {view.generation}")
        if view.settings.state is not State.ACTIVE:
            return Admission(Verdict.PARK, f"the connection is {view.settings.state}")
        sick = self._sick.get(command.connection)
        return Admission(Verdict.PROCEED) if sick is None else Admission(Verdict.PARK, sick)

    def sicken(self, connection: str, reason: str) -> None:
        """Park what comes for this connection until ``heal``."""
        if connection not in self._sick:
            log.warning("BILL side is sick", connection=connection, reason=reason)
            self._sick[connection] = reason
            self.fell_ill(connection)

    def heal(self, connection: str) -> None:
        """The side answers again."""
        self._sick.pop(connection, None)

    async def effect(self, command: CommandFrame) -> Effect:
        """The effect of a command. KeyError for an intent that is not known here."""
        build = EFFECTS[command.intent]
        organization = await self.organization(command.connection)
        if not isinstance(command, VendorCommand):
            raise KeyError(command.intent)
        return build(organization.client, organization.index, organization.meter, command)

    async def organization(self, connection: str) -> Organization:
        """The BILL side of a connection, opened anew when its settings or credentials have changed.

        Raises:
            Fatal: there are no credentials, or no such connection.
        """
        async with self._opening.lane(connection):
            view = self._registry.get(connection)
            if view is None:
                raise Fatal(f"there is no connection {connection}", cure="Apply it: tieout connections apply FILE")
            current = self._open.get(connection)
            if current is not None and _same(current.view, view):
                return current
            if current is not None:
                self._retired.append(current)
            organization = await self._opened(view)
            self._open[connection] = organization
            await self._shut_retired()
            return organization

    async def close(self) -> None:
        """Close all clients. Sessions stay valid and stored."""
        for organization in [*self._open.values(), *self._retired]:
            await self._shut(organization)
        self._open.clear()
        self._retired.clear()

    async def _shut_retired(self) -> None:
        """Close clients of settings that are gone, all but the newest: calls of that one may still be under way."""
        while len(self._retired) > 1:
            await self._shut(self._retired.pop(0))

    async def _opened(self, view: ConnectionView) -> Organization:
        bill = view.settings.bill
        secret = await asyncio.to_thread(self._secrets.get, view.connection, Side.BILL, Purpose.CREDENTIALS)
        if secret is None:
            cure = f"tieout connections secret set {view.connection} bill"
            raise Fatal("there are no credentials for BILL", code="no_credentials", cure=cure)
        credentials = Credentials(
            name=secret["user"],
            secret=secret["password"],
            organization=bill.organization,
            developer_key=secret["developer_key"],
        )
        addresses = bill.addresses
        authority = await asyncio.to_thread(authority_of, bill.ca_file)
        http = open_session(verify=trust(authority))
        meter = self._meters.of(bill.budget)
        client = BillClient(
            http,
            Addresses(addresses.api, addresses.events),
            credentials,
            store=StoredSessions(self._secrets, view.connection, secret.version),
            gate=OrganizationGate(bill.organization, meter, self._meters.slots),
            timeout=self._timeout,
        )
        return Organization(view, http, client, VendorIndex(client.vendors), meter)

    @staticmethod
    async def _shut(organization: Organization) -> None:
        await organization.client.close()
        await organization.http.close()


def _same(before: ConnectionView, now: ConnectionView) -> bool:
    """Whether a client opened under ``before`` still fits."""
    secrets = before.secret_version(Side.BILL) == now.secret_version(Side.BILL)
    return secrets and before.settings.bill == now.settings.bill
