"""The tables of the projection. Nothing in them is a source: they may be dropped, and come back from the log."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

METADATA: Final = MetaData()
LAYOUT: Final = 2
"""Raised by one whenever the same log would give other rows; a projection of another layout is rebuilt."""

POSITIONS: Final = Table(
    "projection_positions",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("layout", Integer, nullable=False),
)
"""The next offset of each partition; moved in the transaction that writes what stood before it."""

LINKS: Final = Table(
    "links",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("link", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("changed", DateTime(timezone=True), nullable=False),
    Column("value", JSONB, nullable=False),
    Index("links_by_kind", "connection", "kind", "phase"),
    Index("links_by_target", "connection", "target"),
)
"""A link as it stands. ``since`` is when it came into its phase, ``changed`` the last decision about it; both UTC."""

HOLDS: Final = Table(
    "holds",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("link", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("value", JSONB, nullable=False),
)
"""What waits for a person. ``link`` is a link, or ``unreadable/<kind>/<key>``, or ``fact/<id>``."""

TASKS: Final = Table(
    "tasks",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("link", Text, primary_key=True),
    Column("why", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("value", JSONB, nullable=False),
)
"""What a person has to do outside before a command can end."""

ROWS: Final = Table(
    "state_rows",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("row", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
)
"""Further rows of the state, as they stand there: settings, invoices, orders, transfers due, vendors, windows."""

PAYMENTS: Final = Table(
    "payments",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("payment", Text, primary_key=True),
    Column("vendor", Text, nullable=False),
    Column("amount", Numeric, nullable=True),
    Column("process_date", Date, nullable=True),
    Column("stage", Text, nullable=False),
    Column("value", JSONB, nullable=False),
)
"""A payment as BILL last showed it; ``value`` is the state's row."""

PARTS: Final = Table(
    "payment_parts",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("payment", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("bill", Text, nullable=False),
    Column("amount", Numeric, nullable=False),
    Index("payment_parts_by_bill", "connection", "bill"),
)
"""What of a payment went to each bill, by BILL's ids."""

TIMELINE: Final = Table(
    "timeline",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("place", BigInteger, primary_key=True),
    Column("link", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("row", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("amount", Numeric, nullable=True),
    Column("currency", String(3), nullable=False),
    Index("timeline_by_link", "connection", "link", "place"),
)
"""Every entry of the journal that is about a link. ``place`` is its offset there, ``cause`` the fact decided on."""

FACTS: Final = Table(
    "timeline_facts",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("fact", Text, primary_key=True),
    Column("link", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", JSONB, nullable=False),
    Index("timeline_facts_by_link", "connection", "link"),
)
"""Facts that a timeline quotes: a writer's answer, a person's release, a file that was read for a bill.

Of what was seen in the ERP or in BILL only where it came from: the raw message and the poll run (kind ``seen``).
"""

COUNTERS: Final = Table(
    "counters",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
"""How many: ``link/<kind>/<phase>``, ``hold/<reason>``, ``task/<why>``, ``outcome/<intent>/<result>``."""

TIE_OUTS: Final = Table(
    "tie_outs",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("run", Text, primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("taken", DateTime(timezone=True), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("differences", Integer, nullable=False),
    Column("unexpected", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Index("tie_outs_by_day", "connection", "as_of", "taken"),
)
"""Finished tie-outs. ``sha256`` and ``size`` are of the whole document, which stands in ``tie_out_parts``."""

TIE_OUT_PARTS: Final = Table(
    "tie_out_parts",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("run", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""The documents of tie-outs, compressed and in parts, as they stand in the log."""

DERIVED: Final = (
    POSITIONS, LINKS, HOLDS, TASKS, ROWS, PAYMENTS, PARTS, TIMELINE, FACTS, COUNTERS, TIE_OUTS, TIE_OUT_PARTS,
)  # fmt: skip
"""All of them, for dropping what is to be rebuilt."""
