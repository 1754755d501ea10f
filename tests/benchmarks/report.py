"""The result of a run as a table, as JSON, and as the figures of a Markdown page."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import Goal

BEGIN: Final = "<!-- figures of make bench: begin -->"
END: Final = "<!-- figures of make bench: end -->"
VERDICTS: Final[Mapping[bool | None, str]] = {True: "met", False: "missed", None: ""}
RESOURCES: Final[Mapping[str, str]] = {
    "ready_seconds": "ready after s",
    "start_cpu": "CPU s until ready",
    "ready_memory": "MiB when ready",
    "idle_memory": "MiB idle",
    "idle_cpu_per_minute": "CPU s a minute idle",
    "work_memory": "MiB after work",
    "work_cpu": "CPU s of work",
}


def machine() -> dict[str, Any]:
    """What the run was made on; absolute figures mean nothing without it."""
    load = os.getloadavg()[0]
    return {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system(), "load": load}


def as_json(goals: Sequence[Goal], resources: Mapping[str, Any], profiles: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured."""
    return {
        "met": all(goal.met is not False for goal in goals),
        "machine": machine(),
        "ratios": [goal.as_json() for goal in goals],
        "resources": dict(resources),
        "profiles": dict(profiles),
    }


def print_tables(result: Mapping[str, Any], console: Console) -> None:
    """For people."""
    for title, head, rows in tables(result):
        table = Table(title=title)
        for name in head:
            table.add_column(name, justify="left" if name == head[0] else "right")
        for row in rows:
            table.add_row(*row, style="red" if row[-1] == VERDICTS[False] else None)
        console.print(table)


def markdown(result: Mapping[str, Any]) -> str:
    """The same tables for a page."""
    place = result["machine"]
    parts = [f"{place['cpus']} processors, Python {place['python']}, {place['system']}, load {place['load']:.1f}."]
    for title, head, rows in tables(result):
        lines = [f"**{title}**", "", _line(head), _line(["---"] + ["---:"] * (len(head) - 1)), *map(_line, rows)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def write_into(page: Path, result: Mapping[str, Any]) -> None:
    """Replace what stands between a page's two markers.

    Raises:
        ValueError: the page has no markers.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{markdown(result)}\n\n{END}{after}", encoding="utf-8")


def write_json(file: Path, result: Mapping[str, Any]) -> None:
    """The whole result."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


Rows = list[list[str]]


def tables(result: Mapping[str, Any]) -> list[tuple[str, list[str], Rows]]:
    """Title, head and rows of every table there is something for."""
    found = []
    if result["ratios"]:
        head = ["ratio", "goal", "measured", "lowest to highest", "ours", "bare", "verdict"]
        found.append(("Ratios", head, [_ratio(one) for one in result["ratios"]]))
    if result["resources"]:
        done = result["resources"]
        title = (
            f"Services, with {done['documents']} documents there and back: {done['facts']} facts, {done['seconds']} s"
        )
        rows = [[one["service"], *(_figure(one[name]) for name in RESOURCES)] for one in done["services"]]
        found.append((title, ["service", *RESOURCES.values()], rows))
    for title, shares in result["profiles"].items():
        rows = [[part, f"{share:.0%}"] for part, share in shares.items()]
        found.append((f"Where the time goes: {title}", ["part", "share"], rows))
    return found


def _ratio(one: Mapping[str, Any]) -> list[str]:
    sign = {"at least": "≥", "at most": "≤"}[one["sense"]]
    goal = "" if one["goal"] is None else f"{sign} {one['goal']:.2f}"
    between = f"{one['lowest']:.2f} to {one['highest']:.2f}"
    sides = [f"{_figure(one[side])} {one['unit']}" for side in ("ours", "bare")]
    return [one["name"], goal, f"{one['ratio']:.2f}", between, *sides, VERDICTS[one["met"]]]


def _figure(value: float) -> str:
    """Three digits that matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
