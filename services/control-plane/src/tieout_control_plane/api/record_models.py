"""Bodies, queries and answers of the calls about records, holds and tasks. Amounts are text, times are UTC."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer

from tieout.decide.rows import Phase, TaskRow
from tieout_control_plane.api.models import Answer, Body
from tieout_control_plane.projection.holds import HoldShown
from tieout_control_plane.projection.records import Paid, Record
from tieout_control_plane.projection.timelines import Step, Told

# A page of records takes some milliseconds and half a megabyte; more is asked for by `after`.
MOST: int = 1_000

Money = Annotated[Decimal, PlainSerializer(lambda value: format(value, "f"), return_type=str)]
Time = Annotated[datetime, PlainSerializer(lambda at: at.isoformat().replace("+00:00", "Z"), return_type=str)]
KINDS = Literal[
    "account", "dimension", "vendor", "bill", "credit", "document", "paid", "payment", "reversal", "transfer"
]


class PageQuery(Body):
    """A page: what comes behind ``after``, which is the last page's ``next``."""

    after: str = Field("", max_length=1_000)
    limit: int = Field(100, ge=1, le=MOST)


class RecordsQuery(PageQuery):
    """Records of a kind, in a phase, with words in number, name or an id of either side; without regard to case."""

    kind: KINDS | None = None
    phase: Phase | None = None
    text: str | None = Field(None, min_length=1, max_length=200)


class HoldsQuery(PageQuery):
    """Holds for one reason, or all."""

    reason: str | None = Field(None, min_length=1, max_length=100)


class TimelineQuery(Body):
    """A page of a timeline: what comes behind ``after``. ``related`` tells the story of what belongs to it too."""

    after: int = Field(-1, ge=-1)
    limit: int = Field(500, ge=1, le=5 * MOST)
    related: bool = True


class ReleaseBody(Body):
    """Why a person releases a hold, and what they choose: nothing, ``create``, or the id of a candidate."""

    reason: str = Field(min_length=3, max_length=1_000)
    choice: str = Field("", max_length=200)


class RecordLine(Answer):
    """A link in a list.

    Attributes:
        link: its name everywhere in Tieout. number, title: what people know it by. record: the ERP's id, of a payment
            BILL's. target: the id on the other side, ``""`` until it is there.
        since: when it came into its phase. amount, open: of an invoice, a payment, a transfer; None where unknown.
    """

    link: str
    kind: str
    phase: str
    number: str
    title: str
    record: str
    target: str
    since: Time
    changed: Time
    amount: Money | None
    open: Money | None
    currency: str

    @classmethod
    def of(cls, record: Record) -> "RecordLine":
        """From the projection."""
        return cls(**{field: getattr(record, field) for field in cls.model_fields})


class Records(Answer):
    """A page of records by link; ``next`` is ``""`` on the last one."""

    connection: str
    records: list[RecordLine]
    next: str


class TaskShown(Answer):
    """What somebody has to do outside: where, what, and what ends it by itself."""

    link: str
    number: str
    why: str
    since: Time
    detail: str
    page: str
    action: str
    until: str

    @classmethod
    def of(cls, link: str, value: dict[str, Any], number: str) -> "TaskShown":
        """From a row of the state."""
        return cls(link=link, number=number, **TaskRow.model_validate(value).model_dump())


class PaidLine(Answer):
    """What of a payment went to a bill, as BILL showed it."""

    payment: str
    link: str
    stage: str
    process_date: str
    amount: Money

    @classmethod
    def of(cls, paid: Paid) -> "PaidLine":
        """From the projection."""
        return cls(**{field: getattr(paid, field) for field in cls.model_fields})


class RecordShown(Answer):
    """One record with all that belongs to it. ``detail`` is the link's row of the state, defaults left out."""

    connection: str
    record: RecordLine
    hold: HoldShown | None
    task: TaskShown | None
    payments: list[PaidLine]
    related: list[RecordLine]
    detail: dict[str, Any]


class EntryLine(Answer):
    """One entry of the journal."""

    place: int
    link: str
    row: str
    what: str
    why: str
    phase: str
    command: str
    amount: Money | None
    currency: str

    @classmethod
    def of(cls, told: Told) -> "EntryLine":
        """From the projection."""
        return cls(**{field: getattr(told, field) for field in cls.model_fields})


class StepLine(Answer):
    """What one fact led to; ``cause`` is its id.

    ``fact`` is a writer's outcome, a person's release, a file that was read; of what was seen in the ERP or in BILL
    (kind ``seen``) it names the raw document: ``subject``, ``raw`` (the message's id) and the ``run`` that brought it.

    ``what`` sums the entries up, one word each.
    """

    time: Time
    cause: str
    kind: str
    what: list[str]
    entries: list[EntryLine]
    fact: dict[str, Any] | None

    @classmethod
    def of(cls, step: Step) -> "StepLine":
        """From the projection."""
        entries = [EntryLine.of(told) for told in step.entries]
        words = list(dict.fromkeys(entry.what for entry in entries))
        return cls(time=step.time, cause=step.cause, kind=step.kind, what=words, entries=entries, fact=step.fact)


class Timeline(Answer):
    """A record's story in the order it was decided; ``next`` is None at its end of now."""

    connection: str
    link: str
    links: list[str]
    steps: list[StepLine]
    next: int | None


class Holds(Answer):
    """A page of holds by name; ``next`` is ``""`` on the last one."""

    connection: str
    holds: list[HoldShown]
    next: str


class Tasks(Answer):
    """A page of tasks by link; ``next`` is ``""`` on the last one."""

    connection: str
    tasks: list[TaskShown]
    next: str


class Released(Answer):
    """The release stands in the log. The decider takes it up within moments; it may still find it is out of date."""

    connection: str
    ref: str
    fact: str
    person: str


class Counters(Answer):
    """How many there are: links by kind and phase, holds by reason, tasks by cause, answers by intent and result."""

    connection: str
    links: dict[str, dict[str, int]]
    holds: dict[str, int]
    tasks: dict[str, int]
    outcomes: dict[str, dict[str, int]]
