"""A connection's BILL side, ready to be called."""

from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from tieout.connections.registry import ConnectionView
from tieout.domain.bill import BillClassification, BillVendor, ClassificationKind
from tieout.events.commands import DocumentCommand
from tieout_bill_writer.bill_index import BillIndex
from tieout_bill_writer.gate import OrganizationGate
from tieout_bill_writer.index import Index, plain
from tieout_bill_writer.meters import Meter
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.query import OLDEST_FIRST

ReadDocument = Callable[[DocumentCommand], bytes]


def vendor_keys(vendor: BillVendor) -> tuple[str, str]:
    """By what a vendor is looked for: its number, its name."""
    return f"number/{plain(vendor.short_name)}", f"name/{plain(vendor.name)}"


def classification_keys(row: BillClassification) -> tuple[str, str]:
    """By what a classification is looked for: its number, its name."""
    return f"number/{plain(row.number)}", f"name/{plain(row.name)}"


@dataclass
class Organization:
    """It lasts as long as settings and credentials do.

    ``read_document`` blocks. ``document_slow`` is what an upload takes longer than other calls until it is listed,
    seconds. ``uploads`` are the temporary ids of files sent in this process's life, by bill and name.
    """

    view: ConnectionView
    http: aiohttp.ClientSession
    client: BillClient
    gate: OrganizationGate
    meter: Meter
    read_document: ReadDocument
    document_slow: float
    uploads: dict[tuple[str, str], str] = field(default_factory=dict)
    _classifications: dict[ClassificationKind, Index[BillClassification]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Sorted by creation: a record that changes while the list is paged must not push another past the reader.
        self.vendors = Index(lambda since: self.client.vendors.all(updated_since=since, sort=OLDEST_FIRST), vendor_keys)
        self.bills = BillIndex(self.client.bills)

    def classifications(self, kind: ClassificationKind) -> Index[BillClassification]:
        """The index of one kind."""
        index = self._classifications.get(kind)
        if index is None:
            index = self._classifications[kind] = Index(
                lambda since: self.client.classifications.all(kind, updated_since=since, sort=OLDEST_FIRST),
                classification_keys,
            )
        return index

    async def close(self) -> None:
        """Let the calls under way end, then close. The session stays valid and stored."""
        await self.gate.retire()
        await self.client.close()
        await self.http.close()
