"""Sick connections: tried seldom enough, at once when something changed, and always reported."""

import asyncio
from types import SimpleNamespace
from typing import Any

from support.fake_effects import FakeStore, Part
from support.virtual_time import run, wall
from tieout.domain.errors import Fatal
from tieout.effects.book import sick_pin
from tieout.effects.log import Append, EffectsLog
from tieout.effects.messages import Scribe
from tieout.events.effects import HealedLogged
from tieout.events.facts import SideFact
from tieout_bill_writer.healing import LONGEST_PAUSE, bill_healing


class Organizations:
    """What healing needs of them; BILL answers once ``well`` is set."""

    def __init__(self) -> None:
        self.sick: set[str] = set()
        self.over: set[str] = set()
        self.well = False
        self.tried: list[float] = []
        self.fell_ill: Any = None
        self.kept_session = True

    def sicken(self, connection: str, key: str = "main") -> None:
        """As the runtime does it."""
        if connection not in self.sick:
            self.sick.add(connection)
            self.fell_ill(connection, key)

    def is_sick(self, connection: str) -> bool:
        """Whether its commands are parked."""
        return connection in self.sick

    def heal(self, connection: str) -> None:
        """Well again."""
        self.sick.discard(connection)

    def is_over(self, connection: str) -> bool:
        """Retired."""
        return connection in self.over

    async def organization(self, _connection: str) -> Any:
        """With a client whose one call says how it stands."""

        async def read(_call: Any, _reader: Any) -> None:
            self.tried.append(asyncio.get_running_loop().time())
            if not self.well:
                raise Fatal("wrong password")

        sessions = SimpleNamespace(current=object(), reset=lambda: None)
        return SimpleNamespace(client=SimpleNamespace(sessions=sessions, caller=SimpleNamespace(read=read)))


class Clinic:
    """A healing with a log."""

    def __init__(self) -> None:
        self.part = Part()
        self.log = EffectsLog(FakeStore(self.part), clock=wall)
        self.log.fence()
        self.log.open(0, 0)
        self.log.start()
        self.organizations = Organizations()
        registry: Any = SimpleNamespace(subscribe=lambda _callback: lambda: None)
        organizations: Any = self.organizations
        self.healing = bill_healing(registry, organizations, lambda _key: self.log, Scribe("bill-writer", wall))

    def healed(self) -> int:
        """How often a side was reported healed."""
        return sum(isinstance(message.data, SideFact) for message in self.part.facts)

    async def close(self) -> None:
        """End it."""
        await self.healing.close()
        await self.log.close()


def test_pauses_grow_and_sign_ins_are_few() -> None:
    """A connection that stays sick for a day is tried a dozen times an hour at most, and healed within five minutes."""

    async def story() -> None:
        clinic = Clinic()
        clinic.organizations.sicken("acme")
        await asyncio.sleep(24 * 3600)
        tried = clinic.organizations.tried
        assert tried[0] == 5
        assert len(tried) <= 24 * 12 + 6
        clinic.organizations.well = True
        await asyncio.sleep(LONGEST_PAUSE + 1)
        assert clinic.healed() == 1
        assert not clinic.organizations.sick
        await clinic.close()

    run(story())


def test_many_sick_connections_share_the_sign_ins_of_their_key() -> None:
    """Fifty companies with wrong passwords leave half of the hour's sign-ins to the healthy ones."""

    async def story() -> None:
        clinic = Clinic()
        for number in range(50):
            clinic.organizations.sicken(f"c{number}")
        await asyncio.sleep(3600)
        clinic.organizations.tried.clear()
        await asyncio.sleep(3600)
        assert len(clinic.organizations.tried) <= 100
        await clinic.close()

    run(story())


def test_a_change_is_worth_a_try_at_once() -> None:
    """Somebody set new credentials: nobody waits for the end of a pause."""

    async def story() -> None:
        clinic = Clinic()
        clinic.organizations.sicken("acme")
        await asyncio.sleep(3600)
        clinic.organizations.well = True
        clinic.healing.wake("acme")
        await asyncio.sleep(0.1)
        assert clinic.healed() == 1
        await clinic.close()

    run(story())


def test_one_that_is_never_really_well_does_not_flap() -> None:
    """The probe succeeds and every write is refused: it is reported a few times an hour, not every five seconds."""

    async def story() -> None:
        clinic = Clinic()
        clinic.organizations.well = True
        for _ in range(3600):
            clinic.organizations.sicken("acme")
            await asyncio.sleep(1)
        assert clinic.healed() <= 18
        await clinic.close()

    run(story())


def test_ill_again_while_the_report_is_written_is_not_forgotten() -> None:
    """A command was parked in that moment: it is healed a second time."""

    async def story() -> None:
        clinic = Clinic()
        clinic.organizations.well = True
        clinic.organizations.sicken("acme")
        while clinic.organizations.sick:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.001)
        assert clinic.healed() == 0
        clinic.organizations.sicken("acme")
        await asyncio.sleep(60)
        assert clinic.healed() == 2
        assert not clinic.organizations.sick
        await clinic.close()

    run(story())


def test_a_retired_connection_is_left_alone_and_owes_nothing() -> None:
    """No call is made for it any more, and the log may move on."""

    async def story() -> None:
        clinic = Clinic()
        note = Scribe("bill-writer", wall).reserved("main", wall(), "calls", 1)
        await clinic.log.append(Append(effects=(("", False, note),), pin=sick_pin("acme")))
        assert clinic.log.progress.checkpoint() == 0
        clinic.organizations.over.add("acme")
        clinic.organizations.sicken("acme")
        await asyncio.sleep(60)
        assert clinic.organizations.tried == []
        assert clinic.healed() == 0
        assert isinstance(clinic.part.effects[1].data, HealedLogged)
        assert clinic.log.progress.checkpoint() == 2
        await clinic.close()

    run(story())


def test_what_is_given_away_is_the_next_owners_to_heal() -> None:
    """The partition went to another process: this one tries no more and holds nothing against the connection."""

    async def story() -> None:
        clinic = Clinic()
        clinic.organizations.sicken("acme")
        clinic.healing.detach(lambda _key: False)
        assert not clinic.organizations.sick
        await asyncio.sleep(600)
        assert clinic.organizations.tried == []
        clinic.organizations.well = True
        clinic.organizations.sicken("acme")
        await asyncio.sleep(6)
        assert clinic.healed() == 1
        await clinic.close()

    run(story())
