"""One call of a client, admitted: what a handler needs to answer it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from json import JSONDecodeError, loads
from typing import Any

from aiohttp import web

from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.gate import Session
from tieout_sandbox.bill.lists import Cursors, Listing, ListSpec, page
from tieout_sandbox.bill.organization import Act, Organization
from tieout_sandbox.bill.store import Collection, Row

MAX_BULK_TEXT = "the body must be an array of 1 to {} objects"


@dataclass(frozen=True)
class Answer:
    """What BILL answers: a status and a JSON body, or none."""

    body: Any = None
    status: int = 200


@dataclass(frozen=True)
class Call:
    """A call with its session, organization and time. ``raw`` is the body as it came."""

    request: web.Request
    session: Session
    org: Organization
    now: datetime
    switches: Mapping[str, Any]
    cursors: Cursors
    raw: bytes

    @property
    def act(self) -> Act:
        """A change made by the user of the session."""
        return Act(self.org, self.session.user.id, self.now)

    def path(self, name: str = "id") -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def body(self) -> Any:
        """The body as JSON, numbers exact."""
        return read_json(self.raw)

    def flag(self, name: str) -> bool:
        """A query parameter that is true."""
        return self.request.query.get(name, "").lower() == "true"

    def ids(self) -> list[str]:
        """The query parameter ``ids``: comma-separated, in one or several."""
        named = [one for text in self.request.query.getall("ids", []) for one in text.split(",") if one]
        if not named:
            raise refuse("BDC_1117", "ids: must not be empty")
        return named

    def page(self, rows: Collection, spec: ListSpec, show: Callable[[Row], Any]) -> Answer:
        """A page of a list."""
        return Answer(page(rows, spec, Listing(self.request.query, self.now, self.switches, self.cursors), show))


Handler = Callable[[Call], Answer | web.StreamResponse | Awaitable[Answer | web.StreamResponse]]


@dataclass(frozen=True)
class Endpoint:
    """A path of BILL's with its permission; ``operation`` empty if any session will do."""

    method: str
    path: str
    operation: str
    handler: Handler


def read_json(raw: bytes) -> Any:
    """JSON with exact numbers; anything else is BILL's refusal."""
    try:
        return loads(raw, parse_float=Decimal, parse_constant=_no_constant)
    except (JSONDecodeError, UnicodeDecodeError, ValueError):
        raise refuse("BDC_1122") from None


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def read_bulk(call: Call, most: int) -> list[Any]:
    """The items of a bulk call: a bare array within BILL's limit."""
    items = call.body()
    if not isinstance(items, list) or not 1 <= len(items) <= most:
        raise refuse("BDC_1129", MAX_BULK_TEXT.format(most))
    return items
