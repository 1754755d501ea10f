"""The cells of the kill matrix: which service dies or stops where, by which signal, in which kind of round."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KEPT: Final = Path(__file__).parents[1] / "fixtures" / "crash-points.txt"
WRITERS: Final = ("tieout_bill_writer", "tieout_payment_writeback")
# Between an intent and its end a writer must neither lose nor repeat; a decider has one commit.
STEPS: Final = re.compile(r"\.(intent\.after|call\.before|call\.after|step\.before|end\.before|commit\.\w+)(:|$)")
DECIDER: Final = "tieout_decider"
# Its points are passed with every batch: it is killed at several passings of each kind of round that it decides about.
PASSINGS: Final = (1, 2, 3, 5)
DECIDED: Final = ("vendors", "bills", "payments", "masters")
AT_THE_START: Final = "start"
"""In place of a round: points that are passed once in the life of a connection. They are listed, and have no cell."""
CALL: Final = re.compile(r"\.call\.\w+:(?P<method>[A-Z]+) (?P<path>\S+)$")


@dataclass(frozen=True, order=True)
class Cell:
    """One service, one point, one signal, in a kind of round."""

    scene: str
    module: str
    point: str
    signal: str = "SIGKILL"
    passing: int = 1

    @property
    def order(self) -> str:
        """What the service is told."""
        return f"{self.point}#{self.passing} {self.signal}"

    def __str__(self) -> str:
        again = f"#{self.passing}" if self.passing > 1 else ""
        return f"{self.scene} {self.module.removeprefix('tieout_')} {self.point}{again} {self.signal}"


def kept() -> list[tuple[str, str, str]]:
    """The committed list: kind of round, service, point."""
    lines = KEPT.read_text(encoding="utf-8").splitlines()
    return [(parts[0], parts[1], parts[2]) for parts in (line.split(" ", 2) for line in lines)]


def cells(points: Iterable[tuple[str, str, str]]) -> list[Cell]:
    """All cells: every point by SIGKILL; a writer's and the decider's steps also by SIGTERM and as a zombie."""
    found = []
    for scene, module, point in points:
        if scene == AT_THE_START:
            continue
        if module == DECIDER:
            found += [Cell(kind, module, point, "SIGKILL", passing) for kind in DECIDED for passing in PASSINGS]
        else:
            found.append(Cell(scene, module, point))
        if module in (*WRITERS, DECIDER) and STEPS.search(point):
            found += [Cell(scene, module, point, name) for name in ("SIGTERM", "SIGSTOP")]
    return found


def called(cell: Cell) -> tuple[str, re.Pattern[str]] | None:
    """Method and path of the foreign call that a point stands at, None for another point."""
    found = CALL.search(cell.point)
    if found is None:
        return None
    # An effect is named by the kind of classification; BILL's path has a word of its own for each.
    path = re.sub(r"classifications/\w+", "classifications/{id}", found["path"])
    path = re.escape(path).replace(r"\{id\}", "[^/]+")
    return found["method"], re.compile(f"{path}$")
