"""Processes in the background: started with a log file, waited for, stopped, killed, and found again after a crash.

A process is known by its pid **and** the moment it was born, so that a pid the system has given to somebody else is
never signalled. Linux reads both from /proc; other systems ask `ps` (not run on macOS here).
"""

import http.client
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tieout_devstack.errors import DevstackError, NotReady
from tieout_devstack.files import last_lines, write_atomically

# What the name of a pid file ends with. Other programs name theirs so too (PostgreSQL its postmaster.pid), with other
# content, by which they are told apart.
PID_SUFFIX = ".pid"

_POLL_SECONDS = 0.05
# After SIGKILL only a process stuck in the kernel stays; waiting longer than this would hide that.
_KILL_SECONDS = 10.0

# A Popen that is collected while its process runs warns; processes that outlive us on purpose are kept here.
_children: dict["Identity", "subprocess.Popen[bytes]"] = {}


@dataclass(frozen=True)
class Identity:
    """One process for ever: its pid and when it was born, in the system's own words, comparable for equality only."""

    pid: int
    born: str

    def alive(self) -> bool:
        """Whether exactly this process still runs; a zombie does not."""
        child = _children.get(self)
        if child is not None:
            child.poll()
        return _born(self.pid) == self.born


def identity_of(pid: int) -> Identity | None:
    """The identity of a running process, or None if there is none with this pid."""
    born = _born(pid)
    return None if born is None else Identity(pid, born)


