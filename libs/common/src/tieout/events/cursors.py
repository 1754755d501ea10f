"""Where a poll goes on: the compacted rows of ``cursors``."""

from collections.abc import Mapping
from datetime import datetime

from tieout.domain.records import Kind
from tieout.events.envelope import Payload


class ErpCursor(Payload):
    """How far the polls of one kind of one connection's ERP have come.

    Attributes:
        run: the number of the newest run, committed before its first read.
        started: UTC; when that run took its number.
        ended: UTC; when a run last reached its end, None before the first.
        position, edge: the connector's watermark; everything before it is stored in ``erp.changes``.
        generation: of the settings that the reading up to there was begun under; under others all is read again.
    """

    kind: Kind
    run: int
    started: datetime
    ended: datetime | None = None
    position: str = ""
    edge: Mapping[str, str] = {}
    generation: int = 0
