"""Rows of a connection's state: their keys and their fields. One row per thing that changes by itself.

| key | row |
| --- | --- |
| ``settings`` | the settings under which facts are decided |
| ``run/<kind>`` | the newest poll run of a kind |
| ``link/<kind>/<record>`` | one link, see ``LinkRow`` |
| ``want/<link>`` | the latest content that is wanted outside and not yet accepted there |
| ``index/<kind>/<BILL id>`` | the link a BILL object belongs to |
| ``ready/<side>/<priority>/<offset>/<link>`` | a link that waits for a free place in its side's window |
| ``name/<name>`` | the link that an ERP number stands for, see ``decide.names`` |
| ``wait/<name>/<link>`` | a link that waits for what the name stands for to be in BILL |
| ``todo/<name>`` | what was waited for is there; the links behind it are being woken, a few with each fact |
| ``key/<key>`` | the link that claimed a key that must be unique, such as a vendor's invoice number |
| ``vendor/<number>`` | the latest record of an ERP vendor, and the currencies it is needed in |
| ``window/<side>`` | unanswered commands of a side |
| ``hold/<link>`` | why a link waits for a person |
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from tieout.decide.state import Row
from tieout.domain.erp import Vendor
from tieout.domain.settings import ConnectionSettings
from tieout.events.commands import Intent, Priority
from tieout.events.facts import Candidate

BILL = "bill"
SETTINGS = "settings"


class Phase(StrEnum):
    """Where a link stands."""

    WAITING = "waiting"
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
        record: the ERP's id of its record. number: what people know it by. name: what other links need it by.
        target: BILL's id, once linked. usable: the ERP lets it be used on new documents.
        wanted: hash of the content in ``want/<link>``. accepted: of the one the outside last accepted.
        asked: of the one the outstanding command was built from. sent: hash of that command's content in BILL's terms.
        revision: counts contents accepted, so that a content that comes back is a new command.
        command: the outstanding command's id. slot: it still holds a place in the window.
        intent, attempt: of the outstanding or the next command; attempts count from 1 within a revision.
        ready: key of its place in the queue; waits: the name it waits for.
        original: the record's own text where the outside's limits forced a visible change.
        excluded: BILL ids that a person said are not it. released: hold reasons a person has overruled for it.
    """

    kind: str
    phase: Phase
    record: str
    number: str = ""
    name: str = ""
    target: str = ""
    usable: bool = True
    accepted: str = ""
    wanted: str = ""
    asked: str = ""
    sent: str = ""
    revision: int = 0
    command: str = ""
    slot: bool = False
    intent: Intent | None = None
    attempt: int = 1
    priority: Priority = Priority.MASTER
    ready: str = ""
    waits: str = ""
    original: str = ""
    excluded: tuple[str, ...] = ()
    released: tuple[str, ...] = ()


class WantRow(Row):
    """The content a link wants to have outside, in the ERP's terms; ``needs`` are names that must be in BILL first."""

    content: dict[str, Any]
    needs: tuple[str, ...] = ()


class NameRow(Row):
    """The link a name stands for."""

    link: str


class WaitRow(Row):
    """A link that waits for a name."""

    link: str
    since: datetime


class TodoRow(Row):
    """A name whose waiting links are being woken."""

    since: datetime


class VendorRow(Row):
    """An ERP vendor as last seen, and the currencies it is needed in."""

    vendor: Vendor
    currencies: tuple[str, ...]


class IndexRow(Row):
    """A BILL object's link."""

    link: str


class ReadyRow(Row):
    """A link in the queue of its side."""

    link: str


class WindowRow(Row):
    """A side's window. Closed from the first parked command until the side answers again.

    ``probe`` is when, UTC, one command is tried in spite of it, should nobody report the side healed.
    """

    unanswered: int = 0
    closed: bool = False
    probe: datetime | None = None


class HoldRow(Row):
    """Why a link waits for a person.

    Attributes:
        reason: a word of ``decide.holds``. params: what the reason's sentence needs.
        since: the deciding fact's time, UTC. fact: its id.
        mapping: the hold came from the record itself, and goes when the record is mended.
        approvals: people who have released it so far, where one is not enough.
    """

    reason: str
    since: datetime
    fact: str
    mapping: bool = False
    approvals: tuple[str, ...] = ()
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


def name_row(name: str) -> str:
    """Key of what a name stands for."""
    return f"name/{name}"


def wait_prefix(name: str) -> str:
    """Where the links waiting for a name begin."""
    return f"wait/{name}/"


def wait_row(name: str, link: str) -> str:
    """Key of one link's waiting for a name."""
    return f"{wait_prefix(name)}{link}"


def todo_row(name: str) -> str:
    """Key of a name that is being woken for."""
    return f"todo/{name}"


def key_row(key: str) -> str:
    """Key of a claim."""
    return f"key/{key}"


def vendor_row(number: str) -> str:
    """Key of an ERP vendor's latest record."""
    return f"vendor/{number.upper()}"


def ready_prefix(side: str) -> str:
    """Where a side's queue begins."""
    return f"ready/{side}/"


def ready_row(side: str, priority: int, offset: int, link: str) -> str:
    """Key of a place in a side's queue: by priority, then by the fact that made it ready."""
    return f"{ready_prefix(side)}{priority:02d}/{offset:015d}/{link}"
