"""The cursors of one partition: restored from the compacted topic, moved on in transactions that fence."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self

from tieout.domain.records import Kind
from tieout.events import catalogue
from tieout.events.cursors import ErpCursor
from tieout.events.envelope import Message, UnreadableMessage, decode, time_text
from tieout.events.identity import digest
from tieout.log.clients import KafkaAccess
from tieout.log.compacted import read_to_end
from tieout.log.outgoing import outgoing
from tieout.log.produce import Aborted, Fenced, Outgoing, TransactionalProducer
from tieout.log.topics import Names, Topic
from tieout_erp_poller.raw import SOURCE

SERVICE: Final = "erp-poller"
# An abort here is a broker that moves its coordinator; it passes within the back-off, or something else is wrong.
ABORTS: Final = 5


def key_of(connection: str, kind: Kind) -> str:
    """The row of a poll. BILL's polls have rows of their own in the same topic."""
    return f"{connection}/erp/{kind}"


def cursor_message(names: Names, connection: str, cursor: ErpCursor) -> Outgoing:
    """A cursor made ready for its topic."""
    key = key_of(connection, cursor.kind)
    time = max(cursor.started, cursor.ended or cursor.started)
    message = Message(
        id="p" + digest("cursor", key, str(cursor.run), cursor.position, time_text(time))[:31],
        source=SOURCE,
        type=catalogue.name_of(cursor),
        subject=key,
        time=time,
        partitionkey=connection,
        data=cursor,
    )
    return outgoing(names, Topic.CURSORS, message, key=key)


class PartitionCursors:
    """Owned while its partition of ``erp.polls`` is; ``open`` blocks, everything else belongs to the event loop."""

    def __init__(self, access: KafkaAccess, names: Names, partition: int) -> None:
        self._access = access
        self._names = names
        self.partition = partition
        self._producer = TransactionalProducer(access, names.transactional_id(SERVICE, partition))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"cursors-{partition}")
        self._cursors: dict[str, ErpCursor] = {}

    def open(self) -> Self:
        """Fence the predecessor, then read what it left. In this order: nothing can be written in between.

        Raises:
            KafkaException, TimeoutError: the brokers did not let us in.
            UnreadableMessage: a cursor that this release cannot read; guessing would skip rows.
        """
        self._producer.open()
        topic = self._names.topic(Topic.CURSORS)
        for message in read_to_end(self._access, topic, self.partition):
            key = (message.key() or b"").decode()
            if "/erp/" not in key:
                continue
            if message.value() is None:
                self._cursors.pop(key, None)
                continue
            data = decode(message.headers(), message.value(), catalogue).data
            if not isinstance(data, ErpCursor):
                raise UnreadableMessage(f"{topic}/{self.partition}/{message.offset()}: {key} is no cursor of an ERP")
            self._cursors[key] = data
        return self

    def get(self, connection: str, kind: Kind) -> ErpCursor | None:
        """Where a poll stands, None before its first run."""
        return self._cursors.get(key_of(connection, kind))

    async def commit(self, connection: str, cursor: ErpCursor) -> None:
        """Move on.

        Raises:
            Fenced: somebody else owns the partition now, or nobody knows; nothing was, or may be, written.
        """
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

    def _commit(self, message: Outgoing) -> None:
        for attempt in range(ABORTS):
            try:
                self._producer.commit([message])
            except Aborted as error:
                if attempt == ABORTS - 1:
                    raise Fenced(f"partition {self.partition}: {ABORTS} aborts in a row: {error}") from error
            else:
                return

    def close(self) -> None:
        """Give the producer back; a commit in work ends by itself, or is fenced by the next owner."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._producer.close()
