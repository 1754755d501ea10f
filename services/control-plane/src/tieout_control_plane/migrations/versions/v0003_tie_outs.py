"""Finished tie-outs, as they stand in the log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, empty: control-plane fills them from the log."""
    op.create_table(
        "tie_outs",
        sa.Column("connection", sa.String(63), primary_key=True),
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("taken", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("parts", sa.Integer, nullable=False),
        sa.Column("differences", sa.Integer, nullable=False),
        sa.Column("unexpected", sa.Integer, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
    )
    op.create_index("tie_outs_by_day", "tie_outs", ["connection", "as_of", "taken"])
    op.create_table(
        "tie_out_parts",
        sa.Column("connection", sa.String(63), primary_key=True),
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Nothing in them is a source."""
    op.drop_table("tie_out_parts")
    op.drop_table("tie_outs")
