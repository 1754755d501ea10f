"""Rows of a connection's state: their keys and their fields. One row per thing that changes by itself.

| key | row |
| --- | --- |
| ``settings`` | the settings under which facts are decided |
| ``run/<kind>`` | the newest poll run of a kind |
| ``link/<kind>/<record>`` | one link, see ``LinkRow`` |
| ``want/<link>`` | the latest content that is wanted outside and not yet accepted there |
| ``index/<kind>/<BILL id>`` | the link a BILL object belongs to |
| ``ready/<side>/<priority>/<offset>/<link>`` | a link that waits for a free place in its side's window |
| ``window/<side>`` | unanswered commands of a side |
| ``hold/<link>`` | why a link waits for a person |
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from tieout.decide.state import Row
from tieout.domain.settings import ConnectionSettings
from tieout.events.commands import Intent, Priority
from tieout.events.facts import Candidate

BILL = "bill"
SETTINGS = "settings"


class Phase(StrEnum):
    """Where a link stands."""

    READY = "ready"
    REQUESTED = "requested"
    DOUBTFUL = "doubtful"
    LINKED = "linked"
    HELD = "held"
    IGNORED = "ignored"


class SettingsRow(Row):
    """The settings of the connection, and their generation."""

    generation: int
    settings: ConnectionSettings


class RunRow(Row):
    """The newest poll run of a kind. A row of an older run, seen later, is from a poller that was superseded."""

    number: int
    ended: bool = False
    rows: int = 0


class LinkRow(Row):
    """A link: the unit of state, of order and of at most one command in flight.

    Attributes:
        record: the ERP's id of its record. number: what people know it by.
        target: BILL's id, once linked.
        accepted: hash of the content the outside last accepted. wanted: of the content in ``want/<link>``.
        revision: counts contents accepted, so that a content that comes back is a new command.
        command: the outstanding command's id. slot: it still holds a place in the window.
        intent, attempt: of the outstanding or the next command; attempts count from 1 within a revision.
        ready: key of its place in the queue, while it has one.
        original: the record's own text where the outside's limits forced a visible change.
        excluded: BILL ids that a person said are not it.
    """

    kind: str
    phase: Phase
    record: str
    number: str = ""
    target: str = ""
    accepted: str = ""
    wanted: str = ""
    revision: int = 0
    command: str = ""
    slot: bool = False
    intent: Intent | None = None
    attempt: int = 1
    priority: Priority = Priority.MASTER
    ready: str = ""
    original: str = ""
    excluded: tuple[str, ...] = ()


class WantRow(Row):
    """The content a link wants to have outside, in the form of its command."""

    content: dict[str, Any]


class IndexRow(Row):
    """A BILL object's link."""

    link: str


class ReadyRow(Row):
    """A link in the queue of its side."""

    link: str


class WindowRow(Row):
    """A side's window. Closed from the first parked command until the writer reports the side healed."""

    unanswered: int = 0
    closed: bool = False


class HoldRow(Row):
    """Why a link waits for a person.

    Attributes:
        reason: a word of ``decide.holds``. params: what the reason's sentence needs.
        since: the deciding fact's time, UTC. fact: its id.
        mapping: the hold came from the record itself, and goes when the record is mended.
    """

    reason: str
    since: datetime
    fact: str
    mapping: bool = False
    params: dict[str, str] = Field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()


def link_row(link: str) -> str:
    """Key of a link's row; ``link`` is ``<kind>/<record>``."""
    return f"link/{link}"


def want_row(link: str) -> str:
    """Key of a link's wanted content."""
    return f"want/{link}"


def hold_row(link: str) -> str:
    """Key of a link's hold."""
    return f"hold/{link}"


def index_row(kind: str, target: str) -> str:
    """Key of a BILL object's owner. BILL ids are case-sensitive and are kept as they are."""
    return f"index/{kind}/{target}"


def run_row(kind: str) -> str:
    """Key of a kind's newest run."""
    return f"run/{kind}"


def window_row(side: str) -> str:
    """Key of a side's window."""
    return f"window/{side}"


def ready_prefix(side: str) -> str:
    """Where a side's queue begins."""
    return f"ready/{side}/"


def ready_row(side: str, priority: int, offset: int, link: str) -> str:
    """Key of a place in a side's queue: by priority, then by the fact that made it ready."""
    return f"{ready_prefix(side)}{priority:02d}/{offset:015d}/{link}"
