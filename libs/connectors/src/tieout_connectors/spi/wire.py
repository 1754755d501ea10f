"""From raw rows to records: the pure half of a connector, which runs far from the ERP and again years later.

Each connector has one ``WireReader`` in its ``wire`` module; no other module knows the outside's JSON keys. A reader
does no I/O and asks no clock, so the same row and context give the same records at every replay.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from tieout.domain.records import Kind, ReadContext, Record


class Unreadable(Exception):
    """A row that this reader does not understand: it is set aside, and its record waits.

    Not one of the recovery errors, because no call was made and none can help: a new reader or a new row can.

    Attributes:
        path: where in the document, as ``lines[2].netAmount``; ``""`` for the whole.
        why: what is wrong there, without the value, which may be personal.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path or 'the document'}: {why}")
        self.path = path
        self.why = why


class WireReader(Protocol):
    """Rows of one ERP as records."""

    def read(self, kind: Kind, document: Mapping[str, Any], context: ReadContext) -> tuple[Record, ...]:
        """The records in one raw row; none for a row that is noise (a ghost line, an unposted draft).

        The row may have been written by any earlier release of the connector, and its decimals may be ``Decimal`` or
        text. What the ERP does not tell becomes None, never a guess.

        Raises:
            Unreadable: for anything missing, mistyped or contradictory that a record needs.
        """
        ...
