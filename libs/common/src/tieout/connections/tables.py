"""The tables of secrets. They are created by control-plane's migrations; a test holds both equal."""

from typing import Final

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
)

METADATA: Final = MetaData()

KEY_CHECKS: Final = Table(
    "key_checks",
    METADATA,
    Column("side", String(8), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""A known text sealed with each side's wrapping key, by which a wrong master key is told at the start of a service."""

DATA_KEYS: Final = Table(
    "data_keys",
    METADATA,
    Column("key_id", String(32), primary_key=True),
    Column("connection", String(63), nullable=False),
    Column("side", String(8), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("connection", "side", name="data_keys_connection_side"),
)
"""One data key per connection and side, wrapped."""

SECRETS: Final = Table(
    "secrets",
    METADATA,
    Column("connection", String(63), primary_key=True),
    Column("side", String(8), primary_key=True),
    Column("purpose", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("key_id", String(32), ForeignKey("data_keys.key_id", name="secrets_key_id"), nullable=False),
    Column("sealed", LargeBinary, nullable=True),
    Column("changed", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""The newest version of each secret. ``sealed`` is null once deleted; the row stays, so that no version comes twice."""
