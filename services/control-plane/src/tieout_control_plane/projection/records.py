"""Records as people look at them: found by whatever names them, with what belongs to them. Calls block."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, func, or_, select, text

from tieout.connections.secrets import told_plainly
from tieout_control_plane.projection.tables import COUNTERS, FACTS, HOLDS, LINKS, PARTS, PAYMENTS, ROWS, TASKS

# Kinds that stand for themselves. The others belong to one of these, and are not what a number means.
MAIN: Final = ("bill", "vendor", "account", "dimension", "credit", "payment", "transfer")
# What one record is shown with. A vendor's bills are not, so only a bill of a hundred payments meets the limit.
MOST_RELATED: Final = 200

_LISTED: Final = text("""
SELECT l.connection, l.link, l.kind, l.phase, l.number, l.record, l.target, l.since, l.changed, l.value,
       coalesce(v.value->'vendor'->>'name', '') AS title,
       coalesce((i.value->>'total')::numeric, p.amount, (d.value->>'due')::numeric) AS amount,
       coalesce(i.value->>'currency', o.value->'order'->'cash'->>'currency', d.value->>'currency', '') AS currency,
       (i.value->>'open')::numeric AS open
FROM links l
LEFT JOIN state_rows i ON l.kind = 'bill' AND i.connection = l.connection AND i.row = 'invoice/' || l.record
LEFT JOIN payments p ON l.kind = 'payment' AND p.connection = l.connection AND p.payment = l.record
LEFT JOIN state_rows o ON l.kind = 'payment' AND o.connection = l.connection AND o.row = 'order/' || l.link
LEFT JOIN state_rows d ON l.kind = 'transfer' AND d.connection = l.connection AND d.row = 'due/' || l.record
LEFT JOIN state_rows v ON v.connection = l.connection AND v.row = 'vendor/' || upper(CASE l.kind
     WHEN 'vendor' THEN l.number WHEN 'bill' THEN i.value->>'vendor_number'
     WHEN 'payment' THEN o.value->'order'->'vendor'->>'number' END)
WHERE l.connection = :connection
  AND (CAST(:kind AS text) IS NULL OR l.kind = :kind)
  AND (CAST(:phase AS text) IS NULL OR l.phase = :phase)
  AND (CAST(:text AS text) IS NULL OR l.number ILIKE :text OR l.target ILIKE :text OR l.record ILIKE :text
       OR l.value->>'original' ILIKE :text OR v.value->'vendor'->>'name' ILIKE :text)
  AND (CAST(:links AS text[]) IS NULL OR l.link = ANY(:links))
  AND l.link > :after
ORDER BY l.link
LIMIT :limit
""")


@dataclass(frozen=True)
class Record:
    """A link with what it is about. ``open`` is an invoice's open amount in the ERP as the decider last heard of it."""

    connection: str
    link: str
    kind: str
    phase: str
    number: str
    record: str
    target: str
    since: datetime
    changed: datetime
    value: dict[str, Any]
    title: str
    amount: Decimal | None
    currency: str
    open: Decimal | None


@dataclass(frozen=True)
class Paid:
    """What of a payment went to the bill that is looked at."""

    payment: str
    link: str
    stage: str
    process_date: str
    amount: Decimal


@dataclass(frozen=True)
class Whole:
    """A record with all that is shown beside it; hold and task are rows of the state."""

    record: Record
    hold: dict[str, Any] | None
    task: dict[str, Any] | None
    payments: tuple[Paid, ...]
    related: tuple[Record, ...]


