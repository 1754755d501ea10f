"""What this process owns: partitions, a poller per active connection in them, and the requests that came for them."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tieout.connections.documents import DocumentName, write_document
from tieout.connections.registry import ConnectionView
from tieout.domain.settings import Side, State
from tieout.events.commands import DocumentPlace
from tieout.events.cursors import ErpCursor
from tieout.events.envelope import Message, Payload, UnreadableMessage
from tieout.events.requests import CheckAsked, CheckLine, DocumentsAsked, RowsAsked, SnapshotAsked, SyncAsked
from tieout.log.outgoing import outgoing
from tieout.log.produce import Fenced, PlainProducer
from tieout.log.topics import Names, Topic
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger
from tieout_erp_poller import metrics
from tieout_erp_poller.checks import answer, check, late, not_there
from tieout_erp_poller.connection import Access, ConnectionPoller, oldest_ends
from tieout_erp_poller.cursors import PartitionCursors
from tieout_erp_poller.raw import SOURCE
from tieout_erp_poller.reads import Pending, Reads
from tieout_erp_poller.run import Surroundings
from tieout_erp_poller.snapshots import Snapshots
from tieout_erp_poller.views import Views

log = logger(__name__)

# An answer leaves so long before its deadline that the asker, who stops waiting then, still gets it.
ANSWER_SECONDS: Final = 1.0
# A read that is not served for so long is written again behind the others: until then its offset is not committed, and
# a thousand requests that wait in memory stop all that come for the partition. Short against the week they are kept.
HELD_SECONDS: Final = 300.0
Served = Callable[[], None]


@dataclass(frozen=True)
class Bounds:
    """How much happens at once, and how long a stop waits for pages in work."""

    reads: int
    checks: int
    drain_seconds: float


@dataclass
class _Share:
    """One partition: its cursors, and the tasks that run for it. ``held`` only wait for others of them."""

    cursors: PartitionCursors
    tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    pollers: dict[str, ConnectionPoller] = field(default_factory=dict)
    reads: dict[str, Reads] = field(default_factory=dict)
    requests: set["asyncio.Task[None]"] = field(default_factory=set)
    held: set["asyncio.Task[None]"] = field(default_factory=set)


class RawLog:
    """Rows to ``erp.changes`` and documents to ``snapshots`` by the plain producer, cursors by their partition's."""

    def __init__(
        self, names: Names, producer: PlainProducer, cursors: PartitionCursors, clock: Callable[[], datetime]
    ) -> None:
        self._names = names
        self._producer = producer
        self._cursors = cursors
        self._clock = clock

    async def commit(self, connection: str, cursor: ErpCursor) -> None:
        """The cursor, in a transaction."""
        await self._cursors.commit(connection, cursor)

    async def write(self, messages: Sequence[Message[Payload]]) -> None:
        """Raw messages, plain and in order."""
        await self._producer.send(outgoing(self._names, Topic.ERP_CHANGES, message) for message in messages)

    async def keep(self, key: bytes, name: DocumentName, content: bytes) -> DocumentPlace:
        """A document, sealed."""
        return await write_document(self._producer, self._names, SOURCE, key, name, content, now=self._clock())


