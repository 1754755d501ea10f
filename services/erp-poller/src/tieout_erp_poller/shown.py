"""What the last poll showed of a kind that is shown whole every time, so that the log gets its changes only. Pure.

Forgotten with the process: then every row is published once more, which harms nobody.
"""

from collections.abc import Iterable
from hashlib import blake2b
from json import dumps
from typing import Final

from tieout_connectors.spi.erp import RawRow

# Rows remembered per connection and kind, 200 bytes each: four megabytes at most. More open entries than this are a
# year of a large company's invoices unpaid; what is beyond is published again with every poll, and nothing is lost.
LIMIT: Final = 20_000


class Shown:
    """The rows of one kind of one connection, as hashes. A row that the last whole poll did not show is forgotten."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._before: dict[str, bytes] = {}
        self._now: dict[str, bytes] = {}

    def news(self, rows: Iterable[RawRow]) -> tuple[RawRow, ...]:
        """Those that are new, or not as they were."""
        return tuple(row for row in rows if self._now.get(row.key, self._before.get(row.key)) != _hash(row))

    def stored(self, rows: Iterable[RawRow]) -> None:
        """Remember that the log has these rows as they are; the unchanged ones among them too."""
        for row in rows:
            self._before.pop(row.key, None)
            if row.key in self._now or len(self._now) < self._limit:
                self._now[row.key] = _hash(row)

    def ended(self) -> None:
        """A poll showed everything: what it did not show is gone."""
        self._before, self._now = self._now, {}

    def forget(self) -> None:
        """Everything is news again."""
        self._before, self._now = {}, {}


def _hash(row: RawRow) -> bytes:
    """64 bits: a change is missed once in 10^19."""
    said = row.version or dumps(row.document, sort_keys=True, default=str)
    return blake2b(said.encode(), digest_size=8).digest()
