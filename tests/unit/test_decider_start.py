"""How the decider starts."""

from pathlib import Path

from tieout.log.rows import RowStore
from tieout_decider.__main__ import swept


def test_what_a_killed_decider_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """A process that is killed again and again does not fill the disk with its caches; other files are not its own."""
    store = RowStore(tmp_path)
    (made,) = tmp_path.iterdir()
    store.close()
    made.mkdir()
    (made / "000004.sst").write_bytes(b"rows")
    (tmp_path / "somebody's").mkdir()
    assert swept(tmp_path) == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["somebody's"]
    assert swept(tmp_path / "not made yet") == tmp_path / "not made yet"
    assert swept(None) is None
