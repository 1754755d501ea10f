"""A call and its answer, free of the HTTP server: a batch makes calls of its own."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from tieout_sandbox.business_central.odata.query import Options
from tieout_sandbox.business_central.refusals import Refusal

ODATA_JSON = "application/json; odata.metadata=minimal; odata.streaming=true"
JSON = "application/json"


@dataclass(frozen=True)
class Call:
    """A request. ``path`` is encoded and starts below ``root``; ``headers`` have lower-case names."""

    method: str
    root: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    user: str = ""

    @property
    def options(self) -> Options:
        """The query options."""
        return Options.parse(self.query)

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty one is an empty object."""
        if not self.body.strip():
            return {}
        try:
            read = json.loads(self.body, parse_float=Decimal)
        except ValueError as error:
            raise Refusal("bad_body") from error
        if not isinstance(read, dict):
            raise Refusal("bad_body")
        return read

    def company(self) -> str | None:
        """The company named outside the path: a guid or a name."""
        return self.options.get("company") or unquote(self.headers.get("company", "")) or None


@dataclass(frozen=True)
class Answer:
    """A response before it goes out."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, value: Any, content_type: str = ODATA_JSON, **headers: str) -> "Answer":
        """A JSON answer."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return cls(status, text.encode(), content_type, dict(headers))
