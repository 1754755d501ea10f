"""Fixtures shared by all tests that need an installation."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installation import Installation, installation
from tieout_devstack import postgres


@pytest.fixture
def made(kafka_bootstrap: str, postgres_url: str, topic_prefix: str, tmp_path: Path) -> Iterator[Installation]:
    """An installation for this test alone."""
    with installation(kafka_bootstrap, postgres_url, topic_prefix, tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def made_once(
    kafka_bootstrap: str, postgres_server: postgres.Postgres, devstack_folder: Path
) -> Iterator[Installation]:
    """An installation that the tests of one file share."""
    prefix = f"t{secrets.token_hex(6)}"
    folder = devstack_folder / prefix
    folder.mkdir()
    with installation(kafka_bootstrap, postgres_server.create_database(prefix), prefix, folder) as one:
        yield one
    postgres_server.drop_database(prefix)
