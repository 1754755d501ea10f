"""Whether a command may be carried out now: by the settings seen here, and by which connections are sick."""

from collections.abc import Callable

from tieout.connections.registry import Registry
from tieout.domain.settings import Side, State
from tieout.effects.port import Admission, Verdict
from tieout.events.commands import CommandFrame
from tieout.observability.logging import logger

log = logger(__name__)

FellIll = Callable[[str, str], None]


class Roster:
    """The connections of one side. Use from the event loop.

    ``fell_ill`` is told of every connection that has to be healed, with the partition key of its commands.
    """

    def __init__(self, registry: Registry, side: Side) -> None:
        self._registry = registry
        self._side = side
        self._sick: dict[str, str] = {}
        self.fell_ill: FellIll = lambda _connection, _key: None

    def admit(self, command: CommandFrame) -> Admission:
        """Compare the command's generation with the settings seen here."""
        view = self._registry.get(command.connection)
        if view is None or view.generation < command.generation:
            return Admission(Verdict.WAIT, "the settings it was decided under have not been seen here")
        if view.generation > command.generation:
            return Admission(Verdict.STALE, f"settings are at generation {view.generation}")
        if view.settings.state is not State.ACTIVE:
            return Admission(Verdict.PARK, f"the connection is {view.settings.state}")
        sick = self._sick.get(command.connection)
        return Admission(Verdict.PROCEED) if sick is None else Admission(Verdict.PARK, sick)

    def sicken(self, connection: str, key: str, reason: str) -> None:
        """Park what comes for this connection until ``heal``."""
        if connection not in self._sick:
            log.warning("side is sick", side=self._side.value, connection=connection, reason=reason)
            self._sick[connection] = reason
            self.fell_ill(connection, key)

    def is_sick(self, connection: str) -> bool:
        """Whether its commands are parked."""
        return connection in self._sick

    def heal(self, connection: str) -> None:
        """The side answers again."""
        self._sick.pop(connection, None)

    def is_over(self, connection: str) -> bool:
        """Retired, or not there any more."""
        view = self._registry.get(connection)
        return view is None or view.settings.state is State.RETIRED

    def may_write(self, connection: str) -> bool:
        """Whether the owner lets anything be written."""
        view = self._registry.get(connection)
        return view is not None and view.settings.state is State.ACTIVE

    @property
    def sick(self) -> int:
        """How many are sick."""
        return len(self._sick)
