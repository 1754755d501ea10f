"""Where the polls of one budget partition's connections go on: rows of ``cursors``, moved in transactions that fence.

**Who writes a row.** The rows lie in the partition of their connection, but what owns a connection's calls is the
partition of its budget, and the ``transactional.id`` is made of that: ``bill-writer.polls.N``, N being the partition of
``bill.commands``. Connections of one partition of ``cursors`` may have different owners, and two ids that write to one
partition do not fence each other; but no row has two writers, because a connection has one budget and a budget one
partition. Who takes the partition over opens the same id: the predecessor is fenced before its successor reads the row,
and its next commit ends it. It has an id of its own and not the effects log's, so that a page of a poll never waits for
the group commit of intents or the other way round.

When a connection changes its budget, the old owner may commit once more before the change reaches it, with another
id. That is harmless: a row says only what is stored, both say it truly, and the worst is that rows are read again.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tieout.events import catalogue
from tieout.events.cursors import BillCursor
from tieout.events.envelope import Message, UnreadableMessage, decode, time_text
from tieout.events.identity import digest
from tieout.log.clients import KafkaAccess
from tieout.log.compacted import read_to_end
from tieout.log.outgoing import outgoing
from tieout.log.produce import Aborted, Fenced, Outgoing, TransactionalProducer
from tieout.log.topics import Names, Topic
from tieout_bill_writer.raw import SOURCE
from tieout_connectors.bill.raw import RawKind

SERVICE: Final = "bill-writer.polls"
# An abort here is a broker that moves its coordinator; it passes within the back-off, or something else is wrong.
ABORTS: Final = 5


def key_of(connection: str, kind: str) -> str:
    """The row of a poll. The polls of the ERP have rows of their own in the same topic."""
    return f"{connection}/bill/{kind}"


def cursor_message(names: Names, connection: str, cursor: BillCursor) -> Outgoing:
    """A cursor made ready for its topic."""
    key = key_of(connection, cursor.kind)
    time = max(cursor.started, cursor.ended or cursor.started)
    position = "" if cursor.position is None else time_text(cursor.position)
    message = Message(
        id="p" + digest("cursor", key, str(cursor.run), position, time_text(time))[:31],
        source=SOURCE,
        type=catalogue.name_of(cursor),
        subject=key,
        time=time,
        partitionkey=connection,
        data=cursor,
    )
    return outgoing(names, Topic.CURSORS, message, key=key)


class PollCursors:
    """The cursors that the owner of one budget partition writes. Use from the event loop."""

    def __init__(self, access: KafkaAccess, names: Names, partition: int) -> None:
        self._access = access
        self._names = names
        self._producer = TransactionalProducer(access, names.transactional_id(SERVICE, partition))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"poll-cursors-{partition}")
        self._partition = partition
        self._cursors: dict[str, BillCursor] = {}
        self._opening = asyncio.Lock()
        self._open = False

    async def of(self, connection: str) -> dict[RawKind, BillCursor]:
        """Where a connection's polls stand; a kind that was never polled has none. Its predecessor is fenced before.

        Raises:
            KafkaException, TimeoutError: the brokers do not let us in.
            UnreadableMessage: a cursor that this release cannot read; guessing would skip records.
        """
        loop = asyncio.get_running_loop()
        async with self._opening:
            if not self._open:
                await loop.run_in_executor(self._thread, self._producer.open)
                self._open = True
            if not self._known(connection):
                rows = await loop.run_in_executor(self._thread, self._read, self._names.partition_of(connection))
                # What is known here is newer than what was read.
                self._cursors = rows | self._cursors
        return self._known(connection)

    async def commit(self, connection: str, cursor: BillCursor) -> None:
        """Move on. Raises Fenced: somebody else owns the partition now, or nobody knows."""
        message = cursor_message(self._names, connection, cursor)
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._commit, message)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            # The transaction goes on without us; who polls next in this process must not start from an older cursor.
            await asyncio.wait([work])
            if work.exception() is None:
                self._cursors[key_of(connection, cursor.kind)] = cursor
            raise
        self._cursors[key_of(connection, cursor.kind)] = cursor

    def close(self) -> None:
        """Give the producer back; a commit in work ends by itself, or is fenced by the next owner."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._producer.close()

    def _known(self, connection: str) -> dict[RawKind, BillCursor]:
        found = ((kind, self._cursors.get(key_of(connection, kind))) for kind in RawKind)
        return {kind: cursor for kind, cursor in found if cursor is not None}

    def _read(self, partition: int) -> dict[str, BillCursor]:
        topic = self._names.topic(Topic.CURSORS)
        rows: dict[str, BillCursor] = {}
        for message in read_to_end(self._access, topic, partition):
            key = (message.key() or b"").decode()
            if "/bill/" not in key:
                continue
            if message.value() is None:
                rows.pop(key, None)
                continue
            data = decode(message.headers(), message.value(), catalogue).data
            if not isinstance(data, BillCursor):
                raise UnreadableMessage(f"{topic}/{partition}/{message.offset()}: {key} is no cursor of BILL")
            rows[key] = data
        return rows

    def _commit(self, message: Outgoing) -> None:
        for attempt in range(ABORTS):
            try:
                self._producer.commit([message])
            except Aborted as error:
                if attempt == ABORTS - 1:
                    raise Fenced(f"polls of {self._partition}: {ABORTS} aborts in a row: {error}") from error
            else:
                return
