"""The writer of orders in memory, in virtual time: a partition, an ERP, and a process that can be killed anywhere."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from support.fake_effects import FakeStore, Part
from support.fake_erp.books import Erp
from support.fake_erp.writer import FakeWriter
from support.virtual_time import run, wall
from tieout.domain.erp import VendorRef
from tieout.domain.erp_orders import (
    AccountKind,
    Application,
    EntryRef,
    ErpOrder,
    FundsTransferOrder,
    PaymentOrder,
    PostingAccount,
    ReversalOrder,
)
from tieout.domain.erp_outcomes import Found, NotYet, OpenAmount, Proof, Step, StepResult
from tieout.domain.errors import InDoubt
from tieout.domain.money import Money
from tieout.effects.log import EffectsLog
from tieout.effects.order_work import OrderWork
from tieout.effects.port import Admission, UnknownEffect, Verdict
from tieout.effects.protocol import Timings
from tieout.effects.resting import Pauses, WaitingRoom
from tieout.effects.runtime import Runner
from tieout.effects.store import Commit
from tieout.events import catalogue
from tieout.events.commands import CommandFrame, ErpCommand, Intent, Priority
from tieout.events.effects import EndLogged, StepLogged
from tieout.events.envelope import Message, Payload
from tieout.events.facts import OutcomeFact, Result
from tieout.events.identity import command_id

DAY: Final = date(2026, 4, 20)
MARK: Final = "TPAYMENTAAAAAAAAAAAA"
CLEARING: Final = PostingAccount(kind=AccountKind.GENERAL, number="2950")
BANK: Final = PostingAccount(kind=AccountKind.BANK, number="GIRO")
FAST: Final = Timings(write_within=2, http=5, settle=5, lookup_gap=2, retry_cap=2, retry_for=20)
PAUSES: Final = Pauses(first=10, cap=120)
Story = Callable[[], Coroutine[Any, Any, None]]
INTERIM: Final = (Result.IN_DOUBT, Result.WAITING)


def payment(*documents: str, mark: str = MARK, amount: str = "100", vendor: str = "10000") -> PaymentOrder:
    """Pay these invoices, 100 each."""
    paid = documents or ("i-1", "i-2")
    return PaymentOrder(
        mark=mark,
        vendor=VendorRef(number=vendor),
        applications=tuple(Application(document=one, number=one, amount=Decimal(amount)) for one in paid),
        cash=Money(amount=Decimal(amount) * len(paid), currency="USD"),
        process_date=DAY,
        posting_date=DAY,
        clearing=CLEARING,
    )


def transfer(amount: str = "200", mark: str = "TTRANSFERAAAAAAAAAAA") -> FundsTransferOrder:
    """From the bank."""
    return FundsTransferOrder(
        mark=mark, amount=Money(amount=Decimal(amount), currency="USD"), process_date=DAY, posting_date=DAY,
        clearing=CLEARING, bank=BANK,
    )  # fmt: skip


def reversal(of: PaymentOrder, *entries: str) -> ReversalOrder:
    """Undo a payment."""
    posted = tuple(EntryRef(ledger="vendor", id=one) for one in entries)
    return ReversalOrder(mark="TREVERSALAAAAAAAAAAA", payment=of, posted=posted, reversal_date=DAY, posting_date=DAY)


def command(order: ErpOrder, attempt: int = 1, **changes: Any) -> Message[CommandFrame]:
    """The command that asks for an order."""
    intents = {"payment": Intent.ERP_PAYMENT, "funds_transfer": Intent.ERP_TRANSFER, "reversal": Intent.ERP_REVERSAL}
    link = changes.pop("link", f"{order.order}/{order.mark}")
    frame = ErpCommand(
        connection=changes.pop("connection", "acme"), organization="00801", link=link, intent=intents[order.order],
        attempt=attempt, generation=0, content_hash="c0ffee", mark=order.mark, lane="vendor/10000",
        priority=Priority.PAYMENT, issued=changes.pop("issued", wall()), order=order, **changes,
    )  # fmt: skip
    identity = command_id(link, frame.intent, frame.content_hash, attempt)
    return Message(identity, "/test", catalogue.name_of(frame), link, wall(), frame.connection, frame)


class Fuse:
    """Dies at the n-th of everything that a process does: before and after each commit and each foreign call."""

    def __init__(self, burns_at: int = 0) -> None:
        self.passed = 0
        self._burns_at = burns_at
        self.burnt = asyncio.Event()

    async def reach(self) -> None:
        """Goes on, or never."""
        self.passed += 1
        if self.passed == self._burns_at:
            self.burnt.set()
        if self.burnt.is_set():
            await asyncio.Event().wait()


class FusedStore(FakeStore):
    """Dies around commits."""

    fuse: Fuse

    async def commit(self, commit: Commit) -> list[int]:
        """Before it nothing is written, after it nobody hears of it."""
        await self.fuse.reach()
        places = await super().commit(commit)
        await self.fuse.reach()
        return places


class FusedWriter(FakeWriter):
    """Takes time, dies around calls, and its late calls arrive within their time-out."""

    def __init__(self, erp: Erp, fuse: Fuse, rng: random.Random) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(erp, loop.time)
        self._fuse = fuse
        self._rng = rng
        self._loop = loop

    async def find(self, order: ErpOrder, taken: AbstractSet[str] = frozenset()) -> Found:
        """A while later."""
        await self._fuse.reach()
        await asyncio.sleep(self._rng.uniform(0.01, 0.5))
        return await super().find(order, taken)

    async def prove(self, order: ErpOrder, before: Sequence[OpenAmount]) -> Proof | NotYet:
        """A while later."""
        await self._fuse.reach()
        await asyncio.sleep(self._rng.uniform(0.01, 0.5))
        return await super().prove(order, before)

    async def perform(self, order: ErpOrder, step: Step, done: Sequence[StepResult], deadline: float) -> StepResult:
        """A while later; nobody hears of what a dead process had sent."""
        await self._fuse.reach()
        try:
            result = await super().perform(order, step, done, deadline)
        except InDoubt:
            self._loop.call_later(self._rng.uniform(0, FAST.http + FAST.settle), self._erp.arrive)
            await self._fuse.reach()
            await asyncio.sleep(FAST.http)
            raise
        await asyncio.sleep(self._rng.uniform(0.01, 0.5))
        await self._fuse.reach()
        return result


class FakeCompanies:
    """``OrderConnections``: every connection is active unless the test says otherwise."""

    def __init__(self, erp: Erp, fuse: Fuse, rng: random.Random) -> None:
        self.erp = erp
        self.fuse = fuse
        self.rng = rng
        self.sick: dict[str, str] = {}
        self.sickened: list[str] = []
        self.paused: set[str] = set()
        self.over: set[str] = set()
        self.stale = False
        self.broken: list[Exception] = []
        self.admissions: list[Admission] = []

    def admit(self, command: CommandFrame) -> Admission:
        """By the test's switches."""
        if self.admissions:
            return self.admissions.pop(0)
        if self.stale:
            return Admission(Verdict.STALE, "newer settings")
        if command.connection in self.paused | self.over:
            return Admission(Verdict.PARK, "not active")
        sick = self.sick.get(command.connection)
        return Admission(Verdict.PROCEED) if sick is None else Admission(Verdict.PARK, sick)

    def sicken(self, connection: str, key: str, reason: str) -> None:
        """Well again after a minute."""
        assert key == connection
        self.sickened.append(reason)
        if connection not in self.sick:
            self.sick[connection] = reason
            asyncio.get_running_loop().call_later(60, self.sick.pop, connection, None)

    def is_sick(self, connection: str) -> bool:
        """Until healed."""
        return connection in self.sick

    def is_over(self, connection: str) -> bool:
        """As the test says."""
        return connection in self.over

    def may_write(self, connection: str) -> bool:
        """As the test says."""
        return connection not in self.paused | self.over

    def is_current(self, effect: object) -> bool:  # noqa: ARG002 - the protocol's name
        """No command here is one call."""
        return False

    async def effect(self, command: CommandFrame) -> Any:
        """No command here is one call."""
        raise UnknownEffect(command.intent)

    @asynccontextmanager
    async def writer(self, connection: str) -> AsyncIterator[FusedWriter]:  # noqa: ARG002 - there is one ERP
        """The writer, or what opening it fails with next."""
        if self.broken:
            raise self.broken.pop(0)
        yield FusedWriter(self.erp, self.fuse, self.rng)


