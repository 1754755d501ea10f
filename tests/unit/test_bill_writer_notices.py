"""Notices become reads: merged while they wait, never done with before the record is durable or need not be."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from support.virtual_time import run, wall
from tieout.domain.errors import Fatal, RecoveryError, Reject, Retry
from tieout.domain.settings import State
from tieout.events.envelope import Message, Payload
from tieout.events.raw import BillDocument
from tieout.events.requests import NoticeSeen
from tieout_bill_writer.notices import AT_ONCE, KEPT, MOST_KEPT, Notices
from tieout_connectors.bill.raw import RawKind
from tieout_connectors.bill.wire.raw import RawRecord


class World:
    """BILL, whose answers take a second, a registry with one connection, and the log."""

    def __init__(self) -> None:
        self.state: State | None = State.ACTIVE
        self.error: RecoveryError | None = None
        self.reads: list[tuple[str, float]] = []
        self.busy = self.most = 0
        self.stored: list[str] = []
        self.store_takes = 0.0
        registry: Any = SimpleNamespace(get=self._view)
        raw: Any = SimpleNamespace(write=self._write)
        self.notices = Notices(registry, self, raw, wall)

    def _view(self, _connection: str) -> Any:
        return None if self.state is None else SimpleNamespace(settings=SimpleNamespace(state=self.state))

    async def organization(self, _connection: str) -> Any:
        """With a client that reads."""
        return SimpleNamespace(client=SimpleNamespace(raw=SimpleNamespace(get=self._get)))

    async def _get(self, kind: RawKind, key: str) -> RawRecord:
        self.reads.append((key, asyncio.get_running_loop().time()))
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(1)
        self.busy -= 1
        if self.error is not None:
            raise self.error
        return RawRecord(key, wall(), {"id": key, "kind": kind.value})

    async def _write(self, messages: Sequence[Message[Payload]]) -> None:
        await asyncio.sleep(self.store_takes)
        documents = [one.data for one in messages]
        self.stored += [one.key for one in documents if isinstance(one, BillDocument)]

    def seen(self, key: str, event: str = "e", kind: str = "payment") -> "asyncio.Task[Any]":
        """A notice comes."""
        data = NoticeSeen(connection="acme", kind=kind, key=key, event=event)
        message = Message(f"n-{event}", "/test", "tieout.request.notice.v1", "s", wall(), "main", data)
        return asyncio.get_running_loop().create_task(self.notices.handle(message))


def test_notices_that_wait_together_are_one_read() -> None:
    """Ten notices of a payment cost one call; one that comes while BILL answers gets a read of its own."""

    async def scene() -> World:
        world = World()
        first = [world.seen("stp1", str(n)) for n in range(10)]
        await asyncio.sleep(0.5)
        later = [world.seen("stp1", f"later-{n}") for n in range(3)]
        await asyncio.gather(*first, *later)
        return world

    world = run(scene())
    assert [key for key, _at in world.reads] == ["stp1", "stp1"]
    assert world.stored == ["stp1", "stp1"]


def test_a_notice_is_done_with_only_when_the_record_is_durable() -> None:
    """The broker is slow: nothing is committed meanwhile, so a crash there reads the record again."""

    async def scene() -> tuple[bool, bool]:
        world = World()
        world.store_takes = 5
        task = world.seen("stp1")
        await asyncio.sleep(4)
        early = task.done()
        await task
        return early, world.stored == ["stp1"]

    assert run(scene()) == (False, True)


def test_a_burst_leaves_a_place_for_commands() -> None:
    """Many records at once use at most two of the organization's three calls."""

    async def scene() -> World:
        world = World()
        await asyncio.gather(*(world.seen(f"stp{n}") for n in range(9)))
        return world

    world = run(scene())
    assert (world.most, len(world.stored)) == (AT_ONCE, 9)


def test_what_bill_does_not_have_or_show_is_done_with() -> None:
    """BILL's test notifications name records that exist nowhere; a kind of a newer release is not read."""

    async def scene() -> World:
        world = World()
        world.error = Reject("no such record", code="BDC_1205", status=404)
        await world.seen("stp-test")
        await world.seen("x", kind="invoice")
        return world

    world = run(scene())
    assert (world.stored, len(world.reads)) == ([], 1)


def test_a_short_outage_is_waited_for() -> None:
    """BILL is away for two minutes: the notice is kept, and read when BILL is back; others merge into it."""

    async def scene() -> World:
        world = World()
        world.error = Retry("no connection")
        task = world.seen("stp1")
        await asyncio.sleep(60)
        other = world.seen("stp1", "e2")
        await asyncio.sleep(60)
        world.error = None
        await asyncio.gather(task, other)
        return world

    world = run(scene())
    assert world.stored == ["stp1"]


def test_a_sick_connection_does_not_hold_the_others_back() -> None:
    """Its notices are kept for ten minutes and no more than so many, then polling finds what they named."""

    async def scene() -> tuple[float, float, int]:
        world = World()
        world.error = Fatal("wrong password")
        loop = asyncio.get_running_loop()
        began = loop.time()
        kept = [world.seen(f"stp{n}") for n in range(MOST_KEPT + 20)]
        _done, waiting = await asyncio.wait(kept, timeout=KEPT.total_seconds() / 2)
        await asyncio.wait(kept)
        ended = loop.time() - began
        await world.seen("next")
        return ended, loop.time() - began - ended, len(waiting)

    ended, _next, waiting = run(scene())
    assert waiting == MOST_KEPT
    assert KEPT.total_seconds() <= ended < 2 * KEPT.total_seconds()


def test_paused_and_retired_connections_are_not_read() -> None:
    """A paused one is polled when it goes on; nobody waits for a retired one."""

    async def scene() -> World:
        world = World()
        for state in (State.PAUSED, State.DRAFT, State.RETIRED, None):
            world.state = state
            await world.seen("stp1")
        return world

    assert run(scene()).reads == []
