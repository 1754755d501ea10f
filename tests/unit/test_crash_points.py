"""Crash points: a process dies exactly where, when and how often a test has ordered."""

import signal
import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from pathlib import Path
from tieout.observability.crash_points import CrashPoints
points = CrashPoints(Path(sys.argv[1]) if sys.argv[1] else None, sys.argv[2])
for name in sys.argv[3:]:
    if name.startswith("@"):
        Path(sys.argv[2][1:]).write_text(name[1:])
        continue
    points.reach(name)
    print(name, flush=True)
"""


def passing(*names: str, listing: str = "", at: str = "") -> tuple[int, list[str]]:
    """A process that passes these points: its exit code, and those it has survived."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, listing, at, *names], capture_output=True, text=True, timeout=60, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.split()


def test_without_orders_everything_is_passed_and_listed_once(tmp_path: Path) -> None:
    """The list has each name once, in the order of the first passing."""
    listing = tmp_path / "points"
    assert passing("b", "a", "b", listing=str(listing)) == (0, ["b", "a", "b"])
    assert listing.read_text() == "b\na\n"


def test_a_name_kills_at_the_first_passing_and_a_number_at_a_later_one() -> None:
    """By SIGKILL, before the call returns."""
    assert passing("a", "b", "a", at="b") == (-signal.SIGKILL, ["a"])
    assert passing("a", "b", "a", "a", at="a#3") == (-signal.SIGKILL, ["a", "b", "a"])


def test_a_file_orders_a_death_while_the_process_runs(tmp_path: Path) -> None:
    """The order counts from when it is seen, is carried out once, and is then out of the way of the next process."""
    orders = tmp_path / "orders"
    assert passing("a", "a", "@a#2 SIGTERM", "b", "a", "a", at=f"@{orders}") == (-signal.SIGTERM, ["a", "a", "b", "a"])
    assert not orders.exists()
    assert (tmp_path / "orders.done").read_text() == "a#2 SIGTERM"
    assert passing("a", "@a", "b", at=f"@{orders}") == (0, ["a", "b"])
    assert passing("a", at=f"@{orders}") == (-signal.SIGKILL, [])


def test_a_point_with_blanks_in_its_name_is_named_whole(tmp_path: Path) -> None:
    """Calls are named with their method and path."""
    orders = tmp_path / "orders"
    assert passing("@call:POST /v3/bills", "call:POST /v3/bills", at=f"@{orders}") == (-signal.SIGKILL, [])
    assert passing("@call:POST /v3/bills SIGTERM", "call:POST /v3/bills", at=f"@{orders}") == (-signal.SIGTERM, [])
