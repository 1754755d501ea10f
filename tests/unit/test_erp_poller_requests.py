"""erp-poller's requests: which are held, for how long, and when their place in the topic is given up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tieout.connections.registry import ConnectionView
from tieout.domain.errors import RecoveryError, Retry
from tieout.domain.records import Kind, ReadContext
from tieout.domain.settings import ConnectionSettings, Side
from tieout.events.cursors import ErpCursor
from tieout.events.envelope import Message, Payload
from tieout.events.requests import DocumentsAsked, RowsAsked
from tieout.log.produce import Outgoing
from tieout.log.topics import Names
from tieout_connectors.spi.erp import Page, RawRow, Watermark
from tieout_erp_poller import metrics
from tieout_erp_poller import poller as poller_module
from tieout_erp_poller.poller import Bounds, Poller
from tieout_erp_poller.views import Views

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
NAME = "cronus-us"
QUESTION = RowsAsked(connection=NAME, kind=Kind.PURCHASE_INVOICE, keys=("i-1",))


def message_of(question: Payload, identity: str = "r1") -> Message[Payload]:
    """A request as the decider writes it."""
    return Message(identity, "/decider", "tieout.request.rows.v1", "s", NOW, NAME, question)


@dataclass
class World:
    """One partition of one installation, in memory: registry, cursors, log and ERP."""

    partition: int = 0
    error: RecoveryError | None = None
    gate: asyncio.Event | None = None
    views: dict[str, ConnectionView] = field(default_factory=dict)
    told: list[Callable[[ConnectionView], None]] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    stands: dict[Kind, ErpCursor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.poller = Poller(Names("t", 1), Views(self), self, self, Bounds(2, 2, 60.0), lambda: NOW)  # type: ignore[arg-type]

    def all(self) -> tuple[ConnectionView, ...]:
        """The registry's connections."""
        return tuple(self.views.values())

    def subscribe(self, callback: Callable[[ConnectionView], None]) -> Callable[[], None]:
        """Its subscribers."""
        self.told.append(callback)
        return lambda: None

    def get(self, connection: str, kind: Kind | None = None) -> Any:
        """A connection of the registry, or a cursor."""
        return self.views.get(connection) if kind is None else self.stands.get(kind)

    async def apply(self, state: str, generation: int = 1) -> None:
        """The connection as control-plane writes it."""
        settings = ConnectionSettings.model_validate(
            {
                "connection": NAME,
                "state": state,
                "erp": {"kind": "business-central", "tenant": "t", "company": "C"},
                "bill": {"environment": "sandbox", "organization": "00801ABC"},
            }
        )
        self.views[NAME] = ConnectionView(NAME, generation, settings, {Side.ERP: 1})
        for callback in self.told:
            callback(self.views[NAME])
        await settle()

    async def request(self, question: Payload = QUESTION, identity: str = "r1") -> None:
        """A request comes."""
        message = message_of(question, identity)
        await self.poller.received(0, message, lambda: self.served.append(identity))
        await settle()

    async def commit(self, _connection: str, cursor: ErpCursor) -> None:
        """The cursors."""
        self.stands[cursor.kind] = cursor

    async def send(self, messages: Iterable[Outgoing]) -> None:
        """The log."""
        self.sent += messages

    async def open(self, _view: ConnectionView) -> "World":
        """The ERP."""
        if self.error is not None:
            raise self.error
        return self

    async def context(self) -> ReadContext:
        """Its company."""
        return ReadContext(company="c1", local_currency="USD")

    async def changes(self, _kind: Kind, since: Watermark) -> AsyncIterator[Page]:
        """Nothing new."""
        yield Page((), since, whole=True)

    async def rows(self, kind: Kind, keys: Sequence[str]) -> AsyncIterator[RawRow]:
        """Whatever is asked for."""
        if self.gate is not None:
            await self.gate.wait()
        for key in keys:
            yield RawRow(kind, key, "1", {})

    async def close(self) -> None:
        """A reader, or the cursors, are given back."""

    def topics(self) -> list[str]:
        """Where something was written, runs left out."""
        found = (message.topic for message in self.sent if dict(message.headers)["ce_type"] != b"tieout.raw.erp.run.v1")
        return list(found)


