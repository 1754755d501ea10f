"""Business Central online as a kernel simulator: environments, API v2.0, the published page, and the tester's paths."""

import re
from datetime import timedelta
from typing import Any

from aiohttp import web

from tieout_sandbox.business_central.access import Access
from tieout_sandbox.business_central.batch import Batch
from tieout_sandbox.business_central.books.queue import run_jobs
from tieout_sandbox.business_central.deferred import Waiting
from tieout_sandbox.business_central.gateway import Gateway, finished
from tieout_sandbox.business_central.odata.messages import Answer, Call
from tieout_sandbox.business_central.odata.paths import parse_path
from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.business_central.switches import Switches
from tieout_sandbox.business_central.tester import Tester
from tieout_sandbox.business_central.throttle import QueueTimeoutError, Throttle
from tieout_sandbox.business_central.views import ledger_view
from tieout_sandbox.business_central.webhooks.api import NAME as SUBSCRIPTIONS
from tieout_sandbox.business_central.webhooks.api import SubscriptionsApi, supported_resources
from tieout_sandbox.business_central.webhooks.hub import Hub
from tieout_sandbox.business_central.webhooks.sender import Sender
from tieout_sandbox.business_central.world import check, load_company
from tieout_sandbox.business_central.worlds import default_world
from tieout_sandbox.entra import TokenKey
from tieout_sandbox.kernel.clock import Clock

RETRY_AFTER_SECONDS = 30
_PREFIX = re.compile(
    r"(?P<root>/v2\.0/(?:(?P<tenant>[^/]+)/)?(?P<environment>[^/]+)"
    r"/(?P<kind>api/v2\.0|ODataV4|api/microsoft/runtime/beta))(?P<rest>/.*)?"
)