@dataclass
class Site:
    """A partition and an ERP that outlive the processes."""

    seed: int = 0
    part: Part = field(default_factory=Part)
    erp: Erp = field(default_factory=Erp)
    processes: list["OrderProcess"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - no secret
        with self.erp.open() as books:
            for number in range(1, 5):
                books.invoice(f"i-{number}", "10000", "100", "2026-04-01")

    def process(self, burns_at: int = 0) -> "OrderProcess":
        """The next owner."""
        self.processes.append(OrderProcess(self, burns_at))
        return self.processes[-1]

    def ask(self, order: ErpOrder, **changes: Any) -> Message[CommandFrame]:
        """A command arrives."""
        message = command(order, **changes)
        self.part.ask(message)
        return message

    def ends(self, command: str) -> list[OutcomeFact]:
        """Final outcomes told."""
        return [fact for fact in self.part.outcomes(command) if fact.result not in INTERIM]

    def results(self, command: str) -> list[str]:
        """All results told, in order."""
        return [fact.result.value for fact in self.part.outcomes(command)]

    def logged(self, command: str, kind: type[Payload]) -> list[Any]:
        """The messages of a kind in the effects log."""
        data = [message.data for message in self.part.effects]
        return [one for one in data if isinstance(one, kind) and getattr(one, "command_id", "") == command]

    async def ended(self, *commands: Message[CommandFrame], seconds: float = 3600.0) -> None:
        """Wait for their ends, and for the position behind them."""
        async with asyncio.timeout(seconds):
            while not all(self.logged(one.id, EndLogged) for one in commands):  # noqa: ASYNC110 - in virtual time
                await asyncio.sleep(0.1)
            while self.part.position < len(self.part.input) - 1:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.1)

    async def close(self) -> None:
        """End the newest process."""
        await self.processes[-1].kill()


