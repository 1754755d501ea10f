"""What is read of an object before it is kept as received: which record it is, and which version of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout_connectors.bill.wire.fields import Fields
from tieout_connectors.spi.wire import Unreadable


@dataclass(frozen=True)
class RawRecord:
    """An object as received.

    ``key`` is BILL's id, ``""`` if it has none. ``updated`` is BILL's stamp of its last change, UTC, None if it tells
    none that can be read. What is wrong with it is told by its reader, further on.
    """

    key: str
    updated: datetime | None
    document: Mapping[str, Any]


def read_raw(raw: Any) -> RawRecord:
    """A vendor, a bill or a payment, unread but for its id and its stamp."""
    record = Fields(raw, "record")
    key = raw.get("id")
    return RawRecord(key if isinstance(key, str) else "", _updated(record), raw)


def _updated(record: Fields) -> datetime | None:
    try:
        return record.moment("updatedTime")
    except Unreadable:
        return None
