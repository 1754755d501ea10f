"""From an HTTP request to a handler and back: admission, refusals, JSON."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable

from aiohttp import web

from tieout_sandbox.bill.call import Answer, Call, Endpoint
from tieout_sandbox.bill.errors import Refusal, body_of, refuse, status_of
from tieout_sandbox.bill.installation import Installation
from tieout_sandbox.bill.times import stamp
from tieout_sandbox.kernel.wire import dump

GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Front:
    """Turns endpoints into routes."""

    def __init__(self, installation: Installation) -> None:
        self._all = installation

    def route(self, endpoint: Endpoint) -> web.RouteDef:
        """The route of an endpoint that needs a session."""

        async def answer(request: web.Request) -> web.StreamResponse:
            call = await self._admit(request, endpoint)
            result = endpoint.handler(call)
            given = await result if isawaitable(result) else result
            return _printed(given) if isinstance(given, Answer) else given

        return web.route(endpoint.method, endpoint.path, self.guarded(answer))

    def guarded(self, handler: WebHandler) -> WebHandler:
        """The handler with refusals printed as BILL prints them."""

        async def answer(request: web.Request) -> web.StreamResponse:
            switches = self._all.switches
            if switches["latency_seconds"]:
                await asyncio.sleep(float(switches["latency_seconds"]))
            if switches["html_502"]:
                return web.Response(status=502, text=GATEWAY_PAGE, content_type="text/html")
            try:
                return await handler(request)
            except Refusal as refusal:
                body = body_of(refusal, self._all.clock.now(), switches)
                return _printed(Answer(body, status_of(refusal, switches)))

        return answer

    async def unknown_path(self, request: web.Request) -> web.StreamResponse:
        """Every other path of the two bases."""
        raise refuse("BDC_1121", request.path)

    async def _admit(self, request: web.Request, endpoint: Endpoint) -> Call:
        now = stamp(self._all.clock.now())
        session = self._all.gate.admit(request, now)
        if endpoint.operation:
            self._all.gate.check_permission(session, endpoint.operation)
        org = self._all.organizations[session.user.organization]
        raw = await request.read()
        return Call(request, session, org, now, self._all.switches, self._all.cursors, raw)


def _printed(answer: Answer) -> web.Response:
    if answer.body is None:
        return web.Response(status=answer.status)
    return web.Response(status=answer.status, text=dump(answer.body), content_type="application/json")
