"""A temporary folder whose processes end with the process that made it, however that one ends.

A test run that is killed cannot stop its broker. So a small process waits at the other end of a pipe: the kernel
closes the pipe when the owner dies, and the leash stops what is left and removes the folder.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tieout_devstack.errors import DevstackError
from tieout_devstack.processes import Identity, identity_of, stop_orphans

_PREFIX = "tieout-test-"
_DONE = b"done"
_OWNER = "owner"
# The kernel closes a dying process's files a moment before its pid is gone.
_DYING_SECONDS = 30.0


@contextmanager
def leashed_folder() -> Iterator[Path]:
    """A fresh folder in the system's temporary one; on leaving, processes started in it (by pid file) are stopped.

    If this process dies before that, the leash does the same within moments; if the leash was killed too, the next
    caller does it.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    # PostgreSQL started by root runs as another user, who has to pass. Secrets inside have modes of their own.
    folder.chmod(0o711)
    me = identity_of(os.getpid())
    if me is None:
        raise DevstackError("this process cannot find itself in the system's process table")
    (folder / _OWNER).write_text(f"{me.pid} {me.born}", encoding="utf-8")
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "tieout_devstack.leash", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Ctrl-C goes to the whole terminal group; the leash has to outlive it.
        start_new_session=True,
    ) as leash:
        try:
            yield folder
        finally:
            stop_orphans(folder, dying=me)
            shutil.rmtree(folder, ignore_errors=True)
            leash.communicate(_DONE, timeout=_DYING_SECONDS)


def hold(folder: Path) -> None:
    """The leash itself: wait for the owner's word or end, and after an end clean up behind it."""
    if sys.stdin.buffer.read() == _DONE:
        return
    owner = _owner_of(folder)
    end = time.monotonic() + _DYING_SECONDS
    while owner is not None and owner.alive() and time.monotonic() < end:
        time.sleep(0.05)
    _clean_behind(folder)


def _clean_behind(folder: Path) -> None:
    owner = _owner_of(folder)
    if owner is not None and not owner.alive():
        stop_orphans(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Clean behind every earlier owner of this user whose leash died with it."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):
            if folder.stat().st_uid == os.getuid():
                _clean_behind(folder)


def _owner_of(folder: Path) -> Identity | None:
    try:
        pid, _, born = (folder / _OWNER).read_text(encoding="utf-8").partition(" ")
        return Identity(int(pid), born)
    except (FileNotFoundError, ValueError):
        return None


if __name__ == "__main__":
    hold(Path(sys.argv[1]))
