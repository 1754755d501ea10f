"""Bodies and answers of the API."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tieout.connections.registry import ConnectionView
from tieout.domain.records import POLLED, Kind, PolledKind
from tieout.domain.settings import ConnectionSettings, Side, State
from tieout.events.requests import CheckLine, CheckStatus
from tieout_control_plane.plan import Outcome, Step

# A thousand connections are more than any installation has; the body's limit of 4 MiB stands beside it.
MOST_CONNECTIONS = 1_000


class Body(BaseModel):
    """What a caller sends: closed, so that a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(BaseModel):
    """What a caller gets."""

    model_config = ConfigDict(frozen=True)


class ApplyBody(Body):
    """The connections to be as they are given, all or none."""

    connections: list[ConnectionSettings] = Field(min_length=1, max_length=MOST_CONNECTIONS)


class SecretBody(Body):
    """One side's credentials by field: bill has user, password and developer_key; erp has its kind's own."""

    values: dict[str, Any]


class CheckBody(Body):
    """How many seconds to wait for the owners of both sides."""

    seconds: float | None = Field(None, gt=0, le=300)


class SyncBody(Body):
    """The kinds to read now; all if none is named."""

    kinds: list[PolledKind] = Field(default_factory=list, max_length=len(POLLED))


class Applied(Answer):
    """What became of one connection. ``changed`` names the fields that differ from before."""

    connection: str
    outcome: Outcome
    state: State
    generation: int
    changed: list[str]

    @classmethod
    def of(cls, step: Step) -> "Applied":
        """From a step of the plan."""
        return cls(
            connection=step.settings.connection,
            outcome=step.outcome,
            state=step.settings.state,
            generation=step.generation,
            changed=list(step.changed),
        )


class AppliedAll(Answer):
    """In the order they were given."""

    connections: list[Applied]


class Summary(Answer):
    """A connection in a list. ``secrets`` has the version of each side's credentials, 0 if none were given."""

    connection: str
    state: State
    generation: int
    erp: str
    company: str
    organization: str
    secrets: dict[Side, int]

    @classmethod
    def of(cls, view: ConnectionView) -> "Summary":
        """From the registry's view."""
        return cls(
            connection=view.connection,
            state=view.settings.state,
            generation=view.generation,
            erp=view.settings.erp.kind,
            company=view.settings.erp.company,
            organization=view.settings.bill.organization,
            secrets={side: view.secret_version(side) for side in Side},
        )


class Summaries(Answer):
    """All connections by name, retired ones too."""

    connections: list[Summary]


class Shown(Answer):
    """A connection with all its settings."""

    connection: str
    generation: int
    secrets: dict[Side, int]
    settings: ConnectionSettings

    @classmethod
    def of(cls, view: ConnectionView) -> "Shown":
        """From the registry's view."""
        return cls(
            connection=view.connection,
            generation=view.generation,
            secrets={side: view.secret_version(side) for side in Side},
            settings=view.settings,
        )


class SecretSet(Answer):
    """The version that the credentials have now; the values are never shown again."""

    connection: str
    side: Side
    version: int


class SideChecked(Answer):
    """What the owner of one side found by real calls; ``status`` is its worst line's."""

    side: Side
    status: CheckStatus
    lines: list[CheckLine]


class Checked(Answer):
    """Both sides; ``status`` is the worse one's."""

    connection: str
    status: CheckStatus
    sides: list[SideChecked]


class SyncRequested(Answer):
    """The request stands in the log; the ERP is read as soon as erp-poller comes to it."""

    connection: str
    request: str
    kinds: list[Kind]


class ProblemLine(Answer):
    """One reason of a refusal. ``field`` is as in the YAML."""

    connection: str = ""
    field: str = ""
    message: str
    allowed: str = ""


class ErrorBody(Answer):
    """A refusal: a word for programs, a sentence for people, and what they can do."""

    code: str
    message: str
    cure: str = ""
    problems: list[ProblemLine] = []


class Error(Answer):
    """What every status of 400 and above has as its body."""

    error: ErrorBody
