"""One call to API v2.0 or a published page, from its path to its answer; refusals become error bodies."""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.odata.messages import JSON, Answer, Call
from tieout_sandbox.business_central.odata.paths import Segment, parse_path
from tieout_sandbox.business_central.odata.service import Service
from tieout_sandbox.business_central.odata.values import show_time
from tieout_sandbox.business_central.refusals import Refusal, error_body
from tieout_sandbox.business_central.registry import REGISTRY
from tieout_sandbox.business_central.sets.ledger_page import published

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Gateway:
    """Finds the company and the service of a call."""

    def __init__(self, companies: list[Books], switches: Mapping[str, Any]) -> None:
        self._companies = companies
        self._switches = switches
        self._api = Service(REGISTRY, switches)

    def answer(self, call: Call, *, published_page: bool = False) -> Answer:
        """The answer of one call, errors included."""
        try:
            answer = self._published(call) if published_page else self._called(call)
        except Refusal as refusal:
            return self.refused(refusal, call)
        return finished(answer)

    def refused(self, refusal: Refusal, call: Call) -> Answer:
        """The error answer of a refusal, in the caller's language."""
        identity = str(uuid.uuid4())
        asked = call.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()
        language = asked if asked not in ("", "*") else str(self._switches["language"])
        body = json.dumps(error_body(refusal.code, refusal.text(language), identity), ensure_ascii=False)
        return Answer(refusal.status, body.encode(), JSON, {"request-id": identity, **NO_STORE})

    def company(self, key: str | None) -> Books:
        """A company by guid or name."""
        for books in self._companies:
            if key is not None and (key.lower() == books.id or key == books.name):
                return books
        if key is None and len(self._companies) == 1:
            return self._companies[0]
        raise Refusal("no_company", company=key or "")

    def _called(self, call: Call) -> Answer:
        segments = parse_path(call.path)
        if not segments:
            return Answer.of(200, _service_document(call))
        if segments[0].name == "companies":
            if len(segments) == 1:
                return self._company_itself(call, segments[0])
            if segments[0].key is None:
                raise Refusal("no_segment", segment=segments[1].name)
            books, segments = self.company(segments[0].key), segments[1:]
        elif segments[0].name in REGISTRY:
            books = self.company(call.company())
        else:
            raise Refusal("no_segment", segment=segments[0].name)
        base = f"{call.root}/companies({books.id})"
        return self._api.handle(call, books, segments, f"companies({books.id})/", base)

    def _company_itself(self, call: Call, segment: Segment) -> Answer:
        if call.method != "GET":
            raise Refusal("no_method", method=call.method, segment="companies")
        version = f"{self._switches['version']}.0.0.0"
        context = f"{call.root}/$metadata#companies"
        if segment.key is not None:
            shown = show_company(self.company(segment.key), version)
            return Answer.of(200, {"@odata.context": f"{context}/$entity", **shown})
        value = [show_company(books, version) for books in self._companies]
        options = call.options
        wanted = options.get("$filter")
        if wanted:
            value = _named(value, wanted)
        return Answer.of(200, {"@odata.context": context, "value": value})

    def _published(self, call: Call) -> Answer:
        """``Company('name')/{Service}`` of the page that an administrator published."""
        segments = parse_path(call.path)
        name = str(self._switches["ledger_page_name"])
        if not segments or segments[0].name != "Company" or segments[0].key is None:
            raise Refusal("no_path", url=f"{call.root}/{call.path.lstrip('/')}")
        books = self.company(unquote(segments[0].key))
        rest = segments[1:]
        if not rest or rest[0].name != name or not self._switches["ledger_page_published"]:
            raise Refusal("not_published", segment=rest[0].name if rest else "")
        shown = books.name.replace("'", "''")
        context = f"Company('{shown}')/"
        base = f"{call.root}/Company('{shown}')"
        return Service(published(name), self._switches).handle(call, books, rest, context, base)


NO_STORE = {"Cache-Control": "no-cache, no-store"}


def finished(answer: Answer) -> Answer:
    """With the headers every answer has; a 204 has neither OData-Version nor a content type."""
    headers = {**answer.headers, "request-id": str(uuid.uuid4()), **NO_STORE}
    if answer.status != 204:
        headers["OData-Version"] = "4.0"
    return Answer(answer.status, answer.body, answer.content_type, headers)


def show_company(books: Books, version: str) -> dict[str, Any]:
    """A company as the list shows it."""
    created = show_time(books.created)
    user = "00000000-0000-0000-0000-000000000001"
    return {
        "id": books.id,
        "systemVersion": version,
        "timestamp": 47433,
        "name": books.name,
        "displayName": books.display_name,
        "businessProfileId": "",
        "systemCreatedAt": created,
        "systemCreatedBy": user,
        "systemModifiedAt": created,
        "systemModifiedBy": user,
    }


def _service_document(call: Call) -> dict[str, Any]:
    value = [{"name": name, "kind": "EntitySet", "url": name} for name in ("companies", "subscriptions", *REGISTRY)]
    return {"@odata.context": f"{call.root}/$metadata", "value": value}


def _named(companies: list[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    """Companies by ``name eq '...'``, ``displayName eq '...'`` or ``id eq ...``, the filters that clients use."""
    found = re.fullmatch(r"\s*(name|displayName|id)\s+eq\s+(?:'((?:[^']|'')*)'|([0-9a-fA-F-]+))\s*", wanted)
    if found is None:
        raise Refusal("bad_filter", reason=f"'{wanted}' is not supported on companies")
    field, text, guid = found.groups()
    value = guid.lower() if guid else text.replace("''", "'")
    return [one for one in companies if one[field] == value]
