"""The rows of one partition's state, local: a RocksDB that is only a cache of ``sync.state``.

It is emptied and restored at every opening and written only after a commit, so it can never know more than the log.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from rocksdict import AccessType, Options, Rdict, WriteBatch, WriteOptions

SEPARATOR: Final = b"/"


class RowStore:
    """Keys are ``connection/row``. Raw bytes in and out, ordered by key."""

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.mkdtemp(prefix="rows-", dir=folder)
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
