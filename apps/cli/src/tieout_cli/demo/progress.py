"""What a person sees while the demo works: one line per stage, the running one with what it is at."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from rich.status import Status


class Progress:
    """Lines on standard error, so that ``--json -`` and pipes stay clean. On no terminal only what is done is told."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._doing = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("", refresh_per_second=4)
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(Text(text))

    def at(self, text: str) -> None:
        """What is being done within the stage; overwritten by the next."""
        if self._status is not None:
            self._status.update(Text(f"{self._doing}: {text}" if text else self._doing))

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """A stage from its beginning to its end; the line that stays says how long it took."""
        self._doing = title
        self.at("")
        began = time.monotonic()
        try:
            yield
        except BaseException:  # also Ctrl-C: whoever watches sees where it ended, and the cause goes on
            self.say(f"  failed after {time.monotonic() - began:5.1f} s  {title}")
            raise
        self.say(f"{time.monotonic() - began:6.1f} s  {title}")
