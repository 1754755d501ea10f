"""A person releases a hold: a fact for the decider, which judges it against the state as it is then."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from tieout.connections.registry import ConnectionView
from tieout.decide.rows import HoldRow
from tieout.domain.settings import State
from tieout.events.facts import HoldReleased
from tieout.log.topics import Names
from tieout_control_plane.asking import NotNow
from tieout_control_plane.log_writer import LogWriter
from tieout_control_plane.messages import hold_released
from tieout_control_plane.projection.records import Records
from tieout_control_plane.tokens import Person

CREATE: Final = "create"


class UnknownHold(Exception):
    """Nothing is held under that name."""


class WrongChoice(Exception):
    """The hold does not offer that; ``allowed`` are the choices it does."""

    def __init__(self, choice: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{choice!r} is no choice of this hold")
        self.allowed = tuple(allowed)


class Releasing:
    """Writes releases. What is held is read from the projection."""

    def __init__(self, records: Records, writer: LogWriter, names: Names) -> None:
        self._records = records
        self._writer = writer
        self._names = names

    async def release(self, view: ConnectionView, ref: str, person: Person, text: str, choice: str) -> str:
        """Write the release; returns the fact's id. The decider takes it up within moments.

        Raises:
            UnknownHold, WrongChoice, LogUnavailable, Superseded: see there.
            NotNow: the hold goes by itself, or the connection is retired.
        """
        if view.settings.state is State.RETIRED:
            raise NotNow("a retired connection is over, and its holds with it")
        found = await asyncio.to_thread(self._records.hold, view.connection, ref)
        if found is None:
            raise UnknownHold(ref)
        held = HoldRow.model_validate(found[0])
        if held.mapping:
            raise NotNow("this hold is not released by hand: it goes by itself once its record is mended")
        if choice and choice not in (allowed := choices(held)):
            raise WrongChoice(choice, allowed)
        fact = HoldReleased(
            link=ref, reason=held.reason, person=person.name, role=person.role, text=text, choice=choice
        )
        message = hold_released(self._names, view.connection, held.fact, fact, datetime.now(UTC))
        await self._writer.commit("release", [message.outgoing])
        return message.id


def choices(held: HoldRow) -> list[str]:
    """What may be chosen at the release of a hold: a candidate, or to create in spite of them; none without any."""
    return [*(candidate.id for candidate in held.candidates), CREATE] if held.candidates else []
