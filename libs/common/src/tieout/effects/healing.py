"""Sick connections: tried again now and then, and at once when somebody changed something; healed ones are reported.

Every parked command closes its side's window in the decider until a `healed` follows it, so a connection that is sick
here always has a task, and the effects log keeps what is owed across a restart.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from tieout.connections.registry import ConnectionView, Registry
from tieout.domain.errors import RecoveryError, Retry
from tieout.domain.settings import Side
from tieout.effects.book import sick_pin
from tieout.effects.desk import sound
from tieout.effects.log import Append, EffectsLog
from tieout.effects.messages import Scribe
from tieout.log.produce import Fenced
from tieout.observability.logging import logger

log = logger(__name__)

FIRST_TRY: Final = 5.0
# A refused sign-in may count against a limit of the outside, so a connection that stays sick is tried twelve times an
# hour at most; whoever mends it is noticed at once by what was changed, or within this time.
LONGEST_PAUSE: Final = 300.0
# Sick again within this time of being healed: it was not healed, only the question was too easy (a permission for one
# kind of write, say). Then the pauses go on where they were, so that it does not flap.
RELAPSE: Final = 900.0


class Sick(Protocol):
    """Who knows which connections are sick. ``fell_ill`` is called with connection and partition key."""

    fell_ill: Callable[[str, str], None]

    def is_sick(self, connection: str) -> bool:
        """Whether its commands are parked."""
        ...

    def is_over(self, connection: str) -> bool:
        """Whether nobody will mend it any more."""
        ...

    def heal(self, connection: str) -> None:
        """Its commands are not parked any more."""
        ...


@dataclass
class _Patient:
    """A sick connection: the partition key of its commands, its pause, and whether something changed."""

    connection: str
    key: str
    pause: float
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None


class Healing:
    """One task per sick connection. Use from the event loop.

    Args:
        registry: tells of changed settings and credentials.
        sick: who knows what is sick.
        log_of: the effects log of a partition key, None if it is not ours.
        scribe: writes what is reported.
        side: of the connections.
        answers: a call to the outside; raises a recovery error while it does not let the connection in.
        first_try: seconds.
        tries_an_hour: for all sick connections of one partition key together; None is without limit.
    """

    def __init__(
        self,
        registry: Registry,
        sick: Sick,
        log_of: Callable[[str], EffectsLog | None],
        scribe: Scribe,
        side: Side,
        answers: Callable[[str], Awaitable[None]],
        *,
        first_try: float = FIRST_TRY,
        tries_an_hour: int | None = None,
    ) -> None:
        self._sick = sick
        self._log_of = log_of
        self._scribe = scribe
        self._side = side
        self._ask = answers
        self._first_try = first_try
        self._each = 0.0 if tries_an_hour is None else 3600 / tries_an_hour
        self._patients: dict[str, _Patient] = {}
        self._healed: dict[str, tuple[float, float]] = {}
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = registry.subscribe(self._noticed)
        sick.fell_ill = self.begin

    def begin(self, connection: str, key: str) -> None:
        """A connection fell ill."""
        if connection in self._patients:
            return
        at, pause = self._healed.pop(connection, (float("-inf"), 0.0))
        relapsed = self._loop.time() - at < RELAPSE
        patient = _Patient(connection, key, min(LONGEST_PAUSE, pause * 2) if relapsed else self._first_try)
        self._patients[connection] = patient
        patient.task = self._loop.create_task(self._heal(patient))

    def wake(self, connection: str) -> None:
        """Something about a connection has changed: if it is sick it is tried at once."""
        patient = self._patients.get(connection)
        if patient is not None:
            patient.changed.set()

    def detach(self, owned: Callable[[str], bool]) -> None:
        """Partitions were given away: what is sick there is the next owner's to heal. ``owned`` judges a key."""
        for patient in [patient for patient in self._patients.values() if not owned(patient.key)]:
            del self._patients[patient.connection]
            self._sick.heal(patient.connection)
            if patient.task is not None:
                patient.task.cancel()

    async def close(self) -> None:
        """Stop trying."""
        self._unsubscribe()
        tasks = [patient.task for patient in self._patients.values() if patient.task is not None]
        self._patients.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _noticed(self, view: ConnectionView) -> None:
        """In the registry's thread: new settings or credentials are worth a try at once."""
        self._loop.call_soon_threadsafe(self.wake, view.connection)

    async def _heal(self, patient: _Patient) -> None:
        """Try until the outside answers, report, and end; whatever is parked from then on begins anew."""
        connection = patient.connection
        while not self._sick.is_over(connection):
            await self._wait(patient)
            if not self._sick.is_over(connection) and await self._answers(connection):
                break
        self._sick.heal(connection)
        try:
            await self._report(patient)
        except Fenced as error:
            log.warning("healed, and not ours any more", connection=connection, reason=str(error))
        del self._patients[connection]
        self._healed[connection] = (self._loop.time(), patient.pause)
        if self._sick.is_sick(connection):
            # It fell ill again while the report was written.
            self.begin(connection, patient.key)

    async def _wait(self, patient: _Patient) -> None:
        together = sum(1 for other in self._patients.values() if other.key == patient.key)
        pause = max(patient.pause, together * self._each if patient.pause > self._first_try else 0)
        try:
            await asyncio.wait_for(patient.changed.wait(), pause)
            patient.pause = self._first_try
        except TimeoutError:
            patient.pause = min(patient.pause * 2, LONGEST_PAUSE)
        patient.changed.clear()

    async def _answers(self, connection: str) -> bool:
        try:
            await sound(self._ask(connection), Retry)
        except RecoveryError as error:
            log.debug("still sick", connection=connection, reason=str(error))
            return False
        return True

    async def _report(self, patient: _Patient) -> None:
        effects = self._log_of(patient.key)
        if effects is None:
            return
        connection, side = patient.connection, self._side.value
        note, fact = self._scribe.healed(patient.key, connection, side, f"{side.upper()} answers again")
        if self._sick.is_over(connection):
            # Nobody waits for a retired connection any more; only the log has to know that nothing is owed.
            await effects.append(Append(effects=(("", False, note),), unpin=sick_pin(connection)))
            return
        await effects.append(Append(effects=(("", False, note),), facts=(fact,), unpin=sick_pin(connection)))
        log.info("side is healed", connection=connection, side=side)
