"""Who may call the API: tokens, of which the database keeps the hash only."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects.postgresql import insert

from tieout.connections.secrets import told_plainly
from tieout_control_plane.tables import TOKENS

INITIAL: Final = "initial administrator"
# 20 characters of base 32 or more are 100 bits: their hash cannot be guessed back, however fast SHA-256 is.
SHORTEST: Final = 20
LONGEST: Final = 400
LONGEST_NAME: Final = 80
TOKEN_BYTES: Final = 32


class Role(StrEnum):
    """What a token's owner may do."""

    ADMIN = "admin"
    """Everything, tokens included."""
    OPERATOR = "operator"
    """Everything but tokens."""


class TokenExists(Exception):
    """That name has a token already."""


class NoToken(ValueError):
    """Nobody could call the API; says the cure."""


@dataclass(frozen=True)
class Person:
    """The owner of a token."""

    name: str
    role: str


@dataclass(frozen=True)
class Owner(Person):
    """The same, as a list shows it. ``created`` is when the token was made, UTC."""

    created: datetime


class Tokens:
    """The table of tokens. Calls block, and raise StoreNotReady if the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def install(self, token: str) -> None:
        """Make this the administrator's token in place of the one installed before; empty: there must be one already.

        Raises:
            NoToken: it is too short, or none is given and none is stored.
        """
        if not token:
            with told_plainly(), self._engine.connect() as database:
                if database.execute(select(TOKENS.c.name).limit(1)).first() is None:
                    raise NoToken("set TIEOUT_API_TOKEN or TIEOUT_API_TOKEN_FILE (a new one: openssl rand -hex 32)")
            return
        if not SHORTEST <= len(token) <= LONGEST or not token.isascii() or not token.isprintable() or " " in token:
            raise NoToken(
                f"TIEOUT_API_TOKEN has {SHORTEST} to {LONGEST} printable characters without blanks "
                "(a new one: openssl rand -hex 32)"
            )
        row = {"name": INITIAL, "role": Role.ADMIN.value, "hash": _hash(token), "from_environment": True}
        statement = insert(TOKENS).values(row)
        with told_plainly(), self._engine.begin() as database:
            database.execute(
                statement.on_conflict_do_update(index_elements=["name"], set_={"hash": statement.excluded.hash})
            )

    def create(self, name: str, role: Role) -> str:
        """A new token for a person, who has none yet; only its hash is kept.

        Raises:
            TokenExists: the name has one.
        """
        token = secrets.token_hex(TOKEN_BYTES)
        row = {"name": name, "role": role.value, "hash": _hash(token), "from_environment": False}
        made = insert(TOKENS).values(row).on_conflict_do_nothing(index_elements=["name"]).returning(TOKENS.c.name)
        with told_plainly(), self._engine.begin() as database:
            if database.execute(made).first() is None:
                raise TokenExists(name)
        return token

    def list(self) -> tuple[Owner, ...]:
        """Whose tokens there are, by name."""
        wanted = select(TOKENS.c.name, TOKENS.c.role, TOKENS.c.created).order_by(TOKENS.c.name)
        with told_plainly(), self._engine.connect() as database:
            return tuple(Owner(row.name, row.role, row.created) for row in database.execute(wanted))

    def revoke(self, name: str) -> bool:
        """Forget a person's token; False if there is none, or it is the environment's."""
        gone = delete(TOKENS).where(TOKENS.c.name == name, TOKENS.c.from_environment.is_(False))
        with told_plainly(), self._engine.begin() as database:
            return database.execute(gone).rowcount == 1

    def person(self, token: str) -> Person | None:
        """Whose token it is, None if nobody's."""
        if not SHORTEST <= len(token) <= LONGEST:
            return None
        wanted = _hash(token)
        with told_plainly(), self._engine.connect() as database:
            row = database.execute(select(TOKENS).where(TOKENS.c.hash == wanted)).one_or_none()
        if row is None or not hmac.compare_digest(bytes(row.hash), wanted):
            return None
        return Person(row.name, row.role)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
