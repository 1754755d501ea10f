"""The effects log: the write-ahead log of both writers. One message per step of a command, keyed by the command."""

from datetime import datetime

from tieout.events.commands import AnyCommand
from tieout.events.envelope import Payload
from tieout.events.facts import OutcomeFact


class IntentLogged(Payload):
    """Committed before the first byte leaves.

    Attributes:
        tries: counts the calls of this command, from 1; a call known not to have been executed may be tried again.
        deadline: UTC; after it the request is not written any more.
        settled: UTC; before it a look-up that finds nothing proves nothing.
        request_hash: of the command's content, compared when a repeat arrives.
    """

    command_id: str
    command: AnyCommand
    tries: int
    deadline: datetime
    settled: datetime
    request_hash: str


class DoubtLogged(Payload):
    """The call's answer was lost; the intent stays open until a look-up settles it. ``lookups`` counts empty ones."""

    command_id: str
    reason: str
    lookups: int = 0


class EndLogged(Payload):
    """The effect's end, committed together with its outcome in ``sync.facts``."""

    command_id: str
    outcome: OutcomeFact


class BudgetReserved(Payload):
    """Calls or logins taken from an hour's budget before they are used. ``hour`` is its first moment, UTC."""

    hour: datetime
    resource: str
    amount: int