@dataclass(frozen=True)
class Background:
    """A process in its own session that writes to a log file; also one that an earlier run started."""

    name: str
    identity: Identity
    log: Path
    stop_signal: int = signal.SIGTERM
    owner: Identity | None = None
    pid_file: Path | None = None

    @property
    def pid(self) -> int:
        """The pid, which is also the id of its process group."""
        return self.identity.pid

    def running(self) -> bool:
        """Whether it still runs."""
        return self.identity.alive()

    def orphan(self) -> bool:
        """Whether it was meant to end with a process that is dead."""
        return self.owner is not None and not self.owner.alive()

    def wait_ready(self, check: str | Callable[[], bool], *, seconds: float) -> None:
        """Wait until an `http://…/readyz` address answers 200, or until a callable says so.

        Raises NotReady, with the log's last lines, when the process ends first or `seconds` pass.
        """
        end = time.monotonic() + seconds
        while True:
            if not self.running():
                raise NotReady(f"{self.name} ended before it was ready. {self._log_end()}")
            if http_ok(check) if isinstance(check, str) else check():
                return
            if time.monotonic() > end:
                raise NotReady(f"{self.name} was not ready after {seconds:.0f} s. {self._log_end()}")
            time.sleep(_POLL_SECONDS)

    def wait_gone(self, *, seconds: float) -> bool:
        """Wait until the process has ended; False if it still runs after `seconds`."""
        end = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > end:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def send(self, number: int) -> None:
        """Send a signal to the process alone; nothing happens if it is gone. For tests: SIGSTOP, SIGCONT, SIGKILL."""
        if self.running():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL the whole process group and wait until the process is gone. Raises NotReady if it stays."""
        _kill_group(self.identity)
        if not self.wait_gone(seconds=_KILL_SECONDS):
            raise NotReady(f"{self.name} (pid {self.pid}) survived SIGKILL. {self._log_end()}")
        self._forget()

    def stop(self, *, grace_seconds: float = 15.0) -> bool:
        """Ask it to end, then SIGKILL what is left of its group; True if it ended by itself within the grace."""
        self.send(signal.SIGCONT)
        self.send(self.stop_signal)
        ended = self.wait_gone(seconds=grace_seconds)
        self.kill()
        return ended

    def _forget(self) -> None:
        child = _children.pop(self.identity, None)
        if child is not None:
            child.wait(timeout=_KILL_SECONDS)
        if self.pid_file is not None:
            self.pid_file.unlink(missing_ok=True)

    def _log_end(self) -> str:
        return f"The end of {self.log}:\n{last_lines(self.log)}"


def start(  # noqa: PLR0913  (every one of them is a fact about the new process)
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    pid_file: Path | None = None,
    stop_signal: int = signal.SIGTERM,
    user: int | None = None,
    owned: bool = True,
) -> Background:
    """Start a command in a session of its own; its output is appended to `log` and its environment is `env` alone.

    `user` is the numeric id of a user to become (only root may). With a `pid_file` a later run finds the process again:
    `owned` ones are orphans once this process is dead, others (`owned=False`) are meant to outlive it.
    Raises NotReady when the command cannot be executed, ValueError for a pid file not named `*.pid`.
    """
    if pid_file is not None and not pid_file.name.endswith(PID_SUFFIX):
        raise ValueError(f"a pid file is found again by its name, which ends with {PID_SUFFIX}: {pid_file}")
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in command]
    become: dict[str, Any] = {}
    if user is not None:
        become = {"user": user, "group": pwd.getpwuid(user).pw_gid, "extra_groups": []}
    with log.open("ab") as sink:
        try:
            child = subprocess.Popen(  # noqa: S603  (the callers are this project's own)
                words,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                **become,
            )
        except OSError as error:
            raise NotReady(f"{name} could not be started: {error}") from error
    identity = identity_of(child.pid)
    if identity is None:
        child.wait(timeout=_KILL_SECONDS)
        raise NotReady(f"{name} ended at once. The end of {log}:\n{last_lines(log)}")
    _children[identity] = child
    owner = identity_of(os.getpid()) if owned else None
    process = Background(name, identity, log, stop_signal, owner, pid_file)
    if pid_file is not None:
        _write_pid_file(pid_file, process)
    return process


def attach(pid_file: Path) -> Background | None:
    """The process an earlier run wrote down, if exactly that process still runs.

    A stale file is removed, and an orphan (owned by a process that died) is stopped first: neither is returned.
    Raises DevstackError for a file of another program.
    """
    process = _read_pid_file(pid_file)
    if process is None:
        if pid_file.exists():
            raise DevstackError(f"{pid_file} is not a pid file of Tieout; remove it if nothing of it runs")
        return None
    if process.running():
        if not process.orphan():
            return process
        process.stop()
    pid_file.unlink(missing_ok=True)
    return None


def stop_orphans(folder: Path, *, dying: Identity | None = None, grace_seconds: float = 10.0) -> list[str]:
    """Stop the owned processes under a folder whose owner is dead, or is `dying`; returns their names.

    Processes of living owners, and those that were started to outlive their owner, are left alone.
    """
    stopped = []
    for pid_file in sorted(folder.rglob(f"*{PID_SUFFIX}")):
        process = _read_pid_file(pid_file)
        if process is None or not (process.orphan() or (dying is not None and process.owner == dying)):
            continue
        if process.running():
            process.stop(grace_seconds=grace_seconds)
            stopped.append(process.name)
        pid_file.unlink(missing_ok=True)
    return stopped


def http_ok(url: str) -> bool:
    """Whether an http:// address answers 200 within two seconds; no proxy is asked."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        raise DevstackError(f"readiness is asked over http only, not {url!r}")
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=2)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _kill_group(leader: Identity) -> None:
    """SIGKILL a group we made, also when only its members are left.

    As long as a group has members its id is given to no new process; so if somebody else has the pid, the group is
    empty and the pid is a stranger's.
    """
    alive = leader.alive()
    if not alive and _born(leader.pid) is not None:
        return
    try:
        os.killpg(leader.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:
        # macOS answers EPERM for a group of zombies only; for a living leader it is a real refusal.
        if alive:
            raise


def _write_pid_file(path: Path, process: Background) -> None:
    known = {
        "name": process.name,
        "identity": asdict(process.identity),
        "log": str(process.log),
        "stop_signal": int(process.stop_signal),
        "owner": asdict(process.owner) if process.owner else None,
    }
    write_atomically(path, json.dumps(known, indent=2))


def _read_pid_file(path: Path) -> Background | None:
    """What `start` wrote down there; None if there is no file, or one of another program."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        owner = Identity(**known["owner"]) if known["owner"] else None
        identity = Identity(**known["identity"])
        return Background(known["name"], identity, Path(known["log"]), known["stop_signal"], owner, path)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _born(pid: int) -> str | None:
    """When a living process was born: ticks since boot and the boot's id on Linux, a date elsewhere."""
    return _born_by_proc(pid) if sys.platform == "linux" else _born_by_ps(pid)


def _born_by_proc(pid: int) -> str | None:
    try:
        # The command's name may hold blanks and brackets; the fields after it start behind the last bracket.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, ticks = fields[0], fields[19]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return None if state in "ZX" else f"{boot}/{ticks}"


def _born_by_ps(pid: int) -> str | None:
    """`ps` prints the start with a precision of a second, in C locale and UTC so that it reads the same later."""
    asked = subprocess.run(  # noqa: S603
        ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)],  # noqa: S607  (part of every Unix)
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    state, _, born = asked.stdout.strip().partition(" ")
    return None if not born or state.startswith("Z") else " ".join(born.split())
