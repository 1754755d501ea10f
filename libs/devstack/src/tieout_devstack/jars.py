"""The broker's jars: resolved with Maven, once per project, by whichever process comes first."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from tieout_devstack.errors import NothingUsable, NotReady
from tieout_devstack.files import last_lines, locked
from tieout_devstack.java import Java, find_maven
from tieout_devstack.trust import java_trusts_as_python

# A first download is 45 jars, 43 MB: 6 s on a good line. A proxy that drops connections must not hold a demo for ever.
_RESOLVE_SECONDS = 300

# Named in full: a bare prefix makes Maven read a dozen other plugins first, and hides why that failed.
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"


def resolved_jars(home: Path) -> Path | None:
    """The folder with the jars of this package's pom.xml, if they are there completely."""
    folder = _folder(home)
    return folder if (folder / ".complete").is_file() else None


def resolve_jars(home: Path, java: Java) -> Path:
    """Return the folder of jars below `home` (the project's `.tieout`), downloading them if need be.

    Safe against other processes doing the same: one works, the others wait, and a folder appears complete or not at
    all. Maven's local repository stands in `home/maven`, because Java ignores HOME.
    Raises NothingUsable without Maven, NotReady with Maven's last lines if it fails.
    """
    done = resolved_jars(home)
    if done is not None:
        return done
    maven = find_maven()
    if maven is None:
        raise NothingUsable("Maven (mvn) is not on the path")
    with locked(home / "jars" / "resolve.lock", seconds=2 * _RESOLVE_SECONDS + 30):
        done = resolved_jars(home)
        return done if done is not None else _download(home, java, maven)


def _folder(home: Path) -> Path:
    pom = files("tieout_devstack").joinpath("pom.xml").read_bytes()
    return home.resolve() / "jars" / f"kafka-{hashlib.sha256(pom).hexdigest()[:12]}"


def _download(home: Path, java: Java, maven: Path) -> Path:
    target = _folder(home)
    # Left by a process that was killed: no living one can have it, since the lock is ours.
    partial = target.with_name(target.name + ".partial")
    for leftover in (partial, target):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    (partial / "pom.xml").write_bytes(files("tieout_devstack").joinpath("pom.xml").read_bytes())
    command: list[str | Path] = [
        maven,
        # Updates: what could not be fetched a moment ago is asked for again.
        *("--batch-mode", "--quiet", "--strict-checksums", "--update-snapshots", "-Dstyle.color=never"),
        f"-Dmaven.repo.local={home.resolve() / 'maven'}",
        *(f"{_PLUGIN}:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={partial}"),
    ]
    log = target.with_name("maven.log")
    env = {**os.environ, "JAVA_HOME": str(java.home)}
    fault = _run(command, partial, env, log)
    if fault and "unable to find valid certification path" in log.read_text(encoding="utf-8", errors="replace"):
        options = java_trusts_as_python(target.with_name("trust.p12"), env.get("MAVEN_OPTS", ""))
        fault = _run(command, partial, env | {"MAVEN_OPTS": options}, log) if options else fault
    if fault:
        raise NotReady(
            f"Maven could not resolve Kafka ({fault}). Behind a company's mirror or proxy, name it in Maven's "
            f"settings.xml. The end of {log}:\n{last_lines(log)}"
        )
    (partial / ".complete").touch()
    partial.rename(target)
    return target


def _run(command: Sequence[str | Path], folder: Path, env: Mapping[str, str], log: Path) -> str | None:
    """Run Maven in a folder that holds the pom.xml; None if the broker is there now, else what went wrong."""
    with log.open("wb") as sink:
        try:
            done = subprocess.run(  # noqa: S603  (the user's own Maven)
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=folder,
                timeout=_RESOLVE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"no end within {_RESOLVE_SECONDS} s"
    if done.returncode != 0:
        return f"exit code {done.returncode}"
    return None if any(folder.glob("kafka_2.13-*.jar")) else "no broker among the jars"
