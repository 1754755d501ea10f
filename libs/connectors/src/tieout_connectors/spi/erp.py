"""The protocol of an ERP connector."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from tieout.domain.records import Kind


@dataclass(frozen=True)
class RawRow:
    """One record as the ERP showed it, for the log of raw changes.

    Attributes:
        key: the ERP's own identifier of the record.
        version: changes with every write there (an ETag, a row version); ``""`` where the ERP has none.
        document: the JSON object as received; decimals are ``Decimal`` or text, never float.
    """

    kind: Kind
    key: str
    version: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Watermark:
    """Where the next poll starts: the connector's own text, and the ids and versions seen at that edge.

    A poll reads again from ``position`` minus the connector's overlap and leaves out what ``edge`` names, so that
    neither a page's nor a timestamp's edge loses a row and an idle company costs nothing downstream.
    """

    position: str = ""
    edge: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Rows in the ERP's order of change, and where to go on once they are stored."""

    rows: tuple[RawRow, ...]
    next: Watermark


class CheckStatus(StrEnum):
    """The result of one question to a real system."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class CheckLine:
    """One thing asked of a real system before anything is synchronized: what, the answer, and what to do."""

    name: str
    status: CheckStatus
    detail: str
    cure: str = ""


class ErpReader(Protocol):
    """Reads of one ERP company. Every call may raise Retry, Reject or Fatal of ``tieout.domain.errors``."""

    def changes(self, kind: Kind, since: Watermark) -> AsyncIterator[Page]:
        """Everything of a kind that changed since the watermark, page by page; all of it for an empty one."""
        ...

    async def check(self) -> list[CheckLine]:
        """Ask the real system whether the connection would work, with real calls."""
        ...
