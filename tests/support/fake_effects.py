"""A partition of Kafka, an outside and a writer's process in memory, all in virtual time, all ready to fail."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from support.virtual_time import wall
from tieout.domain.bill import BillVendorContent
from tieout.domain.errors import InDoubt, Reject, Retry
from tieout.domain.records import Address
from tieout.effects.book import sick_pin
from tieout.effects.log import Append, EffectsLog
from tieout.effects.messages import Scribe
from tieout.effects.port import Admission, Done, Verdict
from tieout.effects.protocol import Timings
from tieout.effects.runtime import Runner
from tieout.effects.store import Commit
from tieout.events import catalogue
from tieout.events.commands import CommandFrame, Intent, Priority, VendorCommand
from tieout.events.effects import EndLogged, IntentLogged
from tieout.events.envelope import Message, Payload, decode, encode
from tieout.events.facts import Candidate, OutcomeFact
from tieout.events.identity import command_id
from tieout.log.produce import Aborted, Fenced

KEY = "main"
FAST = Timings(write_within=2, http=5, settle=5, lookup_gap=2, retry_cap=2, retry_for=20)
CONTENT = BillVendorContent(
    name="-", short_name="-", currency="USD", address=Address(line1="1", city="O", country="NO")
)


class Part:
    """The ground truth of one partition: input, effects log, facts, and what is committed of the input."""

    def __init__(self) -> None:
        self.input: list[Message[CommandFrame] | None] = []
        self.effects: list[Message[Payload]] = []
        self.facts: list[Message[Payload]] = []
        self.position = 0
        self.checkpoint = 0
        self.epoch = 0
        self.commits = 0

    def ask(self, message: Message[CommandFrame]) -> int:
        """A command arrives, behind a marker of its transaction."""
        self.input += [message, None]
        return len(self.input) - 2

    def commit(self, commit: Commit) -> list[int]:
        """All of a transaction; what it says of the log must be true, or a restart would forget something."""
        places = []
        for _key, message in commit.effects:
            headers, value = encode(message)
            self.effects.append(decode(headers, value, catalogue))
            places.append(len(self.effects) - 1)
        self.facts += commit.facts
        self.position, self.checkpoint = commit.position, commit.checkpoint
        self.commits += 1
        self.check()
        return places

    def check(self) -> None:
        """The checkpoint is never later than the first message of an open command, or of one yet to be read again."""
        above = {message.id for message in self.input[self.position :] if message is not None}
        for command, places in self.places().items():
            data = [self.effects[place].data for place in places]
            last = max(i for i, each in enumerate(data) if isinstance(each, IntentLogged | EndLogged))
            since_end = [i for i, each in enumerate(data) if isinstance(each, EndLogged)]
            is_open = isinstance(data[last], IntentLogged)
            begun = places[since_end[-1] + 1] if is_open and since_end else places[0]
            if is_open:
                assert self.checkpoint <= begun, f"open {command} from {begun} is behind {self.checkpoint}"
            elif command in above:
                assert self.checkpoint <= places[-1], f"{command} ended at {places[-1]}, behind {self.checkpoint}"

    def places(self) -> dict[str, list[int]]:
        """Where the messages of each command stand."""
        found: dict[str, list[int]] = {}
        for place, message in enumerate(self.effects):
            command = getattr(message.data, "command_id", "")
            if command:
                found.setdefault(command, []).append(place)
        return found

    def outcomes(self, command: str = "") -> list[OutcomeFact]:
        """The outcomes written, of one command or of all."""
        facts = [message.data for message in self.facts]
        return [fact for fact in facts if isinstance(fact, OutcomeFact) and command in ("", fact.command)]


class FakeStore:
    """A ``Store`` on a part. ``aborts``: so many commits are rolled back first; dead, it answers nothing any more."""

    def __init__(self, part: Part, rng: random.Random | None = None, aborts: int = 0) -> None:
        self.part = part
        self.aborts = aborts
        self.dead = False
        self._rng = rng or random.Random(0)  # noqa: S311 - to be repeated
        self._epoch = -1

    def fence(self) -> None:
        """The newest owner's epoch."""
        self.part.epoch += 1
        self._epoch = self.part.epoch

    def input_end(self) -> int:
        """Where the input ends."""
        return len(self.part.input)

    def read(self, start: int) -> Iterator[tuple[int, Message[Payload]]]:
        """The log from a place on."""
        yield from list(enumerate(self.part.effects))[start:]

    async def commit(self, commit: Commit) -> list[int]:
        """After some milliseconds."""
        await asyncio.sleep(self._rng.uniform(0.001, 0.02))
        if self.dead:
            await asyncio.Event().wait()
        if self._epoch != self.part.epoch:
            raise Fenced("a newer epoch")
        if self.aborts:
            self.aborts -= 1
            raise Aborted("rebalance")
        return self.part.commit(commit)

    def close(self) -> None:
        """Nothing more is committed."""
        self.dead = True