class BusinessCentralSimulator:
    """One tenant with one environment.

    Args:
        world: See ``world``; None for a small company of its own.
        ca_file: Certificate authorities (PEM) that webhook receivers are checked against.
        key: What Entra signs tokens with; else the world's, else the sandbox's.
        clock: Shared with others if given.

    Raises:
        ValueError: The world is not in its format.
    """

    name = "business-central"

    def __init__(
        self,
        world: dict[str, Any] | None = None,
        ca_file: str | None = None,
        *,
        key: TokenKey | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock()
        world = world or default_world(self.clock.now().date())
        self.switches: dict[str, Any] = Switches()
        check(world, self.switches)
        self.switches.update(world.get("switches", {}))
        self.tenant = str(world["tenant"])
        self.domain = str(world.get("tenant_domain", ""))
        self.environment = str(world["environment"])
        self._type = str(world.get("environment_type", "Production"))
        self.companies = [load_company(company, self.clock) for company in world["companies"]]
        for books in self.companies:
            books.store.lag = self._lag
        self.access = Access(
            key or TokenKey.of_world(world), self.tenant, world.get("apps", []), self.clock, self.switches
        )
        self.gateway = Gateway(self.companies, self.switches)
        self.throttle = Throttle(self.clock, self.switches)
        self._sender = Sender(ca_file)
        self.hub = Hub(self.clock, self.switches, self.companies, self._sender)
        known = {books.id for books in self.companies}
        self._subscriptions = SubscriptionsApi(self.hub, self._sender, self.clock, self.switches, known)
        self.waiting = Waiting()
        self._tester = Tester(self)

    def routes(self) -> list[web.RouteDef]:
        """Everything below the host, and the tester's own paths."""
        return [
            *self._tester.routes(),
            web.get("/environments/{version}", self._environments),
            web.route("*", "/{path:.*}", self._handle),
        ]

    async def start(self) -> None:
        """Open what calls out."""
        await self._sender.open()

    async def stop(self) -> None:
        """Nothing goes out any more."""
        await self.hub.stop()
        await self._sender.close()

    def ledger(self) -> dict[str, Any]:
        """The ground truth of every company."""
        self.catch_up()
        return {"companies": [ledger_view(books) for books in self.companies]}

    def catch_up(self) -> None:
        """Do what has become due by the simulated clock."""
        self.waiting.commit_due(self.clock.now())
        for books in self.companies:
            run_jobs(books)

    def _lag(self) -> timedelta:
        return timedelta(seconds=float(self.switches["commit_lag_seconds"]))

    async def _environments(self, request: web.Request) -> web.Response:
        call = self._call(request, f"{request.scheme}://{request.host}", "", "")
        try:
            self.access.user(request.headers.get("Authorization"))
        except Refusal as refusal:
            return _response(self.gateway.refused(refusal, call))
        shown = {
            "friendlyName": self.environment,
            "type": self._type,
            "name": self.environment,
            "countryCode": self.companies[0].setup.country,
            "applicationFamily": "BusinessCentral",
            "aadTenantId": self.tenant,
            "applicationVersion": f"{self.switches['version']}.0.0.0",
            "status": "Active",
            "webServiceUrl": f"{call.root}/v2.0/{self.tenant}/{self.environment}",
            "webClientLoginUrl": f"{call.root}/{self.tenant}/{self.environment}",
        }
        return web.json_response({"value": [shown]})

    async def _handle(self, request: web.Request) -> web.Response:
        self.catch_up()
        path, _, query = request.raw_path.partition("?")
        found = _PREFIX.fullmatch(path)
        host = f"{request.scheme}://{request.host}"
        if found is None or not self._mine(found.group("tenant"), found.group("environment")):
            refusal = Refusal("no_path", url=f"{host}{path}")
            return _response(self.gateway.refused(refusal, self._call(request, host, path, query)))
        call = self._call(request, host + found.group("root"), found.group("rest") or "", query)
        try:
            user = self.access.user(request.headers.get("Authorization"))
        except Refusal as refusal:
            return _response(self.gateway.refused(refusal, call))
        body = await request.read()
        call = Call(call.method, call.root, call.path, call.query, call.headers, body, user)
        return _response(await self._throttled(call, found.group("kind")))

    async def _throttled(self, call: Call, kind: str) -> Answer:
        try:
            async with self.throttle.admit(call.user):
                return await self._answer(call, kind)
        except QueueTimeoutError:
            return Answer(503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
        except Refusal as refusal:
            answer = self.gateway.refused(refusal, call)
            pause = self.switches["retry_after_on_429"]
            if refusal.key == "too_many" and pause is not None:
                answer.headers["Retry-After"] = str(pause)
            return answer

    async def _answer(self, call: Call, kind: str) -> Answer:
        """The answer; a Refusal for what is neither an entity set nor a published page."""
        if kind == "ODataV4":
            return self.gateway.answer(call, published_page=True)
        segments = parse_path(call.path)
        name = segments[0].name if segments else ""
        if segments and segments[0].name == "companies" and len(segments) > 1:
            name = segments[1].name
        if kind == "api/microsoft/runtime/beta":
            if name != "webhookSupportedResources":
                raise Refusal("no_segment", segment=name)
            return finished(supported_resources(call))
        if name == SUBSCRIPTIONS:
            return finished(await self._subscriptions.answer(call, segments[-1]))
        if name == "$batch":
            batch = Batch(self.gateway, self.companies, hide_codes=bool(self.switches["batch_hides_codes"]))
            return finished(batch.answer(call))
        return self.gateway.answer(call)

    def _mine(self, tenant: str | None, environment: str) -> bool:
        known = (self.tenant.lower(), self.domain.lower())
        return environment.lower() == self.environment.lower() and (tenant is None or tenant.lower() in known)

    @staticmethod
    def _call(request: web.Request, root: str, path: str, query: str) -> Call:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return Call(request.method, root, path, query, headers)


def _response(answer: Answer) -> web.Response:
    headers = dict(answer.headers)
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    response = web.Response(status=answer.status, body=answer.body or None, headers=headers)
    if not answer.content_type:
        response.headers.popall("Content-Type", None)
    return response
