"""A control-plane as a process of its own, on a broker and a database of the test run."""

import base64
import http.client
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, decode
from tieout.log.admin import apply_topics
from tieout.log.clients import KafkaAccess
from tieout.log.compacted import read_to_end
from tieout.log.topics import Names, Topic
from tieout_devstack import processes
from tieout_devstack.ports import LOOPBACK, free_port
from tieout_devstack.postgres import Postgres

MASTER = base64.b64encode(bytes(range(32))).decode()
READY_SECONDS = 60


def connection(name: str, **changes: Any) -> dict[str, Any]:
    """Settings of a connection as JSON; ``erp__company="X"`` changes a field within."""
    document: dict[str, Any] = {
        "connection": name,
        "state": "active",
        "erp": {"kind": "business-central", "tenant": "t", "company": f"Company of {name}"},
        "bill": {"environment": "sandbox", "organization": f"008{name.replace('-', '')}"},
        "cutover": {"date": "2026-01-01"},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = document
        for parent in parents:
            target = target[parent]
        target[last] = value
    return document


@dataclass
class Plane:
    """One running control-plane."""

    process: processes.Background
    port: int
    token: str

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"

    def log(self) -> str:
        """Everything it has written so far."""
        return self.process.log.read_text(encoding="utf-8")

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON of one call."""
        client = http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
            data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
            client.request(method, path, data, headers | {"Content-Type": "application/json"})
            answer = client.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            client.close()

    def apply(self, *documents: dict[str, Any]) -> tuple[int, Any]:
        """Apply connections."""
        return self.call("POST", "/v1/connections/apply", {"connections": list(documents)})


@dataclass
class Installation:
    """Topics and a database, and the control-planes that were started on them."""

    access: KafkaAccess
    names: Names
    database: str
    folder: Path
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    started: list[Plane] = field(default_factory=list)

    def environment(self, **changes: str) -> dict[str, str]:
        """The variables of a control-plane; an empty one is left out."""
        values = {
            "TIEOUT_KAFKA_BOOTSTRAP": self.access.bootstrap,
            "TIEOUT_PREFIX": self.names.prefix,
            "TIEOUT_PARTITIONS": str(self.names.partitions),
            "TIEOUT_DATABASE_URL": self.database,
            "TIEOUT_MASTER_KEY": MASTER,
            "TIEOUT_API_TOKEN": self.token,
            "TIEOUT_TICK_SECONDS": "3600",
        } | changes
        return {"PATH": os.environ["PATH"]} | {name: value for name, value in values.items() if value}

    def launch(self, **changes: str) -> Plane:
        """Start one, without waiting for it."""
        port, number = free_port(), len(self.started)
        process = processes.start(
            f"control-plane-{number}",
            [sys.executable, "-m", "tieout_control_plane"],
            log=self.folder / f"control-plane-{number}.log",
            env=self.environment(TIEOUT_HTTP_PORT=str(port), **changes),
            pid_file=self.folder / f"control-plane-{number}.pid",
        )
        plane = Plane(process, port, self.token)
        self.started.append(plane)
        return plane

    def start(self, **changes: str) -> Plane:
        """Start one and wait until it is ready."""
        plane = self.launch(**changes)
        plane.process.wait_ready(f"{plane.url}/readyz", seconds=READY_SECONDS)
        return plane

    def run(self, **changes: str) -> subprocess.CompletedProcess[str]:
        """Start one that is expected to end by itself."""
        return subprocess.run(
            [sys.executable, "-m", "tieout_control_plane"],
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            timeout=READY_SECONDS,
            check=False,
        )

    def cli(self, plane: Plane, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``tieout`` against a control-plane."""
        known = {"PATH": os.environ["PATH"], "TIEOUT_API_URL": plane.url, "TIEOUT_API_TOKEN": self.token}
        return subprocess.run(
            [Path(sys.executable).with_name("tieout"), *words],
            env=known,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.folder,
        )

    def messages(self, topic: Topic) -> list[Message[Payload]]:
        """Everything committed in a topic, partition by partition."""
        return [
            decode(message.headers(), message.value(), catalogue)
            for partition in range(self.names.partitions)
            for message in read_to_end(self.access, self.names.topic(topic), partition)
        ]

    def stop(self) -> None:
        """Kill what still runs."""
        for plane in self.started:
            plane.process.kill()


@pytest.fixture(scope="module")
def make_installation(
    kafka_bootstrap: str, postgres_server: Postgres, devstack_folder: Path
) -> Iterator[Callable[[], Installation]]:
    """Makes installations that are apart from each other; they end with the module's tests."""
    made: list[Installation] = []

    def make() -> Installation:
        name = f"t{secrets.token_hex(6)}"
        access, names = KafkaAccess(bootstrap=kafka_bootstrap), Names(name, 4)
        apply_topics(access, names, replication=1)
        folder = devstack_folder / name
        folder.mkdir()
        installation = Installation(access, names, postgres_server.create_database(name), folder)
        made.append(installation)
        return installation

    yield make
    for installation in made:
        installation.stop()
        postgres_server.drop_database(installation.names.prefix)


@pytest.fixture
def installation(make_installation: Callable[[], Installation]) -> Installation:
    """One of this test's own, nothing started."""
    return make_installation()


@pytest.fixture(scope="module")
def idle(make_installation: Callable[[], Installation]) -> Installation:
    """One for all tests of the module that start control-planes one after another."""
    return make_installation()


@pytest.fixture(scope="module")
def shared(make_installation: Callable[[], Installation]) -> tuple[Installation, Plane]:
    """One with a running control-plane, for all tests of the module: use connections of your own."""
    installation = make_installation()
    return installation, installation.start()


@pytest.fixture
def settings_of() -> Callable[..., dict[str, Any]]:
    """Makes the settings of a connection."""
    return connection
