"""What happened to a record, in order: one step per fact, with what was decided and what a writer had answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, select

from tieout.connections.secrets import told_plainly
from tieout_control_plane.projection.tables import FACTS, TIMELINE


@dataclass(frozen=True)
class Told:
    """One entry of the journal. ``row`` is what it set; ``phase`` and ``command`` are those of a link's own row."""

    place: int
    link: str
    row: str
    what: str
    why: str
    phase: str
    command: str
    amount: Decimal | None
    currency: str


@dataclass(frozen=True)
class Step:
    """All that one fact led to. ``kind`` and ``fact`` are of a fact that is quoted, ``""`` and None of any other."""

    cause: str
    time: datetime
    kind: str
    fact: dict[str, Any] | None
    entries: tuple[Told, ...]


class Timelines:
    """Reads of the projection's tables. Calls block; StoreNotReady if the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, connection: str, links: Sequence[str], *, after: int, limit: int) -> tuple[Step, ...]:
        """Steps of these links together, in the journal's order, from behind the entry ``after``.

        ``limit`` counts entries; a step that it would cut in two comes with the next page, unless it is alone.
        """
        joined = TIMELINE.outerjoin(
            FACTS, (FACTS.c.connection == TIMELINE.c.connection) & (FACTS.c.fact == TIMELINE.c.cause)
        )
        wanted = select(TIMELINE, FACTS.c.kind, FACTS.c.value).select_from(joined)
        wanted = wanted.where(TIMELINE.c.connection == connection, TIMELINE.c.link.in_(links), TIMELINE.c.place > after)
        with told_plainly(), self._engine.connect() as database:
            rows = database.execute(wanted.order_by(TIMELINE.c.place).limit(limit + 1)).all()
        steps: list[Step] = []
        for row in rows:
            told = Told(
                row.place, row.link, row.row, row.what, row.why, row.phase, row.command, row.amount, row.currency
            )
            if steps and steps[-1].cause == row.cause:
                last = steps[-1]
                steps[-1] = Step(last.cause, last.time, last.kind, last.fact, (*last.entries, told))
            else:
                steps.append(Step(row.cause, row.time, row.kind or "", row.value, (told,)))
        return tuple(steps[:-1] if len(rows) > limit and len(steps) > 1 else steps)