@dataclass
class Thing:
    """An object of the outside; lists show it from ``visible`` on."""

    id: str
    mark: str
    visible: float


@dataclass
class Outside:
    """A system without idempotency keys: every write it executes makes a thing."""

    rng: random.Random
    faults: dict[str, float] = field(default_factory=dict)
    lag: float = 3.0
    latency: tuple[float, float] = (0.05, 1.0)
    things: list[Thing] = field(default_factory=list)
    writes: int = 0
    running: int = 0
    most_running: int = 0

    def execute(self, mark: str) -> Thing:
        """Make it so."""
        now = asyncio.get_running_loop().time()
        thing = Thing(f"t{len(self.things)}", mark, now + self.rng.uniform(0, self.lag))
        self.things.append(thing)
        return thing

    async def write(self, mark: str, deadline: float) -> Thing:
        """One call, with whatever fate it is given."""
        loop = asyncio.get_running_loop()
        if loop.time() > deadline:
            raise Retry("late", code="late")
        self.writes += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return await self._fate(mark)
        finally:
            self.running -= 1

    async def _fate(self, mark: str) -> Thing:
        loop, chance = asyncio.get_running_loop(), self.rng.random()
        takes = self.rng.uniform(*self.latency)
        for fault, probability in self.faults.items():
            chance -= probability
            if chance >= 0:
                continue
            if fault == "retry":
                await asyncio.sleep(takes)
                raise Retry("try again")
            if fault == "reject":
                raise Reject("no", code="no")
            # Executed or not, at once or as late as a call can be: nobody hears of it.
            if fault == "lost":
                loop.call_later(takes, self.execute, mark)
            if fault == "late":
                loop.call_later(self.rng.uniform(0, FAST.http), self.execute, mark)
            await asyncio.sleep(takes if fault != "late" else FAST.http)
            raise InDoubt("no answer")
        executed: asyncio.Future[Thing] = loop.create_future()
        loop.call_later(takes / 2, lambda: executed.set_result(self.execute(mark)))
        thing = await asyncio.shield(executed)
        await asyncio.sleep(takes / 2)
        return thing

    async def listed(self, mark: str) -> list[Thing]:
        """What lists show of a mark; they may fail, which changes nothing."""
        await asyncio.sleep(self.rng.uniform(*self.latency))
        if self.rng.random() < self.faults.get("retry", 0):
            raise Retry("list failed")
        now = asyncio.get_running_loop().time()
        return [thing for thing in self.things if thing.mark == mark and thing.visible <= now]


class FakeEffect:
    """Ensures a thing with the command's mark."""

    name = "POST /things"
    slow = 0.0

    def __init__(self, outside: Outside, command: CommandFrame) -> None:
        self._outside = outside
        self._mark = command.mark

    async def room(self) -> None:
        """There is always room."""

    async def look(self) -> tuple[Candidate, ...]:
        """By mark."""
        return tuple(Candidate(id=thing.id) for thing in await self._outside.listed(self._mark))

    async def perform(self, deadline: float) -> Done:
        """Make it."""
        return Done((await self._outside.write(self._mark, deadline)).id)

    async def settle(self) -> tuple[Done, ...]:
        """By mark."""
        return tuple(Done(thing.id) for thing in await self._outside.listed(self._mark))


