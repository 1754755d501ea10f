"""The cursors of one partition: restored from the compacted topic, moved on in transactions that fence."""

from typing import Final, Self

from tieout.events.cursors import ErpCursor
from tieout.log.clients import KafkaAccess
from tieout.log.cursors import CursorRows
from tieout.log.topics import Names
from tieout_erp_poller.raw import SOURCE

SERVICE: Final = "erp-poller"


class PartitionCursors(CursorRows[ErpCursor]):
    """Owned while its partition of ``erp.polls`` is; ``open`` blocks, everything else belongs to the event loop."""

    def __init__(self, access: KafkaAccess, names: Names, partition: int) -> None:
        super().__init__(access, names, writer=SERVICE, partition=partition, source=SOURCE, cursor=ErpCursor)
        self.partition = partition

    def taken_over(self) -> Self:
        """Fence the predecessor, then read what it left. Raises as ``open`` and ``read``."""
        self.open()
        self.read(self.partition)
        return self
