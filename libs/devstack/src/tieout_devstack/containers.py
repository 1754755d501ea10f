"""The third choice: containers, through testcontainers. Not run here, for want of a Docker daemon."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tieout_devstack.errors import NothingUsable, NotReady
from tieout_devstack.files import write_atomically
from tieout_devstack.ports import LOOPBACK

KAFKA_IMAGE = "apache/kafka:4.1.1"
POSTGRES_IMAGE = "postgres:18"

# A daemon that hangs (Docker Desktop while it starts) must not hold a command that could do without.
_INFO_SECONDS = 3
_DOCKER_SECONDS = 60


def docker_answers() -> bool:
    """Whether `docker info` reaches a daemon within three seconds."""
    try:
        asked = subprocess.run(
            ["docker", "info"],  # noqa: S607  (the user's own)
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_INFO_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


@dataclass(frozen=True)
class Container:
    """A container that publishes one server at `address`; `note` is the file by which later runs find it."""

    id: str
    address: str = field(repr=False)
    note: Path
    keep: bool

    def running(self) -> bool:
        """Whether the daemon says that it runs."""
        code, said = _docker("inspect", "--format", "{{.State.Running}}", self.id)
        return code == 0 and said.strip() == "true"

    def stop(self) -> None:
        """Stop it; one that is meant to be kept keeps its data, the other is removed."""
        if self.keep:
            _docker("stop", self.id)
            return
        _docker("rm", "--force", "--volumes", self.id)
        self.note.unlink(missing_ok=True)

    def wait_ready(self, check: Callable[[], bool], *, seconds: float) -> None:
        """Wait for a callable to say yes. Raises NotReady with the container's last lines; the container is stopped."""
        end = time.monotonic() + seconds
        while not check():
            if time.monotonic() > end:
                _, said = _docker("logs", "--tail", "25", self.id)
                self.stop()
                raise NotReady(f"the container {self.id[:12]} was not ready after {seconds:.0f} s. Its end:\n{said}")
            time.sleep(0.1)


def find(note: Path) -> Container | None:
    """The container an earlier run wrote down, if the daemon still has it, running or stopped."""
    if not note.is_file():
        return None
    known = json.loads(note.read_text(encoding="utf-8"))
    found = Container(known["id"], known["address"], note, known["keep"])
    code, _ = _docker("inspect", found.id)
    if code == 0:
        return found
    note.unlink()
    return None


def start(
    image: str, *, note: Path, address: str, env: Mapping[str, str], ports: Mapping[int, int], keep: bool
) -> Container:
    """Start a container whose ports (inside: outside) are published on loopback only, or the noted one again.

    With `keep` it outlives this process, otherwise testcontainers' reaper removes it should this process die.
    Raises NothingUsable when testcontainers is not installed.
    """
    found = find(note)
    if found is not None:
        _docker("start", found.id)
        return found
    try:
        from testcontainers.core.config import testcontainers_config  # noqa: PLC0415  (only the third choice needs it)
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415
    except ImportError as error:
        raise NothingUsable(f"to use Docker for {image}, install testcontainers: pip install testcontainers") from error
    if keep:
        testcontainers_config.ryuk_disabled = True
    published = {f"{inside}/tcp": (LOOPBACK, outside) for inside, outside in ports.items()}
    started = DockerContainer(image).with_envs(**env).with_kwargs(ports=published).start()
    container = Container(str(started.get_wrapped_container().id), address, note, keep)
    write_atomically(note, json.dumps({"id": container.id, "address": address, "keep": keep}))
    return container


def _docker(*words: str) -> tuple[int, str]:
    """Run the user's docker; exit code 127 where there is none."""
    try:
        done = subprocess.run(  # noqa: S603
            ["docker", *words],  # noqa: S607
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_DOCKER_SECONDS,
            check=False,
        )
    except OSError:
        return 127, ""
    return done.returncode, done.stdout + done.stderr
