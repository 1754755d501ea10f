"""The protocol of an ERP connector: its read side. The write side stands in ``spi.erp_writer``.

Raw rows go to the log and become records by the connector's ``WireReader``; snapshots are read for one question, so
they come as records at once.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final, Protocol

from tieout.domain.capabilities import ErpCapabilities
from tieout.domain.erp import DocumentRef
from tieout.domain.erp_ledger import AccountBalance, BalanceQuery, VendorLedgerEntry
from tieout.domain.records import Kind, ReadContext
from tieout.domain.snapshots import AccountPosting
from tieout_connectors.spi.wire import Unreadable

# An edge is one cursor message. 2,000 names of 100 bytes stay below the 256 KiB of a compacted row even when a bulk
# tool stamps ten thousand vendors in one second; a row that is not named is only read and published once more.
EDGE_LIMIT: Final = 2_000


@dataclass(frozen=True)
class RawRow:
    """One record as the ERP showed it, for the log of raw changes.

    Attributes:
        key: the ERP's own identifier of the record.
        version: changes with every write there (an ETag, a row version); ``""`` where the ERP has none.
        document: the JSON object as received; decimals are ``Decimal`` or text, never float. A record that needs more
            than one call has one member per call. Bank details are a keyed fingerprint by the time they get here.
    """

    kind: Kind
    key: str
    version: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Watermark:
    """Where the next poll starts: the connector's own text, and the ids and versions seen at that edge.

    A poll reads again from ``position`` minus the connector's overlap and leaves out what ``edge`` names, so that
    neither a page's nor a timestamp's edge loses a row and an idle company costs nothing downstream. An edge holds the
    newest EDGE_LIMIT names.
    """

    position: str = ""
    edge: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Rows in the ERP's order of change, and where to go on once they are stored.

    ``whole`` on the last page says that this poll showed every record of the kind (of ledger entries: every open one):
    what is known and was not among its pages is gone, or closed, and is worth reading by ``rows``.
    """

    rows: tuple[RawRow, ...]
    next: Watermark
    whole: bool = False


class CheckStatus(StrEnum):
    """The result of one question to a real system."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class CheckLine:
    """One thing asked of a real system before anything is synchronized: what, the answer, and what to do.

    ``code`` and ``http_status`` are those of a refusal.
    """

    name: str
    status: CheckStatus
    detail: str
    cure: str = ""
    code: str = ""
    http_status: int = 0


@dataclass(frozen=True)
class OpenItems:
    """A part of the open-items snapshot. ``unreadable`` names rows by key: a tie-out that hides them would lie."""

    entries: tuple[VendorLedgerEntry, ...]
    unreadable: Mapping[str, Unreadable] = field(default_factory=dict)


class ErpReader(Protocol):
    """What changed in one ERP company. Every call may raise Retry, Reject or Fatal of ``tieout.domain.errors``."""

    def changes(self, kind: Kind, since: Watermark) -> AsyncIterator[Page]:
        """Everything of a kind that changed since the watermark, page by page; all of it for an empty one.

        A kind without stamps is read whole every time; the caller leaves out what it has already seen unchanged.
        LEDGER_ENTRY shows entries new since the watermark and every open one again. At least one page comes.
        """
        ...

    async def check(self) -> list[CheckLine]:
        """Ask the real system whether the connection would work, with real calls."""
        ...


class ErpSource(ErpReader, Protocol):
    """The whole read side of one ERP company.

    A verb the ERP cannot serve raises Reject with code ``not_supported``; ``capabilities`` says so beforehand.
    """

    async def capabilities(self) -> ErpCapabilities:
        """What this site can do, asked of the real system: published services, versions, rights."""
        ...

    async def context(self) -> ReadContext:
        """What the wire reader needs for this company's rows; asked once per poll run and stored with them."""
        ...

    def rows(self, kind: Kind, keys: Sequence[str]) -> AsyncIterator[RawRow]:
        """Those records again as they are now, in any order: after a hint, or when one left the open items.

        What does not come does not exist any more.
        """
        ...

    def open_items(self) -> AsyncIterator[OpenItems]:
        """Every open vendor ledger entry, now: payables, credits and unapplied payments."""
        ...

    def vendor_entries(self, since: date) -> AsyncIterator[OpenItems]:
        """Every vendor ledger entry posted from a day on, open or not: what the control accounts have to show."""
        ...

    def postings(self, account: str, since: date) -> AsyncIterator[tuple[AccountPosting, ...]]:
        """The entries of one general ledger account posted from a day on.

        Raises:
            Reject: ``unknown_account``.
        """
        ...

    async def balances(self, queries: Sequence[BalanceQuery], as_of: date | None) -> tuple[AccountBalance, ...]:
        """One balance per query, in their order, counting posting dates up to ``as_of`` (None: all).

        All of them come from one read, or as near to one moment as the ERP allows.
        """
        ...

    async def documents(self, kind: Kind, key: str) -> tuple[DocumentRef, ...]:
        """The files that belong to a record, without their bytes."""
        ...

    def document(self, ref: DocumentRef, limit: int) -> AsyncIterator[bytes]:
        """A file's bytes in parts of at most 1 MiB.

        Raises:
            Reject: code ``too_large`` as soon as more than ``limit`` bytes came or are announced, ``gone`` if it is not
                there any more.
        """
        ...

    async def close(self) -> None:
        """Give back connections and sessions; the reader is of no use afterwards."""
        ...
