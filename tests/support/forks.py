"""Services that are started often, by a fork of a process that has imported them once: milliseconds, not a second.

What is started is what ``python -m`` would start: a session, an environment and a log of its own, nothing running and
nothing open before the fork. Run as a program, this is the process that forks.
"""

import atexit
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from support import moved_clock
from tieout_devstack import processes

TESTS: Final = Path(__file__).parents[1]
BEFOREHAND: Final[dict[str, tuple[str, ...]]] = {
    "chaos.run_writeback": ("tieout_payment_writeback.app", "tieout_connectors.business_central.drafts"),
    "support.fake_erp.run_poller": ("tieout_erp_poller.service", "support.fake_erp.reader"),
    "support.fake_erp.run_mapper": ("tieout_fact_mapper.process", "support.fake_erp.wire"),
    "tieout_erp_poller": ("tieout_erp_poller.service", "tieout_connectors.business_central.reader"),
    "tieout_fact_mapper": ("tieout_fact_mapper.process",),
}
"""What programs import later than at their beginning, or, where they begin to work at once, all they import."""
# Forking is safe where nothing but this program's own code has started threads; Apple's libraries do.
FORKS: Final = sys.platform == "linux"

NURSERY_SECONDS: Final = 10.0
_nurseries: dict[str, "subprocess.Popen[bytes]"] = {}
_turn = threading.Lock()


def start(module: str, name: str, *, log: Path, env: Mapping[str, str], pid_file: Path) -> processes.Background:
    """Start a program with an environment of its own; it is ended like one that ``processes.start`` started."""
    if not FORKS:
        environment = {"PYTHONPATH": str(TESTS), **env}
        program = ["support.moved_clock", module] if moved_clock.VARIABLE in env else [module]
        return processes.start(name, [sys.executable, "-m", *program], log=log, env=environment, pid_file=pid_file)
    log.parent.mkdir(parents=True, exist_ok=True)
    with _turn:
        pid = _forked(_nursery_of(module), {"log": str(log), "env": dict(env)})
    # One that has ended already, as wrong settings end it, is a process that is not running: its caller looks why.
    identity = processes.identity_of(pid) or processes.Identity(pid, "ended")
    owner = processes.identity_of(os.getpid())
    process = processes.Background(name, identity, log, owner=owner, pid_file=pid_file)
    processes._write_pid_file(pid_file, process)
    return process


def _nursery_of(module: str) -> "subprocess.Popen[bytes]":
    nursery = _nurseries.get(module)
    if nursery is None:
        nursery = _nurseries[module] = subprocess.Popen(
            [sys.executable, "-u", "-m", "support.forks", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(TESTS)},
            start_new_session=True,
        )
    return nursery


def _forked(nursery: "subprocess.Popen[bytes]", order: Mapping[str, Any]) -> int:
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(json.dumps(order).encode() + b"\n")
    nursery.stdin.flush()
    told = nursery.stdout.readline()
    assert told, "the program could not be imported"
    return int(told)


@atexit.register
def _close() -> None:
    for nursery in _nurseries.values():
        nursery.communicate(timeout=NURSERY_SECONDS)


def nurse(module: str) -> None:
    """Import, then fork whenever told to, until the test run ends and closes the pipe."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for needed in BEFOREHAND.get(module, ()):
        importlib.import_module(needed)
    if module.startswith("tieout_"):
        importlib.import_module(f"{module}.__main__")
        del sys.modules[f"{module}.__main__"]
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(module, order)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become(module: str, order: Mapping[str, Any]) -> NoReturn:
    code: Any = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sink = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        for number, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, sink), (2, sink)):
            os.dup2(source, number)
        os.environ.clear()
        os.environ.update(order["env"])
        sys.argv = [module]
        moved_clock.begin()
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:  # noqa: BLE001 - as the interpreter would at the end of a program
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    nurse(sys.argv[1])
