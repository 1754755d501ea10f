"""Cursors of polls: rows of the compacted topic ``cursors``, moved on in transactions that fence.

A row says only what is stored already, so the worst that an old one does is that records are read again.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

from tieout.domain.settings import Side
from tieout.events import catalogue
from tieout.events.cursors import BillCursor, ErpCursor
from tieout.events.envelope import Message, UnreadableMessage, decode, time_text
from tieout.events.identity import digest
from tieout.log.clients import KafkaAccess
from tieout.log.compacted import read_to_end
from tieout.log.outgoing import outgoing
from tieout.log.produce import Aborted, Fenced, Outgoing, TransactionalProducer
from tieout.log.topics import Names, Topic

# An abort here is a broker that moves its coordinator; it passes within the back-off, or something else is wrong.
ABORTS: Final = 5

C = TypeVar("C", ErpCursor, BillCursor)


def cursor_key(connection: str, side: Side, kind: str) -> str:
    """The row of a poll."""
    return f"{connection}/{side.value}/{kind}"


class CursorRows(Generic[C]):
    """The rows that one owner writes, all of one side. ``open`` and ``read`` block; ``commit`` is for the event loop.

    Args:
        writer: first part of the transactional id; with ``partition`` it names the owner.
        source: of the messages, as in the envelope.
        cursor: the kind of row; the side follows from it.
    """

    def __init__(
        self, access: KafkaAccess, names: Names, *, writer: str, partition: int, source: str, cursor: type[C]
    ) -> None:
        self._access = access
        self._names = names
        self._source = source
        self._cursor: type[C] = cursor
        self._side = Side.ERP if cursor is ErpCursor else Side.BILL
        self._owner = f"{writer}, partition {partition}"
        self._producer = TransactionalProducer(access, names.transactional_id(writer, partition))
        self._rows: dict[str, C] = {}
        self.thread: Final = ThreadPoolExecutor(1, thread_name_prefix=f"{writer}-{partition}")

    def open(self) -> None:
        """Fence the predecessor. Read after this: then nothing can be written in between.

        Raises:
            KafkaException, TimeoutError: the brokers did not let us in.
        """
        self._producer.open()

    def read(self, partition: int) -> None:
        """Take the rows of a partition of ``cursors``; what is known here already is newer and stays.

        Raises:
            KafkaException, TimeoutError: the brokers do not answer.
            UnreadableMessage: a cursor that this release cannot read; guessing would skip records.
        """
        topic = self._names.topic(Topic.CURSORS)
        rows: dict[str, C] = {}
        for message in read_to_end(self._access, topic, partition):
            key = (message.key() or b"").decode()
            if f"/{self._side.value}/" not in key:
                continue
            if message.value() is None:
                rows.pop(key, None)
                continue
            data = decode(message.headers(), message.value(), catalogue).data
            if not isinstance(data, self._cursor):
                reason = f"{key} is no cursor of {self._side.value}"
                raise UnreadableMessage(f"{topic}/{partition}/{message.offset()}: {reason}")
            rows[key] = data
        self._rows = rows | self._rows

    def get(self, connection: str, kind: str) -> C | None:
        """Where a poll stands, None before its first run."""
        return self._rows.get(cursor_key(connection, self._side, kind))

    async def commit(self, connection: str, cursor: C) -> None:
        """Move on.

        Raises:
            Fenced: somebody else owns the rows now, or nobody knows; nothing was, or may be, written.
        """
        key = cursor_key(connection, self._side, cursor.kind)
        message = outgoing(self._names, Topic.CURSORS, self._message(connection, key, cursor), key=key)
        work = asyncio.get_running_loop().run_in_executor(self.thread, self._commit, message)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            # The transaction goes on without us; who polls next in this process must not start from an older cursor.
            await asyncio.wait([work])
            if work.exception() is None:
                self._rows[key] = cursor
            raise
        self._rows[key] = cursor

    def close(self) -> None:
        """Give the producer back; a commit in work ends by itself, or is fenced by the next owner."""
        self.thread.shutdown(wait=False, cancel_futures=True)
        self._producer.close()

    def _message(self, connection: str, key: str, cursor: C) -> Message[C]:
        time = max(cursor.started, cursor.ended or cursor.started)
        position = cursor.position or ""
        text = position if isinstance(position, str) else time_text(position)
        return Message(
            id="p" + digest("cursor", key, str(cursor.run), text, time_text(time))[:31],
            source=self._source,
            type=catalogue.name_of(cursor),
            subject=key,
            time=time,
            partitionkey=connection,
            data=cursor,
        )

    def _commit(self, message: Outgoing) -> None:
        for attempt in range(ABORTS):
            try:
                self._producer.commit([message])
            except Aborted as error:
                if attempt == ABORTS - 1:
                    raise Fenced(f"cursors of {self._owner}: {ABORTS} aborts in a row: {error}") from error
            else:
                return
