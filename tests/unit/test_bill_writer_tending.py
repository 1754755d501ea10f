"""Who looks after a connection: one task, of the owner of its budget, begun anew when its settings change."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from support.deciding import settings
from support.virtual_time import run, wall
from tieout.connections.registry import ConnectionView
from tieout.domain.errors import Fatal, RecoveryError, Reject, Retry
from tieout.domain.settings import ConnectionSettings, Side, State
from tieout.events.cursors import BillCursor
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names
from tieout_bill_writer import polling
from tieout_bill_writer.polling import POLLS, Polling
from tieout_bill_writer.tending import Tending
from tieout_connectors.bill.raw import RawKind

NAMES = Names("t", 4)
BUDGET = "main"
OURS = NAMES.partition_of(BUDGET)


class Registry:
    """Connections that change."""

    def __init__(self) -> None:
        self.views: dict[str, ConnectionView] = {}
        self.told: list[Callable[[ConnectionView], None]] = []

    def subscribe(self, told: Callable[[ConnectionView], None]) -> Callable[[], None]:
        """Hear of changes."""
        self.told.append(told)
        return lambda: self.told.remove(told)

    def get(self, connection: str) -> ConnectionView | None:
        """One."""
        return self.views.get(connection)

    def all(self) -> tuple[ConnectionView, ...]:
        """All."""
        return tuple(self.views.values())

    def apply(self, generation: int, *, secret: int = 1, **changes: Any) -> None:
        """Settings arrive."""
        bill = changes.pop("bill", {})
        document = settings().model_dump(mode="json", exclude_none=True)
        document |= {"connection": "acme", "state": "active"} | changes
        document["bill"] |= {"budget": BUDGET} | bill
        view = ConnectionView("acme", generation, ConnectionSettings.model_validate(document), {Side.BILL: secret})
        self.views["acme"] = view
        for told in self.told:
            told(view)


class Scene:
    """What is looked after, and by how many at once."""

    def __init__(self) -> None:
        self.registry = Registry()
        registry: Any = self.registry
        self.begun: list[int] = []
        self.running = self.most = 0
        self.fails = False
        self.tending = Tending(registry, NAMES, lambda view: view.settings.state is State.ACTIVE, self._work)

    async def _work(self, view: ConnectionView, woken: asyncio.Event) -> None:
        self.begun.append(view.generation)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            while True:
                await woken.wait()
                woken.clear()
                if self.fails:
                    raise ValueError("a defect")
                self.begun.append(-1)
        finally:
            # A commit under way is waited for.
            await asyncio.sleep(0.5)
            self.running -= 1


async def a_moment() -> None:
    """Let things happen."""
    await asyncio.sleep(1)


def test_it_follows_partitions_settings_and_states() -> None:
    """Begun with its partition, anew with other settings or credentials, ended when paused or given away."""

    async def scene() -> Scene:
        one = Scene()
        one.registry.apply(1)
        await a_moment()
        assert one.begun == []
        one.tending.follow([OURS])
        await a_moment()
        one.registry.apply(2, policy={"approval": "bill"})
        await a_moment()
        assert one.begun == [1], "what concerns BILL has not changed"
        one.registry.apply(3, bill={"schedule": {"default": "1h"}})
        one.registry.apply(4, secret=2)
        await a_moment()
        assert one.begun[-1] == 4
        one.tending.wake("acme")
        await a_moment()
        assert one.begun[-1] == -1
        one.registry.apply(5, state="paused")
        await a_moment()
        assert one.running == 0
        one.registry.apply(6)
        await a_moment()
        one.tending.follow([])
        await a_moment()
        assert (one.running, one.begun[-1]) == (0, 6)
        await one.tending.close()
        assert one.registry.told == []
        return one

    assert run(scene()).most == 1, "two would read the same cursor"


def test_a_defect_ends_the_process_instead_of_one_connection() -> None:
    """A connection that nobody looks after any more would be silent."""

    async def scene() -> None:
        one = Scene()
        one.registry.apply(1)
        one.tending.follow([OURS])
        await a_moment()
        one.tending.guard()
        one.fails = True
        one.tending.wake("acme")
        await a_moment()
        with pytest.raises(ValueError, match="a defect"):
            one.tending.guard()
        await one.tending.close()

    run(scene())


class Cursors:
    """Cursors in memory."""

    def __init__(self) -> None:
        self.rows: dict[RawKind, BillCursor] = {}

    async def of(self, _connection: str) -> dict[RawKind, BillCursor]:
        """Where polls stand."""
        return dict(self.rows)

    async def commit(self, _connection: str, cursor: BillCursor) -> None:
        """Moved."""
        self.rows[RawKind(cursor.kind)] = cursor

    def close(self) -> None:
        """Nothing to give back."""


class Polled:
    """A company whose BILL answers with ``errors``, by kind, or with empty lists."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.errors: dict[str, RecoveryError] = {}
        self.asked: list[tuple[str, float]] = []
        self.sick: list[str] = []
        self.session: object | None = object()
        self.cursors = Cursors()
        registry: Any = self.registry
        clients: Any = self
        raw: Any = SimpleNamespace(write=None)
        self.polling = Polling(KafkaAccess(bootstrap="nowhere"), NAMES, registry, clients, raw, wall)
        self.polling._cursors[OURS] = self.cursors  # type: ignore[assignment]

    async def organization(self, _connection: str) -> Any:
        """With a client."""
        sessions = SimpleNamespace(current=self.session)
        return SimpleNamespace(client=SimpleNamespace(raw=self, sessions=sessions))

    async def changed(self, kind: RawKind, _since: Any) -> Any:
        """A list, or a refusal."""
        self.asked.append((kind, asyncio.get_running_loop().time()))
        if kind in self.errors:
            raise self.errors[kind]
        yield ()

    def sicken(self, connection: str, _key: str, _reason: str) -> None:
        """Its sign-in is refused."""
        self.sick.append(connection)

    def of(self, kind: str) -> list[float]:
        """When a kind was asked for."""
        return [at for name, at in self.asked if name == kind]


