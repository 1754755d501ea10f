"""The reader of the ERP that exists in tests only: a folder that tests write to, and that says who read it.

``rows.jsonl`` holds the changes of vendors, one a line, in order; of other kinds there is nothing. ``files`` holds the
files of every invoice. ``calls.log`` gets a line per call. While a file ``gate`` is there, every page behind the first
waits for it to go. A file ``refuse`` holds ``retry`` or ``fatal``.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from tieout.connections.registry import ConnectionView
from tieout.domain.erp import DocumentRef
from tieout.domain.errors import Fatal, Retry
from tieout.domain.records import Kind, ReadContext
from tieout_connectors.spi.erp import CheckLine, CheckStatus, Page, RawRow, Watermark

PAGE: Final = 3
KEY: Final = bytes(range(32))


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
        if kind is not Kind.VENDOR:
            yield Page((), since, whole=True)
            return
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

    async def rows(self, kind: Kind, keys: Sequence[str]) -> AsyncIterator[RawRow]:
        """The newest change of each."""
        self._called(f"rows {kind} {' '.join(keys)}")
        newest = {}
        for line in (self._folder / "rows.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            newest[row["id"]] = row
        for key in keys:
            if key in newest:
                yield RawRow(kind, key, str(newest[key]["change"]), newest[key])

    async def documents(self, kind: Kind, key: str) -> tuple[DocumentRef, ...]:
        """All of them."""
        self._called(f"documents {kind} {key}")
        files = sorted((self._folder / "files").iterdir())
        return tuple(DocumentRef(id=file.name, owner=key, name=file.name) for file in files)

    async def document(self, ref: DocumentRef, _limit: int) -> AsyncIterator[bytes]:
        """A file, in one part."""
        self._called(f"document {ref.id}")
        yield (self._folder / "files" / ref.id).read_bytes()

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

    async def document_key(self, _connection: str) -> bytes:
        """The same for all."""
        return KEY
