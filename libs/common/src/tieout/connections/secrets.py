"""The store of secrets: AES-256-GCM ciphertext in PostgreSQL, opened only by a process that holds the side's key.

Calls block; from a coroutine use ``asyncio.to_thread``. No error, ``repr`` or log line holds a value.
"""

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tieout.connections.key_wrapper import KEY_BYTES, NONCE_BYTES, KeyWrapper, WrongMasterKey
from tieout.connections.tables import DATA_KEYS, KEY_CHECKS, SECRETS
from tieout.domain.settings import Side

# A certificate with its private key takes 4 KiB; a value beyond this is a file given by mistake.
LONGEST_VALUE: Final = 16 * 1024
MOST_VALUES: Final = 32
CONNECT_SECONDS: Final = 10
# A statement here touches one row; one that takes longer waits for a lock that is not coming.
STATEMENT_MS: Final = 15_000
_CHECK: Final = b"tieout key check" + bytes(KEY_BYTES - 16)


class Purpose(StrEnum):
    """What a secret is for."""

    CREDENTIALS = "credentials"
    """What a person gave: user, password, developer key; client id and secret."""
    SESSION = "session"
    """A session of the outside, kept so that a restart spends no sign-in."""
    WEBHOOK_KEYS = "webhook_keys"
    DOCUMENTS = "documents"
    """The key that documents are sealed with on their way from the ERP's side to BILL's; the same on both sides."""


class StoreNotReady(RuntimeError):
    """The database cannot be reached, or control-plane has not prepared it yet; may be tried again."""


class SecretUnreadable(RuntimeError):
    """A stored secret does not open: it was moved, cut or changed in the database."""


class Secret:
    """The values of one secret, by field. Only ``reveal`` and ``[]`` give them away."""

    __slots__ = ("_values", "version")

    def __init__(self, version: int, values: Mapping[str, str]) -> None:
        self.version = version
        self._values = dict(values)

    def __getitem__(self, field: str) -> str:
        """The value of a field. KeyError if there is none of that name."""
        return self._values[field]

    def __contains__(self, field: object) -> bool:
        return field in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def reveal(self) -> dict[str, str]:
        """All values. For the call to the outside, and for nothing that is kept."""
        return dict(self._values)

    def __repr__(self) -> str:
        return f"Secret(version {self.version}, {len(self._values)} hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


