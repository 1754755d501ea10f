"""Reads that somebody asked for: records again, and the files of an invoice.

They wait for their ERP however long it is away, and are done once what was read is stored.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from tieout.connections.documents import DocumentName
from tieout.domain.capabilities_bill import BILL
from tieout.domain.erp import DocumentRef
from tieout.domain.errors import Reject
from tieout.domain.records import Kind, ReadContext
from tieout.events.commands import DocumentPlace
from tieout.events.envelope import Message, Payload
from tieout.events.raw import ErpDocument
from tieout.events.requests import DocumentsAsked, RowsAsked
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger
from tieout_connectors.spi.erp import RawRow
from tieout_erp_poller import metrics
from tieout_erp_poller.asking import asked
from tieout_erp_poller.connectors import PolledErp
from tieout_erp_poller.raw import RunName, document_message, storable, unreadable_message
from tieout_erp_poller.run import Surroundings, write_rows
from tieout_erp_poller.shown import Shown

log = logger(__name__)

AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)
# Records read by one go: each may have a megabyte, and a go holds one place.
TOGETHER: Final = 20
# Pauses after failures in a row, seconds. The last one is how late a read is once an ERP is back, at most: a poll that
# succeeds ends the pause before.
PAUSES: Final = (2.0, 5.0, 15.0, 60.0, 300.0)
# A file above it would be refused by BILL; nothing is read of it that nobody can use.
FILE_LIMIT: Final = BILL.document_bytes

GONE: Final = "it is not in the ERP any more"
PROBLEMS: Final = {"too_large": "too_large"}
"""Refusals of a file by their code; any other is ``missing``."""


@dataclass(eq=False)
class Pending:
    """A read that was asked for. ``told`` are files of it that were told of before the ERP failed."""

    message: Message[Payload]
    question: RowsAsked | DocumentsAsked
    done: Callable[[], None]
    told: set[str] = field(default_factory=set)


class Reads:
    """What was asked of one connection's ERP and is not done. It outlives a poller: a pause loses nothing."""

    def __init__(self) -> None:
        self._waiting: list[Pending] = []
        self._failures = 0
        self._not_before = AT_ONCE
        self._refused = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, pending: Pending) -> None:
        """Somebody asks."""
        self._waiting.append(pending)

    def withdraw(self, pending: Pending) -> bool:
        """Nobody waits for it here any more; False if it is done, or being read."""
        if pending not in self._waiting:
            return False
        self._waiting.remove(pending)
        return True

    def take(self) -> list[Pending]:
        """The next ones that can be read together; put back by ``add`` if they are not done."""
        first = self._waiting[0]
        taken = [first]
        if isinstance(first.question, RowsAsked):
            alike = [one for one in self._waiting[1:] if _are_alike(one.question, first.question)]
            taken += alike[: TOGETHER - 1]
        for one in taken:
            self._waiting.remove(one)
        return taken

    def due(self) -> datetime | None:
        """When to read, None if nobody asks."""
        return self._not_before if self._waiting else None

    def failed(self, now: datetime, after: float | None) -> None:
        """The ERP does not answer: leave it alone for a while, at least as long as it asks for."""
        pause = max(PAUSES[min(self._failures, len(PAUSES) - 1)], after or 0.0)
        self._failures += 1
        self._not_before = now + timedelta(seconds=pause)

    def refused(self, now: datetime) -> None:
        """The ERP refuses them until a person acts: it answers, and that is no reason to ask again sooner."""
        self._refused = True
        self._not_before = now + timedelta(seconds=PAUSES[-1])

    def hurry(self, *, mended: bool = False) -> None:
        """The ERP answers again, or a person has ``mended`` the connection: read at once."""
        if self._refused and not mended:
            return
        self._refused = False
        self._failures = 0
        self._not_before = AT_ONCE

    def drop(self) -> None:
        """Nobody will ever read: the connection is over."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.done()


def _are_alike(one: RowsAsked | DocumentsAsked, other: RowsAsked) -> bool:
    return isinstance(one, RowsAsked) and one.kind is other.kind


@dataclass(frozen=True)
class Answering:
    """Serves reads with an open reader.

    Attributes:
        run: the number of a kind's newest run, 0 before the first.
        key: what documents are sealed with. Raises Retry, Fatal.
        shown: what is remembered of a kind, None if nothing is.
    """

    connection: str
    erp: str
    reader: PolledErp
    around: Surroundings
    run: Callable[[Kind], int]
    key: Callable[[], Awaitable[bytes]]
    shown: Callable[[Kind], Shown | None]

    async def serve(self, reads: Reads) -> None:
        """Read until nobody waits, or the process stops.

        Raises:
            Retry, Fatal: the ERP or the store does not answer; what is not done waits on.
            KafkaException: the log does not take what was read.
        """
        while len(reads) and not self.around.stopping():
            group = reads.take()
            try:
                await self._serve(group)
            except BaseException:
                for one in group:
                    reads.add(one)
                raise
            for one in group:
                one.done()

    async def _serve(self, group: Sequence[Pending]) -> None:
        question = group[0].question
        if isinstance(question, DocumentsAsked):
            await self._documents(group[0], question)
            return
        keys = [key for one in group if isinstance(one.question, RowsAsked) for key in one.question.keys]
        once = list(dict.fromkeys(keys))
        for start in range(0, len(once), TOGETHER):
            await self._rows(question.kind, once[start : start + TOGETHER])

    async def _rows(self, kind: Kind, keys: Sequence[str]) -> None:
        """Read these again and write them as a poll would; one that does not come, or is refused, is told of too."""
        name = RunName(self.connection, self.erp, kind, self.run(kind))
        try:
            async with self.around.places:
                context = await asked("again.context", self.reader.context())
                rows = await asked("again", self._read(kind, keys))
                await self._write(name, rows, context)
        except Reject as error:
            if len(keys) > 1:
                # One that is refused must not keep the others from being read.
                for key in keys:
                    await self._rows(kind, [key])
                return
            log.error("record refused", connection=self.connection, kind=kind, reason=str(error), cure=error.cure)  # noqa: TRY400
            await self._tell(name, keys, f"the ERP refused to show it ({error.code})")
            return
        gone = set(keys) - {row.key for row in rows}
        await self._tell(name, [key for key in keys if key in gone], GONE)

    async def _read(self, kind: Kind, keys: Sequence[str]) -> list[RawRow]:
        return [row async for row in self.reader.rows(kind, keys)]

    async def _write(self, name: RunName, rows: Sequence[RawRow], context: ReadContext) -> None:
        if not rows:
            return
        reach("erp-poller.again.rows.before")
        await write_rows(self.around, name, rows, context)
        reach("erp-poller.again.rows.after")
        if (shown := self.shown(name.kind)) is not None:
            shown.stored(rows)

    async def _tell(self, name: RunName, keys: Iterable[str], reason: str) -> None:
        messages = [unreadable_message(name, key, "", reason, self.around.clock()) for key in keys]
        if messages:
            await self.around.log.write(messages)
            metrics.UNREADABLE.labels(self.erp, name.kind).inc(len(messages))

    async def _documents(self, pending: Pending, question: DocumentsAsked) -> None:
        """Each file of the invoice: sealed, stored, told of."""
        key = await self.key()
        try:
            files = await asked("documents", self.reader.documents(Kind.PURCHASE_INVOICE, question.invoice))
        except Reject as error:
            # No file is known by name, so there is nothing to tell of one; the bill goes on without.
            log.error(  # noqa: TRY400
                "files refused",
                connection=self.connection,
                invoice=question.invoice,
                reason=str(error),
                cure=error.cure,
            )
            return
        for ref in files:
            if ref.id in pending.told:
                continue
            said = storable(ref)
            place, problem = await self._fetched(key, DocumentName(self.connection, question.invoice, said.id), ref)
            found = ErpDocument(
                erp=self.erp, link=question.link, invoice=question.invoice, document=said, place=place, problem=problem
            )
            reach("erp-poller.document.told.before")
            await self.around.log.write([document_message(pending.message, found, self.around.clock())])
            reach("erp-poller.document.told.after")
            pending.told.add(ref.id)
            metrics.DOCUMENTS.labels(self.erp, problem or "stored").inc()

    async def _fetched(self, key: bytes, name: DocumentName, ref: DocumentRef) -> tuple[DocumentPlace | None, str]:
        """Where a file lies, or what is wrong with it."""
        try:
            async with self.around.places:
                content = await asked("document", self._content(ref))
                if not content:
                    return None, "missing"
                reach("erp-poller.document.kept.before")
                place = await self.around.log.keep(key, name, content)
                reach("erp-poller.document.kept.after")
        except Reject as error:
            log.warning("file refused", connection=self.connection, document=ref.id, reason=str(error))
            return None, PROBLEMS.get(error.code, "missing")
        return place, ""

    async def _content(self, ref: DocumentRef) -> bytes:
        return b"".join([part async for part in self.reader.document(ref, FILE_LIMIT)])
