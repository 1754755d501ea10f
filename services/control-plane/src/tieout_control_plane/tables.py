"""control-plane's own tables, beside those of secrets."""

from typing import Final

from sqlalchemy import Boolean, Column, DateTime, LargeBinary, MetaData, String, Table, UniqueConstraint, false, func

METADATA: Final = MetaData()

TOKENS: Final = Table(
    "tokens",
    METADATA,
    Column("name", String(80), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("from_environment", Boolean, nullable=False, server_default=false()),
    Column("created", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("hash", name="tokens_hash"),
)
"""Who may call the API. Tokens are long and random, so SHA-256 of one cannot be guessed back from the table."""
