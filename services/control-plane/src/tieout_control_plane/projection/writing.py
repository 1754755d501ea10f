"""One batch into the tables: its rows and its positions in one transaction of the database."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, delete, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from tieout.connections.secrets import told_plainly
from tieout_control_plane.projection.folding import Before, Changes, Key, Read, Source, Stood, fold, touched
from tieout_control_plane.projection.tables import (
    COUNTERS,
    DERIVED,
    FACTS,
    HOLDS,
    LAYOUT,
    LINKS,
    PARTS,
    PAYMENTS,
    POSITIONS,
    ROWS,
    TASKS,
    TIE_OUT_PARTS,
    TIE_OUTS,
    TIMELINE,
)

Place = tuple[str, int]
"""A topic's name on the broker, and a partition."""

# A rebuild empties tables of any size; the engine's own limit is meant for single rows.
EMPTYING_MS: Final = 120_000


class Moved(Exception):
    """Another process has written this batch, or the projection was begun anew: read the positions again."""


class ProjectionStore:
    """The projection's tables. Calls block; they raise StoreNotReady if the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def positions(self, places: Sequence[Place]) -> dict[Place, int]:
        """Where reading goes on; all from the beginning, with empty tables, if the projection is of another kind.

        That is: of another layout, of other topics, or of another number of partitions.
        """
        with told_plainly(), self._engine.begin() as database:
            database.execute(text("LOCK TABLE projection_positions IN EXCLUSIVE MODE"))
            rows = database.execute(select(POSITIONS)).all()
            found = {(row.topic, row.partition): int(row.position) for row in rows}
            if found.keys() == set(places) and all(row.layout == LAYOUT for row in rows):
                return found
            return _begin_anew(database, places)

    def begin_anew(self, places: Sequence[Place]) -> dict[Place, int]:
        """Empty the tables and start from the beginning of the log."""
        with told_plainly(), self._engine.begin() as database:
            return _begin_anew(database, places)

    def apply(
        self, messages: Sequence[Read], moves: Mapping[Place, tuple[int, int]], sources: Sequence[Source] = ()
    ) -> None:
        """Write a batch. ``moves`` are the positions before and after it.

        Raises:
            Moved: nothing was written.
        """
        with told_plainly(), self._engine.begin() as database:
            for (topic, partition), (before, after) in sorted(moves.items()):
                moved = database.execute(
                    update(POSITIONS)
                    .where(POSITIONS.c.topic == topic, POSITIONS.c.partition == partition)
                    .where(POSITIONS.c.position == before, POSITIONS.c.layout == LAYOUT)
                    .values(position=after)
                )
                if moved.rowcount != 1:
                    raise Moved(f"{topic}/{partition} is not at {before} any more")
            _write(database, fold(messages, _before(database, messages), sources))


def _begin_anew(database: Connection, places: Sequence[Place]) -> dict[Place, int]:
    database.execute(text(f"SET LOCAL statement_timeout = {EMPTYING_MS}"))
    database.execute(text("TRUNCATE " + ", ".join(table.name for table in DERIVED)))
    rows = [{"topic": topic, "partition": number, "position": 0, "layout": LAYOUT} for topic, number in places]
    database.execute(insert(POSITIONS), rows)
    return dict.fromkeys(places, 0)


def _before(database: Connection, messages: Sequence[Read]) -> Before:
    links, facts = touched(messages)
    before = Before()
    if links:
        wanted = select(LINKS.c.connection, LINKS.c.link, LINKS.c.kind, LINKS.c.phase, LINKS.c.since)
        for row in database.execute(wanted.where(_among(LINKS, "link", links))):
            before.links[row.connection, row.link] = Stood(f"link/{row.kind}/{row.phase}", row.since)
        for table, word, stood in ((HOLDS, "reason", before.holds), (TASKS, "why", before.tasks)):
            of = select(table.c.connection, table.c.link, table.c[word], table.c.since)
            for connection, link, counted, since in database.execute(of.where(_among(table, "link", links))):
                name = "hold" if table is HOLDS else "task"
                stood[connection, link] = Stood(f"{name}/{counted}", since)
    if facts:
        known = select(FACTS.c.connection, FACTS.c.fact).where(_among(FACTS, "fact", facts))
        before.facts = {(connection, fact) for connection, fact in database.execute(known)}
    return before


def _among(table: Table, column: str, keys: Iterable[Key]) -> Any:
    return tuple_(table.c.connection, table.c[column]).in_(sorted(keys))


def _write(database: Connection, changes: Changes) -> None:
    _assign(database, LINKS, "link", changes.links)
    _assign(database, HOLDS, "link", changes.holds)
    _assign(database, TASKS, "link", changes.tasks)
    _assign(database, ROWS, "row", changes.rows)
    _assign(database, PAYMENTS, "payment", changes.payments)
    _assign(database, FACTS, "fact", changes.facts)
    _assign(database, TIE_OUTS, "run", changes.tie_outs)
    if changes.pieces:
        database.execute(insert(TIE_OUT_PARTS).on_conflict_do_nothing(), changes.pieces)
    if changes.parts:
        database.execute(delete(PARTS).where(_among(PARTS, "payment", changes.parts)))
        parts = [
            {"connection": connection, "payment": payment, **part}
            for (connection, payment), of_payment in changes.parts.items()
            for part in of_payment
        ]
        if parts:
            database.execute(insert(PARTS), parts)
    if changes.timeline:
        database.execute(insert(TIMELINE), changes.timeline)
    _count(database, changes)


def _assign(database: Connection, table: Table, column: str, rows: Mapping[Key, Mapping[str, Any] | None]) -> None:
    """Insert, replace, or remove where there is nothing any more. In the order of keys: two writers never block."""
    gone = [key for key, row in rows.items() if row is None]
    if gone:
        database.execute(delete(table).where(_among(table, column, gone)))
    there = [
        {"connection": connection, column: name, **_storable(row)}
        for (connection, name), row in sorted(rows.items())
        if row is not None
    ]
    if there:
        statement = insert(table)
        values = {each.name: statement.excluded[each.name] for each in table.c if not each.primary_key}
        database.execute(statement.on_conflict_do_update(index_elements=["connection", column], set_=values), there)


def _count(database: Connection, changes: Changes) -> None:
    rows = [
        {"connection": connection, "name": name, "count": count}
        for (connection, name), count in sorted(changes.counts.items())
        if count
    ]
    if rows:
        statement = insert(COUNTERS)
        total = {"count": COUNTERS.c.count + statement.excluded.count}
        database.execute(statement.on_conflict_do_update(index_elements=["connection", "name"], set_=total), rows)


def _storable(value: Any) -> Any:
    """PostgreSQL keeps every character but NUL, which no name needs."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd") if "\x00" in value else value
    if isinstance(value, dict):
        return {name: _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return value