class Records:
    """Reads of the projection's tables; StoreNotReady if the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(
        self, connection: str, *, kind: str | None, phase: str | None, words: str | None, after: str, limit: int
    ) -> tuple[Record, ...]:
        """Links in the order of their names, those behind ``after``."""
        with told_plainly(), self._engine.connect() as database:
            like = None if words is None else f"%{_literal(words)}%"
            return _listed(database, connection, kind=kind, phase=phase, text=like, after=after, limit=limit)

    def find(self, connection: str, ref: str) -> tuple[str, ...]:
        """The links that a reference means: by link, by an id of either side, by number, by the vendor's own number."""
        with told_plainly(), self._engine.connect() as database:
            for condition in (
                LINKS.c.link == ref,
                or_(LINKS.c.target == ref, LINKS.c.record == ref),
                func.upper(LINKS.c.number) == ref.upper(),
                LINKS.c.value["original"].astext == ref,
            ):
                of = select(LINKS.c.link, LINKS.c.kind).where(LINKS.c.connection == connection, condition)
                found = database.execute(of.order_by(LINKS.c.link).limit(MOST_RELATED)).all()
                if found:
                    return tuple(row.link for row in found if row.kind in MAIN) or tuple(row.link for row in found)
        return ()

    def whole(self, connection: str, link: str) -> Whole | None:
        """One record with its hold, its task, its payments and what belongs to it; None if there is none."""
        with told_plainly(), self._engine.connect() as database:
            found = _listed(database, connection, links=[link])
            if not found:
                return None
            (record,) = found
            payments = _payments_of(database, record)
            others = related(database, record, [each.link for each in payments])
            return Whole(
                record,
                _value(database, HOLDS, connection, link),
                _value(database, TASKS, connection, link),
                payments,
                _listed(database, connection, links=others) if others else (),
            )

    def hold(self, connection: str, link: str) -> tuple[dict[str, Any], str] | None:
        """A hold's row and its record's number, None if nothing is held under that name."""
        found = self.holds(connection, link=link, reason=None, after="", limit=1)
        return None if not found else (found[0][1], found[0][2])

    def holds(
        self, connection: str, *, link: str | None = None, reason: str | None, after: str, limit: int
    ) -> tuple[tuple[str, dict[str, Any], str], ...]:
        """Holds by name: name, row, number of the record."""
        joined = HOLDS.outerjoin(LINKS, (LINKS.c.connection == HOLDS.c.connection) & (LINKS.c.link == HOLDS.c.link))
        wanted = select(HOLDS.c.link, HOLDS.c.value, func.coalesce(LINKS.c.number, "").label("number"))
        wanted = wanted.select_from(joined).where(HOLDS.c.connection == connection)
        wanted = wanted.where(HOLDS.c.link > after) if link is None else wanted.where(HOLDS.c.link == link)
        if reason is not None:
            wanted = wanted.where(HOLDS.c.reason == reason)
        with told_plainly(), self._engine.connect() as database:
            rows = database.execute(wanted.order_by(HOLDS.c.link).limit(limit)).all()
        return tuple((row.link, row.value, row.number) for row in rows)

    def tasks(self, connection: str, *, after: str, limit: int) -> tuple[tuple[str, dict[str, Any], str], ...]:
        """Tasks by link: link, row, number of the record."""
        joined = TASKS.outerjoin(LINKS, (LINKS.c.connection == TASKS.c.connection) & (LINKS.c.link == TASKS.c.link))
        wanted = select(TASKS.c.link, TASKS.c.value, func.coalesce(LINKS.c.number, "").label("number"))
        wanted = wanted.select_from(joined).where(TASKS.c.connection == connection, TASKS.c.link > after)
        with told_plainly(), self._engine.connect() as database:
            rows = database.execute(wanted.order_by(TASKS.c.link).limit(limit)).all()
        return tuple((row.link, row.value, row.number) for row in rows)

    def counters(self, connection: str) -> dict[str, int]:
        """All counters that are not zero."""
        wanted = select(COUNTERS.c.name, COUNTERS.c.count).where(
            COUNTERS.c.connection == connection, COUNTERS.c.count != 0
        )
        with told_plainly(), self._engine.connect() as database:
            return {name: int(count) for name, count in database.execute(wanted.order_by(COUNTERS.c.name)).all()}


