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
| ``task/<link>`` | what somebody has to do outside before a command can end |
| ``invoice/<id>`` | what payments need to know of an invoice whose bill was asked for |
| ``entry/<id>`` | the invoice that a vendor ledger entry belongs to |
| ``payment/<BILL id>`` | a payment as BILL last showed it |
| ``shown/<BILL id>`` | a bill as BILL last showed it, if it was changed there or is approved there |
| ``order/<link>`` | what was recorded in the ERP, kept because a void may come a year later |
| ``due/<transfer>`` | what BILL took from a bank on one day, and what of it is booked |
| ``key/<key>`` | the link that claimed a key that must be unique, such as a vendor's invoice number |
| ``vendor/<number>`` | the latest record of an ERP vendor, and the currencies it is needed in |
| ``window/<side>`` | unanswered commands of a side |
| ``hold/<link>`` | why a link waits for a person |
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from tieout.decide.state import Row
from tieout.domain.bill import BillApprovalStatus
from tieout.domain.bill_payments import BillPayment
from tieout.domain.erp import DimensionCode, Terms, Vendor
from tieout.domain.erp_orders import EntryRef, PaymentOrder
from tieout.domain.money import Amount
from tieout.domain.settings import ConnectionSettings
from tieout.events.commands import Intent, Priority
from tieout.events.facts import Candidate

BILL = "bill"
ERP = "erp"
SIDES = (BILL, ERP)
# Kinds whose commands go to the ERP; all others go to BILL.
ERP_KINDS = frozenset({"payment", "transfer", "reversal"})
SETTINGS = "settings"


class Phase(StrEnum):
    """Where a link stands."""

    WAITING = "waiting"
    READY = "ready"
    REQUESTED = "requested"
    DOUBTFUL = "doubtful"
    AWAITED = "awaited"
    """Recorded outside, and waiting for a person or a job there; see ``task/<link>``."""
    LINKED = "linked"
    HELD = "held"
    IGNORED = "ignored"


def side_of(kind: str) -> str:
    """Which side's writer carries out a kind's commands."""
    return ERP if kind in ERP_KINDS else BILL


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
        looked: it was only looked for in BILL, and was not there.
        excluded: BILL ids that a person said are not it. released: hold reasons a person has overruled for it.
        approvals: BILL was asked to have the bill approved. coded: due date and coding that BILL last accepted.
        begun: of an order for the ERP: parts of it may stand there, so that nothing else may be ordered in its place.
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
    looked: bool = False
    excluded: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    approvals: bool = False
    coded: str = ""
    begun: bool = False


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
    """A name whose waiting links are being woken; ``after`` is the key of the last one that was."""

    since: datetime
    after: str = ""


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
        type, payload: of a ``fault``, the fact that could not be decided, as it stands in the log.
    """

    reason: str
    since: datetime
    fact: str
    mapping: bool = False
    approvals: tuple[str, ...] = ()
    params: dict[str, str] = Field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    type: str = ""
    payload: dict[str, Any] = Field(default_factory=dict)


class TaskRow(Row):
    """Something a person has to do outside. ``page`` and ``action`` say where and what, ``until`` what ends it."""

    why: str
    since: datetime
    detail: str = ""
    page: str = ""
    action: str = ""
    until: str = ""


class InvoiceRow(Row):
    """An invoice as payments need it.

    ``total`` is what its bill is to be, ``open``, ``due``, ``on_hold`` and ``terms`` are as last told.
    """

    number: str
    vendor_number: str
    vendor: str
    currency: str
    posting_date: date
    total: Amount
    ledger_entry: str = ""
    dimensions: tuple[DimensionCode, ...] = ()
    open: Amount | None = None
    due: date | None = None
    on_hold: str | None = None
    terms: Terms | None = None


class ShownRow(Row):
    """A bill as BILL last showed it, kept from when that first was not plainly what was written there.

    Attributes:
        updated: BILL's stamp of it, UTC.
        approval: how far it is approved in BILL. who: the users who have to decide, or have denied it. since: when they
            were asked or did, UTC. rerouted: it was passed on to them.
        reason, params: what was changed in BILL, as a hold says it; ``""`` for nothing.
    """

    updated: datetime | None = None
    approval: BillApprovalStatus = BillApprovalStatus.UNDEFINED
    who: str = ""
    since: datetime | None = None
    rerouted: bool = False
    reason: str = ""
    params: dict[str, str] = Field(default_factory=dict)


class PaymentRow(Row):
    """A payment as BILL last showed it. ``undo`` is set once it is void or cancelled."""

    payment: BillPayment
    undo: bool = False


class OrderRow(Row):
    """What was recorded in the ERP, with its entries there."""

    order: PaymentOrder
    entries: tuple[EntryRef, ...] = ()


class DueRow(Row):
    """What BILL took from one funding account on one day in one currency.

    ``booked`` are the amounts of the transfers booked so far, by ordinal; ``touched`` is when ``due`` last changed.
    """

    account: str
    process_date: date
    currency: str
    due: Amount
    touched: datetime
    payments: tuple[str, ...] = ()
    booked: tuple[Amount, ...] = ()


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


def task_row(link: str) -> str:
    """Key of a link's task."""
    return f"task/{link}"


def invoice_row(invoice: str) -> str:
    """Key of an invoice, by the ERP's id."""
    return f"invoice/{invoice}"


def entry_row(entry: str) -> str:
    """Key of the invoice that a vendor ledger entry belongs to."""
    return f"entry/{entry}"


def shown_row(bill: str) -> str:
    """Key of a bill as BILL showed it, by BILL's id."""
    return f"shown/{bill}"


def payment_row(payment: str) -> str:
    """Key of a payment, by BILL's id."""
    return f"payment/{payment}"


def order_row(link: str) -> str:
    """Key of what was recorded for a link."""
    return f"order/{link}"


def due_row(transfer: str) -> str:
    """Key of what a transfer is due for; ``transfer`` is ``<funding account>/<date>/<currency>``."""
    return f"due/{transfer}"


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
