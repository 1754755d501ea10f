"""Crash points: every durable write and every foreign call registers a name, so that tests can enumerate them.

A test runs a service once with a listing file and reads which names were passed; then it names one as the place to die
and the process kills itself there, as a power cut would. Instead of a name it may give ``@FILE``: the process dies
where the file orders it to, whenever the file appears, so that a service need not be started again to be killed.
In production neither is set and ``reach`` costs one comparison.
"""

import os
import signal
from pathlib import Path
from typing import Final

DONE: Final = ".done"
"""What an order's file is renamed to, with its name before it, right before the signal is sent."""


class CrashPoints:
    """The points of one process.

    Args:
        listing: file to which each name is appended when first passed; None writes nothing.
        crash_at: ``name`` or ``name#N``: die when it is passed for the N-th time (first by default). Or ``@FILE``,
            whose one line is ``name[#N] [SIGNAL]``: the process sends itself the signal (SIGKILL by default) at the
            N-th passing since it first saw the order, once; an order carried out is renamed to ``FILE.done``.
    """

    def __init__(self, listing: Path | None = None, crash_at: str = "") -> None:
        self._listing = listing
        self._orders = Path(crash_at[1:]) if crash_at.startswith("@") else None
        self._order = "" if self._orders else crash_at
        self._passed = 0
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
        if self._orders is not None:
            self._follow(self._orders)
        point, _, number = self._order.rpartition(" SIG")
        wanted, _, count = (point or self._order).partition("#")
        if name != wanted:
            return
        self._passed += 1
        if self._passed == int(count or "1") and self._claimed():
            os.kill(os.getpid(), signal.Signals[f"SIG{number}"] if point else signal.SIGKILL)

    def _follow(self, orders: Path) -> None:
        try:
            order = orders.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            order = ""
        if order != self._order:
            self._order, self._passed = order, 0

    def _claimed(self) -> bool:
        """Whether this thread carries the order out; another one may be at the same point."""
        if self._orders is None:
            return True
        try:
            self._orders.rename(self._orders.with_name(self._orders.name + DONE))
        except FileNotFoundError:
            return False
        return True


_current = CrashPoints()


def install(points: CrashPoints) -> None:
    """Make these the points of the process; called once, by the service's start."""
    global _current  # noqa: PLW0603 - a process dies as a whole, so its crash points belong to the process
    _current = points


def reach(name: str) -> None:
    """Pass a crash point of this process."""
    _current.reach(name)
