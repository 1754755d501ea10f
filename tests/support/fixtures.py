"""Fixtures shared by all tests that need an installation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installation import Installation, installation


@pytest.fixture
def made(kafka_bootstrap: str, postgres_url: str, topic_prefix: str, tmp_path: Path) -> Iterator[Installation]:
    """An installation for this test alone."""
    with installation(kafka_bootstrap, postgres_url, topic_prefix, tmp_path) as one:
        yield one
