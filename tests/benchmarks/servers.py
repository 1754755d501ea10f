"""The real broker and the real database of one run, and topics on them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tieout.log.admin import apply_topics
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names
from tieout_devstack import kafka, postgres
from tieout_devstack.leash import leashed_folder


@dataclass(frozen=True)
class Servers:
    """Where they answer. ``folder`` is for logs and pid files: what is started in it ends with the run."""

    folder: Path
    bootstrap: str
    postgres: postgres.Postgres

    @property
    def access(self) -> KafkaAccess:
        """For clients."""
        return KafkaAccess(bootstrap=self.bootstrap)

    def name(self) -> str:
        """A prefix, or the name of a database, that nobody else has."""
        return f"bench{secrets.token_hex(6)}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of an empty database, which is dropped at the end."""
        name = self.name()
        yield self.postgres.create_database(name)
        self.postgres.drop_database(name)

    def topics(self, partitions: int) -> Names:
        """All topics of an installation of its own."""
        names = Names(self.name(), partitions)
        apply_topics(self.access, names, replication=1)
        return names


@contextmanager
def servers() -> Iterator[Servers]:
    """Started, and stopped at the end."""
    with leashed_folder() as folder:
        broker = kafka.start(folder / "kafka")
        database = postgres.start(folder / "postgres", options=postgres.Options(durable=False))
        try:
            yield Servers(folder, broker.bootstrap, database)
        finally:
            database.stop()
            broker.stop()
