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
from typing import Final

from tieout.events.cursors import BillCursor
from tieout.log.clients import KafkaAccess
from tieout.log.cursors import CursorRows
from tieout.log.topics import Names
from tieout_bill_writer.raw import SOURCE
from tieout_connectors.bill.raw import RawKind

SERVICE: Final = "bill-writer.polls"


class PollCursors:
    """The cursors that the owner of one budget partition writes. Use from the event loop."""

    def __init__(self, access: KafkaAccess, names: Names, partition: int) -> None:
        self._names = names
        self._rows = CursorRows(access, names, writer=SERVICE, partition=partition, source=SOURCE, cursor=BillCursor)
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
                await loop.run_in_executor(self._rows.thread, self._rows.open)
                self._open = True
            if not self._known(connection):
                partition = self._names.partition_of(connection)
                await loop.run_in_executor(self._rows.thread, self._rows.read, partition)
        return self._known(connection)

    async def commit(self, connection: str, cursor: BillCursor) -> None:
        """Move on. Raises Fenced: somebody else owns the partition now, or nobody knows."""
        await self._rows.commit(connection, cursor)

    def close(self) -> None:
        """Give the producer back; a commit in work ends by itself, or is fenced by the next owner."""
        self._rows.close()

    def _known(self, connection: str) -> dict[RawKind, BillCursor]:
        found = ((kind, self._rows.get(connection, kind)) for kind in RawKind)
        return {kind: cursor for kind, cursor in found if cursor is not None}
