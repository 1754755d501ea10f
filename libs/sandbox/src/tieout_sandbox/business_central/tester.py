"""The tester's paths that Business Central adds: people, and the webhooks' state."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tieout_sandbox.business_central.deferred import Deferred
from tieout_sandbox.business_central.people import ACTIONS, act
from tieout_sandbox.business_central.refusals import Refusal

if TYPE_CHECKING:
    from tieout_sandbox.business_central.simulator import BusinessCentralSimulator


class Tester:
    """``POST /_sandbox/people``: one order or a list of them; see ``people``.

    Besides the people's actions: ``backup`` and ``restore`` (an administrator), ``revoke_tokens``, ``add_app`` and
    ``remove_app`` (``client_id``). ``company`` (name or id) chooses the books, the first unless said.
    ``commit_after`` (seconds) does the order at its stamp of now, visible only when the clock has moved that far.
    """

    def __init__(self, simulator: "BusinessCentralSimulator") -> None:
        self._simulator = simulator
        self._backups: dict[str, Any] = {}

    def routes(self) -> list[web.RouteDef]:
        """The paths with their handlers."""
        return [
            web.post("/_sandbox/people", self.people),
            web.get("/_sandbox/people", self.actions),
            web.get("/_sandbox/webhooks", self.webhooks),
        ]

    async def people(self, request: web.Request) -> web.Response:
        """Do orders in turn; the first that fails ends it with a 400 that says why."""
        self._simulator.catch_up()
        sent = await request.json()
        done: list[dict[str, Any]] = []
        for order in sent if isinstance(sent, list) else [sent]:
            try:
                done.append(self._do(order))
            except Refusal as refusal:
                body = {"error": str(refusal), "code": refusal.code, "refusal": refusal.key, "done": done}
                return web.json_response(body, status=400)
            except ValueError as wrong:
                return web.json_response({"error": str(wrong), "done": done}, status=400)
        return web.json_response(done if isinstance(sent, list) else done[0])

    async def actions(self, _request: web.Request) -> web.Response:
        """What people can do, and the orders that have not committed or could not."""
        self._simulator.catch_up()
        waiting = self._simulator.waiting
        shown = {
            "actions": {name: " ".join((action.__doc__ or "").split()) for name, action in sorted(ACTIONS.items())},
            "waiting": [{"order": one.order, "due": one.due.isoformat()} for one in waiting.orders],
            "failed": waiting.failed,
        }
        return web.json_response(shown)

    async def webhooks(self, _request: web.Request) -> web.Response:
        """The subscriptions and every attempt to notify."""
        hub = self._simulator.hub
        hub.expire()
        shown = {
            "subscriptions": [one.shown() for one in hub.subscriptions.values()],
            "deliveries": [asdict(one) for one in hub.deliveries],
        }
        return web.json_response(shown)

    def _do(self, order: dict[str, Any]) -> dict[str, Any]:
        simulator = self._simulator
        name = order.get("company")
        books = simulator.gateway.company(name) if name else simulator.companies[0]
        match order.get("do"):
            case "backup":
                self._backups[books.id] = books.store.snapshot()
            case "restore":
                if books.id not in self._backups:
                    raise ValueError("there is no backup to restore")
                books.store.restore(self._backups[books.id])
            case "revoke_tokens":
                simulator.access.revoke()
            case "add_app":
                simulator.access.apps.add(str(order.get("client_id", "")).lower())
            case "remove_app":
                simulator.access.apps.discard(str(order.get("client_id", "")).lower())
            case _ if order.get("commit_after"):
                return self._later(order)
            case _:
                return act(books, order)
        return {"done": order["do"]}

    def _later(self, order: dict[str, Any]) -> dict[str, Any]:
        simulator = self._simulator
        name = order.get("company")
        books = simulator.gateway.company(name) if name else simulator.companies[0]
        own = {key: value for key, value in order.items() if key != "commit_after"}
        waiting = Deferred.of(books, own, float(order["commit_after"]))
        simulator.waiting.orders.append(waiting)
        return {"due": waiting.due.isoformat()}
