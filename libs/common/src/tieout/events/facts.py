"""Facts: every input of the decider, on ``sync.facts``."""

from datetime import datetime
from enum import StrEnum

from tieout.domain.bill import Bill, BillVendor
from tieout.domain.bill_payments import BillPayment
from tieout.domain.erp import Account, DimensionValue, DocumentRef, PurchaseInvoice, Vendor
from tieout.domain.erp_ledger import VendorLedgerEntry
from tieout.domain.erp_outcomes import NotYet, PostedPayment, PostedTransfer, ReversalState
from tieout.domain.records import Kind
from tieout.domain.settings import ConnectionSettings
from tieout.events.commands import DocumentPlace
from tieout.events.envelope import Payload


class SettingsFact(Payload):
    """The settings of a connection as applied. ``generation`` rises with every change, by one."""

    generation: int
    settings: ConnectionSettings


class TickFact(Payload):
    """Time, as the decider knows it: the start of a slot, UTC."""

    slot: datetime


class RunPhase(StrEnum):
    """The two ends of a poll run."""

    BEGUN = "begun"
    ENDED = "ended"


class RunFact(Payload):
    """A poll run of one kind. Its number was committed before the first read and rises by one per run and kind."""

    kind: Kind
    number: int
    phase: RunPhase
    rows: int = 0


class VendorObserved(Payload):
    """An ERP vendor as a poll run saw it."""

    run: int
    vendor: Vendor


class AccountObserved(Payload):
    """A general ledger account as a poll run saw it."""

    run: int
    account: Account


class DimensionValueObserved(Payload):
    """A dimension's value as a poll run saw it."""

    run: int
    value: DimensionValue


class InvoiceObserved(Payload):
    """A purchase invoice as a poll run saw it, with its lines, ledger entries and open amount."""

    run: int
    invoice: PurchaseInvoice


class LedgerEntryObserved(Payload):
    """A vendor ledger entry as a poll run saw it."""

    run: int
    entry: VendorLedgerEntry


class DocumentFetched(Payload):
    """A file of an invoice was read and lies encrypted on ``snapshots``; ``place`` None says why it does not.

    Attributes:
        link: of the bill it belongs to, as the request named it.
        problem: ``""``, ``missing`` or ``too_large``.
    """

    link: str
    invoice: str
    document: DocumentRef
    place: DocumentPlace | None
    problem: str = ""


class BillPaymentObserved(Payload):
    """A payment as BILL showed it, read whole: with its parts."""

    payment: BillPayment


class BillObserved(Payload):
    """A bill as BILL showed it, read whole."""

    bill: Bill


class BillVendorObserved(Payload):
    """A vendor as BILL showed it."""

    vendor: BillVendor


class UnreadableFact(Payload):
    """Something of the outside that could not be read: where the raw bytes stand, and what is wrong with them."""

    side: str
    kind: str
    key: str
    topic: str
    partition: int
    offset: int
    reason: str


class Result(StrEnum):
    """How a command stands. All but IN_DOUBT and WAITING are final for that command."""

    APPLIED = "applied"
    FOUND = "found"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    WAITING = "waiting"
    ABSENT = "absent"
    ESCALATED = "escalated"
    PARKED = "parked"
    STALE = "stale"
    EXPIRED = "expired"


class Candidate(Payload):
    """An object of the outside that may be what the command wanted to create.

    Attributes:
        number: by which the two sides know it: a vendor's short name, an account's number, a bill's invoice number.
        detail: what a person needs to tell it from others, in one line.
        content: hash of the part of it that the command would write; equal to the command's if nothing is to do.
    """

    id: str
    number: str = ""
    name: str = ""
    detail: str = ""
    archived: bool = False
    content: str = ""


class OutcomeFact(Payload):
    """What a writer says of one command.

    Attributes:
        target: id of the outside's object, once known.
        version: the outside's version or time stamp of it after the write.
        code, message, cure: of a refusal, in the outside's words and ours.
        candidates: what was found instead of creating.
        payment, transfer, reversal: the proof from the ERP's ledgers, of an order that was applied.
        waiting: of an order that is recorded and not yet proved: for whom or what.
    """

    command: str
    link: str
    intent: str
    attempt: int
    result: Result
    content: str = ""
    target: str = ""
    version: str = ""
    code: str = ""
    message: str = ""
    cure: str = ""
    candidates: tuple[Candidate, ...] = ()
    payment: PostedPayment | None = None
    transfer: PostedTransfer | None = None
    reversal: ReversalState | None = None
    waiting: NotYet | None = None


class SideFact(Payload):
    """A side of a connection answers again after commands were parked."""

    side: str
    healed: bool
    reason: str = ""


class HoldReleased(Payload):
    """A person releases a hold. ``choice`` is ``""`` to try again, ``create``, or the id of the candidate to link."""

    link: str
    reason: str
    person: str
    role: str
    text: str
    choice: str = ""
