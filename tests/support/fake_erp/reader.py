"""The reader of the ERP that exists in tests only: a folder that tests write to, and that says who read it.

``rows.jsonl`` holds the changes, one a line, in order; ``calls.log`` gets a line per call. While a file ``gate`` is
there, every page behind the first waits for it to go. A file ``refuse`` holds ``retry`` or ``fatal``.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from tieout.connections.registry import ConnectionView
from tieout.domain.errors import Fatal, Retry
from tieout.domain.records import Kind, ReadContext
from tieout_connectors.spi.erp import CheckLine, CheckStatus, Page, RawRow, Watermark

PAGE: Final = 3


class FakeReader:
    """Reads one connection's file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _called(self, what: str) -> None:
        with (self._folder / "calls.log").open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {what}\n")
        refuse = self._folder / "refuse"
        if refuse.exists():
            error = {"retry": Retry("busy", code="429"), "fatal": Fatal("wrong secret", code="7000215", cure="Set it.")}
            raise error[refuse.read_text(encoding="utf-8")]

    async def context(self) -> ReadContext:
        """The company."""
        self._called("context")
        return ReadContext(company="c1", local_currency="USD")

    async def changes(self, kind: Kind, since: Watermark) -> AsyncIterator[Page]:
        """Changes behind the watermark, which is the number of lines seen."""
        self._called(f"changes {kind} {since.position}")
        seen = int(since.position or "0")
        lines = (self._folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()
        for start in range(seen, max(len(lines), seen + 1), PAGE):
            while start > seen and (self._folder / "gate").exists():  # noqa: ASYNC110 - another process opens it
                await asyncio.sleep(0.02)
            rows = [json.loads(line) for line in lines[start : start + PAGE]]
            position = str(start + len(rows))
            yield Page(
                tuple(RawRow(kind, row["id"], str(row["change"]), row) for row in rows),
                Watermark(position, {row["id"]: str(row["change"]) for row in rows}),
            )

    async def check(self) -> list[CheckLine]:
        """One line."""
        self._called("check")
        return [CheckLine("sign-in", CheckStatus.OK, "as a test")]

    async def close(self) -> None:
        """Nothing to give back."""


class FakeReaders:
    """A folder per connection."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self, view: ConnectionView) -> FakeReader:
        """The reader of a connection."""
        return FakeReader(self._folder / view.connection)
