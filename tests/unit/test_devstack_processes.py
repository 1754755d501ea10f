"""Processes in the background: what a test or `tieout dev` may rely on."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tieout_devstack import processes
from tieout_devstack.errors import DevstackError, NotReady

ENV = {"PATH": os.environ["PATH"]}
SLEEP = ["sleep", "600"]


@pytest.fixture
def started() -> Iterator[list[processes.Background]]:
    """Processes of a test; whatever it leaves is killed."""
    kept: list[processes.Background] = []
    yield kept
    for process in kept:
        process.kill()


def run_python(tmp_path: Path, code: str, **options: object) -> processes.Background:
    """A Python program in the background; it says `up` in its log once its first lines have run."""
    process = processes.start("program", [sys.executable, "-c", code], log=tmp_path / "log", env=ENV, **options)  # type: ignore[arg-type]
    process.wait_ready(lambda: "up" in (tmp_path / "log").read_text(), seconds=20)
    return process


def dead_identity() -> processes.Identity:
    """Somebody who lived and died."""
    child = subprocess.Popen(SLEEP)
    identity = processes.identity_of(child.pid)
    child.kill()
    child.wait(timeout=10)
    assert identity is not None
    return identity


def test_output_is_appended_to_the_log_and_only_the_given_environment_is_seen(tmp_path: Path) -> None:
    """A restarted service keeps the log of the run before, and inherits nothing by accident."""
    (tmp_path / "log").write_text("before\n")
    code = "import os; print(sorted(k for k in os.environ if k != 'LC_CTYPE'))"
    process = processes.start("env", [sys.executable, "-c", code], log=tmp_path / "log", env={"ONLY": "1"})
    assert process.wait_gone(seconds=20)
    assert (tmp_path / "log").read_text() == "before\n['ONLY']\n"


def test_a_process_that_ends_early_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    """The reason of a failed start is in the error, not in a file somebody has to find."""
    command = [sys.executable, "-c", "raise SystemExit('the port is taken')"]
    process = processes.start("service", command, log=tmp_path / "log", env=ENV)
    with pytest.raises(NotReady, match=r"service ended before it was ready(.|\n)*the port is taken"):
        process.wait_ready(lambda: False, seconds=20)


def test_waiting_for_readiness_ends(tmp_path: Path, started: list[processes.Background]) -> None:
    """A service that never gets ready is an error after the time-out, and still runs for who wants to look."""
    started.append(processes.start("slow", SLEEP, log=tmp_path / "log", env=ENV))
    with pytest.raises(NotReady, match="slow was not ready after 0 s"):
        started[0].wait_ready(lambda: False, seconds=0.1)
    assert started[0].running()


def test_a_command_that_does_not_exist_is_a_clear_error(tmp_path: Path) -> None:
    """A typing error names the program."""
    with pytest.raises(NotReady, match=r"typo could not be started.*no-such-program"):
        processes.start("typo", ["/no-such-program"], log=tmp_path / "log", env=ENV)


def test_readiness_over_http(
    tmp_path: Path, started: list[processes.Background], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`/readyz` counts when it answers 200; a proxy of the environment is not asked."""
    answers = iter([503, 503])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(next(answers, 200) if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        started.append(processes.start("service", SLEEP, log=tmp_path / "log", env=ENV))
        started[0].wait_ready(f"http://127.0.0.1:{server.server_port}/readyz", seconds=20)
        assert next(answers, None) is None
        server.shutdown()
        thread.join(timeout=10)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert not processes.http_ok(f"http://127.0.0.1:{closed.getsockname()[1]}/readyz")


def test_stop_asks_first(tmp_path: Path) -> None:
    """A service gets SIGTERM and the time to end by itself, also one that was paused."""
    code = (
        "import signal, sys, time\n"
        "def leave(*_): print('drained', flush=True); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave); print('up', flush=True); time.sleep(600)"
    )
    process = run_python(tmp_path, code)
    process.send(signal.SIGSTOP)
    assert process.stop(grace_seconds=20)
    assert (tmp_path / "log").read_text() == "up\ndrained\n"
    assert not process.running()


def test_stop_kills_what_does_not_listen_and_its_children(tmp_path: Path) -> None:
    """A hung service and what it started are gone after the grace."""
    code = (
        "import signal, subprocess, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600']); print('up', child.pid, flush=True); time.sleep(600)"
    )
    process = run_python(tmp_path, code)
    child = processes.identity_of(int((tmp_path / "log").read_text().split()[1]))
    assert child is not None
    assert not process.stop(grace_seconds=0.2)
    assert not process.running()
    wait_until_dead(child)


def test_stop_kills_children_of_a_leader_that_left(tmp_path: Path) -> None:
    """A service that ends and leaves a child behind leaves nothing behind."""
    code = "import subprocess; child = subprocess.Popen(['sleep', '600']); print('up', child.pid, flush=True)"
    process = processes.start("leaver", [sys.executable, "-c", code], log=tmp_path / "log", env=ENV)
    assert process.wait_gone(seconds=20)
    child = processes.identity_of(int((tmp_path / "log").read_text().split()[1]))
    assert child is not None
    process.stop()
    wait_until_dead(child)


def wait_until_dead(identity: processes.Identity) -> None:
    """SIGKILL was sent; the kernel takes a moment."""
    end = time.monotonic() + 10
    while identity.alive():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_paused_process_runs_on(tmp_path: Path, started: list[processes.Background]) -> None:
    """SIGSTOP and SIGCONT make a zombie writer and wake it again."""
    code = "import itertools, time\nfor n in itertools.count(): print('up', n, flush=True); time.sleep(0.01)"
    started.append(run_python(tmp_path, code))
    log = tmp_path / "log"
    started[0].send(signal.SIGSTOP)
    started[0].wait_ready(lambda: stands_still(log), seconds=20)
    assert started[0].running()
    paused = log.stat().st_size
    started[0].send(signal.SIGCONT)
    started[0].wait_ready(lambda: log.stat().st_size > paused, seconds=20)


def stands_still(log: Path) -> bool:
    """Whether nothing was written for twenty of the writer's pauses."""
    before = log.stat().st_size
    time.sleep(0.2)
    return log.stat().st_size == before


def test_a_later_run_finds_the_process(tmp_path: Path, started: list[processes.Background]) -> None:
    """`down` in another terminal stops what `up` started."""
    pid_file = tmp_path / "a.pid"
    started.append(
        processes.start("server", SLEEP, log=tmp_path / "log", env=ENV, pid_file=pid_file, stop_signal=signal.SIGINT)
    )
    assert processes.attach(pid_file) == started[0]
    started[0].stop()
    assert not pid_file.exists()
    assert processes.attach(pid_file) is None


def test_a_pid_of_somebody_else_is_never_signalled(tmp_path: Path, started: list[processes.Background]) -> None:
    """After a machine restart a pid file may name a stranger's process: it lives on."""
    pid_file = tmp_path / "stale.pid"
    stranger = processes.start("stranger", SLEEP, log=tmp_path / "log", env=ENV, pid_file=pid_file)
    started.append(stranger)
    written = json.loads(pid_file.read_text())
    written["identity"]["born"] = dead_identity().born.rpartition("/")[0] + "/1"
    pid_file.write_text(json.dumps(written))
    stale = processes.Background("mine", processes.Identity(**written["identity"]), tmp_path / "log")
    stale.send(signal.SIGKILL)
    stale.stop()
    assert processes.attach(pid_file) is None
    assert not pid_file.exists()
    assert stranger.running()


def test_orphans_of_a_dead_owner_are_stopped_and_nobody_else(
    tmp_path: Path, started: list[processes.Background]
) -> None:
    """What a killed test run left is cleaned up; running test runs and `dev up` are left alone."""
    for name, owned in (("orphan", True), ("owned", True), ("kept", False)):
        pid_file = tmp_path / "run" / f"{name}.pid"
        started.append(processes.start(name, SLEEP, log=tmp_path / "log", env=ENV, pid_file=pid_file, owned=owned))
    orphan_file = tmp_path / "run" / "orphan.pid"
    written = json.loads(orphan_file.read_text())
    dead = dead_identity()
    written["owner"] = {"pid": dead.pid, "born": dead.born}
    orphan_file.write_text(json.dumps(written))
    assert processes.stop_orphans(tmp_path) == ["orphan"]
    assert [process.running() for process in started] == [False, True, True]
    assert not orphan_file.exists()


def test_a_pid_file_that_would_not_be_found_is_refused(tmp_path: Path) -> None:
    """A process whose pid file the clean-up overlooks is not even started; files named like it are left alone."""
    with pytest.raises(ValueError, match=r"ends with \.pid"):
        processes.start("x", SLEEP, log=tmp_path / "log", env=ENV, pid_file=tmp_path / "x.txt")
    (tmp_path / "postmaster.pid").write_text("4711\n/data\n")
    assert processes.stop_orphans(tmp_path) == []
    assert (tmp_path / "postmaster.pid").exists()


def test_an_orphan_is_stopped_not_found(tmp_path: Path, started: list[processes.Background]) -> None:
    """A server whose owner died is not taken over half known: it is stopped, and the caller starts its own."""
    pid_file = tmp_path / "a.pid"
    started.append(processes.start("server", SLEEP, log=tmp_path / "log", env=ENV, pid_file=pid_file))
    written = json.loads(pid_file.read_text())
    dead = dead_identity()
    written["owner"] = {"pid": dead.pid, "born": dead.born}
    pid_file.write_text(json.dumps(written))
    assert processes.attach(pid_file) is None
    assert not started[0].running()


def test_a_foreign_pid_file_is_named(tmp_path: Path) -> None:
    """A file of another program is an error that names it, not a guess."""
    (tmp_path / "other.pid").write_text("4711\n")
    with pytest.raises(DevstackError, match=r"other\.pid is not a pid file of Tieout"):
        processes.attach(tmp_path / "other.pid")


def test_the_table_of_other_systems_can_be_read() -> None:
    """Where there is no /proc, `ps` tells the same: a birth for the living, nothing for the dead."""
    assert processes._born_by_ps(os.getpid()) is not None
    assert processes._born_by_ps(dead_identity().pid) is None
