"""Pytest fixtures on real components. Load them with `pytest_plugins = ["tieout_devstack.fixtures"]`.

One broker and one database server serve the whole test run; both are stopped at its end, also after Ctrl-C, and after
a kill by their leash. Tests keep apart by `topic_prefix` and by a database each. A machine that has no broker fails
the tests, with the cures; nothing is skipped in silence.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tieout_devstack import certificates, kafka, postgres
from tieout_devstack.leash import leashed_folder

# Compaction tests wait for several rounds of the cleaner; its default of 15 s between them is made for servers.
_KAFKA = kafka.Options(log_cleaner_backoff_ms=1_000)
_POSTGRES = postgres.Options(durable=False)


@pytest.fixture(scope="session")
def devstack_folder() -> Iterator[Path]:
    """A folder for this test run's servers: processes started in it, with a pid file, end with the run."""
    with leashed_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def kafka_bootstrap(devstack_folder: Path) -> Iterator[str]:
    """The address of a real broker, as host:port. Do not stop it: other tests use it too; `kafka.start` makes more."""
    broker = kafka.start(devstack_folder / "kafka", options=_KAFKA)
    yield broker.bootstrap
    broker.stop()


@pytest.fixture(scope="session")
def postgres_server(devstack_folder: Path) -> Iterator[postgres.Postgres]:
    """A real server for the whole test run; `create_database(name)` makes further databases."""
    server = postgres.start(devstack_folder / "postgres", options=_POSTGRES)
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: postgres.Postgres) -> Iterator[str]:
    """The libpq URL of a database that is empty, and this test's alone."""
    name = f"test_{secrets.token_hex(8)}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topics, groups and transactional ids that no other test has: letters and digits only."""
    return f"t{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def ca(devstack_folder: Path) -> certificates.Authority:
    """A throw-away certificate authority; `issue(name)` gives server certificates for localhost and 127.0.0.1."""
    return certificates.authority(devstack_folder / "ca")
