"""Crash points: every durable write and every foreign call registers a name, so that tests can enumerate them.

A test runs a service once with a listing file and reads which names were passed; then it starts the service with one
name as the place to die and the process kills itself there, as a power cut would. In production neither is set and
``reach`` costs one comparison.
"""

import os
import signal
from pathlib import Path
from typing import Final

BEFORE: Final = "before"
AFTER: Final = "after"


class CrashPoints:
    """The points of one process.

    Args:
        listing: file to which each name is appended when first passed; None writes nothing.
        crash_at: ``name`` or ``name#N``: die when it is passed for the N-th time (first by default).
    """

    def __init__(self, listing: Path | None = None, crash_at: str = "") -> None:
        self._listing = listing
        self._name, _, count = crash_at.partition("#")
        self._remaining = int(count or "1")
        self._active = listing is not None or bool(crash_at)
        self._seen: set[str] = set()

    def reach(self, name: str) -> None:
        """Pass a point. Does not return if the process is to die here."""
        if not self._active:
            return
        if self._listing is not None and name not in self._seen:
            self._seen.add(name)
            with self._listing.open("a", encoding="utf-8") as file:
                file.write(name + "\n")
                file.flush()
                os.fsync(file.fileno())
        if name == self._name:
            self._remaining -= 1
            if self._remaining == 0:
                os.kill(os.getpid(), signal.SIGKILL)


_current = CrashPoints()


def install(points: CrashPoints) -> None:
    """Make these the points of the process; called once, by the service's start."""
    global _current  # noqa: PLW0603 - a process dies as a whole, so its crash points belong to the process
    _current = points


def reach(name: str) -> None:
    """Pass a crash point of this process."""
    _current.reach(name)