def polled(seconds: float, prepare: Callable[[Polled], None] = lambda _one: None) -> Polled:
    """A company polled every ten minutes for so long."""

    async def scene() -> Polled:
        one = Polled()
        prepare(one)
        one.registry.apply(1, bill={"schedule": {"default": "10m"}}, cutover={"date": "2026-01-01"})
        one.polling.follow([OURS])
        await asyncio.sleep(seconds)
        one.polling.guard()
        await one.polling.close()
        return one

    return run(scene())


def test_every_kind_is_polled_on_the_schedule_bills_before_their_payments() -> None:
    """Once at the start, then every ten minutes."""
    one = polled(1850)
    assert [kind for kind, _at in one.asked[:3]] == ["bill", "payment", "vendor"]
    assert [round(at, -1) for at in one.of("payment")] == [0, 600, 1200, 1800]
    assert {cursor.run for cursor in one.cursors.rows.values()} == {4}


def test_a_short_outage_is_bridged_and_a_long_one_left_to_the_schedule() -> None:
    """A few tries with growing pauses, then nothing until the next time; other kinds are polled all the same."""
    one = polled(590, lambda one: one.errors.update(payment=Retry("away")))
    assert len(one.of("payment")) == polling.TRIES
    assert len(one.of("vendor")) == 1
    asked_to_wait = polled(590, lambda one: one.errors.update(payment=Retry("later", after=3600)))
    assert (len(asked_to_wait.of("payment")), len(asked_to_wait.of("vendor"))) == (1, 1)


@pytest.mark.parametrize("error", [Reject("a filter"), Fatal("no permission", code="BDC_1145", status=403)])
def test_a_kind_that_is_refused_hides_no_other(error: RecoveryError) -> None:
    """The user may not read payments: bills and vendors are read, and commands are not parked for that."""
    before = POLLS.labels("payment", "refused")._value.get()
    one = polled(590, lambda one: one.errors.update(payment=error))
    assert (len(one.of("payment")), len(one.of("bill")), one.sick) == (1, 1, [])
    assert POLLS.labels("payment", "refused")._value.get() == before + 1


def test_a_refused_sign_in_makes_the_connection_sick_so_that_it_is_healed() -> None:
    """Nobody sends commands, and still a password that was mended in BILL is noticed."""

    def prepare(one: Polled) -> None:
        one.errors.update(bill=Fatal("wrong password", status=401))
        one.session = None

    one = polled(590, prepare)
    assert one.sick == ["acme"]
    assert one.of("payment") == [], "without a sign-in nothing else is asked"
