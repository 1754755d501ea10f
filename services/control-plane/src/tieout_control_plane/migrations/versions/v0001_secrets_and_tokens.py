"""Secrets with their wrapped keys and check values, and the API's tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "key_checks",
        sa.Column("side", sa.String(8), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "data_keys",
        sa.Column("key_id", sa.String(32), primary_key=True),
        sa.Column("connection", sa.String(63), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("connection", "side", name="data_keys_connection_side"),
    )
    op.create_table(
        "secrets",
        sa.Column("connection", sa.String(63), primary_key=True),
        sa.Column("side", sa.String(8), primary_key=True),
        sa.Column("purpose", sa.String(40), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("key_id", sa.String(32), sa.ForeignKey("data_keys.key_id", name="secrets_key_id"), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "tokens",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("from_environment", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("hash", name="tokens_hash"),
    )


def downgrade() -> None:
    """Secrets are never dropped by a program."""
    raise NotImplementedError("restore a backup to go back before the first version")
