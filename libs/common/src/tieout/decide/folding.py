"""State held in memory: a view to decide against without a store, and the fold of the journal, which is the state."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pydantic import ValidationError

from tieout.decide.state import evolve
from tieout.events import catalogue
from tieout.events.envelope import PREFIX, UnreadableMessage, decode
from tieout.events.journal import Entry

_CONNECTION: Final = f"{PREFIX}partitionkey"
_TYPE: Final = f"{PREFIX}type"
_ENTRY: Final = next(name for name, model in catalogue.TYPES.items() if model is Entry).encode()


class MemoryView:
    """Rows of one connection in a dictionary."""

    def __init__(self, rows: dict[str, bytes] | None = None) -> None:
        self.rows = rows if rows is not None else {}

    def get(self, row: str) -> bytes | None:
        """The row's JSON."""
        return self.rows.get(row)

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Rows with a prefix, in order."""
        for key in sorted(key for key in self.rows if key.startswith(prefix)):
            yield key, self.rows[key]

    def apply(self, entries: Iterable[Entry]) -> None:
        """Fold entries in."""
        for entry in entries:
            evolve(self.rows, entry)


class Fold:
    """The state of every connection on a partition of the journal, folded from its messages in their order.

    ``rows`` is a connection's rows by connection. Of a message only its connection and its entry matter here, so its
    other attributes are not read: a rebuild is as fast as its entries can be parsed and written.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, bytes]] = {}

    def add(self, headers: Sequence[tuple[str, bytes | str | None]] | None, value: bytes | None) -> None:
        """Fold one message in.

        Raises:
            UnreadableMessage: it is no entry of the journal that this release can read.
        """
        found = dict(headers or ())
        connection = found.get(_CONNECTION)
        if found.get(_TYPE) != _ENTRY or not isinstance(connection, bytes):
            raise UnreadableMessage(f"no entry of the journal: {decode(headers, value, catalogue).type}")
        try:
            entry = Entry.model_validate_json(value or b"", extra="ignore")
        except ValidationError as error:
            raise UnreadableMessage(f"an entry of {connection.decode()} cannot be read: {error.title}") from error
        evolve(self.rows.setdefault(connection.decode(), {}), entry)