class SecretStore:
    """Secrets by connection, side and purpose. Thread-safe: every call takes a connection of the engine's pool."""

    def __init__(self, engine: Engine, wrapper: KeyWrapper) -> None:
        self._engine = engine
        self._wrapper = wrapper

    def establish(self) -> None:
        """For control-plane: leave a check value for each side held, unless there is one; then ``verify``.

        Raises:
            WrongMasterKey: the stored secrets were sealed with another key.
            StoreNotReady: no database, or one without tables.
        """
        with told_plainly(), self._engine.begin() as database:
            for side in sorted(self._wrapper.sides()):
                sealed = self._wrapper.wrap(side, _CHECK, _context("check", side))
                row = {"side": side.value, "sealed": sealed}
                database.execute(insert(KEY_CHECKS).values(row).on_conflict_do_nothing())
        self.verify()

    def verify(self) -> None:
        """For every service, before it says that it is ready: the keys held are those of the stored secrets.

        Raises:
            WrongMasterKey: they are not.
            StoreNotReady: no database, or control-plane has not prepared it yet.
        """
        with told_plainly(), self._engine.connect() as database:
            rows = {row.side: row.sealed for row in database.execute(select(KEY_CHECKS))}
        for side in sorted(self._wrapper.sides()):
            if side.value not in rows:
                raise StoreNotReady(
                    f"there is no check value for side {side} yet: control-plane leaves it at its start"
                )
            self._wrapper.unwrap(side, rows[side.value], _context("check", side))

    def put(self, connection: str, side: Side, purpose: Purpose, values: Mapping[str, str]) -> int:
        """Store values in place of those before; returns the new version, which rises by one.

        Raises:
            ValueError: too many or too long values; names the field.
            SideNotHeld, WrongMasterKey, StoreNotReady: see there.
        """
        _check_size(values)
        with told_plainly(), self._engine.begin() as database:
            key_id, key = self._data_key(database, connection, side)
            nonce = os.urandom(NONCE_BYTES)
            text = json.dumps(dict(values)).encode()
            sealed = nonce + AESGCM(key).encrypt(nonce, text, _context("secret", side, connection, purpose, key_id))
            row = {"connection": connection, "side": side.value, "purpose": purpose.value}
            statement = (
                insert(SECRETS)
                .values(**row, version=1, key_id=key_id, sealed=sealed)
                .on_conflict_do_update(
                    index_elements=list(row),
                    set_={
                        "version": SECRETS.c.version + 1,
                        "key_id": key_id,
                        "sealed": sealed,
                        "changed": func.now(),
                    },
                )
                .returning(SECRETS.c.version)
            )
            return int(database.execute(statement).scalar_one())

    def get(self, connection: str, side: Side, purpose: Purpose) -> Secret | None:
        """The newest values, None if there are none or they were deleted.

        Raises:
            SecretUnreadable: what is stored does not open in its place.
            SideNotHeld, WrongMasterKey, StoreNotReady: see there.
        """
        joined = SECRETS.join(DATA_KEYS, SECRETS.c.key_id == DATA_KEYS.c.key_id)
        wanted = select(SECRETS.c.version, SECRETS.c.sealed, DATA_KEYS.c.key_id, DATA_KEYS.c.wrapped)
        with told_plainly(), self._engine.connect() as database:
            row = database.execute(wanted.select_from(joined).where(*_at(connection, side, purpose))).one_or_none()
        if row is None or row.sealed is None:
            return None
        key = self._unwrapped(connection, side, row.key_id, row.wrapped)
        context = _context("secret", side, connection, purpose, row.key_id)
        try:
            text = AESGCM(key).decrypt(row.sealed[:NONCE_BYTES], row.sealed[NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise SecretUnreadable(
                f"the {purpose} of {connection}'s {side} side do not open: the database row was changed. Set them again"
            ) from None
        return Secret(row.version, json.loads(text))

    def versions(self, connection: str, purpose: Purpose = Purpose.CREDENTIALS) -> dict[Side, int]:
        """The version of each side's secret; 0 if there is none. Needs no key."""
        wanted = select(SECRETS.c.side, SECRETS.c.version, SECRETS.c.sealed).where(
            SECRETS.c.connection == connection, SECRETS.c.purpose == purpose.value
        )
        with told_plainly(), self._engine.connect() as database:
            rows = {row.side: row.version if row.sealed is not None else 0 for row in database.execute(wanted)}
        return {side: rows.get(side.value, 0) for side in Side}

    def delete(self, connection: str, side: Side, purpose: Purpose) -> bool:
        """Forget the values; False if there were none. A later ``put`` goes on counting versions."""
        statement = (
            SECRETS.update()
            .where(*_at(connection, side, purpose), SECRETS.c.sealed.is_not(None))
            .values(sealed=None, version=SECRETS.c.version + 1, changed=func.now())
        )
        with told_plainly(), self._engine.begin() as database:
            return database.execute(statement).rowcount == 1

    def _data_key(self, database: Connection, connection: str, side: Side) -> tuple[str, bytes]:
        """The data key of a side, made at its first use. Two who make it at once agree on the first."""
        wanted = select(DATA_KEYS).where(DATA_KEYS.c.connection == connection, DATA_KEYS.c.side == side.value)
        row = database.execute(wanted).one_or_none()
        if row is None:
            key_id = uuid.uuid4().hex
            context = _context("data key", side, connection, key_id)
            wrapped = self._wrapper.wrap(side, os.urandom(KEY_BYTES), context)
            new = {"key_id": key_id, "connection": connection, "side": side.value, "wrapped": wrapped}
            database.execute(insert(DATA_KEYS).values(new).on_conflict_do_nothing())
            row = database.execute(wanted).one()
        return row.key_id, self._unwrapped(connection, side, row.key_id, row.wrapped)

    def _unwrapped(self, connection: str, side: Side, key_id: str, wrapped: bytes) -> bytes:
        return self._wrapper.unwrap(side, wrapped, _context("data key", side, connection, key_id))


def engine_for(url: str) -> Engine:
    """An engine on a libpq URL, with limits on waits; errors show no parameters.

    Raises:
        StoreNotReady: the URL is none.
    """
    try:
        address = make_url(url).set(drivername="postgresql+psycopg2")
    except (ValueError, ArgumentError):
        raise StoreNotReady(
            "TIEOUT_DATABASE_URL is not a URL such as postgresql://user:password@host:5432/tieout"
        ) from None
    limits = {"connect_timeout": CONNECT_SECONDS, "options": f"-c statement_timeout={STATEMENT_MS}"}
    return create_engine(
        address,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=4,
        pool_timeout=CONNECT_SECONDS,
        connect_args=limits,
    )


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns 'no database' and 'no tables' into StoreNotReady; an address with its password never shows."""
    try:
        yield
    except (OperationalError, PoolTimeout):
        raise StoreNotReady("the database cannot be reached or does not answer in time") from None
    except ProgrammingError as error:
        if getattr(error.orig, "pgcode", "") != "42P01":
            raise
        raise StoreNotReady("the database has no tables yet: control-plane creates them at its start") from None


def _at(connection: str, side: Side, purpose: Purpose) -> tuple[Any, Any, Any]:
    return (
        SECRETS.c.connection == connection,
        SECRETS.c.side == side.value,
        SECRETS.c.purpose == purpose.value,
    )


def _context(*parts: str) -> bytes:
    """What a ciphertext is bound to: each part with its length, so that no two lists of parts read the same."""
    return "".join(f"{len(part)}:{part}" for part in parts).encode()


def _check_size(values: Mapping[str, str]) -> None:
    if not values or len(values) > MOST_VALUES:
        raise ValueError(f"a secret has 1 to {MOST_VALUES} fields")
    for field, value in values.items():
        if len(value) > LONGEST_VALUE:
            raise ValueError(f"{field[:40]} is longer than {LONGEST_VALUE} characters")


__all__ = [
    "Purpose",
    "Secret",
    "SecretStore",
    "SecretUnreadable",
    "StoreNotReady",
    "WrongMasterKey",
    "engine_for",
    "told_plainly",
]
