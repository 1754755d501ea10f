"""The tester's paths beside BILL's: payments, people, webhooks, usage of limits."""

from collections.abc import Callable
from decimal import Decimal
from json import loads
from typing import Any

from aiohttp import web

from tieout_sandbox.bill import operator, people
from tieout_sandbox.bill.errors import Refusal
from tieout_sandbox.bill.installation import Installation
from tieout_sandbox.bill.ledger import row_of, sent
from tieout_sandbox.bill.organization import Act
from tieout_sandbox.bill.times import stamp
from tieout_sandbox.bill.webhooks import Webhooks
from tieout_sandbox.kernel.wire import dump


class OperatorPaths:
    """Handlers of ``/_sandbox/{payments,people,webhooks,usage,sessions}``."""

    def __init__(self, installation: Installation, webhooks: Webhooks) -> None:
        self._all = installation
        self._webhooks = webhooks

    def routes(self) -> list[web.RouteDef]:
        """The paths with their handlers."""
        return [
            web.post("/_sandbox/payments", self.payments),
            web.post("/_sandbox/people", self.people),
            web.get("/_sandbox/usage", self.usage),
            web.delete("/_sandbox/sessions", self.end_sessions),
            web.get("/_sandbox/webhooks", self.webhooks),
            web.post("/_sandbox/webhooks", self.act_on_webhooks),
        ]

    async def payments(self, request: web.Request) -> web.Response:
        """Create or move payments; answers ``{"payments": [...]}``."""
        wish = loads(await request.text(), parse_float=Decimal)
        return self._done(wish, lambda act: {"payments": [row_of(row) for row in operator.pay(act, wish)]})

    async def people(self, request: web.Request) -> web.Response:
        """Let a person act by hand; answers the record."""
        wish = loads(await request.text(), parse_float=Decimal)
        return self._done(wish, lambda act: row_of(people.act_by_hand(act, wish)))

    async def usage(self, _request: web.Request) -> web.Response:
        """Calls and sign-ins of this hour, the highest number of calls at once."""
        return web.json_response(self._all.gate.usage())

    async def end_sessions(self, _request: web.Request) -> web.Response:
        """End every session now, as an update of BILL does."""
        ended = len(self._all.gate.sessions)
        self._all.gate.sessions.clear()
        return web.json_response({"ended": ended})

    async def webhooks(self, _request: web.Request) -> web.Response:
        """Subscriptions, attempts to send, what is still on its way."""
        return web.json_response(sent(self._webhooks))

    async def act_on_webhooks(self, request: web.Request) -> web.Response:
        """``{"flush": true}`` sends what is held to be turned round; ``{"disable": id}``, ``{"delete": id}``."""
        wish = await request.json()
        subscription = self._webhooks.subscriptions.get(wish.get("disable") or wish.get("delete") or "")
        if subscription is not None:
            subscription.enabled = False
            if "delete" in wish:
                del self._webhooks.subscriptions[subscription.id]
        elif wish.get("flush"):
            self._webhooks.flush()
        else:
            return web.json_response({"error": "flush, or disable or delete a known subscription"}, status=400)
        return await self.webhooks(request)

    def _done(self, wish: Any, do: Callable[[Act], Any]) -> web.Response:
        """The result, or what is wrong with the order: 400 for its form, BILL's own status for its content."""
        try:
            result = do(self._act(wish))
        except Refusal as refusal:
            return web.json_response({"error": str(refusal)}, status=refusal.status)
        except KeyError as missing:
            return web.json_response({"error": f"missing {missing}"}, status=400)
        except (ValueError, TypeError, AttributeError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        return web.Response(text=dump(result), content_type="application/json")

    def _act(self, wish: Any) -> Act:
        organizations = self._all.organizations
        org = organizations[wish.get("organization") or next(iter(organizations))]
        person = wish.get("user") or next((user.id for user in org.users.values() if user.role == "PAYER"), "")
        return Act(org, person, stamp(self._all.clock.now()))
