"""The entity sets of one company as a service: path, verb, ETag, page."""

import re
from collections.abc import Mapping
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.odata import lists
from tieout_sandbox.business_central.odata.messages import Answer, Call
from tieout_sandbox.business_central.odata.paths import Segment
from tieout_sandbox.business_central.odata.query import Options, encode_options
from tieout_sandbox.business_central.odata.render import Registry, Renderer, address
from tieout_sandbox.business_central.odata.sets import EntitySet, Scope
from tieout_sandbox.business_central.refusals import Refusal

_IF_MATCH = re.compile(r'\*|(W/)?"[^"]*"')
_ACTION = re.compile(r"Microsoft\.NAV\.(\w+)", re.IGNORECASE)
_MAX_PAGE = re.compile(r"odata\.maxpagesize=(\d+)", re.IGNORECASE)


class Place:
    """A collection (``row`` is None) or an entity that a path leads to."""

    def __init__(self, entity_set: EntitySet, scope: Scope, row: Any = None) -> None:
        self.set = entity_set
        self.scope = scope
        self.row = row


class Service:
    """Answers calls below a company."""

    def __init__(self, registry: Registry, switches: Mapping[str, Any]) -> None:
        self._registry = registry
        self._switches = switches
        self._renderer = Renderer(registry)

    def handle(self, call: Call, books: Books, segments: list[Segment], context: str, base: str) -> Answer:
        """Answer a call to ``segments`` of a company.

        ``base`` is the company's absolute address, ``context`` what ``$metadata#`` is followed by.
        """
        scope = Scope(books, self._switches, base, call.user)
        place, rest = self._walk(segments, scope)
        self._permitted(place.set, call.method)
        if rest is not None:
            return self._tail(call, place, rest)
        prefix = f"{call.root}/$metadata#{context}{place.set.name}"
        if place.row is None:
            return self._collection(call, place, prefix)
        return self._entity(call, place, prefix)

    def _walk(self, segments: list[Segment], scope: Scope) -> tuple[Place, Segment | None]:
        """The place of the path, and the last segment if it is an action, a stream or ``$count``."""
        place: Place | None = None
        for index, segment in enumerate(segments):
            last = index == len(segments) - 1
            if place is not None and last and self._is_tail(place, segment):
                return place, segment
            place = self._step(place, segment, scope)
        if place is None:
            raise Refusal("no_path", url=scope.root)
        return place, None

    def _is_tail(self, place: Place, segment: Segment) -> bool:
        if place.row is None:
            return segment.name == "$count"
        return segment.name in place.set.streams or bool(_ACTION.fullmatch(segment.name))

    def _step(self, place: Place | None, segment: Segment, scope: Scope) -> Place:
        if place is None:
            entity_set = self._registry.get(segment.name)
            if entity_set is None:
                raise Refusal("no_segment", segment=segment.name)
            return self._keyed(entity_set, scope, segment)
        way = place.set.navigation.get(segment.name) if place.row is not None else None
        if way is None:
            raise Refusal("no_segment", segment=segment.name)
        below = place.scope.within(place.set, place.row)
        target = self._registry[way.to]
        if way.one is not None:
            found = way.one(scope.books, place.row)
            if found is None:
                raise Refusal("no_segment", segment=segment.name)
            return Place(target, below, found)
        return self._keyed(target, below, segment)

    def _keyed(self, entity_set: EntitySet, scope: Scope, segment: Segment) -> Place:
        if segment.key is None:
            return Place(entity_set, scope)
        row = self.find(entity_set, scope, segment.key)
        if row is None:
            raise Refusal("no_segment", segment=segment.name)
        return Place(entity_set, scope, row)

    @staticmethod
    def find(entity_set: EntitySet, scope: Scope, key: str) -> Any:
        """The visible row of a key, or None."""
        scope = scope.by_key()
        if entity_set.get is not None:
            row = entity_set.get(scope, key)
        elif entity_set.source is not None:
            row = next((one for one in entity_set.source(scope) if entity_set.key(one) == key.lower()), None)
        else:
            row = entity_set.table(scope.books).get(key) if entity_set.table else None
        hidden = row is not None and entity_set.hidden is not None and entity_set.hidden(scope, row)
        return None if hidden else row

    def _permitted(self, entity_set: EntitySet, method: str) -> None:
        if entity_set.label in self._switches.get("denied_tables", ()):
            raise Refusal("no_permission", table=entity_set.label, right="Read" if method == "GET" else "Modify")

    # -- collections

    def _collection(self, call: Call, place: Place, prefix: str) -> Answer:
        if call.method == "GET":
            return self._list(call, place, prefix)
        if call.method == "POST" and place.set.create is not None:
            return self._create(call, place, prefix)
        raise Refusal("no_method", method=call.method, segment=place.set.name)

    def _list(self, call: Call, place: Place, prefix: str) -> Answer:
        options = call.options
        found = lists.page(place.set, place.scope, options, self._limit(call))
        value = [self._renderer.entity(place.set, place.scope, row, options) for row in found.rows]
        body: dict[str, Any] = {"@odata.context": prefix}
        if found.count is not None:
            body["@odata.count"] = found.count
        body["value"] = value
        if found.next_token is not None:
            body["@odata.nextLink"] = self._next_link(call, options, found.next_token, found.next_top)
        return Answer.of(200, body)

    def _limit(self, call: Call) -> int:
        asked = _MAX_PAGE.search(call.headers.get("prefer", ""))
        most = int(self._switches["page_size"])
        return min(most, max(1, int(asked.group(1)))) if asked else most

    @staticmethod
    def _next_link(call: Call, options: Options, token: str, top: int | None) -> str:
        kept = options.without("$skiptoken", "$skip", "$top", "aid")
        rest = [("aid", "FIN"), *kept, *([("$top", str(top))] if top is not None else []), ("$skiptoken", token)]
        return f"{call.root}/{call.path.lstrip('/')}?{encode_options(rest)}"

    def _create(self, call: Call, place: Place, prefix: str) -> Answer:
        create = place.set.create
        values = place.set.type.read_body(call.json(), frozenset(place.set.deep))
        with place.scope.books.store.transaction():
            row = create(place.scope, values) if create else None
        return self._written(call, place, row, prefix, 201)

    # -- entities

    def _entity(self, call: Call, place: Place, prefix: str) -> Answer:
        if call.method == "GET":
            options = call.options
            options.check()
            return Answer.of(200, self._alone(place, prefix, options))
        if call.method == "PATCH" and place.set.change is not None:
            return self._change(call, place, prefix)
        if call.method == "DELETE" and place.set.delete is not None:
            self._match(call, place, required=False)
            with place.scope.books.store.transaction():
                place.set.delete(place.scope, place.row)
            return Answer(204)
        raise Refusal("no_method", method=call.method, segment=place.set.name)

    def _alone(self, place: Place, prefix: str, options: Options) -> dict[str, Any]:
        shown = self._renderer.entity(place.set, place.scope, place.row, options)
        return {"@odata.context": f"{prefix}/$entity", **shown}

    def _change(self, call: Call, place: Place, prefix: str) -> Answer:
        self._match(call, place, required=True)
        values = place.set.type.read_body(call.json(), frozenset(place.set.deep))
        change = place.set.change
        with place.scope.books.store.transaction():
            row = change(place.scope, place.row, values) if change else place.row
        return self._written(call, place, row, prefix, 200)

    def _written(self, call: Call, place: Place, row: Any, prefix: str, status: int) -> Answer:
        where = {"Location": address(place.set, place.scope, row)} if status == 201 else {}
        if "return-no-content" in call.headers.get("prefer", ""):
            return Answer(204, headers=where)
        body = self._alone(Place(place.set, place.scope, row), prefix, Options())
        return Answer.of(status, body, **where)

    @staticmethod
    def _match(call: Call, place: Place, *, required: bool) -> None:
        sent = call.headers.get("if-match", "").strip()
        if not sent and not required:
            return
        if not _IF_MATCH.fullmatch(sent):
            raise Refusal("no_if_match")
        if sent not in ("*", place.set.etag(place.row)):
            raise Refusal("changed")

    # -- actions, streams, $count

    def _tail(self, call: Call, place: Place, segment: Segment) -> Answer:
        if segment.name == "$count":
            found = lists.page(place.set, place.scope, call.options, 10**9)
            return Answer(200, str(len(found.rows)).encode(), "text/plain")
        action = _ACTION.fullmatch(segment.name)
        if action is None:
            return self._stream(call, place, segment.name)
        act = next((one for name, one in place.set.actions.items() if name == action.group(1).lower()), None)
        if act is None or call.method != "POST":
            raise Refusal("no_action", action=segment.name, segment=place.set.name)
        self._match(call, place, required=False)
        with place.scope.books.store.transaction():
            act(place.scope, place.row)
        return Answer(204)

    def _stream(self, call: Call, place: Place, name: str) -> Answer:
        stream = place.set.streams[name]
        if call.method == "GET":
            content, kind = stream.read(place.scope, place.row)
            return Answer(200 if content else 204, content, kind if content else "")
        if call.method != "PATCH" or stream.write is None:
            raise Refusal("no_method", method=call.method, segment=name)
        self._match(call, place, required=True)
        with place.scope.books.store.transaction():
            stream.write(place.scope, place.row, call.body)
        return Answer(204)
