"""Whatever is lost, late, killed or taken over: every wish is fulfilled once, and the log knows it."""

import asyncio
import random

import pytest

from support.fake_effects import FakeConnections, Outside, Part, Process, command, marks, until
from support.virtual_time import run
from tieout.events.facts import OutcomeFact, Result, SideFact

LINKS = 12
DONE = {Result.APPLIED, Result.FOUND}
AGAIN = {Result.ABSENT, Result.STALE, Result.EXPIRED, Result.PARKED}
FAULTS = {"lost": 0.12, "late": 0.08, "never": 0.08, "retry": 0.15}


class Decider:
    """Asks again for what ended without effect; while its side's window is closed it asks for nothing."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.open = True
        self.outstanding: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.done: set[str] = set()
        self._read = 0

    def want(self, link: str) -> None:
        """The next attempt for a link."""
        self.attempts[link] = self.attempts.get(link, 0) + 1
        message = command(link, self.attempts[link])
        self.outstanding[link] = message.id
        self.part.ask(message)

    async def decide(self) -> None:
        """Follow the facts."""
        waiting: list[str] = []
        while True:
            facts = self.part.facts[self._read :]
            self._read += len(facts)
            for fact in (message.data for message in facts):
                if isinstance(fact, SideFact):
                    self.open = True
                elif isinstance(fact, OutcomeFact) and self.outstanding.get(fact.link) == fact.command:
                    self._answered(fact, waiting)
            while self.open and waiting:
                self.want(waiting.pop())
            await asyncio.sleep(0.05)

    def _answered(self, fact: OutcomeFact, waiting: list[str]) -> None:
        assert fact.result is not Result.ESCALATED
        if fact.result in DONE:
            self.done.add(fact.link)
        elif fact.result in AGAIN:
            if fact.result is Result.PARKED:
                self.open = False
            self.outstanding.pop(fact.link)
            waiting.append(fact.link)


async def disturbed(seed: int) -> None:
    """A life of kills, hand-overs and zombies, until every link is done."""
    rng = random.Random(seed)  # noqa: S311 - to be repeated
    part, outside = Part(), Outside(rng, dict(FAULTS))
    connections = FakeConnections(outside)
    decider = Decider(part)
    process = Process(part, connections, rng=rng)
    deciding = asyncio.create_task(decider.decide())
    zombies = []
    for number in range(LINKS):
        decider.want(f"vendor/{number}")
    for _ in range(rng.randint(1, 5)):
        await asyncio.sleep(rng.choice((0.01, 0.2, 1.5, 9.0)) * rng.random())
        connections = FakeConnections(outside)
        how = rng.choice(("kill", "leave", "zombie"))
        if how == "kill":
            await process.kill()
        elif how == "leave":
            await process.leave()
        else:
            zombies.append(process)
        process = Process(part, connections, rng=rng)
    await until(lambda: len(decider.done) == LINKS)
    await until(lambda: part.position >= len(part.input) - 1)
    await asyncio.sleep(30)
    outside.faults.clear()
    assert set(marks(outside).values()) == {1}
    assert outside.most_running <= 6 * (1 + len(zombies))
    deciding.cancel()
    for each in (*zombies, process):
        await each.kill()
    last = Process(part, connections)
    assert not [standing for standing in last.restored.commands.values() if standing.is_open]
    assert not last.restored.sick
    await last.kill()


@pytest.mark.parametrize("seed", range(40))
def test_every_wish_is_fulfilled_once(seed: int) -> None:
    """However often the process dies, is fenced or loses answers, each vendor stands outside exactly once."""
    run(disturbed(seed))
