"""A wall clock that a test moves, for services in processes of their own: an hour passes for them at once.

The file named by ``MOVED_CLOCK`` says how many seconds the clock is ahead. Every module of Tieout that was imported
when a service begins reads it; timers and time-outs keep to the machine's. As a program, this starts such a service.
"""

import importlib
import os
import runpy
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Self

VARIABLE: Final = "MOVED_CLOCK"
_REAL: Final = datetime


class MovedClock:
    """The test's hand on the clock of all services that were started with this file."""

    def __init__(self, file: Path, ahead: float) -> None:
        self.file = file
        self.ahead = 0.0
        self.advance(ahead)

    def advance(self, seconds: float) -> None:
        """Move it forward; a service sees the time before or after, and nothing in between."""
        self.ahead += seconds
        new = self.file.with_suffix(".new")
        new.write_text(str(self.ahead), encoding="ascii")
        new.replace(self.file)

    def now(self) -> datetime:
        """What the services read, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead)


class _Any(type):
    """Every date and time is one, whoever made it."""

    def __instancecheck__(cls, other: object) -> bool:
        return isinstance(other, _REAL)


def install(file: Path, modules: Iterable[ModuleType]) -> None:
    """Have these modules take the time from a file's clock, where they imported ``datetime`` by its name."""

    class Moved(datetime, metaclass=_Any):
        """The type, with another now. What is made of it are plain dates and times."""

        def __new__(cls, *parts: Any, **named: Any) -> Self:
            return _REAL(*parts, **named)  # type: ignore[return-value]  # a plain one, so that nothing else differs

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            ahead = timedelta(seconds=float(file.read_text(encoding="ascii")))
            return _REAL.now(tz) + ahead  # type: ignore[return-value]  # the same

    for module in modules:
        if vars(module).get("datetime") is _REAL:
            vars(module)["datetime"] = Moved


def of_tieout() -> list[ModuleType]:
    """Its modules, as far as they are imported."""
    return [module for name, module in list(sys.modules.items()) if name.partition(".")[0].startswith("tieout")]


def begin() -> None:
    """In the process of a service, before it begins."""
    if VARIABLE in os.environ:
        install(Path(os.environ[VARIABLE]), of_tieout())


if __name__ == "__main__":
    importlib.import_module(f"{sys.argv[1]}.__main__")
    del sys.modules[f"{sys.argv[1]}.__main__"]
    begin()
    program = sys.argv.pop(1)
    runpy.run_module(program, run_name="__main__", alter_sys=True)
