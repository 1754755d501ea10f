"""What the installation stands on: real Kafka and PostgreSQL, its topics and its database; had, and dropped whole.

Servers that the environment names are somebody's: there the demo takes a prefix and a database of its own, and drops
these. Servers of its own it stops, and deletes their data.
"""

import os
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient

from tieout.log.admin import apply_topics
from tieout.log.clients import KafkaAccess
from tieout.log.topics import CATALOGUE, Names
from tieout_devstack import kafka, postgres
from tieout_devstack.stack import Stack

PARTITIONS: Final = 4
_PREFIX: Final = "tieout"
_ADMIN_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Ground:
    """Topics under one prefix, and one database."""

    stack: Stack
    prefix: str
    database: str
    database_url: str = field(repr=False)

    @property
    def access(self) -> KafkaAccess:
        """How to reach the brokers."""
        return KafkaAccess(bootstrap=self.stack.kafka_bootstrap)

    @property
    def names(self) -> Names:
        """The installation's names."""
        return Names(self.prefix, PARTITIONS)


def up(folder: Path, *, prefix: str = "", database: str = "") -> Ground:
    """Start the servers that do not run, and make topics and database that are not there.

    ``prefix`` and ``database`` are those of an installation that is there already; new ones otherwise.
    Raises DevstackError, KafkaException.
    """
    stack = Stack.up(folder)
    lent = kafka.BOOTSTRAP_VARIABLE in os.environ or postgres.DATABASE_VARIABLE in os.environ
    tail = f"-demo-{secrets.token_hex(3)}" if lent else ""
    prefix = prefix or _PREFIX + tail
    database = database or "tieout" + tail.replace("-", "_")
    server = postgres.Postgres(stack.database_url, "environment")
    ground = Ground(stack, prefix, database, server.create_database(database))
    apply_topics(ground.access, ground.names, replication=1)
    return ground


def drop(folder: Path, prefix: str, database: str) -> None:
    """Lose everything that an installation has on Kafka and PostgreSQL; nothing happens if nothing is there."""
    stack = Stack.at(folder)
    if stack is None:
        return
    if stack.kafka_source == "environment":
        _drop_topics(stack.kafka_bootstrap, Names(prefix, PARTITIONS))
    if stack.database_source == "environment":
        postgres.Postgres(stack.database_url, "environment").drop_database(database)
    stack.down()
    for name in ("kafka", "postgres"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _drop_topics(bootstrap: str, names: Names) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    there = admin.list_topics(timeout=_ADMIN_SECONDS).topics
    ours = [name for name in map(names.topic, CATALOGUE) if name in there]
    for dropped in admin.delete_topics(ours, operation_timeout=_ADMIN_SECONDS).values() if ours else ():
        dropped.result(_ADMIN_SECONDS)
