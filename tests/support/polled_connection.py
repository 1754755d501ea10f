"""A connection of erp-poller in memory: an ERP, a clock, a log."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tieout.connections.registry import ConnectionView
from tieout.domain.errors import RecoveryError
from tieout.domain.records import Kind, ReadContext
from tieout.domain.settings import ConnectionSettings, Side
from tieout.events.cursors import ErpCursor
from tieout.events.envelope import Message
from tieout.events.requests import RowsAsked
from tieout_connectors.spi.erp import Page, RawRow, Watermark
from tieout_erp_poller.connection import ConnectionPoller
from tieout_erp_poller.reads import Pending
from tieout_erp_poller.run import Surroundings

START = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
VENDORS = (Kind.VENDOR,)
BOTH = (Kind.ACCOUNT, Kind.VENDOR)


@dataclass
class World:
    """An ERP, a clock and a log in memory, and the poller of one connection on them."""

    schedule: dict[str, str] = field(default_factory=lambda: {"default": "15m"})
    kinds: Sequence[Kind] = VENDORS
    now: datetime = START
    error: RecoveryError | None = None
    gate: asyncio.Event | None = None
    runs: list[tuple[Kind, datetime]] = field(default_factory=list)
    opened: list[tuple[int, int]] = field(default_factory=list)
    closed: int = 0
    stands: dict[Kind, ErpCursor] = field(default_factory=dict)
    pages: int = 1
    between: asyncio.Semaphore | None = None
    entries: Sequence[str] = ()
    real: bool = False
    since: list[tuple[Kind, str]] = field(default_factory=list)
    written: list[Any] = field(default_factory=list)
    served: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        around = Surroundings(log=self, clock=self.clock, places=asyncio.Semaphore(1))
        self.poller = ConnectionPoller(self.view(), self, self, around, self.kinds)

    def clock(self) -> datetime:
        """The time of the test, or of the machine."""
        return datetime.now(UTC) if self.real else self.now

    def view(self, generation: int = 1, secret: int = 1, state: str = "active") -> ConnectionView:
        """The connection."""
        erp = {"kind": "business-central", "tenant": "t", "company": "C", "schedule": self.schedule}
        bill = {"environment": "sandbox", "organization": "00801ABC"}
        settings = ConnectionSettings.model_validate(
            {"connection": "cronus-us", "state": state, "erp": erp, "bill": bill}
        )
        return ConnectionView("cronus-us", generation, settings, {Side.ERP: secret})

    def get(self, _connection: str, kind: Kind) -> ErpCursor | None:
        """The cursors."""
        return self.stands.get(kind)

    async def commit(self, _connection: str, cursor: ErpCursor) -> None:
        """The log, which takes a cursor's first write for the beginning of a run."""
        if cursor.kind not in self.stands or self.stands[cursor.kind].run != cursor.run:
            self.runs.append((cursor.kind, self.now))
        self.stands[cursor.kind] = cursor

    async def write(self, messages: Sequence[Any]) -> None:
        """Raw messages."""
        self.written += [message.data for message in messages]

    async def keep(self, *_: Any) -> Any:
        """No document here."""
        raise AssertionError

    async def document_key(self, _connection: str) -> bytes:
        """The same."""
        raise AssertionError

    async def rows(self, kind: Kind, keys: Sequence[str]) -> AsyncIterator[RawRow]:
        """All that are asked for."""
        for key in keys:
            yield RawRow(kind, key, "1", {})

    def ask(self, key: str = "i-1") -> Pending:
        """Somebody wants an invoice read again."""
        question = RowsAsked(connection="cronus-us", kind=Kind.PURCHASE_INVOICE, keys=(key,))
        message: Message[Any] = Message("r1", "/test", "t", "s", START, "cronus-us", question)
        pending = Pending(message, question, lambda: self.served.append(key))
        self.poller.reads.add(pending)
        self.poller.wake()
        return pending

    async def open(self, view: ConnectionView) -> "World":
        """The reader of the connection."""
        self.opened.append((view.generation, view.secret_version(Side.ERP)))
        return self

    async def context(self) -> ReadContext:
        """The first call of a run: it may fail, or wait."""
        if self.error is not None:
            raise self.error
        if self.gate is not None:
            await self.gate.wait()
        return ReadContext(company="c1", local_currency="USD")

    async def changes(self, kind: Kind, since: Watermark) -> AsyncIterator[Page]:
        """Pages; the position counts them. Before each but the first it waits for ``between``."""
        self.since.append((kind, since.position))
        rows = tuple(RawRow(kind, key, "1", {}) for key in self.entries)
        for number in range(self.pages):
            if number and self.between is not None:
                await self.between.acquire()
            yield Page(rows, Watermark(str(int(since.position or 0) + number + 1)), whole=True)

    async def check(self) -> list[Any]:
        """Not asked here."""
        raise AssertionError

    async def close(self) -> None:
        """A reader is given back."""
        self.closed += 1

    async def at(self, moment: datetime) -> None:
        """Let the time be that, and the poller do what is due."""
        self.now = moment
        self.poller._changed.set()
        await settle()


async def settle() -> None:
    """Let every task come as far as it can without time passing."""
    for _ in range(60):
        await asyncio.sleep(0)


@pytest.fixture
async def poll() -> AsyncIterator[Callable[..., World]]:
    """Starts pollers, and ends them."""
    tasks = []

    def start(**options: Any) -> World:
        world = World(**options)
        tasks.append(asyncio.ensure_future(world.poller.run()))
        return world

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def minutes(number: float) -> datetime:
    """So long after the start."""
    return START + timedelta(minutes=number)


Start = Callable[..., World]