class Cursors:
    """The partition's cursors."""

    partition = 0

    def __init__(self, world: World) -> None:
        self.get, self.commit = world.get, world.commit

    def close(self) -> None:
        """Nothing to give back."""


async def settle() -> None:
    """Let every task come as far as it can without time passing."""
    for _ in range(200):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A poller that owns the partition."""
    made = World()
    await made.poller.begin([Cursors(made)])  # type: ignore[list-item]
    yield made
    await made.poller.end([0])
    assert not made.poller.failure.done() or made.poller.failure.exception() is None


async def test_a_read_of_an_active_connection_is_served_and_only_then_acknowledged(world: World) -> None:
    """The row stands in the log before the request's place is given up."""
    await world.apply("active")
    world.gate = asyncio.Event()
    await world.request()
    assert (world.served, world.topics()) == ([], [])
    world.gate.set()
    await settle()
    assert (world.served, world.topics()) == (["r1"], ["t.erp.changes"])


async def test_a_read_of_a_paused_connection_waits_until_it_is_active_again(world: World) -> None:
    """A pause loses no document of a bill that was sent just before."""
    await world.apply("active")
    await world.apply("paused", 2)
    await world.request()
    assert world.served == []
    await world.apply("active", 3)
    assert world.served == ["r1"]


async def test_a_read_that_came_before_its_connection_waits_for_it(world: World) -> None:
    """The decider can be ahead of the registry."""
    await world.request()
    assert world.served == []
    await world.apply("active")
    assert world.served == ["r1"]


async def test_nobody_reads_for_a_retired_connection(world: World) -> None:
    """Requests that wait, and those that come later, are dropped; the next connection's are not held up."""
    await world.apply("paused")
    await world.request(identity="before")
    await world.apply("retired", 2)
    await world.request(DocumentsAsked(connection=NAME, generation=1, link="bill/i-1", invoice="i-1"), "after")
    assert (world.served, world.topics()) == (["before", "after"], [])


async def test_a_read_that_waits_for_long_is_written_again_behind_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ERP that is away for a day holds up nobody's requests, and loses none: each stands in the topic."""
    monkeypatch.setattr(poller_module, "HELD_SECONDS", 0.01)
    world.error = Retry("down", after=3600)
    await world.apply("active")
    await world.request()
    async with asyncio.timeout(5):
        while not world.served:  # noqa: ASYNC110 - the end of its patience is no event
            await asyncio.sleep(0.01)
    (again,) = [message for message in world.sent if message.topic == "t.erp.polls"]
    assert dict(again.headers)["ce_id"] == b"r1"
    assert RowsAsked.model_validate_json(again.value or b"") == QUESTION
    assert world.topics() == ["t.erp.polls"]


async def test_a_read_in_work_is_not_written_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ERP that is slow is not asked twice for the same."""
    monkeypatch.setattr(poller_module, "HELD_SECONDS", 0.01)
    world.gate = asyncio.Event()
    await world.apply("active")
    await world.request()
    await asyncio.sleep(0.05)
    assert (world.served, world.topics()) == ([], [])
    world.gate.set()
    await settle()
    assert (world.served, world.topics()) == (["r1"], ["t.erp.changes"])


async def test_what_waits_is_counted(world: World) -> None:
    """An operator sees that somebody waits for an ERP that is away."""
    world.error = Retry("down")
    await world.apply("active")
    await world.request()
    world.poller.survey()
    assert metrics.READS_WAITING._value.get() == 1


async def test_a_stop_does_not_wait_for_an_erp_that_is_away(world: World) -> None:
    """SIGTERM ends the process at once; the request was not acknowledged and is read again."""
    world.error = Retry("down")
    await world.apply("active")
    await world.request()
    world.poller.stop()
    async with asyncio.timeout(5):
        await world.poller.end([0])
    assert world.served == []


async def test_a_partition_that_is_given_away_takes_its_requests_along(world: World) -> None:
    """The next owner reads them again; nothing that waits here writes or acknowledges them any more."""
    before = asyncio.all_tasks()
    world.error = Retry("down")
    await world.apply("active")
    await world.request()
    await world.poller.end([0])
    assert asyncio.all_tasks() <= before
    assert world.served == []
