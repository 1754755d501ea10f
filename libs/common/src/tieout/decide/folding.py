"""State held in memory: for tests, for replay and for the preview of a new release."""

from collections.abc import Iterable, Iterator

from tieout.decide.state import evolve
from tieout.events.journal import Entry


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
