"""control-plane's one transactional producer: whoever opens it last is active, and the one before it ends."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from confluent_kafka import KafkaException

from tieout.log.clients import KafkaAccess
from tieout.log.produce import Aborted, Fenced, Outgoing, TransactionalProducer
from tieout.log.topics import Names
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger

SERVICE: Final = "control-plane"
# An abort is a broker that moved a leader or a coordinator, which takes a second. After three the caller is told.
TRIES: Final = 3
log = logger(__name__)


class Superseded(Exception):
    """Another control-plane is active, or the fate of the last transaction is unknown: this process has to end."""


class LogUnavailable(Exception):
    """Nothing was written; the same may be tried again."""


class LogWriter:
    """Transactions, one after another. ``superseded`` is set once this process may write no more."""

    def __init__(self, access: KafkaAccess, names: Names) -> None:
        self._producer = TransactionalProducer(access, names.transactional_id(SERVICE))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-writer")
        self.superseded = asyncio.Event()

    async def open(self) -> None:
        """Fence the control-plane before this one. Raises LogUnavailable if no broker lets us."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._producer.open)
        except KafkaException as error:
            raise LogUnavailable(f"Kafka does not let control-plane in: {error.args[0]}") from error

    async def commit(self, what: str, messages: Sequence[Outgoing]) -> None:
        """Write all of them or nothing.

        Raises:
            LogUnavailable: nothing was written.
            Superseded: nothing was written, or nobody knows; the process is about to end.
        """
        reach(f"{SERVICE}.{what}.before")
        for left in reversed(range(TRIES)):
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._producer.commit, messages)
            except Aborted as error:
                log.warning("transaction rolled back", what=what, reason=str(error), tries_left=left)
                if left == 0:
                    raise LogUnavailable(f"Kafka rolled it back {TRIES} times: {error}") from error
            except Fenced as error:
                self.superseded.set()
                raise Superseded(f"another control-plane is active, or the log's state is unknown: {error}") from error
            else:
                break
        reach(f"{SERVICE}.{what}.after")

    def close(self) -> None:
        """Forget the producer. An open transaction is rolled back by the next one to open."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._producer.close()
