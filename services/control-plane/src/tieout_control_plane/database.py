"""The database's version: brought up to date at the start, by one process at a time."""

from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from tieout.connections.secrets import StoreNotReady

# Any number that nobody else uses for an advisory lock in this database.
LOCK: Final = 7_160_113_207
# A migration of these small tables takes milliseconds; who waits longer than this waits for a stuck process.
LOCK_MS: Final = 30_000


def migrate(engine: Engine) -> None:
    """Bring the tables to this release's version; a second process that starts meanwhile waits and finds it done.

    Raises:
        StoreNotReady: no database answers, or another process has held the lock for half a minute.
    """
    config = Config()
    config.set_main_option("script_location", "tieout_control_plane:migrations")
    try:
        with engine.begin() as database:
            database.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS}"))
            database.execute(text(f"SET LOCAL statement_timeout = {2 * LOCK_MS}"))
            database.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            config.attributes["connection"] = database
            command.upgrade(config, "head")
    except OperationalError:
        raise StoreNotReady(
            "the database cannot be reached, or another process has been migrating it for half a minute: "
            "is TIEOUT_DATABASE_URL right, and is the server up?"
        ) from None
