"""Where a poll goes on: the compacted rows of ``cursors``."""

from collections.abc import Mapping
from datetime import date, datetime

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


class BillCursor(Payload):
    """How far the polls of one kind of record of one connection's BILL have come.

    Attributes:
        kind: ``payment``, ``bill`` or ``vendor``.
        run: the number of the newest run, committed before its first read.
        started: UTC; when that run took its number.
        ended: UTC; when a run last reached its end, None before the first.
        begins: the day of the cut-over that the first run began with; under an earlier one all is read again.
        position: BILL's stamp of the newest change that is stored in ``bill.events``, UTC; None before the first.
        edge: records changed shortly before it, with the version stored: they need not be stored again.
    """

    kind: str
    run: int
    started: datetime
    ended: datetime | None = None
    begins: date
    position: datetime | None = None
    edge: Mapping[str, str] = {}
