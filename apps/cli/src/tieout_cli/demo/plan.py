"""The processes of the demo as a table: simulators, then services; what each is told, and when it is ready."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tieout.connections.key_wrapper import side_key_text
from tieout.domain.settings import Side
from tieout_cli.demo.ground import PARTITIONS, Ground
from tieout_cli.demo.outside import answers
from tieout_cli.demo.place import Place
from tieout_devstack import processes
from tieout_devstack.certificates import Authority
from tieout_devstack.ports import free_port

SIMULATORS: Final = ("entra", "business-central", "bill")
CONTROL_PLANE: Final = "control-plane"
INGEST: Final = "webhook-ingest"
WRITEBACK: Final = "payment-writeback"
# A service takes one or two seconds of CPU to start, and several start at once on two cores.
READY_SECONDS: Final = 90.0
STOP_SECONDS: Final = 15.0
TICK_SECONDS: Final = 2


@dataclass(frozen=True)
class Wiring:
    """What a process may be told of the others."""

    place: Place
    ca: Authority
    ports: Mapping[str, int]
    ground: Ground


@dataclass(frozen=True)
class Service:
    """One of Tieout's services. ``settings`` are its own beyond those that all have.

    ``needs_store``: it reads secrets, so that it starts once control-plane has made the tables.
    """

    name: str
    settings: Callable[[Wiring], dict[str, str]]
    needs_store: bool = True

    @property
    def module(self) -> str:
        """Its package."""
        return "tieout_" + self.name.replace("-", "_")


def _control_plane(wiring: Wiring) -> dict[str, str]:
    return {
        "DATABASE_URL": wiring.ground.database_url,
        "MASTER_KEY": wiring.place.master_key(),
        "API_TOKEN": wiring.place.token(),
        "TICK_SECONDS": str(TICK_SECONDS),
    }


def _side(side: Side, wiring: Wiring) -> dict[str, str]:
    key = side_key_text(wiring.place.master_key(), side)
    return {"DATABASE_URL": wiring.ground.database_url, f"{side.upper()}_KEY": key}


def _ingest(wiring: Wiring) -> dict[str, str]:
    made = wiring.ca.issue(INGEST)
    return _side(Side.BILL, wiring) | {
        "LISTEN_PORT": str(wiring.ports["webhooks"]),
        "TLS_CERTIFICATE_FILE": str(made.certificate),
        "TLS_KEY_FILE": str(made.key),
    }


def _nothing(_wiring: Wiring) -> dict[str, str]:
    return {}


def _mapper(wiring: Wiring) -> dict[str, str]:
    return {"WORK_FOLDER": str(wiring.place.folder / "fact-mapper")}


SERVICES: Final = (
    Service(CONTROL_PLANE, _control_plane, needs_store=False),
    Service("decider", _nothing, needs_store=False),
    Service("fact-mapper", _mapper, needs_store=False),
    Service("erp-poller", partial(_side, Side.ERP)),
    Service("bill-writer", partial(_side, Side.BILL)),
    Service(INGEST, _ingest),
    Service(WRITEBACK, partial(_side, Side.ERP)),
)


def new_ports() -> dict[str, int]:
    """A free port for each process and one for BILL's notifications."""
    return {name: free_port() for name in (*SIMULATORS, *(service.name for service in SERVICES), "webhooks")}


def start_simulator(
    name: str, place: Place, ca: Authority, ports: Mapping[str, int], *, kept: bool
) -> processes.Background:
    """Start a simulator; it is ready when it answers."""
    command: list[str | Path] = [sys.executable, "-m", "tieout_cli", "sandbox", "serve", name]
    command += ["--port", str(ports[name])]
    if name == "entra":
        made = ca.issue(name)
        command += ["--tls-certificate", made.certificate, "--tls-key", made.key]
    else:
        command += ["--world", place.worlds / f"{name}.json", "--ca-file", ca.certificate]
    return _start(name, command, {}, place, kept=kept)


def start_service(service: Service, wiring: Wiring, *, kept: bool) -> processes.Background:
    """Start a service; it is ready when its ``/readyz`` says so."""
    told = {
        "KAFKA_BOOTSTRAP": wiring.ground.stack.kafka_bootstrap,
        "PREFIX": wiring.ground.prefix,
        "PARTITIONS": str(PARTITIONS),
        "INSTANCE": f"{wiring.ground.prefix}-{service.name}",
        "HTTP_PORT": str(wiring.ports[service.name]),
    }
    settings = {f"TIEOUT_{name}": value for name, value in (told | service.settings(wiring)).items()}
    return _start(service.name, [sys.executable, "-m", service.module], settings, wiring.place, kept=kept)


def _start(
    name: str, command: list[str | Path], settings: Mapping[str, str], place: Place, *, kept: bool
) -> processes.Background:
    log = place.logs / f"{name}.log"
    return processes.start(
        name,
        command,
        log=log,
        # Nothing of the caller's but the path: a variable meant for a real installation must not reach this one.
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", **settings},
        pid_file=place.pids / f"{name}.pid",
        owned=not kept,
    )


def url_of(name: str, ports: Mapping[str, int]) -> str:
    """The address of a process; Entra's is https, because msal takes no other."""
    return f"{'https' if name == 'entra' else 'http'}://127.0.0.1:{ports[name]}"


def ready(name: str, ports: Mapping[str, int], ca: Authority) -> str | Callable[[], bool]:
    """What says that a process is ready."""
    url = url_of(name, ports)
    if name in SIMULATORS:
        return lambda: answers(url, ca=ca)
    return f"{url}/readyz"
