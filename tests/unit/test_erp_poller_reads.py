"""erp-poller's reads that somebody asked for: done once stored, told of when there is nothing, never lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tieout.connections.documents import DocumentName
from tieout.domain.erp import DocumentRef
from tieout.domain.errors import Fatal, RecoveryError, Reject, Retry
from tieout.domain.records import Kind, ReadContext
from tieout.events.commands import DocumentPlace
from tieout.events.envelope import Message, Payload
from tieout.events.raw import ErpDocument, ErpRow, ErpUnreadable
from tieout.events.requests import DocumentsAsked, RowsAsked
from tieout_connectors.spi.erp import RawRow
from tieout_erp_poller.reads import AT_ONCE, FILE_LIMIT, GONE, PAUSES, TOGETHER, Answering, Pending, Reads
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


async def test_records_are_read_again_and_written_as_the_newest_run_would() -> None:
    """The decider takes them for what they are: seen after everything of that run."""
    world = World()
    world.ask_rows("i-1")
    await world.serve()
    (row,) = world.told()
    assert isinstance(row, ErpRow)
    assert (row.kind, row.key, row.version, row.run) == (Kind.PURCHASE_INVOICE, "i-1", "1", 7)
    assert world.done == ["r1"]


async def test_what_many_ask_is_read_together() -> None:
    """Three hundred holds that are cleared at once do not cost three hundred calls."""
    world = World(records={f"i-{number}": "1" for number in range(TOGETHER + 5)})
    for number in range(TOGETHER + 5):
        world.ask_rows(f"i-{number}", "i-0", name=f"r{number}")
    await world.serve()
    assert len([call for call in world.calls if call.startswith("rows")]) == 2
    assert len(world.done) == TOGETHER + 5
    assert {row.key for row in world.told()} == set(world.records)


async def test_a_record_that_is_gone_is_told_and_the_others_are_read() -> None:
    """Nobody waits for ever for what was deleted in the ERP; a person sees which record it is."""
    world = World()
    world.ask_rows("i-9", "i-1")
    await world.serve()
    row, gone = world.told()
    assert isinstance(row, ErpRow)
    assert isinstance(gone, ErpUnreadable)
    assert (gone.key, gone.run, gone.reason) == ("i-9", 7, GONE)
    assert world.done == ["r1"]


async def test_a_record_that_is_refused_keeps_nobody_waiting() -> None:
    """One id that the ERP does not understand among twenty: nineteen are read, one is told of."""
    world = World()
    world.errors = {
        "rows i-1 bad": Reject("no guid", code="BadRequest"),
        "rows bad": Reject("no guid", code="BadRequest"),
    }
    world.ask_rows("i-1", "bad")
    await world.serve()
    row, refused = world.told()
    assert isinstance(row, ErpRow)
    assert isinstance(refused, ErpUnreadable)
    assert (refused.key, refused.reason) == ("bad", "the ERP refused to show it (BadRequest)")
    assert world.done == ["r1"]


@pytest.mark.parametrize("call", ["context", "rows i-1", "documents i-1", "key", "document a.pdf"])
async def test_an_erp_that_fails_loses_no_request(call: str) -> None:
    """Whatever call it was: nobody is told that it is done, and once the ERP answers it is."""
    world = World(files={"a.pdf": b"abc"})
    world.errors = {call: Retry("down")}
    world.ask_rows("i-1", name="rows")
    world.ask_files(name="files")
    while "rows" not in world.done and "files" not in world.done:
        with pytest.raises(Retry):
            await world.serve()
        assert len(world.reads) + len(world.done) == 2
        if call in ("context", "rows i-1"):
            break
    world.errors = {}
    await world.serve()
    assert sorted(world.done) == ["files", "rows"]
    assert len(world.reads) == 0


async def test_a_log_that_does_not_take_it_is_no_answer() -> None:
    """Not stored, not done: the process ends and the request is read again."""
    world = World(broken=RuntimeError("brokers are away"))
    world.ask_rows("i-1")
    with pytest.raises(RuntimeError):
        await world.serve()
    assert (world.done, len(world.reads)) == ([], 1)


async def test_each_file_is_stored_and_told_of_once() -> None:
    """The bill gets all files of its invoice, each as it is, with the trace of who asked."""
    world = World(files={"a.pdf": b"first", "b.pdf": b"second"})
    world.ask_files()
    await world.serve()
    assert [(name.document, content) for name, content in world.kept] == [("a.pdf", b"first"), ("b.pdf", b"second")]
    assert {name.connection for name, _ in world.kept} == {"acme"}
    first, second = world.messages
    assert isinstance(first.data, ErpDocument)
    assert (first.data.link, first.data.invoice, first.data.problem) == ("bill/i-1", "i-1", "")
    assert first.data.place is not None
    assert (first.data.place.bytes, first.data.place.offsets) == (5, (1,))
    assert (first.causationid, first.correlationid, first.traceparent) == ("r1", "link", "00-1")
    assert first.id != second.id
    assert world.done == ["r1"]


async def test_files_told_before_the_erp_failed_are_not_sent_again() -> None:
    """The second of two files fails for an hour: the first one is not downloaded every time."""
    world = World(files={"a.pdf": b"first", "b.pdf": b"second"}, errors={"document b.pdf": Retry("busy")})
    world.ask_files()
    for _ in range(3):
        with pytest.raises(Retry):
            await world.serve()
    world.errors = {}
    await world.serve()
    assert [name.document for name, _ in world.kept] == ["a.pdf", "b.pdf"]


@pytest.mark.parametrize(
    ("error", "content", "problem"),
    [
        (Reject("7 MB", code="too_large"), b"x", "too_large"),
        (Reject("not there", code="gone"), b"x", "missing"),
        (Reject("no right", code="Forbidden"), b"x", "missing"),
        (None, b"", "missing"),
    ],
)
async def test_a_file_that_cannot_travel_is_told_with_the_reason(
    error: RecoveryError | None, content: bytes, problem: str
) -> None:
    """The bill goes on without it, and a person sees which file and why; the next file travels."""
    world = World(files={"a.pdf": content, "b.pdf": b"second"})
    world.errors = {"document a.pdf": error} if error else {}
    world.ask_files()
    await world.serve()
    lost, stored = world.told()
    assert (lost.document.name, lost.place, lost.problem) == ("a.pdf", None, problem)
    assert (stored.document.name, stored.problem) == ("b.pdf", "")
    assert world.done == ["r1"]


async def test_a_file_fetched_again_is_another_message() -> None:
    """It lies elsewhere now, and who uploads it must not look at the old place."""
    world = World(files={"a.pdf": b"first"})
    world.ask_files("one")
    world.ask_files("two")
    await world.serve()
    assert len({message.id for message in world.messages}) == 2


async def test_a_file_name_that_is_no_text_is_written_out() -> None:
    """One odd name never ends the process that serves everybody."""
    world = World(files={"a\ud800.pdf": b"first"})
    world.ask_files()
    await world.serve()
    (found,) = world.told()
    assert found.document.name == "a\\ud800.pdf"


async def test_an_invoice_without_files_or_that_is_gone_is_done() -> None:
    """Nothing to say, and nobody waits."""
    world = World()
    world.ask_files("one")
    await world.serve()
    world.errors = {"documents i-1": Reject("no such invoice", code="gone")}
    world.ask_files("two")
    await world.serve()
    assert (world.done, world.messages) == (["one", "two"], [])


async def test_what_was_read_again_is_no_news_for_the_next_poll() -> None:
    """A ledger entry that somebody asked for is not published a second time by the poll behind it."""
    world = World(shown={Kind.LEDGER_ENTRY: Shown()})
    world.ask(RowsAsked(connection="acme", kind=Kind.LEDGER_ENTRY, keys=("i-1",)))
    await world.serve()
    row = RawRow(Kind.LEDGER_ENTRY, "i-1", "1", {})
    assert world.shown[Kind.LEDGER_ENTRY].news([row]) == ()


async def test_a_stop_leaves_the_rest_for_the_next_process() -> None:
    """SIGTERM: what is not begun is not begun."""
    world = World()
    world.ask_rows("i-1")
    await world.serve(stopping=lambda: True)
    assert (world.calls, world.done, len(world.reads)) == ([], [], 1)


def test_pauses_grow_and_last_as_long_as_the_erp_asks() -> None:
    """An ERP that is away for a night is not asked every second."""
    world = World()
    world.ask_rows("i-1")
    assert world.reads.due() == AT_ONCE
    for pause in (*PAUSES, PAUSES[-1]):
        world.reads.failed(NOW, None)
        assert world.reads.due() == NOW + timedelta(seconds=pause)
    world.reads.failed(NOW, 900)
    assert world.reads.due() == NOW + timedelta(seconds=900)
    world.reads.hurry()
    assert world.reads.due() == AT_ONCE
    world.reads.failed(NOW, None)
    assert world.reads.due() == NOW + timedelta(seconds=PAUSES[0])


def test_a_refusal_waits_for_a_person_and_not_for_the_next_poll() -> None:
    """A missing right for files does not cost calls with every poll that works."""
    world = World()
    world.ask_rows("i-1")
    world.reads.refused(NOW)
    world.reads.hurry()
    assert world.reads.due() == NOW + timedelta(seconds=PAUSES[-1])
    world.reads.hurry(mended=True)
    assert world.reads.due() == AT_ONCE


async def test_a_refused_read_stands_behind_those_that_are_not() -> None:
    """Files that nobody may read do not keep records from being read."""
    world = World(errors={"documents i-1": Fatal("no right")})
    world.ask_files("files")
    world.ask_rows("i-1", name="rows")
    for _ in range(2):
        with pytest.raises(Fatal):
            await world.serve()
    assert world.done == ["rows"]


def test_a_read_is_withdrawn_once_and_only_while_it_waits() -> None:
    """What is being read is not given to somebody else at the same time."""
    world = World()
    one, other = world.ask_rows("i-1", name="one"), world.ask_files("other")
    assert world.reads.take() == [one]
    assert not world.reads.withdraw(one)
    assert world.reads.withdraw(other)
    assert not world.reads.withdraw(other)
