"""One partition of the effects log: group commit, and the fold after a restart."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tieout.effects.progress import Progress
from tieout.effects.protocol import Restored, restore
from tieout.effects.store import Commit, Store
from tieout.events.envelope import Message, Payload
from tieout.log.produce import Aborted, Fenced

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
        pin: keep these effects readable after a restart under this name, until ``pin_until`` (UTC) or ``unpin``.
        unpin: what was pinned under this name before these effects is not needed any more.
        renews: a command of which nothing before these effects is needed any more.
    """

    effects: tuple[tuple[str, bool, Message[Payload]], ...] = ()
    facts: tuple[Message[Payload], ...] = ()
    covers: tuple[int, ...] = ()
    pin: str = ""
    pin_until: datetime | None = None
    unpin: str = ""
    renews: str = ""


_Queued = tuple[Append, "asyncio.Future[None]"]


class EffectsLog:
    """Use ``fence`` and ``open`` from the consumer's thread, everything else from the event loop."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._clock = clock
        self._queue: asyncio.Queue[_Queued] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.progress = Progress(0, 0)
        self.until = 0
        """Where the input ended at the opening: what lies below a predecessor may have seen."""

    def fence(self) -> None:
        """Fence predecessors. Only what is read afterwards of the group's offset and of the log is their last word."""
        self._store.fence()

    def open(self, position: int, checkpoint: int) -> Restored:
        """Read the log from the checkpoint to its end; ``fence`` comes first.

        Raises:
            UnreadableMessage: the log holds what this release does not know.
            KafkaException, TimeoutError: the brokers do not answer.
        """
        self.until = self._store.input_end()
        restored = restore(self._store.read(checkpoint), checkpoint)
        self.progress = Progress(position, restored.end)
        for command, standing in restored.commands.items():
            self.progress.restored(command, standing.first, is_open=standing.is_open)
        return restored

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
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.exception()  # told to whoever appended
        self._fail(Fenced("the effects log is closed"), [])
        self._store.close()

    async def _commit_groups(self) -> None:
        while True:
            group: list[_Queued] = []
            try:
                group.append(await self._queue.get())
                await asyncio.sleep(WINDOW)
                while not self._queue.empty():
                    group.append(self._queue.get_nowait())
                await self._commit([append for append, _future in group])
            except (Fenced, asyncio.CancelledError) as error:
                fenced = error if isinstance(error, Fenced) else Fenced("the effects log is closed")
                self._fail(fenced, group)
                raise
            except Exception as error:  # told to all who wait, and raised again
                # Whatever it was, nobody may go on as if it were written, and nobody may wait for ever.
                self._fail(Fenced(f"{type(error).__name__}: {error}"), group)
                raise
            for _append, future in group:
                if not future.done():
                    future.set_result(None)

    def _fail(self, error: Fenced, group: list[_Queued]) -> None:
        while not self._queue.empty():
            group.append(self._queue.get_nowait())
        for _append, future in group:
            if not future.done():
                future.set_exception(error)

    async def _commit(self, group: list[Append]) -> None:
        covers = tuple(offset for append in group for offset in append.covers)
        effects = [
            (command or each.partitionkey, each) for append in group for command, _is_open, each in append.effects
        ]
        facts = [fact for append in group for fact in append.facts]
        for attempt in range(ABORTS):
            self.progress.expire(self._clock())
            commit = Commit(effects, facts, self.progress.position_with(covers), self.progress.checkpoint())
            try:
                placed = await self._store.commit(commit)
            except Aborted as error:
                if attempt == ABORTS - 1:
                    raise Fenced(f"{ABORTS} aborts in a row: {error}") from error
                await asyncio.sleep(0.1 * (attempt + 1))
                continue
            self._placed(group, placed)
            self.progress.cover(covers)
            return

    def _placed(self, group: list[Append], offsets: Iterable[int]) -> None:
        """Note where everything stands. A place nobody told would let the checkpoint pass an open intent."""
        places = iter(offsets)
        for append in group:
            renews = append.renews
            for command, is_open, _message in append.effects:
                offset = next(places, None)
                if offset is None:
                    raise Fenced("the broker did not tell where the messages stand")
                if command:
                    self.progress.logged(command, offset, is_open=is_open, renews=command == renews)
                    renews = ""
                if append.pin:
                    self.progress.pin(append.pin, offset, append.pin_until)
                if append.unpin:
                    self.progress.unpin(append.unpin, offset)
