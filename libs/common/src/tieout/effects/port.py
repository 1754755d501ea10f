"""What a writer service plugs into the runtime: one effect per kind of command, and what it knows of connections."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tieout.events.commands import CommandFrame
from tieout.events.facts import Candidate


@dataclass(frozen=True)
class Done:
    """The outside's object after a write, or found to be its result."""

    target: str
    version: str = ""


class Effect(Protocol):
    """One command, carried out. Every method may raise the four recovery errors; each is called under its lane."""

    name: str
    """Method and path template of the write, for messages, metrics and crash points."""

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

    def sicken(self, connection: str, reason: str) -> None:
        """Credentials, permission or address of the side failed: park what comes until somebody mends it."""
        ...

    async def effect(self, command: CommandFrame) -> Effect:
        """The effect of a command. KeyError for a kind this writer does not know; Fatal without credentials."""
        ...
