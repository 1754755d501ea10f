"""The effects log: the write-ahead log of both writers. One message per step of a command, keyed by the command."""

from datetime import datetime

from tieout.domain.erp_outcomes import NotYet, OpenAmount, StepResult
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
        step: which one, of a command with several.
        before: what the documents of an order showed as open before its first step; proofs measure from it.
    """

    command_id: str
    command: AnyCommand
    tries: int
    deadline: datetime
    settled: datetime
    request_hash: str
    step: str = ""
    before: tuple[OpenAmount, ...] = ()


class StepLogged(Payload):
    """A step of a command with several is done; the command stays open. ``result`` is what later steps need."""

    command_id: str
    result: StepResult


class RefusedLogged(Payload):
    """A step was refused for good, nothing is posted, and what stands is being taken back; then this is the end."""

    command_id: str
    code: str = ""
    message: str = ""
    cure: str = ""


class WaitingLogged(Payload):
    """Everything that can be done is done, and the outside does not show it yet: a person, an approval, a job queue.

    The command stays open and is looked at again until the ledger shows its end.
    """

    command_id: str
    waiting: NotYet


class DoubtLogged(Payload):
    """The call's answer was lost; the intent stays open until a look-up settles it. ``lookups`` counts empty ones."""

    command_id: str
    reason: str
    lookups: int = 0


class EndLogged(Payload):
    """The effect's end, committed together with its outcome in ``sync.facts``.

    The end of a parked command also says that its connection's side is owed a ``HealedLogged``.
    """

    command_id: str
    outcome: OutcomeFact
    connection: str = ""


class HealedLogged(Payload):
    """A side that was parked answers again; committed together with the fact that says so."""

    connection: str


class BudgetReserved(Payload):
    """Calls or logins taken from an hour's budget before they are used. ``hour`` is its first moment, UTC."""

    hour: datetime
    resource: str
    amount: int
