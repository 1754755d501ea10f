"""Entities as JSON, with ETags, read links of streams and expanded navigation."""

from collections.abc import Mapping
from typing import Any

from tieout_sandbox.business_central.odata import lists
from tieout_sandbox.business_central.odata.query import Options
from tieout_sandbox.business_central.odata.sets import EntitySet, Scope
from tieout_sandbox.business_central.refusals import Refusal

Registry = Mapping[str, EntitySet]
EXPAND_LIMIT = 20_000


def address(entity_set: EntitySet, scope: Scope, row: Any) -> str:
    """The absolute address of an entity, below its company."""
    key = entity_set.key(row)
    shown = "'{}'".format(key.replace("'", "''")) if entity_set.quoted_key else key
    return f"{scope.root}/{entity_set.name}({shown})"


class Renderer:
    """Prints rows of the sets of a registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def entity(self, entity_set: EntitySet, scope: Scope, row: Any, options: Options) -> dict[str, Any]:
        """One entity as it stands in a list or alone, without its context."""
        select, books = options.select(entity_set.type), scope.books
        shown: dict[str, Any] = {"@odata.etag": entity_set.etag(row)} if entity_set.tagged else {}
        for field in entity_set.type.shown:
            if select is None or field.name in select:
                shown[field.name] = field.show(field.get(row, books))
        for name in entity_set.streams:
            if select is None or name in select:
                link = f"{address(entity_set, scope, row)}/{name}"
                shown[f"{name}@odata.mediaEditLink"] = shown[f"{name}@odata.mediaReadLink"] = link
        for name, nested in options.expand().items():
            shown[name] = self._expanded(entity_set, scope, row, name, nested)
        return shown

    def _expanded(self, entity_set: EntitySet, scope: Scope, row: Any, name: str, options: Options) -> Any:
        way = entity_set.navigation.get(name)
        if way is None:
            raise Refusal("no_property", field=name, type=entity_set.type.name)
        target, below = self._registry[way.to], scope.within(entity_set, row)
        if way.one is not None:
            found = way.one(scope.books, row)
            return None if found is None else self.entity(target, below, found, options)
        found = lists.page(target, below, options, EXPAND_LIMIT)
        return [self.entity(target, below, one, options) for one in found.rows]
