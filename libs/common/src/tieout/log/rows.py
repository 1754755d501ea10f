"""The rows of one partition's state, local: a RocksDB that is only a cache of ``sync.state``.

It is emptied and restored at every opening and written only after a commit, so it can never know more than the log.
"""

import shutil
import tempfile
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rocksdict import AccessType, Options, Rdict, WriteBatch, WriteOptions

PREFIX: Final = "rows-"
"""Of the folders that stores make for themselves in the one they are given."""


class RowStore:
    """Keys are ``connection/row``. Raw bytes in and out, ordered by key."""

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.mkdtemp(prefix=PREFIX, dir=folder)
        options = Options(raw_mode=True)
        options.create_if_missing(create_if_missing=True)
        self._db = Rdict(self._folder, options, access_type=AccessType.read_write())
        self._write = WriteOptions()
        self._write.disable_wal = True

    def get(self, key: bytes) -> bytes | None:
        """One row."""
        value = self._db.get(key)
        return None if value is None else bytes(value)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows whose key starts with the prefix, in order."""
        for key, value in self._db.items(from_key=prefix):
            if not key.startswith(prefix):
                return
            yield bytes(key), bytes(value)

    def apply(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Write many rows at once; None removes."""
        batch = WriteBatch(raw_mode=True)
        for key, value in rows:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self._db.write(batch, self._write)

    def close(self) -> None:
        """Close and remove the folder."""
        self._db.close()
        shutil.rmtree(self._folder, ignore_errors=True)


@dataclass
class BatchRows:
    """Rows as a batch in progress sees them; merged into the store only after the commit.

    The store stands still for as long as the batch lives, so what was read of it once is remembered: the settings and
    the window of a connection are read with every fact.
    """

    store: RowStore
    new: dict[bytes, bytes | None] = field(default_factory=dict)
    _order: list[bytes] = field(default_factory=list)
    _seen: dict[bytes, bytes | None] = field(default_factory=dict)
    _barren: set[bytes] = field(default_factory=set)

    def get(self, key: bytes) -> bytes | None:
        """One row."""
        try:
            return self._seen[key]
        except KeyError:
            value = self._seen[key] = self.store.get(key)
            return value

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows with a prefix in order, this batch's writes included."""
        own = self._own(prefix)
        at = 0
        for key, value in self._kept(prefix):
            if key in self.new:
                continue
            while at < len(own) and own[at][0] < key:
                yield own[at]
                at += 1
            yield key, value
        yield from own[at:]

    def set(self, key: bytes, value: bytes | None) -> None:
        """Assign or remove a row."""
        if key not in self.new:
            insort(self._order, key)
        self.new[key] = self._seen[key] = value

    def _own(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """This batch's rows with a prefix, in order."""
        found = []
        for at in range(bisect_left(self._order, prefix), len(self._order)):
            key = self._order[at]
            if not key.startswith(prefix):
                break
            value = self.new[key]
            if value is not None:
                found.append((key, value))
        return found

    def _kept(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The store's rows with a prefix. Most questions find none, such as for links to wake: asked once a batch."""
        if prefix in self._barren:
            return
        barren = True
        for row in self.store.scan(prefix):
            barren = False
            yield row
        if barren:
            self._barren.add(prefix)
