"""Files that several processes share: atomic writes, a lock with a time-out, a log's end, where the state lives."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tieout_devstack.errors import DevstackError

# A log of a broker grows to megabytes; its cause of death stands in the last kilobytes.
_TAIL_BYTES = 16_384


def state_folder() -> Path:
    """Where everything that is started or downloaded lives: `.tieout` of the project, else of the current folder.

    The project is the folder above this package whose pyproject.toml declares the workspace, so that every process of
    one checkout shares the downloaded jars, whatever its working folder.
    """
    for parent in Path(__file__).resolve().parents:
        project = parent / "pyproject.toml"
        if project.is_file() and "[tool.uv.workspace]" in project.read_text(encoding="utf-8"):
            return parent / ".tieout"
    return Path.cwd() / ".tieout"


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    """Write a file so that a reader sees the old or the new content, never a part; created with `mode` from the start.

    Raises OSError as open and rename do.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    data = content.encode() if isinstance(content, str) else content
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, *, seconds: float) -> Iterator[None]:
    """Hold an exclusive lock between processes; released by the kernel when the holder dies.

    Raises DevstackError when another process holds it for longer than `seconds`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds
    with path.open("a") as file:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > end:
                raise DevstackError(f"another process has held {path} for more than {seconds:.0f} s")
            time.sleep(0.05)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def last_lines(path: Path, count: int = 25) -> str:
    """The last lines of a log, or a sentence saying that there are none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        lines = []
    return "\n".join(lines) if lines else f"({path} is empty)"
