"""``$batch``: many calls in one, each for itself or all in one transaction."""

import json
from contextlib import ExitStack
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.gateway import Gateway
from tieout_sandbox.business_central.odata.messages import Answer, Call
from tieout_sandbox.business_central.refusals import Refusal

LIMIT = 100
FIRST_ERROR = 400


class _RolledBackError(Exception):
    """A call of an isolated batch failed."""


class Batch:
    """Runs the calls of a batch through the gateway."""

    def __init__(self, gateway: Gateway, companies: list[Books], *, hide_codes: bool) -> None:
        self._gateway = gateway
        self._companies = companies
        self._hide_codes = hide_codes

    def answer(self, call: Call) -> Answer:
        """The answer of the whole batch: 200 with an answer for each call that was run."""
        requests = call.json().get("requests")
        if call.method != "POST" or not isinstance(requests, list):
            raise Refusal("bad_body")
        if len(requests) > LIMIT:
            raise Refusal("batch_limit", actual=len(requests))
        if call.headers.get("isolation", "").lower() == "snapshot":
            responses = self._isolated(call, requests)
        else:
            responses = [self._shown(one, self._run(call, one)) for one in requests]
        return Answer.of(200, {"responses": responses})

    def _isolated(self, call: Call, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One transaction up to the first failure; a posting commits what came before it.

        Answers of calls that were rolled back still stand in the response.
        """
        responses: list[dict[str, Any]] = []
        waiting = list(requests)
        try:
            while waiting:
                self._transaction(call, waiting, responses)
        except _RolledBackError:
            pass
        return responses

    def _transaction(self, call: Call, waiting: list[dict[str, Any]], responses: list[dict[str, Any]]) -> None:
        with ExitStack() as stack:
            for books in self._companies:
                stack.enter_context(books.store.transaction())
            while waiting:
                one = waiting.pop(0)
                answer = self._run(call, one)
                responses.append(self._shown(one, answer))
                if answer.status >= FIRST_ERROR:
                    raise _RolledBackError
                if str(one.get("url", "")).lower().endswith("microsoft.nav.post"):
                    return

    def _run(self, call: Call, one: dict[str, Any]) -> Answer:
        path, _, query = str(one.get("url", "")).removeprefix(call.root).partition("?")
        headers = {str(name).lower(): str(value) for name, value in one.get("headers", {}).items()}
        for name in ("accept-language", "company"):
            if name in call.headers:
                headers.setdefault(name, call.headers[name])
        body = json.dumps(one["body"]).encode() if one.get("body") is not None else b""
        method = str(one.get("method", "GET")).upper()
        return self._gateway.answer(Call(method, call.root, path, query, headers, body, call.user))

    def _shown(self, one: dict[str, Any], answer: Answer) -> dict[str, Any]:
        headers = {name: value for name, value in answer.headers.items() if name in ("Location", "OData-Version")}
        if answer.content_type:
            headers["Content-Type"] = answer.content_type
        shown: dict[str, Any] = {"id": one.get("id"), "status": answer.status, "headers": headers}
        if answer.body:
            text = answer.body.decode()
            body: Any = json.loads(text) if "json" in answer.content_type else text
            if self._hide_codes and answer.status >= FIRST_ERROR:
                body["error"]["code"] = "Unknown"
            shown["body"] = body
        return shown
