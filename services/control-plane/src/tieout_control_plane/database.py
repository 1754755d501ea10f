"""The database's version: brought up to date at the start, by one process at a time."""

from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, delete, inspect, text
from sqlalchemy.exc import OperationalError

from tieout.connections.secrets import StoreNotReady
from tieout_control_plane.projection.tables import DERIVED, METADATA, POSITIONS

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
            _restore_derived(database)
    except OperationalError:
        raise StoreNotReady(
            "the database cannot be reached, or another process has been migrating it for half a minute: "
            "is TIEOUT_DATABASE_URL right, and is the server up?"
        ) from None


def _restore_derived(database: Connection) -> None:
    """Make the projection's tables that somebody has dropped, and forget where it stood: it comes back from the log."""
    there = set(inspect(database).get_table_names())
    if all(table.name in there for table in DERIVED):
        return
    METADATA.create_all(database)
    database.execute(delete(POSITIONS))