class FakeConnections:
    """Knows every connection; a sick one is healed after a while and reported through the log."""

    def __init__(self, outside: Outside, heals_after: float = 5.0) -> None:
        self.outside = outside
        self.heals_after = heals_after
        self.sick: dict[str, str] = {}
        self.over: set[str] = set()
        self.generation = 0
        self.verdict: Admission | None = None
        self.log: EffectsLog | None = None
        self.make: Any = FakeEffect
        self.made: list[Any] = []
        self.outdated: set[int] = set()

    def admit(self, command: CommandFrame) -> Admission:
        """What the test says, else by sickness."""
        if self.verdict is not None:
            return self.verdict
        reason = self.sick.get(command.connection)
        return Admission(Verdict.PROCEED) if reason is None else Admission(Verdict.PARK, reason)

    def sicken(self, connection: str, key: str, reason: str) -> None:
        """Healed by itself."""
        if connection not in self.sick:
            self.sick[connection] = reason
            asyncio.get_running_loop().create_task(self._heal(connection, key))

    async def _heal(self, connection: str, key: str) -> None:
        await asyncio.sleep(self.heals_after)
        self.sick.pop(connection, None)
        note, fact = Scribe("writer", wall).healed(key, connection, "bill", "well")
        assert self.log is not None
        try:
            await self.log.append(Append(effects=(("", False, note),), facts=(fact,), unpin=sick_pin(connection)))
        except Fenced:
            return

    def is_over(self, connection: str) -> bool:
        """What the test says."""
        return connection in self.over

    def is_current(self, effect: Any) -> bool:
        """What the test says."""
        return id(effect) not in self.outdated

    async def effect(self, command: CommandFrame) -> Any:
        """A new one each time."""
        self.made.append(self.make(self.outside, command))
        return self.made[-1]


class Process:
    """A writer's process that owns the part from now on."""

    def __init__(
        self, part: Part, connections: FakeConnections, timings: Timings = FAST, rng: random.Random | None = None
    ) -> None:
        self.part = part
        self.store = FakeStore(part, rng)
        self.log = EffectsLog(self.store, clock=wall)
        self.log.fence()
        self._next, checkpoint = part.position, part.checkpoint
        restored = self.log.open(self._next, checkpoint)
        self.restored = restored
        connections.log = self.log
        self.log.start()
        self.runner = Runner("writer", self.log, connections, timings, clock=wall)
        self.runner.resume(restored)
        if self._next >= self.log.until:
            self.runner.caught_up()
        self._feeding = asyncio.get_running_loop().create_task(self._feed())

    async def _feed(self) -> None:
        while True:
            while self._next < len(self.part.input):
                message = self.part.input[self._next]
                if message is not None:
                    self.runner.received(self._next, message)
                elif self._next + 1 >= self.log.until:
                    self.runner.caught_up()
                self._next += 1
            await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """As a power cut: nothing is written any more; what was sent stays sent."""
        self.store.dead = True
        self._feeding.cancel()
        tasks: list[asyncio.Task[Any]] = [self._feeding, *self.runner._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self.log.close()

    async def leave(self, seconds: float = 15.0) -> None:
        """As at a rebalance: drained and closed."""
        self._feeding.cancel()
        await self.runner.drain(seconds)
        await self.log.close()


def command(link: str, attempt: int = 1, **changes: Any) -> Message[CommandFrame]:
    """A command to ensure one thing."""
    frame = VendorCommand(
        connection=changes.pop("connection", "acme"),
        organization=changes.pop("organization", "00801"),
        link=link,
        intent=Intent.VENDOR_ENSURE,
        attempt=attempt,
        generation=0,
        content_hash=link,
        mark=link,
        lane=changes.pop("lane", link),
        priority=changes.pop("priority", Priority.MASTER),
        issued=changes.pop("issued", wall()),
        content=CONTENT,
        **changes,
    )
    identity = command_id(link, frame.intent, frame.content_hash, attempt)
    return Message(identity, "/test", catalogue.name_of(frame), link, wall(), KEY, frame)


async def until(ask: Any, seconds: float = 600.0) -> None:
    """Wait in virtual time."""
    async with asyncio.timeout(seconds):
        while not ask():  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.05)


def marks(outside: Outside) -> dict[str, int]:
    """How many things there are of each mark."""
    found: dict[str, int] = {}
    for thing in outside.things:
        found[thing.mark] = found.get(thing.mark, 0) + 1
    return found


def names(parts: Sequence[OutcomeFact]) -> list[str]:
    """The results, in order."""
    return [fact.result.value for fact in parts]
