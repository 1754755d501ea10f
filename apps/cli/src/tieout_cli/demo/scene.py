"""What runs for one demo, and how it is started, watched and stopped."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from tieout_cli.client import ControlPlane
from tieout_cli.demo import ground as grounds
from tieout_cli.demo import plan
from tieout_cli.demo.ground import Ground
from tieout_cli.demo.logview import LogView
from tieout_cli.demo.outside import World
from tieout_cli.demo.place import Place
from tieout_cli.output import CliError
from tieout_devstack import certificates, processes
from tieout_devstack.errors import NotReady
from tieout_devstack.files import last_lines
from tieout_sandbox.company import Company

# Between two looks at what is going on. Shorter only burns a core that the services need.
LOOK_SECONDS: Final = 0.25
T = TypeVar("T")


@dataclass
class Scene:
    """A demo that runs. ``kept``: its processes are to outlive this one. ``ca`` signs what speaks TLS."""

    place: Place
    company: Company
    kept: bool
    ports: dict[str, int] = field(default_factory=plan.new_ports)
    running: dict[str, processes.Background] = field(default_factory=dict)
    _ground: Ground | None = None
    _view: LogView | None = None

    def __post_init__(self) -> None:
        self.ca = certificates.authority(self.place.stack / "ca")

    @property
    def ground(self) -> Ground:
        """Kafka and PostgreSQL; they must be up."""
        assert self._ground is not None, "Kafka and PostgreSQL are not up yet"  # noqa: S101 - the stages' own order
        return self._ground

    @property
    def api(self) -> ControlPlane:
        """control-plane's API."""
        return ControlPlane(plan.url_of(plan.CONTROL_PLANE, self.ports), self.place.token())

    @property
    def erp(self) -> World:
        """The ERP's simulator."""
        return World("Business Central", plan.url_of("business-central", self.ports))

    @property
    def bill(self) -> World:
        """BILL's simulator."""
        return World("BILL", plan.url_of("bill", self.ports))

    @property
    def entra(self) -> World:
        """Entra's simulator."""
        return World("Entra", plan.url_of("entra", self.ports), self.ca)

    @property
    def view(self) -> LogView:
        """A look into the log, opened at the first use."""
        if self._view is None:
            self._view = LogView(self.ground.access, self.ground.names)
        return self._view

    def close(self) -> None:
        """Give back what this process holds."""
        if self._view is not None:
            self._view.close()
            self._view = None

    # ── start ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def start_worlds_and_ground(self) -> None:
        """Start the outside worlds, and Kafka and PostgreSQL meanwhile; returns once all answer."""
        for name in plan.SIMULATORS:
            self.running[name] = plan.start_simulator(name, self.place, self.ca, self.ports, kept=self.kept)
        self.start_ground()
        self.wait_ready(plan.SIMULATORS)

    def start_ground(self) -> None:
        """Start Kafka and PostgreSQL, or find them as they are."""
        self._ground = grounds.up(self.place.stack)

    def drop_ground(self) -> None:
        """Lose everything on Kafka and PostgreSQL; the services must have stopped."""
        self.close()
        self._ground = None
        grounds.drop(self.place.stack)

    def start_services(self) -> None:
        """Start the services; returns once all are ready."""
        wiring = plan.Wiring(self.place, self.ca, self.ports, self.ground)
        for service in plan.SERVICES:
            if not service.needs_store:
                self.running[service.name] = plan.start_service(service, wiring, kept=self.kept)
        self.wait_ready([plan.CONTROL_PLANE])
        for service in plan.SERVICES:
            if service.needs_store:
                self.running[service.name] = plan.start_service(service, wiring, kept=self.kept)
        self.wait_ready([service.name for service in plan.SERVICES])
        if self.kept:
            # The other commands find it so; it goes with the stack.
            self.ground.stack.announce("control_plane", {"url": self.api.url, "token": self.place.token()})

    def wait_ready(self, names: Iterable[str]) -> None:
        """Wait until processes are ready. Raises NotReady with the end of a log."""
        for name in names:
            self.running[name].wait_ready(plan.ready(name, self.ports, self.ca), seconds=plan.READY_SECONDS)

    def attach(self) -> None:
        """Find the processes of a demo that was kept running.

        Raises:
            CliError: one of them runs no more.
        """
        for name in (*plan.SIMULATORS, *(service.name for service in plan.SERVICES)):
            found = processes.attach(self.place.pids / f"{name}.pid")
            if found is None:
                raise CliError(f"{name} of the demo that was kept runs no more", cure="Begin anew: tieout demo")
            self.running[name] = found

    # ── watch ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def until(self, look: Callable[[], T | None], *, seconds: float, what: str) -> T:
        """The first true answer of ``look``, asked a few times a second.

        Raises:
            NotReady: a process ended, or it took too long; says which, with the end of the log that tells most.
        """
        limit = time.monotonic() + seconds
        while True:
            self.guard()
            found = look()
            if found:
                return found
            if time.monotonic() > limit:
                raise NotReady(f"{what} did not happen within {seconds:.0f} s.\n{self.complaints()}")
            # What is waited for happens in other processes, and nothing tells of it: it is looked for, within a limit.
            time.sleep(LOOK_SECONDS)

    def guard(self) -> None:
        """Raise NotReady if a process has ended."""
        for name, process in self.running.items():
            if not process.running():
                raise NotReady(f"{name} has ended. The end of {process.log}:\n{last_lines(process.log)}")

    def complaints(self) -> str:
        """The last lines of each log with a warning or an error in its end."""
        told = []
        for name, process in self.running.items():
            lines = [line for line in last_lines(process.log, 400).splitlines() if _complains(line)]
            told += [f"The last complaints of {name}, in {process.log}:", *lines[-5:]] if lines else []
        return "\n".join(told) or f"No log complains; they are in {self.place.logs}."

    # ── stop ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def stop_services(self) -> None:
        """Stop Tieout; the outside worlds go on."""
        self._stop([name for name in self.running if name not in plan.SIMULATORS])

    def stop(self) -> None:
        """Stop everything, and drop what was put on Kafka and PostgreSQL."""
        self._stop(list(self.running))
        self.drop_ground()
        self.place.forget()

    def _stop(self, names: list[str]) -> None:
        stopping = [self.running.pop(name) for name in names]
        if stopping:
            with ThreadPoolExecutor(len(stopping)) as pool:
                list(pool.map(lambda process: process.stop(grace_seconds=plan.STOP_SECONDS), stopping))


def replace(place: Place) -> list[str]:
    """Stop whatever an earlier demo left in this place, and forget it; the names of what still ran."""
    stopped = processes.stop_orphans(place.folder)
    for pid_file in sorted(place.pids.glob(f"*{processes.PID_SUFFIX}")):
        process = processes.attach(pid_file)
        if process is not None:
            process.stop(grace_seconds=plan.STOP_SECONDS)
            stopped.append(process.name)
    grounds.drop(place.stack)
    place.forget()
    for log in place.logs.glob("*.log"):
        log.unlink()
    return stopped


def _complains(line: str) -> bool:
    lowered = line.casefold()
    return any(word in lowered for word in ("error", "warning", "critical", "traceback", "exception"))
