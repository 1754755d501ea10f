"""What the installation stands on: real Kafka and PostgreSQL, its topics and its database; had, and dropped whole.

Servers that the environment names are somebody's: there the demo takes a prefix and a database of its own, and drops
these. Servers of its own it stops, and deletes their data.
"""

import json
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
from tieout_devstack.files import write_atomically
from tieout_devstack.stack import Stack

PARTITIONS: Final = 4
_OWN: Final = "tieout"
"""Prefix and database on servers of our own; on others with a tail that nobody else has."""
_NOTE: Final = "installation.json"
_ADMIN_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Ground:
    """Topics under one prefix, and one database."""

    stack: Stack
    prefix: str
    database_url: str = field(repr=False)

    @property
    def access(self) -> KafkaAccess:
        """How to reach the brokers."""
        return KafkaAccess(bootstrap=self.stack.kafka_bootstrap)

    @property
    def names(self) -> Names:
        """The installation's names."""
        return Names(self.prefix, PARTITIONS)


def up(folder: Path) -> Ground:
    """Start the servers that do not run, and make topics and database that are not there.

    An installation that was here before, and was not dropped, is found again by its note in the folder.
    Raises DevstackError, KafkaException.
    """
    stack = Stack.up(folder)
    named = _named(folder) or _new_names()
    write_atomically(folder / _NOTE, json.dumps(named))
    server = postgres.Postgres(stack.database_url, "environment")
    ground = Ground(stack, named["prefix"], server.create_database(named["database"]))
    apply_topics(ground.access, ground.names, replication=1)
    return ground


def drop(folder: Path) -> None:
    """Lose everything that an installation has on Kafka and PostgreSQL; nothing happens if nothing is there."""
    stack, named = Stack.at(folder), _named(folder)
    if stack is None:
        return
    if named is not None and stack.kafka_source == "environment":
        _drop_topics(stack.kafka_bootstrap, Names(named["prefix"], PARTITIONS))
    if named is not None and stack.database_source == "environment":
        postgres.Postgres(stack.database_url, "environment").drop_database(named["database"])
    stack.down()
    for name in ("kafka", "postgres"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / _NOTE).unlink(missing_ok=True)


def _new_names() -> dict[str, str]:
    lent = kafka.BOOTSTRAP_VARIABLE in os.environ or postgres.DATABASE_VARIABLE in os.environ
    tail = f"-demo-{secrets.token_hex(3)}" if lent else ""
    return {"prefix": f"{_OWN}{tail}", "database": f"{_OWN}{tail}".replace("-", "_")}


def _named(folder: Path) -> dict[str, str] | None:
    try:
        known: dict[str, str] = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return known if {"prefix", "database"} <= known.keys() else None


def _drop_topics(bootstrap: str, names: Names) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    there = admin.list_topics(timeout=_ADMIN_SECONDS).topics
    ours = [name for name in map(names.topic, CATALOGUE) if name in there]
    for dropped in admin.delete_topics(ours, operation_timeout=_ADMIN_SECONDS).values() if ours else ():
        dropped.result(_ADMIN_SECONDS)
