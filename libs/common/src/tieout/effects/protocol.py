"""The effect protocol as values: where a command stands, folded from the effects log.

    requested ─► intended ─► applied | found | rejected | in doubt
                                in doubt ─► applied | absent | escalated

A crash leaves nothing, an open intent (which then is in doubt), or an end. ``absent`` ends this command; the decider
asks again as the next attempt, which looks before it writes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from tieout.domain.erp_outcomes import NotYet, StepResult
from tieout.events.effects import (
    BudgetReserved,
    DoubtLogged,
    EndLogged,
    HealedLogged,
    IntentLogged,
    RefusedLogged,
    StepLogged,
    WaitingLogged,
)
from tieout.events.envelope import Message, Payload
from tieout.events.facts import Result

# A command that waited a week without an intent was decided on a world that is gone: it is decided again instead.
EXPIRES: Final = timedelta(days=7)
# Room for the numbers of what an order tells between two intents; nobody waits for so many different things.
TOLD_PER_TRY: Final = 1_000_000

Logged = IntentLogged | DoubtLogged | EndLogged | StepLogged | WaitingLogged | RefusedLogged
"""What the effects log says of one command."""


@dataclass
class Standing:
    """What the effects log says of one command.

    ``first`` is the offset of its first message there, ``key`` the partition key of its messages.

    Of an order of several steps: ``steps`` are done, by name; ``calling`` says that nothing is known yet of the newest
    intent's call; ``waiting`` is what it waited for last, ``waits`` how often that changed since the newest intent and
    ``since`` when it first did, UTC; ``refused`` why it is being taken back.
    """

    first: int
    key: str = ""
    intent: IntentLogged | None = None
    in_doubt: bool = False
    lookups: int = 0
    end: EndLogged | None = None
    steps: dict[str, StepResult] = field(default_factory=dict)
    calling: bool = False
    waiting: NotYet | None = None
    waits: int = 0
    since: datetime | None = None
    refused: RefusedLogged | None = None

    @property
    def is_open(self) -> bool:
        """An intent without an end: the call may have been made."""
        return self.intent is not None and self.end is None

    @property
    def next_wait(self) -> int:
        """The number of the next thing that is told of its waiting; the same after a restart, and never given twice."""
        tries = 0 if self.intent is None else self.intent.tries
        return tries * TOLD_PER_TRY + self.waits + 1

    def take(self, data: Logged, at: datetime | None = None) -> None:
        """The next message of the command, with its time (UTC).

        An intent after an end begins anew: the same command was asked for again.
        """
        if isinstance(data, IntentLogged):
            if self.end is not None:
                self._forget()
            self.intent, self.end, self.in_doubt, self.lookups = data, None, False, 0
            self.calling, self.waits = bool(data.step), 0
        elif isinstance(data, DoubtLogged):
            self.calling, self.in_doubt, self.lookups = False, True, data.lookups
        elif isinstance(data, EndLogged):
            # Only the outcome is needed from here on, to answer a repeat; a bill's lines would be most of the memory.
            self._forget()
            self.intent, self.end = None, data
        else:
            self._take_step(data, at)

    def _take_step(self, data: StepLogged | WaitingLogged | RefusedLogged, at: datetime | None) -> None:
        if isinstance(data, RefusedLogged):
            self.refused, self.calling = data, False
            return
        if isinstance(data, StepLogged):
            self.steps[data.result.step] = data.result
            if self.intent is None or data.result.step != self.intent.step:
                return
        elif data.waiting != self.waiting:
            self.since = at if self.waiting is None or self.waiting.why is not data.waiting.why else self.since
            self.waiting, self.waits = data.waiting, self.waits + 1
        self.calling, self.in_doubt, self.lookups = False, False, 0

    def _forget(self) -> None:
        self.steps = {}
        self.calling, self.in_doubt, self.waiting, self.refused, self.since = False, False, None, None, None


@dataclass(frozen=True)
class Reservation:
    """A block taken from an hour's budget, and where in the log it stands."""

    budget: str
    hour: datetime
    resource: str
    amount: int
    offset: int


@dataclass(frozen=True)
class Sickness:
    """A side that was parked and not reported healed: ``key`` is its partition key, ``offset`` the first parked end."""

    key: str
    offset: int
    reason: str


@dataclass
class Restored:
    """The fold of one partition of the effects log from a checkpoint to its end. ``sick`` is by connection."""

    commands: dict[str, Standing]
    reservations: list[Reservation]
    end: int
    sick: dict[str, Sickness] = field(default_factory=dict)


def restore(messages: Iterable[tuple[int, Message[Payload]]], start: int = 0) -> Restored:
    """Fold messages, each with its offset."""
    restored = Restored({}, [], start)
    for offset, message in messages:
        restored.end = offset + 1
        data, key = message.data, message.partitionkey
        if isinstance(data, BudgetReserved):
            hour = data.hour.astimezone(UTC)
            restored.reservations.append(Reservation(key, hour, data.resource, data.amount, offset))
        elif isinstance(data, HealedLogged):
            restored.sick.pop(data.connection, None)
        elif isinstance(data, Logged):
            standing = restored.commands.setdefault(data.command_id, Standing(offset, key))
            standing.take(data, message.time)
            if isinstance(data, EndLogged) and data.outcome.result is Result.PARKED and data.connection:
                sickness = Sickness(key, offset, data.outcome.message)
                restored.sick.setdefault(data.connection, sickness)
    return restored


@dataclass(frozen=True)
class Timings:
    """How long a call may take and when a look-up may be believed. Seconds.

    Attributes:
        write_within: after this the request is not written any more. Bounds how stale an intent can be when it leaves;
            must stay below the settle time, or a late write could follow a look-up that found nothing.
        http: total time-out of the call.
        settle: how long after the last moment the call could have been running a look-up is put off: the outside's
            own processing plus the lag of its lists.
        lookup_gap: between two look-ups that find nothing.
        retry_cap: longest pause between two tries of a call known not to have been executed.
        retry_for: after this long without one executed call the command is parked.
    """

    write_within: float = 10.0
    http: float = 30.0
    settle: float = 20.0
    lookup_gap: float = 10.0
    retry_cap: float = 30.0
    retry_for: float = 180.0

    def deadline(self, now: datetime) -> datetime:
        """The last moment to write a request intended now."""
        return now + timedelta(seconds=self.write_within)

    def settled(self, deadline: datetime, slow: float = 0.0) -> datetime:
        """When a call with that deadline has surely taken its effect or never will. ``slow``: see ``Effect.slow``."""
        return deadline + timedelta(seconds=self.http + self.settle + slow)
