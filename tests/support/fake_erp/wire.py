"""The wire reader of the ERP that exists in tests only."""

from collections.abc import Mapping
from typing import Any

from tieout.domain.erp import Vendor
from tieout.domain.records import Kind, ReadContext, Record
from tieout_connectors.spi.wire import Unreadable


class FakeWireReader:
    """A row is ``{"id", "name", "change"}``; ``change`` counts the row's changes and becomes its version."""

    def read(self, kind: Kind, document: Mapping[str, Any], context: ReadContext) -> tuple[Record, ...]:
        """The vendor in a row."""
        assert kind is Kind.VENDOR
        if "name" not in document:
            raise Unreadable("name", "missing")
        return (
            Vendor(
                id=document["id"],
                number=document["id"],
                name=document["name"],
                currency=context.local_currency,
                version=str(document["change"]),
            ),
        )