def related(database: Connection, record: Record, payments: Sequence[str]) -> list[str]:
    """The links that belong to a record: a bill's documents and payments, a payment's bills, reversal and transfer."""
    connection = record.connection
    if record.kind == "bill":
        documents = select(FACTS.c.value).where(
            FACTS.c.connection == connection, FACTS.c.link == record.link, FACTS.c.kind == "document"
        )
        found = [f"document/{row.value['document']['id']}" for row in database.execute(documents).all()]
        undone = [f"reversal/{link.partition('/')[2]}" for link in payments]
        discounts = [f"paid/{record.record}/{link.partition('/')[2]}" for link in payments]
        return [f"paid/{record.record}", *dict.fromkeys(found), *payments, *undone, *discounts][:MOST_RELATED]
    if record.kind == "payment":
        return [*_bills_of(database, record), f"reversal/{record.record}", *_transfers_of(database, record)]
    if record.kind == "reversal":
        return [f"payment/{record.record}"]
    if record.kind == "paid":
        return [f"bill/{record.record.partition('/')[0]}"]
    if record.kind == "transfer":
        due = _row(database, connection, f"due/{record.record}") or {}
        return [f"payment/{payment}" for payment in due.get("payments", ())][:MOST_RELATED]
    return []


def _bills_of(database: Connection, record: Record) -> list[str]:
    joined = PARTS.join(LINKS, (LINKS.c.connection == PARTS.c.connection) & (LINKS.c.target == PARTS.c.bill))
    wanted = select(LINKS.c.link).select_from(joined).distinct()
    wanted = wanted.where(
        PARTS.c.connection == record.connection, PARTS.c.payment == record.record, LINKS.c.kind == "bill"
    )
    return [row.link for row in database.execute(wanted.limit(MOST_RELATED)).all()]


def _transfers_of(database: Connection, record: Record) -> list[str]:
    payment = select(PAYMENTS.c.value).where(
        PAYMENTS.c.connection == record.connection, PAYMENTS.c.payment == record.record
    )
    row = database.execute(payment).one_or_none()
    of = {} if row is None else row.value["payment"]
    funding, day = of.get("funding") or {}, of.get("process_date")
    if not funding.get("id") or day is None:
        return []
    prefix = f"transfer/{funding['id']}/{day}/"
    wanted = select(LINKS.c.link).where(LINKS.c.connection == record.connection, LINKS.c.link.startswith(prefix))
    return [each.link for each in database.execute(wanted).all()]


def _payments_of(database: Connection, record: Record) -> tuple[Paid, ...]:
    if record.kind != "bill" or not record.target:
        return ()
    joined = PARTS.join(
        PAYMENTS, (PAYMENTS.c.connection == PARTS.c.connection) & (PAYMENTS.c.payment == PARTS.c.payment)
    )
    wanted = select(PARTS.c.payment, PARTS.c.amount, PAYMENTS.c.stage, PAYMENTS.c.process_date).select_from(joined)
    wanted = wanted.where(PARTS.c.connection == record.connection, PARTS.c.bill == record.target)
    wanted = wanted.order_by(PAYMENTS.c.process_date, PARTS.c.payment).limit(MOST_RELATED)
    return tuple(
        Paid(row.payment, f"payment/{row.payment}", row.stage, _day(row.process_date), row.amount)
        for row in database.execute(wanted).all()
    )


def _listed(database: Connection, connection: str, **changes: Any) -> tuple[Record, ...]:
    values = {"kind": None, "phase": None, "text": None, "links": None, "after": "", "limit": MOST_RELATED}
    rows = database.execute(_LISTED, values | changes | {"connection": connection}).all()
    return tuple(_record(row) for row in rows)


def _record(row: Row[Any]) -> Record:
    return Record(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def _value(database: Connection, table: Any, connection: str, link: str) -> dict[str, Any] | None:
    row = database.execute(
        select(table.c.value).where(table.c.connection == connection, table.c.link == link)
    ).one_or_none()
    return None if row is None else dict(row.value)


def _row(database: Connection, connection: str, name: str) -> dict[str, Any] | None:
    wanted = select(ROWS.c.value).where(ROWS.c.connection == connection, ROWS.c.row == name)
    row = database.execute(wanted).one_or_none()
    return None if row is None else dict(row.value)


def _day(value: Any) -> str:
    return "" if value is None else value.isoformat()


def _literal(words: str) -> str:
    """Words as ILIKE takes them literally."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def links_shown(whole: Whole) -> Iterable[str]:
    """The links whose timelines tell a record's story together, and of a bill what BILL showed of it."""
    record = whole.record
    seen = [f"shown/{record.target}"] if record.kind == "bill" and record.target else []
    return [record.link, *seen, *(each.link for each in whole.related if each.kind not in ("bill", "transfer"))]
