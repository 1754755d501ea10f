"""Rows of a batch in progress, over those that were committed before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.log.rows import BatchRows, RowStore

KEYS = st.sampled_from([f"{connection}/{row}".encode() for connection in "ab" for row in ("t", "t/1", "t/2", "u", "")])
WRITES = st.lists(st.tuples(KEYS, st.one_of(st.none(), st.binary(max_size=3))), max_size=12)
PREFIXES = (b"", b"a/", b"a/t", b"a/t/", b"b/u", b"c/")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RowStore]:
    """An empty store."""
    made = RowStore(tmp_path)
    yield made
    made.close()


@given(before=WRITES, during=WRITES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_batch_sees_what_a_dictionary_would(
    store: RowStore, before: list[tuple[bytes, bytes | None]], during: list[tuple[bytes, bytes | None]]
) -> None:
    """Whatever was written and removed, before and in between: every read and every scan is as if all were one."""
    store.apply([(key, None) for key, _ in store.scan(b"")])
    store.apply(before)
    expected = {key: value for key, value in dict(before).items() if value is not None}
    batch = BatchRows(store)
    for step in [None, *during]:
        if step is not None:
            batch.set(*step)
            expected.pop(step[0], None)
            if step[1] is not None:
                expected[step[0]] = step[1]
        for prefix in PREFIXES:
            wanted = sorted((key, value) for key, value in expected.items() if key.startswith(prefix))
            assert list(batch.scan(prefix)) == wanted
        assert {key: batch.get(key) for key, _ in (*before, *during)} == {
            key: expected.get(key) for key, _ in (*before, *during)
        }


def test_nothing_of_a_batch_is_kept_before_its_commit(store: RowStore) -> None:
    """A batch that is rolled back leaves the store as it was, and the next batch sees what was applied meanwhile."""
    store.apply([(b"a/1", b"old")])
    batch = BatchRows(store)
    assert batch.get(b"a/1") == b"old"
    batch.set(b"a/1", None)
    batch.set(b"a/2", b"new")
    assert list(BatchRows(store).scan(b"a/")) == [(b"a/1", b"old")]
    store.apply(batch.new.items())
    assert list(BatchRows(store).scan(b"a/")) == [(b"a/2", b"new")]
