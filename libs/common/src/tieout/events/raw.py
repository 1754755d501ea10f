"""Raw messages: what the outside showed, as seen, on ``erp.changes`` and ``bill.events``."""

from typing import Any

from tieout.domain.erp import DocumentRef
from tieout.domain.records import Kind, ReadContext
from tieout.events.commands import DocumentPlace
from tieout.events.envelope import Payload
from tieout.events.facts import RunPhase


class ErpRow(Payload):
    """One record of an ERP as received.

    ``erp`` names the connector whose wire reader understands it, ``context`` is what that reader needs beside it.
    """

    erp: str
    kind: Kind
    key: str
    version: str
    run: int
    context: ReadContext
    document: dict[str, Any]


class ErpUnreadable(Payload):
    """A record of an ERP that the log cannot hold as received: too large, or no text. ``reason`` is for a person."""

    erp: str
    kind: Kind
    key: str
    version: str
    run: int
    reason: str


class ErpRun(Payload):
    """The beginning or the end of a poll run, among its rows."""

    erp: str
    kind: Kind
    run: int
    phase: RunPhase
    rows: int = 0


class ErpDocument(Payload):
    """A file of an invoice: read from the ERP and lying sealed on ``snapshots``, or why it does not.

    Attributes:
        link: of the bill that it was asked for.
        invoice: the ERP's id of the invoice.
        problem: ``""``, ``missing`` or ``too_large``; ``place`` is None unless it is ``""``.
    """

    erp: str
    link: str
    invoice: str
    document: DocumentRef
    place: DocumentPlace | None
    problem: str = ""


class BillDocument(Payload):
    """One object of BILL as received, from a read, a poll or a webhook."""

    kind: str
    key: str
    version: str
    origin: str
    document: dict[str, Any]
