"""Finished tie-outs, read back as they were written. Calls block; StoreNotReady if the database does not answer."""

import gzip
import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, Row, Select, func, select

from tieout.connections.secrets import told_plainly
from tieout_control_plane.projection.tables import TIE_OUT_PARTS, TIE_OUTS


class Damaged(Exception):
    """The stored document is not the one that was written: a row was changed in the database."""


@dataclass(frozen=True)
class Stored:
    """A finished run without its document."""

    run: str
    as_of: date
    taken: datetime
    sha256: str
    size: int
    parts: int
    differences: int
    unexpected: int
    complete: bool


class StoredTieOuts:
    """Reads of the projection's tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, connection: str, *, limit: int) -> tuple[Stored, ...]:
        """The latest runs, newest first."""
        wanted = _of(connection).order_by(TIE_OUTS.c.as_of.desc(), TIE_OUTS.c.taken.desc(), TIE_OUTS.c.run)
        with told_plainly(), self._engine.connect() as database:
            return tuple(_stored(row) for row in database.execute(wanted.limit(limit)).all())

    def of_day(self, connection: str, day: date) -> Stored | None:
        """The last finished run of a day."""
        wanted = _of(connection).where(TIE_OUTS.c.as_of == day)
        return self._first(wanted.order_by(TIE_OUTS.c.taken.desc(), TIE_OUTS.c.run))

    def of_run(self, connection: str, run: str) -> Stored | None:
        """A run by its id."""
        return self._first(_of(connection).where(TIE_OUTS.c.run == run))

    def latest(self, connection: str) -> Stored | None:
        """The last finished run of all."""
        return self._first(_of(connection).order_by(TIE_OUTS.c.taken.desc(), TIE_OUTS.c.run))

    def nearest(self, connection: str, day: date) -> date | None:
        """The day nearest to one that has a run, the earlier of two."""
        distance = func.abs(TIE_OUTS.c.as_of - day)
        found = self._first(_of(connection).order_by(distance, TIE_OUTS.c.as_of))
        return None if found is None else found.as_of

    def document(self, connection: str, stored: Stored) -> bytes:
        """The document of a run, byte for byte. Raises Damaged."""
        wanted = select(TIE_OUT_PARTS.c.content).where(
            TIE_OUT_PARTS.c.connection == connection, TIE_OUT_PARTS.c.run == stored.run
        )
        with told_plainly(), self._engine.connect() as database:
            parts = [bytes(row.content) for row in database.execute(wanted.order_by(TIE_OUT_PARTS.c.number)).all()]
        try:
            whole = gzip.decompress(b"".join(parts))
        except (OSError, EOFError) as error:
            raise Damaged(f"tie-out {stored.run} of {connection} cannot be unpacked") from error
        if len(whole) != stored.size or hashlib.sha256(whole).hexdigest() != stored.sha256:
            raise Damaged(f"tie-out {stored.run} of {connection} is not what was written")
        return whole

    def _first(self, wanted: Select[Any]) -> Stored | None:
        with told_plainly(), self._engine.connect() as database:
            row = database.execute(wanted.limit(1)).one_or_none()
        return None if row is None else _stored(row)


def _of(connection: str) -> Select[Any]:
    return select(TIE_OUTS).where(TIE_OUTS.c.connection == connection)


def _stored(row: Row[Any]) -> Stored:
    return Stored(
        row.run,
        row.as_of,
        row.taken,
        row.sha256,
        row.size,
        row.parts,
        row.differences,
        row.unexpected,
        row.complete,
    )
