"""erp-poller: of what an ERP shows whole at every poll, only what changed is news."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tieout.connections.documents import DocumentName
from tieout.domain.erp import DocumentRef
from tieout.domain.errors import RecoveryError
from tieout.domain.records import Kind, ReadContext
from tieout.events.commands import DocumentPlace
from tieout.events.envelope import Message, Payload
from tieout.events.requests import DocumentsAsked, RowsAsked
from tieout_connectors.spi.erp import RawRow
from tieout_erp_poller.reads import FILE_LIMIT, Answering, Pending, Reads
from tieout_erp_poller.run import Surroundings
from tieout_erp_poller.shown import Shown

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
KEY = b"k" * 32


@dataclass
class World:
    """An ERP, a log and the reads of one connection, in memory."""

    records: dict[str, str] = field(default_factory=lambda: {"i-1": "1", "i-2": "1"})
    files: dict[str, bytes] = field(default_factory=dict)
    errors: dict[str, RecoveryError] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    messages: list[Message[Payload]] = field(default_factory=list)
    kept: list[tuple[DocumentName, bytes]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    broken: Exception | None = None
    reads: Reads = field(default_factory=Reads)
    shown: dict[Kind, Shown] = field(default_factory=dict)

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if what in self.errors:
            raise self.errors[what]

    async def context(self) -> ReadContext:
        """The company."""
        self._called("context")
        return ReadContext(company="c1", local_currency="USD")

    async def rows(self, kind: Kind, keys: Sequence[str]) -> AsyncIterator[RawRow]:
        """Records that exist."""
        self._called(f"rows {' '.join(keys)}")
        for key in keys:
            if key in self.records:
                yield RawRow(kind, key, self.records[key], {"id": key})

    async def documents(self, _kind: Kind, key: str) -> tuple[DocumentRef, ...]:
        """All files."""
        self._called(f"documents {key}")
        return tuple(DocumentRef(id=name, owner=key, name=name, size=len(file)) for name, file in self.files.items())

    async def document(self, ref: DocumentRef, limit: int) -> AsyncIterator[bytes]:
        """A file in two parts."""
        self._called(f"document {ref.id}")
        assert limit == FILE_LIMIT
        content = self.files[ref.id]
        yield content[:2]
        yield content[2:]

    async def key(self) -> bytes:
        """What documents are sealed with."""
        self._called("key")
        return KEY

    async def write(self, messages: Sequence[Message[Payload]]) -> None:
        """Raw messages."""
        if self.broken is not None:
            raise self.broken
        self.messages.extend(messages)

    async def keep(self, key: bytes, name: DocumentName, content: bytes) -> DocumentPlace:
        """A document."""
        assert key == KEY
        self.kept.append((name, content))
        return DocumentPlace(partition=0, offsets=(len(self.kept),), bytes=len(content), sha256="ab" * 32)

    def ask(self, question: RowsAsked | DocumentsAsked, name: str = "r1") -> Pending:
        """Somebody asks; ``done`` gets the name."""
        message: Message[Payload] = Message(
            name,
            "/test",
            "tieout.request.rows.v1",
            "s",
            NOW,
            "acme",
            question,
            correlationid="link",
            traceparent="00-1",
        )
        pending = Pending(message, question, lambda: self.done.append(name))
        self.reads.add(pending)
        return pending

    def ask_rows(self, *keys: str, name: str = "r1") -> Pending:
        """Invoices, again."""
        return self.ask(RowsAsked(connection="acme", kind=Kind.PURCHASE_INVOICE, keys=keys), name)

    def ask_files(self, name: str = "r1") -> Pending:
        """The files of the first invoice."""
        return self.ask(DocumentsAsked(connection="acme", generation=1, link="bill/i-1", invoice="i-1"), name)

    async def serve(self, **around: Any) -> None:
        """Serve them all."""
        surroundings = Surroundings(log=self, clock=lambda: NOW, places=asyncio.Semaphore(1), **around)  # type: ignore[arg-type]
        answering = Answering("acme", "fake", self, surroundings, lambda _kind: 7, self.key, self.shown.get)  # type: ignore[arg-type]
        await answering.serve(self.reads)

    def told(self) -> list[Any]:
        """What was written."""
        return [message.data for message in self.messages]


def row(key: str, version: str = "", **document: Any) -> RawRow:
    """A ledger entry."""
    return RawRow(Kind.LEDGER_ENTRY, key, version, document)


def test_only_changes_of_what_is_shown_whole_are_news() -> None:
    """A hundred open entries that stand as they stood leave no trace; one whose hold changed does, back again too."""
    shown = Shown()
    first = [row("1", "a"), row("2", hold="", amount=1)]
    assert shown.news(first) == tuple(first)
    shown.stored(first)
    assert shown.news(first) == ()
    for hold in ("HLD", ""):
        changed = [row("1", "a"), row("2", hold=hold, amount=1)]
        assert shown.news(changed) == (changed[1],)
        shown.stored(changed)
        shown.ended()


def test_what_was_not_stored_is_news_again() -> None:
    """A crash between reading and storing loses no change."""
    shown = Shown()
    assert shown.news([row("1", "a")]) == shown.news([row("1", "a")]) != ()


def test_what_is_no_longer_shown_is_forgotten_after_a_whole_poll() -> None:
    """An entry that closed and opens again is news, however it looks; the memory does not grow with history."""
    shown = Shown()
    shown.stored([row("1", "a"), row("2", "a")])
    shown.ended()
    shown.stored([row("2", "a")])
    shown.ended()
    assert [one.key for one in shown.news([row("1", "a"), row("2", "a")])] == ["1"]


def test_what_is_beyond_the_memory_is_published_again_and_never_lost() -> None:
    """Changed and changed back within one poll: with a full memory both changes are told."""
    shown = Shown(limit=1)
    shown.stored([row("1", "a"), row("2", "a")])
    assert [one.key for one in shown.news([row("1", "a"), row("2", "a")])] == ["2"]
    shown.ended()
    shown.stored([row("3", "a")])
    shown.stored([row("1", "b")])
    assert [one.key for one in shown.news([row("1", "a")])] == ["1"]


def test_other_settings_make_everything_news() -> None:
    """What is mapped otherwise has to be seen again."""
    shown = Shown()
    shown.stored([row("1", "a")])
    shown.forget()
    assert len(shown.news([row("1", "a")])) == 1
