"""The query options of a request, read once."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from tieout_sandbox.business_central.odata.filters import Filter, compile_filter
from tieout_sandbox.business_central.odata.schema import EntityType
from tieout_sandbox.business_central.refusals import Refusal

_KNOWN = {
    "$filter",
    "$select",
    "$expand",
    "$orderby",
    "$top",
    "$skip",
    "$count",
    "$skiptoken",
    "$schemaversion",
    "$format",
}


@dataclass(frozen=True)
class Options:
    """The raw options in the request's order, decoded; nested ones of ``$expand`` look the same."""

    raw: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Options":
        """From the query part of an address; ``+`` is a blank only where it is encoded as one."""
        pairs = [part.partition("=") for part in text.split("&") if part]
        return cls(tuple((unquote(name), unquote(value.replace("+", "%20"))) for name, _, value in pairs))

    @classmethod
    def nested(cls, text: str) -> "Options":
        """From the parentheses of an ``$expand``, separated by semicolons."""
        pairs = [part.partition("=") for part in split(text, ";") if part]
        return cls(tuple((name.strip(), value) for name, _, value in pairs))

    def get(self, name: str) -> str | None:
        """The option's value."""
        return next((value for key, value in self.raw if key.lower() == name), None)

    def check(self) -> None:
        """Refuse unknown system options."""
        for name, value in self.raw:
            if name.startswith("$") and name.lower() not in _KNOWN:
                raise Refusal("bad_query", option=name, value=value)

    def number(self, name: str) -> int | None:
        """A non-negative number."""
        value = self.get(name)
        if value is None:
            return None
        if not value.isdigit():
            raise Refusal("bad_query", option=name, value=value)
        return int(value)

    def filter(self, entity: EntityType) -> Filter | None:
        """``$filter``, compiled."""
        text = self.get("$filter")
        return compile_filter(text, entity, self.get("$schemaversion") or "2.0") if text else None

    def select(self, entity: EntityType) -> frozenset[str] | None:
        """``$select``; None is everything."""
        text = self.get("$select")
        if not text or text.strip() == "*":
            return None
        return frozenset(entity.field(name.strip()).name for name in text.split(","))

    def orderby(self, entity: EntityType) -> list[tuple[str, bool]]:
        """Fields and whether each descends."""
        order: list[tuple[str, bool]] = []
        for part in (self.get("$orderby") or "").split(","):
            if not part.strip():
                continue
            name, _, direction = part.strip().partition(" ")
            if direction.strip().lower() not in ("", "asc", "desc"):
                raise Refusal("bad_query", option="$orderby", value=part)
            order.append((entity.field(name).name, direction.strip().lower() == "desc"))
        return order

    def expand(self) -> dict[str, "Options"]:
        """Navigation names with their own options."""
        wanted: dict[str, Options] = {}
        for part in split(self.get("$expand") or "", ","):
            name, bracket, rest = part.strip().partition("(")
            if name:
                wanted[name.strip()] = Options.nested(rest.rsplit(")", 1)[0]) if bracket else Options()
        return wanted

    def without(self, *names: str) -> list[tuple[str, str]]:
        """The options except some, for a next link."""
        return [(name, value) for name, value in self.raw if name.lower() not in names]


@dataclass(frozen=True)
class Page:
    """Rows of one answer and what is needed to ask for the rest."""

    rows: list[Any]
    count: int | None = None
    next_token: str | None = None
    next_top: int | None = None
    raw: tuple[tuple[str, str], ...] = field(default=())


def encode_options(options: list[tuple[str, str]]) -> str:
    """Options as the query part of an address."""
    return "&".join(f"{quote(name, safe='$')}={quote(value, safe=_SAFE)}" for name, value in options)


_SAFE = "$:,()'/;="


def split(text: str, separator: str) -> list[str]:
    """Split outside parentheses and quotes."""
    parts, depth, quoted, current = [], 0, False, ""
    for character in text:
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(character, 0)
            if character == separator and depth == 0:
                parts.append(current)
                current = ""
                continue
        current += character
    return [*parts, current]
