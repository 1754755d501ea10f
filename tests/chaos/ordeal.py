"""Rounds without faults for comparison, and rounds during which a service dies or is paused."""

import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from chaos.cells import AT_THE_START, WRITERS, Cell, called
from chaos.scenes import SCENES, Scene, Webhook
from chaos.traces import Taken, assert_orders_are_sound, taken, trace
from chaos.world import EVERY, INGEST, RESTING, World
from support.installation import eventually
from tieout_devstack.processes import Background

SETTLED: Final = 120.0
HIT: Final = 60.0
# Above the grace that a service takes for itself.
ENDED: Final = 40.0
PAUSE: Final = 0.1


@dataclass
class Ordeal:
    """The rounds of one world."""

    world: World
    scenes: dict[str, Scene] = field(default_factory=dict)
    reference: dict[str, list[str]] = field(default_factory=dict)
    successors: int = 0

    def __post_init__(self) -> None:
        self.scenes = {kind.name: kind(self.world) for kind in SCENES}

    def undisturbed(self, name: str) -> list[str]:
        """What a round without faults leaves; the round is run when it is first asked for."""
        if name not in self.reference:
            before, scene = self._begin(name)
            scene.act()
            self.reference[name] = self._traced(scene, before)
        return self.reference[name]

    def endure(self, cell: Cell) -> float:
        """One round during which the cell's service gets its signal at its point.

        Returns its seconds; raises AssertionError if the point was not hit, or if anything differs from the
        round without faults.
        """
        expected = self.undisturbed(cell.scene)
        began = time.monotonic()
        before, scene = self._begin(cell.scene)
        self.world.order(cell.module, cell.order)
        scene.act()
        eventually(lambda: self._hit(cell, scene), seconds=HIT, what=str(cell))
        end = self._recover(cell)
        self._at_rest(scene)
        end()
        left = self._traced(scene, before)
        assert left == expected, difference(expected, left)
        self._assert_called(cell, before)
        assert_orders_are_sound(self.world)
        eventually(self._folds, what="a state that is the journal's fold")
        return time.monotonic() - began

    def listed(self) -> list[tuple[str, str, str]]:
        """Every point with the first kind of round that passes it, from rounds without faults."""
        for name in self.scenes:
            self.undisturbed(name)
        begun = {(module, point) for module in EVERY for point in self.world.points(module)}
        seen: set[tuple[str, str]] = set()
        found = []
        for name in self.scenes:
            self.renew()
            before, scene = self._begin(name)
            scene.act()
            self._traced(scene, before)
            for module in EVERY:
                if module == INGEST and name != Webhook.name:
                    continue
                new = [one for one in self.world.points(module) if (module, one) not in seen]
                seen |= {(module, one) for one in new}
                found += [(name, module, one) for one in sorted(new)]
        # Passed while the connection was set up, and by no round: nobody can be killed there without a new company.
        return found + [(AT_THE_START, module, point) for module, point in sorted(begun - seen)]

    def renew(self) -> None:
        """Start every service again, with an empty list of passed points."""
        for module in EVERY:
            self.world.made.running[module].kill()
            (self.world.made.folder / f"{module}.points").unlink(missing_ok=True)
        self.world.start(*EVERY)
        eventually(self.world.pipe.listening, what="control-plane")

    def mend(self) -> None:
        """After a cell that failed: everything runs again, and what is under way comes to rest."""
        running = self.world.made.running
        for name in [name for name in running if name not in EVERY]:
            running.pop(name).kill()
        for module in EVERY:
            self.world.orders(module).unlink(missing_ok=True)
        self.renew()
        eventually(self.world.at_rest, seconds=SETTLED, what="rest after a cell that failed")

    def _begin(self, name: str) -> tuple[Taken, Scene]:
        scene = self.scenes[name]
        scene.prepare()
        return taken(self.world), scene

    def _traced(self, scene: Scene, before: Taken) -> list[str]:
        self._at_rest(scene)
        return trace(before, self.world)

    def _at_rest(self, scene: Scene) -> None:
        limit = time.monotonic() + SETTLED
        while not (self.world.at_rest() and scene.arrived()):
            assert time.monotonic() < limit, f"a round of {scene.name} did not come to rest: {self._standing(scene)}"
            time.sleep(PAUSE)

    def _standing(self, scene: Scene) -> str:
        """Where a round stands that does not end."""
        under_way = [row for row in self.world.links() if row["phase"] not in RESTING]
        dead = [name for name, one in self.world.made.running.items() if not one.running()]
        ends = {name: self.world.made.log_of(name)[-600:] for name in dead}
        return (
            f"arrived: {scene.arrived()}, under way: {under_way}, clearing: {self.world.clearing()}, dead: {ends}, "
            f"held: {[row for row in self.world.links() if row['phase'] == 'held']}"
        )

    def _recover(self, cell: Cell) -> Callable[[], None]:
        """Have the service run again. What is returned is to be done once the round has settled."""
        service = self.world.made.running[cell.module]
        if cell.signal == "SIGSTOP":
            self.successors += 1
            self.world.start(cell.module, name=f"{cell.module}-{self.successors}")
            return lambda: self._wake(cell, service)
        assert service.wait_gone(seconds=ENDED), f"it did not end after {cell}"
        service.kill()
        self.world.start(cell.module)
        return lambda: None

    def _wake(self, cell: Cell, zombie: Background) -> None:
        """The paused process goes on, and one of the two has to give way: they are one member of the group.

        As a rule it is the one that slept. After a sleep longer than the session it joins anew, as any process that
        starts, and then its successor ends; neither may have written anything that the other one did not know of.
        """
        running = self.world.made.running
        successor = running.pop(f"{cell.module}-{self.successors}")
        zombie.send(signal.SIGCONT)
        one_ended = lambda: not (zombie.running() and successor.running())  # noqa: E731 - asked once
        eventually(one_ended, seconds=ENDED, what=f"the end of one of two owners after {cell}")
        gone, running[cell.module] = (successor, zombie) if zombie.running() else (zombie, successor)
        gone.kill()
        assert running[cell.module].running(), f"both owners ended after {cell}"

    def _assert_called(self, cell: Cell, before: Taken) -> None:
        """Where the point is at a foreign call, the simulator has seen that call in this round."""
        if cell.module not in WRITERS or ".call." not in cell.point:
            return
        side = self.world.pipe.bill if cell.module == WRITERS[0] else self.world.pipe.erp
        seen = side.ask(f"/_sandbox/requests?after={before.calls[cell.module]}")
        wanted = called(cell)
        matching = [one for one in seen if _is_that_call(one, wanted)]
        assert matching, f"the simulator saw no call of {cell}"

    def _hit(self, cell: Cell, scene: Scene) -> bool:
        """Whether the order was carried out. A person goes on asking meanwhile, which may be what leads there."""
        if not self.world.carried_out(cell.module):
            scene.arrived()
        return self.world.carried_out(cell.module)

    def _folds(self) -> bool:
        view = self.world.view.look()
        return view.state == view.folded


def _is_that_call(seen: Mapping[str, Any], wanted: tuple[str, re.Pattern[str]] | None) -> bool:
    """Whether a call seen is the wanted one, by method and path; any write where a step has no path of its own."""
    if wanted is None:
        return bool(seen["method"] != "GET")
    method, path = wanted
    return bool(seen["method"] == method and path.search(seen["path"]))


def difference(expected: Sequence[str], left: Sequence[str]) -> str:
    """What a failing cell has too much and too little."""
    missing = [f"missing: {one}" for one in expected if one not in left]
    surplus = [f"surplus: {one}" for one in left if one not in expected]
    doubled = [f"doubled: {one}" for one in sorted(set(left)) if left.count(one) > expected.count(one)]
    return "\n".join(["not what a round without faults leaves", *missing, *surplus, *doubled])
