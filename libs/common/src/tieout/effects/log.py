"""One partition of the effects log: a fenced producer, group commit, and the fold after a restart."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from confluent_kafka import TopicPartition

from tieout.effects.progress import Progress
from tieout.effects.protocol import Restored, restore
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, decode
from tieout.log.clients import KafkaAccess
from tieout.log.compacted import read_to_end
from tieout.log.outgoing import outgoing
from tieout.log.produce import Aborted, Fenced, Outgoing, TransactionalProducer
from tieout.log.topics import Names, Topic

# Intents and ends that are ready within this time share one transaction: 3 ms cost a call of 100 ms nothing and cut
# transactions by ten under load.
WINDOW: Final = 0.003
# An abort follows a rebalance of the group; each one passes once `consume` has brought new metadata. Twenty in a row
# are no rebalance any more.
ABORTS: Final = 20


@dataclass(frozen=True)
class Append:
    """Messages that become durable together.

    Attributes:
        effects: for the effects log, each with its command ("" for none) and whether that is open after it.
        facts: outcomes, for ``sync.facts``.
        covers: input offsets that have an intent or an answer by this.
        pin: with a message of no command: keep it readable after a restart under this name.
    """

    effects: tuple[tuple[str, bool, Message[Payload]], ...] = ()
    facts: tuple[Message[Payload], ...] = ()
    covers: tuple[int, ...] = ()
    pin: str = ""


@dataclass(frozen=True)
class _Position:
    topic_partition: TopicPartition
    group: Any

    def positions(self) -> list[TopicPartition]:
        return [self.topic_partition]

    def metadata(self) -> Any:
        return self.group


class EffectsLog:
    """Use ``open`` from the consumer's thread, everything else from the event loop."""

    def __init__(
        self,
        access: KafkaAccess,
        names: Names,
        service: str,
        *,
        commands: Topic,
        effects: Topic,
        partition: int,
        group_metadata: Callable[[], Any],
    ) -> None:
        self._access = access
        self._names = names
        self._commands = names.topic(commands)
        self._effects = effects
        self._partition = partition
        self._group_metadata = group_metadata
        self._producer = TransactionalProducer(access, names.transactional_id(service, partition))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"effects-{partition}")
        self._queue: asyncio.Queue[tuple[Append, asyncio.Future[None]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.progress = Progress(0, 0)

    def open(self, position: int, checkpoint: int) -> Restored:
        """Fence predecessors, then read the log from the checkpoint to its end.

        Raises:
            UnreadableMessage: the log holds what this release does not know.
            KafkaException, TimeoutError: the brokers do not answer.
        """
        self._producer.open()
        topic = self._names.topic(self._effects)
        messages = read_to_end(self._access, topic, self._partition, start=checkpoint)
        restored = restore(self._decoded(messages), checkpoint)
        self.progress = Progress(position, restored.end)
        for command, standing in restored.commands.items():
            self.progress.logged(command, standing.first, is_open=standing.is_open)
        return restored

    def _decoded(self, messages: Iterable[Any]) -> Iterable[tuple[int, Message[Payload]]]:
        for message in messages:
            yield message.offset(), decode(message.headers(), message.value(), catalogue)

    def start(self) -> None:
        """Begin group commits, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._commit_groups())

    async def append(self, append: Append) -> None:
        """Return once everything is committed.

        Raises:
            Fenced: superseded, or the commit's fate is unknown. The process must end.
        """
        if self._task is None or self._task.done():
            raise Fenced("the effects log is closed")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((append, future))
        await future

    async def close(self) -> None:
        """Stop; what is queued and not committed fails as fenced."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, Fenced):
                await self._task
        self._fail(Fenced("the effects log is closed"), [])
        self._producer.close()
        self._thread.shutdown(wait=False)

    async def _commit_groups(self) -> None:
        while True:
            group = [await self._queue.get()]
            await asyncio.sleep(WINDOW)
            while not self._queue.empty():
                group.append(self._queue.get_nowait())
            try:
                await self._commit([append for append, _future in group])
            except (Fenced, asyncio.CancelledError) as error:
                fenced = error if isinstance(error, Fenced) else Fenced("the effects log is closed")
                self._fail(fenced, group)
                raise
            for _append, future in group:
                if not future.done():
                    future.set_result(None)

    def _fail(self, error: Fenced, group: list[tuple[Append, asyncio.Future[None]]]) -> None:
        while not self._queue.empty():
            group.append(self._queue.get_nowait())
        for _append, future in group:
            if not future.done():
                future.set_exception(error)

    async def _commit(self, group: list[Append]) -> None:
        covers = tuple(offset for append in group for offset in append.covers)
        loop = asyncio.get_running_loop()
        for attempt in range(ABORTS):
            placed: list[tuple[str, bool, str, int]] = []
            messages = list(self._outgoing(group, placed))
            position = TopicPartition(
                self._commands,
                self._partition,
                self.progress.position_with(covers),
                metadata=str(self.progress.checkpoint()),
            )
            offsets = _Position(position, self._group_metadata())
            try:
                await loop.run_in_executor(self._thread, self._producer.commit, messages, offsets)
            except Aborted as error:
                if attempt == ABORTS - 1:
                    raise Fenced(f"{ABORTS} aborts in a row: {error}") from error
                await asyncio.sleep(0.1 * (attempt + 1))
                continue
            for command, is_open, pin, offset in placed:
                if command:
                    self.progress.logged(command, offset, is_open=is_open)
                elif pin:
                    self.progress.pin(pin, offset)
            self.progress.cover(covers)
            return

    def _outgoing(self, group: list[Append], placed: list[tuple[str, bool, str, int]]) -> Iterable[Outgoing]:
        for append in group:
            for command, is_open, message in append.effects:
                note = partial(_note, placed, command, is_open, append.pin)
                key = command or message.partitionkey
                yield outgoing(self._names, self._effects, message, key=key, partition=self._partition, delivered=note)
            for fact in append.facts:
                yield outgoing(self._names, Topic.FACTS, fact)


def _note(placed: list[tuple[str, bool, str, int]], command: str, is_open: bool, pin: str, offset: int) -> None:  # noqa: FBT001
    placed.append((command, is_open, pin, offset))
