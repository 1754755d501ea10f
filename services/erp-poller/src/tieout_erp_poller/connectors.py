"""What a poll needs of an ERP's connector, and which of its kinds are shown whole."""

from collections.abc import AsyncIterator, Sequence
from functools import cache
from importlib import import_module
from typing import Final, Protocol

from tieout.domain.capabilities import ErpCapabilities, Polling
from tieout.domain.erp import DocumentRef
from tieout.domain.records import Kind, ReadContext
from tieout_connectors.spi.erp import ErpReader, RawRow


class PolledErp(ErpReader, Protocol):
    """What a poll needs of a connector: a part of ``ErpSource``."""

    async def context(self) -> ReadContext:
        """What the wire reader needs for this company's rows."""
        ...

    def rows(self, kind: Kind, keys: Sequence[str]) -> AsyncIterator[RawRow]:
        """Those records again; what does not come does not exist any more."""
        ...

    async def documents(self, kind: Kind, key: str) -> tuple[DocumentRef, ...]:
        """The files of a record."""
        ...

    def document(self, ref: DocumentRef, limit: int) -> AsyncIterator[bytes]:
        """A file's bytes. Raises Reject, ``too_large`` or ``gone``."""
        ...

    async def close(self) -> None:
        """Give back connections and sessions."""
        ...


DECLARED: Final[dict[str, str]] = {"business-central": "tieout_connectors.business_central.capabilities:DECLARED"}
"""Where each connector declares how its kinds are polled."""


@cache
def shown_whole(erp: str) -> frozenset[Kind]:
    """The kinds of an ERP of which every poll shows unchanged rows again."""
    if erp not in DECLARED:
        return frozenset()
    module, _, name = DECLARED[erp].partition(":")
    declared: ErpCapabilities = getattr(import_module(module), name)
    return frozenset(kind for kind, how in declared.polling.items() if how in (Polling.SEQUENCE, Polling.WHOLE))
