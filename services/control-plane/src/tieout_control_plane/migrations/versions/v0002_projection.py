"""The projection: the log as tables. All of it comes back from the log if it is dropped."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "projection_positions", "links", "holds", "tasks", "state_rows", "payments", "payment_parts", "timeline",
    "timeline_facts", "counters",
)  # fmt: skip


def _key(name: str) -> list[sa.Column[str]]:
    return [
        sa.Column("connection", sa.String(63), primary_key=True),
        sa.Column(name, sa.Text, primary_key=True),
    ]


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _value() -> sa.Column[object]:
    return sa.Column("value", JSONB, nullable=False)


def upgrade() -> None:
    """Create the tables, empty: control-plane fills them from the log."""
    op.create_table(
        "projection_positions",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("layout", sa.Integer, nullable=False),
    )
    op.create_table(
        "links",
        *_key("link"),
        *_text("kind", "phase", "record", "number", "target"),
        _moment("since"),
        _moment("changed"),
        _value(),
    )
    op.create_index("links_by_kind", "links", ["connection", "kind", "phase"])
    op.create_index("links_by_target", "links", ["connection", "target"])
    op.create_table("holds", *_key("link"), *_text("reason"), _moment("since"), _value())
    op.create_table("tasks", *_key("link"), *_text("why"), _moment("since"), _value())
    op.create_table("state_rows", *_key("row"), _value())
    _payments()
    _timeline()
    op.create_table("counters", *_key("name"), sa.Column("count", sa.BigInteger, nullable=False))


def _payments() -> None:
    op.create_table(
        "payments",
        *_key("payment"),
        *_text("vendor"),
        sa.Column("amount", sa.Numeric, nullable=True),
        sa.Column("process_date", sa.Date, nullable=True),
        *_text("stage"),
        _value(),
    )
    op.create_table(
        "payment_parts",
        *_key("payment"),
        sa.Column("place", sa.Integer, primary_key=True),
        *_text("bill"),
        sa.Column("amount", sa.Numeric, nullable=False),
    )
    op.create_index("payment_parts_by_bill", "payment_parts", ["connection", "bill"])


def _timeline() -> None:
    op.create_table(
        "timeline",
        sa.Column("connection", sa.String(63), primary_key=True),
        sa.Column("place", sa.BigInteger, primary_key=True),
        *_text("link"),
        _moment("time"),
        *_text("row", "what", "why", "cause", "phase", "command"),
        sa.Column("amount", sa.Numeric, nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
    )
    op.create_index("timeline_by_link", "timeline", ["connection", "link", "place"])
    op.create_table("timeline_facts", *_key("fact"), *_text("link"), _moment("time"), *_text("kind"), _value())
    op.create_index("timeline_facts_by_link", "timeline_facts", ["connection", "link"])


def downgrade() -> None:
    """Nothing in them is a source."""
    for table in reversed(TABLES):
        op.drop_table(table)