class Poller:
    """Belongs to the event loop it is made in."""

    def __init__(
        self,
        names: Names,
        views: Views,
        access: Access,
        producer: PlainProducer,
        bounds: Bounds,
        clock: Callable[[], datetime],
    ) -> None:
        self._names = names
        self._views = views
        self._access = access
        self._producer = producer
        self._bounds = bounds
        self._clock = clock
        self._places = asyncio.Semaphore(bounds.reads)
        self._checks = asyncio.Semaphore(bounds.checks)
        self._snapshots = Snapshots(names, views, access, producer, clock)
        self._shares: dict[int, _Share] = {}
        self._stopping = False
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        views.subscribe(self._fit)

    async def begin(self, opened: list[PartitionCursors]) -> None:
        """These partitions are ours from now on: poll their active connections."""
        for cursors in opened:
            self._shares[cursors.partition] = _Share(cursors)
        for view in self._views.all():
            self._fit(view)
        metrics.PARTITIONS.set(len(self._shares))

    async def end(self, partitions: list[int]) -> None:
        """These are not ours any more: cancel what runs for them. Rows of a cancelled run are read again."""
        shares = [share for number in partitions if (share := self._shares.pop(number, None)) is not None]
        tasks = [task for share in shares for task in (*share.tasks.values(), *share.requests)]
        if self._stopping and tasks:
            await asyncio.wait(tasks, timeout=self._bounds.drain_seconds)
        tasks += [task for share in shares for task in share.held]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=self._bounds.drain_seconds)
        for share in shares:
            share.cursors.close()
        metrics.PARTITIONS.set(len(self._shares))

    def stop(self) -> None:
        """Begin no run, and end those in work between two pages."""
        self._stopping = True
        for share in self._shares.values():
            for poller in share.pollers.values():
                poller.stop()

    async def received(self, partition: int, message: Message[Payload], served: Served) -> None:
        """A request of ``erp.polls``.

        Raises:
            UnreadableMessage: nothing that belongs on this topic.
        """
        share = self._shares.get(partition)
        if share is None:
            return
        tasks = share.requests
        match message.data:
            case SyncAsked() as question:
                work = self._sync(share, question, served)
            case CheckAsked(side=Side.ERP) as question:
                work = self._check(message, question, served)
            case SnapshotAsked(side=Side.ERP) as question:
                work = self._snapshots.serve(message, question, served)
            case RowsAsked() | DocumentsAsked() as question:
                work = self._read(share, message, question, served)
                tasks = share.held
            case _:
                raise UnreadableMessage(f"{message.type} {message.id} does not belong on {Topic.ERP_POLLS}")
        task = asyncio.ensure_future(self._guarded(work))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _sync(self, share: _Share, question: SyncAsked, served: Served) -> None:
        name, generation = question.connection, question.generation
        seconds = self._until(question.deadline)
        view = await self._views.until(name, lambda view: view.generation >= generation, seconds)
        poller = share.pollers.get(name)
        if view is None:
            self._dropped("expired", name, served)
        elif poller is None:
            self._dropped("not_active", name, served)
        else:
            metrics.REQUESTS.labels("served").inc()
            poller.ask(question.kinds, served)

    async def _read(
        self, share: _Share, message: Message[Payload], question: RowsAsked | DocumentsAsked, served: Served
    ) -> None:
        """Have it read, however long that takes: it has no deadline. A retired connection is never read again."""
        name = question.connection
        view = self._views.get(name)
        if view is not None and view.settings.state is State.RETIRED:
            self._dropped("not_active", name, served)
            return
        reads, finished = share.reads.setdefault(name, Reads()), asyncio.Event()

        def done(result: str = "served") -> None:
            metrics.REQUESTS.labels(result).inc()
            served()
            finished.set()

        pending = Pending(message, question, done)
        reads.add(pending)
        if (poller := share.pollers.get(name)) is not None:
            poller.wake()
        while not await _within(HELD_SECONDS, finished):
            if reads.withdraw(pending):
                await self._producer.send([outgoing(self._names, Topic.ERP_POLLS, message)])
                done("put_off")

    def _dropped(self, why: str, connection: str, served: Served) -> None:
        log.warning("request dropped", connection=connection, why=why)
        metrics.REQUESTS.labels(why).inc()
        served()

    async def _check(self, request: Message[Payload], question: CheckAsked, served: Served) -> None:
        lines = await self._asked(question)
        if self._clock() < question.deadline:
            message = answer(request, question.connection, lines, self._clock())
            reach("erp-poller.answer.before")
            await self._producer.send([outgoing(self._names, Topic.SNAPSHOTS, message)])
            reach("erp-poller.answer.after")
            metrics.REQUESTS.labels("served").inc()
            served()
        else:
            self._dropped("expired", question.connection, served)

    async def _asked(self, question: CheckAsked) -> Sequence[CheckLine]:
        ends = question.deadline - timedelta(seconds=ANSWER_SECONDS)
        seen: ConnectionView | None = None

        def has_arrived(view: ConnectionView) -> bool:
            nonlocal seen
            seen = view
            known = view.secret_version(Side.ERP) >= question.secret_version
            return known and view.generation >= question.generation

        view = await self._views.until(question.connection, has_arrived, self._until(ends))
        if view is None:
            return [not_there(question, seen)]
        try:
            async with asyncio.timeout(self._until(ends)), self._checks:
                return await check(view, self._access)
        except TimeoutError:
            return [late()]

    def _until(self, moment: datetime) -> float:
        """Seconds, 0 if it has passed."""
        return max(0.0, (moment - self._clock()).total_seconds())

    def _fit(self, view: ConnectionView) -> None:
        """Poll a connection, or do not poll it any more, as its state says."""
        share = self._shares.get(self._names.partition_of(view.connection))
        if share is None or self._stopping:
            return
        poller = share.pollers.get(view.connection)
        if view.settings.state is State.RETIRED and view.connection in share.reads:
            share.reads.pop(view.connection).drop()
        if view.settings.state is not State.ACTIVE:
            if poller is not None:
                poller.dismiss()
                del share.pollers[view.connection]
                share.tasks[view.connection].cancel()
        elif poller is not None:
            poller.update(view)
        else:
            self._start(share, view)

    def _start(self, share: _Share, view: ConnectionView) -> None:
        around = Surroundings(
            log=RawLog(self._names, self._producer, share.cursors, self._clock), clock=self._clock, places=self._places
        )
        reads = share.reads.setdefault(view.connection, Reads())
        poller = ConnectionPoller(view, share.cursors, self._access, around, reads=reads)
        before = share.tasks.get(view.connection)
        share.pollers[view.connection] = poller
        share.tasks[view.connection] = asyncio.ensure_future(self._guarded(_after(before, poller.run())))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Whatever nobody foresaw, and a fence, ends the process: half of it must not go on."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - handed on to the thread that ends the process
            if isinstance(error, Fenced):
                log.warning("superseded", reason=str(error))
            if not self.failure.done():
                self.failure.set_exception(error)

    def survey(self) -> None:
        """Set the gauges that are about all connections."""
        pollers = {name: poller for share in self._shares.values() for name, poller in share.pollers.items()}
        kinds = {poller.view.settings.erp.kind for poller in pollers.values()}
        for gauge in (metrics.CONNECTIONS, metrics.SICK, metrics.OLDEST_SECONDS):
            gauge.clear()
        for erp in kinds:
            of_kind = [poller for poller in pollers.values() if poller.view.settings.erp.kind == erp]
            metrics.CONNECTIONS.labels(erp).set(len(of_kind))
            metrics.SICK.labels(erp).set(sum(bool(poller.sick) for poller in of_kind))
        metrics.READS_WAITING.set(sum(len(reads) for share in self._shares.values() for reads in share.reads.values()))
        for silent, seconds in oldest_ends(pollers, self._clock()).items():
            metrics.OLDEST_SECONDS.labels(silent).set(seconds)


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Whether it comes in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def _after(before: "asyncio.Task[None] | None", work: Coroutine[Any, Any, None]) -> None:
    """Runs of one connection never overlap, not even when it is paused and active again at once."""
    if before is not None:
        await asyncio.wait([before])
    await work
