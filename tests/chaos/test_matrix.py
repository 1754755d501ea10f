"""The kill matrix: whatever dies, wherever, both ledgers, the state and the orders are as if nothing had happened.

``CHAOS=all`` runs every cell (``make chaos``), ``CHAOS=<text>`` those that have the text in their name. Otherwise one
cell of each service runs, chosen by the commit or by ``CHAOS_SEED``; a failure names both.
"""

import hashlib
import json
import os
import subprocess
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from chaos.cells import Cell, cells, kept
from chaos.ordeal import Ordeal
from chaos.world import EVERY, world
from support.installation import Installation, eventually
from tieout_devstack.certificates import Authority

ROOT: Final = Path(__file__).parents[2]
WISH: Final = os.environ.get("CHAOS", "")
SHARDS: Final = int(os.environ.get("CHAOS_SHARDS", "1"))
RESULTS: Final = Path(os.environ.get("CHAOS_RESULTS", ROOT / ".tieout" / "chaos"))
HOURS: Final = 2 * 3600


def seed() -> str:
    """What chooses today's cells: the wish, else the commit, else the day where there is no repository."""
    asked = os.environ.get("CHAOS_SEED")
    if asked:
        return asked
    command = ["git", "rev-parse", "--short", "HEAD"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    return told.stdout.strip() or datetime.now(UTC).date().isoformat()


def rotated(chosen_by: str) -> list[Cell]:
    """One cell of each service."""
    every = cells(kept())
    found = []
    for module in EVERY:
        own = [cell for cell in every if cell.module == module]
        found.append(own[int(hashlib.sha256(f"{chosen_by} {module}".encode()).hexdigest(), 16) % len(own)])
    return sorted(found)


CHOSEN_BY: Final = seed()
CHOSEN: Final = rotated(CHOSEN_BY)


@pytest.fixture(scope="module")
def ordeal(made_once: Installation, ca: Authority) -> Iterator[Ordeal]:
    """A company at rest."""
    with world(made_once, ca) as one:
        eventually(lambda: one.at_rest() and len(one.rows("vendor")) > 1, seconds=120, what="the first alignment")
        yield Ordeal(one)


@pytest.mark.skipif(bool(WISH), reason="the matrix runs instead")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("cell", CHOSEN, ids=lambda cell: f"{CHOSEN_BY} {cell}")
def test_one_cell_of_each_service(ordeal: Ordeal, cell: Cell) -> None:
    """A service dies or is paused in the middle of its work: nothing is lost, doubled or different."""
    ordeal.endure(cell)


@pytest.mark.skipif(bool(WISH), reason="the matrix runs instead")
def test_the_rounds_that_ran_pass_every_point_of_the_list(ordeal: Ordeal) -> None:
    """No durable write and no foreign call has lost the point where it is killed."""
    passed = {(module, point) for module in EVERY for point in ordeal.world.points(module)}
    expected = {line for line in kept() if line[0] in ordeal.reference}
    assert {line for line in expected if line[1:] not in passed} == set()


@pytest.mark.skipif(WISH != "all", reason="part of the whole matrix")
@pytest.mark.timeout(HOURS)
def test_the_list_of_points_is_complete(ordeal: Ordeal) -> None:
    """A run without faults passes the points of the committed list and no others."""
    listed = ordeal.listed()
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "crash-points.txt").write_text("\n".join(" ".join(line) for line in listed) + "\n", encoding="utf-8")
    known, passed = {line[1:] for line in kept()}, {line[1:] for line in listed}
    assert known - passed == set(), "no longer passed"
    assert passed - known == set(), f"to be added to tests/fixtures/crash-points.txt from {RESULTS}"


@pytest.mark.skipif(not WISH, reason="one cell of each service runs instead")
@pytest.mark.timeout(HOURS)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_cell(ordeal: Ordeal, shard: int) -> None:
    """Every service, every point, every signal; all are tried, all failures told."""
    wanted = [cell for cell in cells(kept()) if WISH == "all" or WISH in str(cell)]
    RESULTS.mkdir(parents=True, exist_ok=True)
    failed = []
    for cell in sorted(wanted)[shard::SHARDS]:
        line = {"cell": str(cell), "passed": True, "seconds": 0.0, "said": ""}
        try:
            line["seconds"] = ordeal.endure(cell)
        except Exception as error:  # noqa: BLE001 - told below; the other cells still count
            line |= {"passed": False, "said": str(error)[:2000] or traceback.format_exc()[-2000:]}
            failed.append(f"{cell}: {line['said']}")
            ordeal.mend()
        with (RESULTS / f"{shard}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    assert not failed, "\n".join(failed)
