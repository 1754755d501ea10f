"""What a writer service plugs into the runtime: one effect per kind of command, and what it knows of connections."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tieout.events.commands import CommandFrame
from tieout.events.facts import Candidate


@dataclass(frozen=True)
class Done:
    """The outside's object after a write, or found to be its result.

    ``complete`` False: a step is done, and ``perform`` is to be called again, with an intent of its own. A crash
    between two steps is a doubt that ``settle`` finds not done, so the next attempt looks and does the rest.
    """

    target: str
    version: str = ""
    complete: bool = True


class Effect(Protocol):
    """One command, carried out. Every method may raise the four recovery errors; each is called under its lane."""

    name: str
    """Method and path template of the write, for messages, metrics and crash points."""

    slow: float
    """Seconds to be added to the settle time: what this call may take longer than others, until it is seen outside."""

    async def room(self) -> None:
        """Wait until the budget has room for the effect; asked before anything is intended, and may take an hour."""
        ...

    async def look(self) -> tuple[Candidate, ...]:
        """Look before the write: whatever may already be what the command wants. Empty: it may be written."""
        ...

    async def perform(self, deadline: float) -> Done:
        """One foreign call. ``deadline`` is ``time.monotonic()``: the request must not be written after it."""
        ...

    async def settle(self) -> tuple[Done, ...]:
        """After a lost answer: everything outside that may be the result of the write."""
        ...


class UnknownEffect(Exception):
    """This writer knows no effect for such a command."""


class Verdict(StrEnum):
    """Whether a command may be carried out now."""

    PROCEED = "proceed"
    WAIT = "wait"
    STALE = "stale"
    PARK = "park"


@dataclass(frozen=True)
class Admission:
    """A verdict and its reason."""

    verdict: Verdict
    reason: str = ""


class Connections(Protocol):
    """What the writer knows of connections: their settings' generation, and which of them are sick."""

    def admit(self, command: CommandFrame) -> Admission:
        """Whether the command may be carried out under the settings seen here."""
        ...

    def sicken(self, connection: str, key: str, reason: str) -> None:
        """Credentials, permission or address of the side failed: park what comes until it is healed.

        Called again after each parked end is durable, so a `healed` follows every one of them. ``key`` is the partition
        key of the connection's commands.
        """
        ...

    def is_over(self, connection: str) -> bool:
        """Whether nobody will mend the connection any more: it is retired or gone."""
        ...

    def is_current(self, effect: Effect) -> bool:
        """Whether an effect goes by the settings and credentials of now."""
        ...

    async def effect(self, command: CommandFrame) -> Effect:
        """The effect of a command.

        Raises:
            UnknownEffect: there is none here for it.
            Fatal: there are no credentials. Retry: they cannot be read now.
        """
        ...