class OrderProcess:
    """A process that owns the partition from now on. ``clock`` is the wall's, UTC."""

    def __init__(
        self,
        site: Site,
        burns_at: int = 0,
        *,
        timings: Timings = FAST,
        pauses: Pauses = PAUSES,
        clock: Callable[[], datetime] = wall,
    ) -> None:
        self.site = site
        self.fuse = Fuse(burns_at)
        self.companies = FakeCompanies(site.erp, self.fuse, site.rng)
        self.store = FusedStore(site.part, site.rng)
        self.store.fuse = self.fuse
        self.log = EffectsLog(self.store, clock=clock)
        self.log.fence()
        self._next, checkpoint = site.part.position, site.part.checkpoint
        restored = self.log.open(self._next, checkpoint)
        self.log.start()
        work = OrderWork(self.companies, WaitingRoom("writeback-test", pauses))
        self.runner = Runner("writeback-test", self.log, self.companies, timings, clock=clock, orders=work)
        self.runner.resume(restored)
        if self._next >= self.log.until:
            self.runner.caught_up()
        self._feeding = asyncio.get_running_loop().create_task(self._feed())

    async def _feed(self) -> None:
        while True:
            while self._next < len(self.site.part.input):
                message = self.site.part.input[self._next]
                if message is not None:
                    self.runner.received(self._next, message)
                elif self._next + 1 >= self.log.until:
                    self.runner.caught_up()
                self._next += 1
            await asyncio.sleep(0.2)

    async def kill(self) -> None:
        """As a power cut."""
        self.store.dead = True
        self._feeding.cancel()
        tasks: list[asyncio.Task[Any]] = [self._feeding, *self.runner._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self.log.close()

    async def leave(self, seconds: float = 15.0) -> None:
        """As at a rebalance."""
        self._feeding.cancel()
        await self.runner.drain(seconds)
        await self.log.close()

    async def burnt(self, seconds: float = 3600.0) -> bool:
        """Whether it died at its fuse before everything was done."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.fuse.burnt.wait(), seconds)
            return True
        return False


def told(story: Story) -> None:
    """Run a story in virtual time."""
    run(story())


async def until(ask: Callable[[], object], seconds: float = 3600.0) -> None:
    """Wait for something."""
    async with asyncio.timeout(seconds):
        while not ask():  # noqa: ASYNC110 - in virtual time
            await asyncio.sleep(0.1)


async def recorded(site: Site, steps: int, *faults: str) -> tuple[Any, OrderProcess]:
    """A payment of which so many steps are done when its process is killed; a successor is not started."""
    message = site.ask(payment())
    process = site.process()
    await until(lambda: len(site.logged(message.id, StepLogged)) == steps)
    await process.kill()
    with site.erp.open() as books:
        books.faults.extend(faults)
    return message, process
