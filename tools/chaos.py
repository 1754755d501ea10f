"""The whole kill matrix: `python tools/chaos.py [TEXT]`, with TEXT only the cells that have it in their name.

tests/chaos runs, and every cell is told in a table: kind of round, service, point, signal, seconds, what went wrong.
Exit code 0 if the list of points is complete and every cell held, else 1.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".tieout" / "chaos"
# Each shard has a company and processes of its own; most of a cell's time is waiting, so two share two cores well.
SHARDS = 2


def main(argv):
    """Run the matrix and show it."""
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    began = time.monotonic()
    wish = " ".join(argv) or "all"
    chosen = {"CHAOS": wish, "CHAOS_SHARDS": str(SHARDS), "CHAOS_RESULTS": str(RESULTS)}
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-n", str(SHARDS), "tests/chaos"]
    code = subprocess.run(command, cwd=ROOT, env={**os.environ, **chosen}, check=False).returncode
    cells = [json.loads(line) for path in RESULTS.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    show(sorted(cells, key=lambda cell: cell["cell"]))
    if not cells:
        print(f"chaos: no cell has {wish!r} in its name, or none was reached")
    failed = sum(not cell["passed"] for cell in cells)
    minutes = (time.monotonic() - began) / 60
    print(f"chaos: {len(cells) - failed} of {len(cells)} cells held, in {minutes:.1f} minutes")
    return 1 if code or failed or not cells else 0


def show(cells):
    """The table of cells, then how many of each service and signal held."""
    counts = defaultdict(lambda: [0, 0])
    for cell in cells:
        _round, service, *_point, number = cell["cell"].split(" ")
        counts[service, number][cell["passed"]] += 1
        said = "" if cell["passed"] else "\n    " + cell["said"].replace("\n", "\n    ")
        print(f"{'held' if cell['passed'] else 'FAILED':<7} {cell['seconds']:>5.1f} s  {cell['cell']}{said}")
    print(f"\n{'service':<20} {'signal':<8} {'held':>5} {'failed':>7}")
    for (service, number), (failed, held) in sorted(counts.items()):
        print(f"{service:<20} {number:<8} {held:>5} {failed:>7}")
    print()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
