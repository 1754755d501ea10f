"""The only place that knows Business Central's JSON. Pure: raw row in, records out, ``Unreadable`` otherwise."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tieout.domain.records import Kind, ReadContext, Record
from tieout_connectors.business_central.wire.invoices import purchase_invoice
from tieout_connectors.business_central.wire.ledger import ledger_entry
from tieout_connectors.business_central.wire.masters import account, dimension, dimension_value, period, vendor
from tieout_connectors.spi.wire import Unreadable

_READERS: Final[dict[Kind, Callable[[Mapping[str, Any], ReadContext], Record | None]]] = {
    Kind.VENDOR: vendor,
    Kind.ACCOUNT: account,
    Kind.DIMENSION: dimension,
    Kind.DIMENSION_VALUE: dimension_value,
    Kind.PERIOD: period,
    Kind.PURCHASE_INVOICE: purchase_invoice,
    Kind.LEDGER_ENTRY: ledger_entry,
}


class BusinessCentralWire:
    """Raw rows of Business Central as records. It has no state."""

    def read(self, kind: Kind, document: Mapping[str, Any], context: ReadContext) -> tuple[Record, ...]:
        """The record in a raw row, none for an unposted draft.

        Raises:
            Unreadable: if the document is not what the documentation says, or the kind is none of this ERP's.
        """
        reader = _READERS.get(kind)
        if reader is None:
            raise Unreadable("", f"{kind.value} is not read from Business Central")
        record = reader(document, context)
        return () if record is None else (record,)


__all__ = ["BusinessCentralWire"]
