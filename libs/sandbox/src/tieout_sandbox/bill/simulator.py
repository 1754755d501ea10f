"""The simulator of BILL as the kernel's server runs it."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tieout_sandbox.bill import (
    approvals,
    bill_paths,
    classifications,
    credit_paths,
    directory,
    documents,
    payment_paths,
    vendors,
)
from tieout_sandbox.bill.courier import Courier
from tieout_sandbox.bill.default_world import DEFAULT_WORLD
from tieout_sandbox.bill.front import Front
from tieout_sandbox.bill.ledger import ledger
from tieout_sandbox.bill.login import Login
from tieout_sandbox.bill.operator_paths import OperatorPaths
from tieout_sandbox.bill.webhooks import Webhooks
from tieout_sandbox.bill.world import load

PARTS = (
    approvals, bill_paths, classifications, credit_paths, directory, documents, payment_paths, vendors,
)  # fmt: skip


class BillSimulator:
    """BILL's two bases (``/connect`` and ``/connect-events``) over one state.

    Args:
        world: The state to start from, see ``world.py``; None for the default one.
        ca_file: The certificate authorities (PEM) trusted for the addresses of webhooks; None for the machine's.

    Raises:
        ValueError: The world is not in its format.
    """

    name = "bill"

    def __init__(self, world: Mapping[str, Any] | None = None, ca_file: str | None = None) -> None:
        self.installation = load(DEFAULT_WORLD if world is None else world)
        self.clock = self.installation.clock
        self.switches: dict[str, Any] = self.installation.switches
        self._webhooks = Webhooks(self.installation, Courier(self.clock, self.switches, ca_file))
        for org in self.installation.organizations.values():
            self._webhooks.listen(org)

    def routes(self) -> list[web.RouteDef]:
        """BILL's paths, and the tester's beside them."""
        front = Front(self.installation)
        login = Login(self.installation)
        parts = [*login.endpoints(), *self._webhooks.endpoints()]
        endpoints = [*parts, *(one for part in PARTS for one in part.endpoints())]
        return [
            web.post("/connect/v3/login", front.guarded(login.login)),
            *(front.route(endpoint) for endpoint in endpoints),
            *OperatorPaths(self.installation, self._webhooks).routes(),
            web.route("*", "/connect/{path:.*}", front.guarded(front.unknown_path)),
            web.route("*", "/connect-events/{path:.*}", front.guarded(front.unknown_path)),
        ]

    def ledger(self) -> dict[str, Any]:
        """Everything, exact, per organization."""
        return ledger(self.installation, self._webhooks)

    async def start(self) -> None:
        """Open what sends notifications."""
        await self._webhooks.courier.start()

    async def stop(self) -> None:
        """Send nothing any more."""
        await self._webhooks.courier.stop()

    def enter(self, request: web.Request) -> None:
        """A call is under way."""
        self.installation.gate.enter(request)

    def leave(self, request: web.Request) -> None:
        """It is answered."""
        self.installation.gate.leave(request)
