"""SIGKILL at every crash point of every service: nothing is doubled, nothing is lost, the state is the journal's fold.

The points are enumerated by the runtime: a run without faults lists what each service passes. The list that is kept in
``tests/fixtures/crash-points.txt`` may only grow, so that a durable write nobody kills at does not slip in.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import pytest

from support.installation import Installation, eventually
from support.pipeline import SERVICES, Pipeline, pipeline
from tieout.events.commands import VendorCommand
from tieout.log.topics import Topic
from tieout_devstack.certificates import Authority

KEPT = Path(__file__).parent.parent / "fixtures" / "crash-points.txt"
ADDRESS = {"address_line1": "1 Quay", "city": "Oslo", "postal_code": "0150", "country": "NO"}
# Points that no round passes again: checks and credentials have tests of their own, accounts are written at the start,
# BILL is polled by the clock.
ELSEWHERE = ("check", "secret", "answer", "token", "classifications", "cursor.page", "writer.poll.",
             "writer.subscription.")  # fmt: skip
# Nothing is inside the cut-over, so that a round is about vendors only.
CUTOVER = "2999-01"


@dataclass
class Scene:
    """A company where, for every round, two vendors are created and one is renamed, one answer of BILL's being lost."""

    pipe: Pipeline
    round: int = 0
    generation: int = 1

    def act(self) -> None:
        """Let people and faults do the next round."""
        self.round += 1
        self.pipe.bill.fault("drop_after", method="POST", path="/v3/vendors$")
        for letter in "AB":
            values = {"number": f"R{self.round}{letter}", "display_name": self.name(letter), **ADDRESS}
            self._people("create_vendor", vendor=values)
        if self.round > 1:
            changed = {"number": f"R{self.round - 1}A", "values": {"display_name": f"{self.name('A', -1)} Group"}}
            self._people("change_vendor", **changed)

    def name(self, letter: str, back: int = 0) -> str:
        """The name a round gives."""
        return f"Round {self.round + back} {letter} AS"

    def reconfigure(self) -> bool:
        """Apply other settings, as its owner would; False if control-plane was killed on the way."""
        self.generation += 1
        document = self.pipe.connection(cutover={"date": f"{CUTOVER}-{self.generation % 28 + 1:02}"})
        try:
            return self.pipe.ask("POST", "/v1/connections/apply", {"connections": [document]})[0] == 200
        except (OSError, HTTPException):
            return False

    def _people(self, do: str, **order: object) -> None:
        self.pipe.erp.ask("/_sandbox/people", {"do": do, **order})

    def settled(self) -> bool:
        """Whether BILL shows the round, each vendor once."""
        there = self.pipe.bill_vendors()
        wanted = {f"R{self.round}{letter}": [self.name(letter)] for letter in "AB"}
        if self.round > 1:
            wanted[f"R{self.round - 1}A"] = [f"{self.name('A', -1)} Group"]
        return all(there.get(number) == names for number, names in wanted.items()) and self._at_rest()

    def _at_rest(self) -> bool:
        return all(row["phase"] == "linked" for row in self.pipe.links("vendor").values() if row["number"][0] == "R")


@pytest.fixture
def scene(made: Installation, ca: Authority) -> Iterator[Scene]:
    """Everything runs, listing the points it passes; the first round is through."""
    with pipeline(made, ca) as pipe:
        for module in SERVICES:
            pipe.start(module, crash_list=str(made.folder / f"{module}.points"))
        pipe.apply(cutover={"date": f"{CUTOVER}-01"})
        one = Scene(pipe)
        one.act()
        eventually(one.settled, seconds=150, what="the first round")
        one.act()
        eventually(one.settled, seconds=150, what="the second round")
        yield one


def listed(made: Installation) -> dict[str, list[str]]:
    """The points each service has passed."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in SERVICES:
        path = made.folder / f"{module}.points"
        names = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
        found[module] = sorted({n for n in names if n and not any(word in n for word in ELSEWHERE)})
    return found


@pytest.mark.timeout(1800)
def test_a_kill_at_every_point_doubles_and_loses_nothing(scene: Scene, made: Installation) -> None:
    """Each service is killed once at each point it passes, and started again."""
    points = listed(made)
    passed = [f"{module} {point}" for module, names in points.items() for point in names]
    kept = KEPT.read_text(encoding="utf-8").split("\n")[:-1] if KEPT.exists() else []
    assert set(kept) <= set(passed), f"no longer passed: {sorted(set(kept) - set(passed))}"
    calls = 0
    for module, names in points.items():
        for point in names:
            calls = kill_at(scene, made, module, point, calls)
    eventually(scene.pipe.folds, what="a state that is the journal's fold")
    assert_each_effect_once(scene, made)
    new = sorted(set(passed) - set(kept))
    assert not new, "add to tests/fixtures/crash-points.txt:\n" + "\n".join(new)


def kill_at(scene: Scene, made: Installation, module: str, point: str, calls: int) -> int:
    """One round during which a service dies at a point; returns how many creations BILL has seen."""
    made.running[module].kill()
    scene.pipe.start(module, crash_at=point)
    if module == "tieout_control_plane":
        eventually(lambda: scene.pipe.listening() or not made.running[module].running(), what="control-plane")
        scene.reconfigure()
    scene.act()
    assert made.running[module].wait_gone(seconds=120), f"{point} was not reached"
    scene.pipe.start(module)
    if module == "tieout_control_plane":
        eventually(scene.reconfigure, what="the settings, applied again")
    eventually(scene.settled, seconds=150, what=f"the round after {point}")
    seen = len(scene.pipe.bill.calls("POST", "/v3/vendors"))
    assert seen > calls, f"BILL saw no call in the round of {point}"
    return seen


def assert_each_effect_once(scene: Scene, made: Installation) -> None:
    """No vendor stands twice in BILL, and no command was asked for twice."""
    doubled = {number: names for number, names in scene.pipe.bill_vendors().items() if len(names) > 1}
    assert not doubled
    commands = [message for message in made.read(Topic.BILL_COMMANDS) if isinstance(message.data, VendorCommand)]
    assert len({message.id for message in commands}) == len(commands)
