"""``make bench``: every benchmark, a table, a JSON file. Exit code 0: all goals met; 1: one is missed; 2: wrong use."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks import decider, fold, mapper, profiles, report, resources, webhook
from benchmarks.measuring import Goal
from benchmarks.servers import Servers, servers

RATIOS: Final[dict[str, Callable[[Servers], list[Goal]]]] = {
    "fold": lambda _: fold.measure(fold.Size()),
    "decider": lambda on: decider.measure(on, decider.Size()),
    "webhook": lambda on: webhook.measure(on, webhook.Size()),
    "mapper": lambda on: mapper.measure(on, mapper.Size()),
}
# Of tables that go into a file or a pipe.
WIDTH: Final = 170
RESOURCES: Final = "resources"
PROFILES: Final = "profiles"
EVERYTHING: Final = (*RATIOS, RESOURCES, PROFILES)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for."""
    options = _options(argv)
    console = Console(stderr=True)
    goals: list[Goal] = []
    needs: dict[str, Any] = {}
    shares: dict[str, Any] = {}
    with servers() as on:
        for name in options.only or EVERYTHING:
            began = time.monotonic()
            if name == RESOURCES:
                needs = resources.measure(on, resources.Size())
            elif name == PROFILES:
                shares = profiles.measure(on)
            else:
                goals += RATIOS[name](on)
            console.print(f"{name}: {time.monotonic() - began:.0f} s")
    result = report.as_json(goals, needs, shares)
    report.write_json(options.json, result)
    shown = Console()
    report.print_tables(result, shown if shown.is_terminal else Console(width=WIDTH))
    if options.write is not None:
        report.write_into(options.write, result)
    return 0 if result["met"] else 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description="Ratios and needs, measured in one run.")
    parser.add_argument("--json", type=Path, default=Path(".tieout/bench.json"), help="where the result goes")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="renew the figures of a page between its markers")
    parser.add_argument("--only", nargs="+", choices=EVERYTHING, help="some of them; the others are left out")
    options = parser.parse_args(argv)
    if options.write is not None and report.BEGIN not in _text(options.write):
        parser.error(f"{options.write} has no line {report.BEGIN}")
    if options.write is not None and options.only:
        parser.error("a page is written with all of it: leave --only out")
    return options


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8") if page.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
