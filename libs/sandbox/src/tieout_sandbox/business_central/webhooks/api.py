"""``subscriptions`` over HTTP: create and renew with a handshake, list, delete."""

import re
from datetime import timedelta
from typing import Any

from tieout_sandbox.business_central.odata.messages import Answer, Call
from tieout_sandbox.business_central.odata.paths import Segment
from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.business_central.webhooks.hub import Hub
from tieout_sandbox.business_central.webhooks.sender import Sender
from tieout_sandbox.business_central.webhooks.subscriptions import (
    SUPPORTED,
    Subscription,
    read_body,
    read_resource,
)
from tieout_sandbox.kernel.clock import Clock

NAME = "subscriptions"
_IF_MATCH = re.compile(r'\*|(W/)?"[^"]*"')


class SubscriptionsApi:
    """Answers calls on ``subscriptions``."""

    def __init__(self, hub: Hub, sender: Sender, clock: Clock, switches: dict[str, Any], companies: set[str]) -> None:
        self._hub = hub
        self._sender = sender
        self._clock = clock
        self._switches = switches
        self._companies = companies

    async def answer(self, call: Call, segment: Segment) -> Answer:
        """The answer; a Refusal says why not."""
        self._hub.expire()
        context = f"{call.root}/$metadata#{NAME}"
        if segment.key is None:
            return await self._collection(call, context)
        found = self._hub.subscriptions.get(segment.key.lower())
        if found is None:
            raise Refusal("no_segment", segment=NAME)
        if call.method == "GET":
            return Answer.of(200, {"@odata.context": f"{context}/$entity", **found.shown()})
        sent = call.headers.get("if-match", "").strip()
        if not _IF_MATCH.fullmatch(sent):
            raise Refusal("no_if_match")
        if sent not in ("*", found.etag):
            raise Refusal("changed")
        if call.method == "DELETE":
            self._hub.subscriptions.pop(found.id, None)
            return Answer(204)
        if call.method == "PATCH":
            return await self._renew(call, found, context)
        raise Refusal("no_method", method=call.method, segment=NAME)

    async def _collection(self, call: Call, context: str) -> Answer:
        if call.method == "GET":
            value = [one.shown() for one in self._hub.subscriptions.values()]
            return Answer.of(200, {"@odata.context": context, "value": value})
        if call.method != "POST":
            raise Refusal("no_method", method=call.method, segment=NAME)
        body = read_body(call.json())
        company, entity_set = self._resource(body)
        await self._handshake(body.get("notificationUrl", ""))
        now = self._clock.now()
        made = Subscription(
            url=body["notificationUrl"],
            resource=body["resource"],
            client_state=body.get("clientState", ""),
            company=company,
            entity_set=entity_set,
            user=call.user,
            created=now,
            modified=now,
            expires=now + self._life(),
        )
        self._hub.add(made)
        where = {"Location": f"{call.root}/{NAME}('{made.id}')"}
        return Answer.of(201, {"@odata.context": f"{context}/$entity", **made.shown()}, **where)

    async def _renew(self, call: Call, found: Subscription, context: str) -> Answer:
        body = read_body(call.json())
        if body.get("resource", found.resource) != found.resource:
            raise Refusal("read_only", field="resource")
        url = body.get("notificationUrl", found.url)
        await self._handshake(url)
        found.url, found.client_state = url, body.get("clientState", found.client_state)
        found.modified = self._clock.now()
        found.expires, found.version = found.modified + self._life(), found.version + 1
        return Answer.of(200, {"@odata.context": f"{context}/$entity", **found.shown()})

    def _resource(self, body: dict[str, str]) -> tuple[str, str]:
        for name in ("notificationUrl", "resource"):
            if not body.get(name):
                raise Refusal("must_have_value", field=name, table="Subscription", key=f"{name}=")
        company, entity_set = read_resource(body["resource"])
        if company not in self._companies:
            raise Refusal("no_company", company=company)
        return company, entity_set

    async def _handshake(self, url: str) -> None:
        if not await self._sender.handshake(url, float(self._switches["handshake_timeout_seconds"])):
            raise Refusal("handshake")

    def _life(self) -> timedelta:
        return timedelta(days=float(self._switches["subscription_days"]))


def supported_resources(call: Call) -> Answer:
    """``webhookSupportedResources`` of the runtime API."""
    value = [{"resource": f"v2.0/{name}"} for name in SUPPORTED]
    return Answer.of(200, {"@odata.context": f"{call.root}/$metadata#webhookSupportedResources", "value": value})
