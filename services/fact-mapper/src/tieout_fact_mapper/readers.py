"""Which wire reader understands which ERP's rows. Loaded when the first row of that ERP comes."""

from functools import cache
from importlib import import_module
from typing import Final

from tieout_connectors.spi.wire import WireReader

READERS: Final[dict[str, str]] = {
    "business-central": "tieout_connectors.business_central.wire:BusinessCentralWire",
}
"""The kind of an ERP, as its connection's settings name it, to its reader: module and class."""


@cache
def reader_of(erp: str) -> WireReader:
    """The reader of an ERP's rows. KeyError for an ERP that this release does not know."""
    module, _, name = READERS[erp].partition(":")
    reader: WireReader = getattr(import_module(module), name)()
    return reader
