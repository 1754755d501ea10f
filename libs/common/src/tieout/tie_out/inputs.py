"""Everything a tie-out is made from, as values. A finished run keeps them."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from tieout.domain.bill_payments import PaymentStage
from tieout.domain.erp_ledger import AccountBalance
from tieout.domain.money import Amount
from tieout.domain.records import Record
from tieout.domain.snapshots import AccountPosting, BillSeen, OpenEntry, PaymentSeen, StrayDocument


class Scope(Record):
    """What the connection's settings say.

    Attributes:
        cutover: the first posting date that is in scope, None where nothing is; also: older invoices, by number.
        control, clearing: accounts of the general ledger, empty where none are named.
        transfers: Tieout books the transfers from the bank itself.
    """

    cutover: date | None
    also: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    clearing: str = ""
    transfers: bool = True


class ErpSide(Record):
    """The ERP's ledgers at one moment.

    Attributes:
        open_entries: every open entry of the vendor ledger; unreadable: keys of those that cannot be read.
        balances: of the subledger and of each control and clearing account now; of clearing also before the cut-over.
        strays: documents since the cut-over that control accounts and vendor ledger show differently.
        postings: entries since the cut-over of the clearing account, and of those of cards and wallet.
    """

    currency: str
    open_entries: tuple[OpenEntry, ...] = ()
    unreadable: tuple[str, ...] = ()
    balances: tuple[AccountBalance, ...] = ()
    strays: tuple[StrayDocument, ...] = ()
    postings: tuple[AccountPosting, ...] = ()


class BillSide(Record):
    """BILL's bills and payments that changed since the cut-over, and every bill that is linked."""

    bills: tuple[BillSeen, ...] = ()
    payments: tuple[PaymentSeen, ...] = ()


class State(StrEnum):
    """Where a link stands, as far as a tie-out cares."""

    DONE = "done"
    UNDERWAY = "underway"
    AWAITED = "awaited"
    """Recorded outside, and waiting for a person there."""
    HELD = "held"
    NONE = "none"
    """Nothing is wanted."""


class BillLink(Record):
    """An invoice that Tieout knows, with its bill.

    Attributes:
        invoice: the ERP's id. number: as posted. total: what its bill is to be. ledger_entry: its vendor ledger entry.
        target: BILL's id, ``""`` while there is none. why: the reason of a hold, its own or that of what it waits for.
        told: how far BILL was told of what had been paid before the bill existed.
        moved: a command about it was out, or was answered, while the ledgers were read: what they show may be of two
            moments. What people do does not make it so.
    """

    link: str
    invoice: str
    number: str
    vendor_number: str
    currency: str
    total: Amount
    ledger_entry: str = ""
    target: str = ""
    state: State = State.NONE
    why: str = ""
    told: State = State.NONE
    moved: bool = False


class PartLink(Record):
    """What of a payment went to one bill. ``mark`` is the document it is posted under in the ERP."""

    bill: str
    amount: Amount
    mark: str = ""


class PaymentLink(Record):
    """A payment that Tieout knows.

    Attributes:
        number: what people know it by. currency: ``""`` where it is not known yet.
        stage: as the log last had it; the snapshot's goes before it.
        reversal: how far its reversal is, for one that is void.
    """

    link: str
    payment: str
    number: str
    currency: str = ""
    stage: PaymentStage
    parts: tuple[PartLink, ...] = ()
    state: State = State.NONE
    why: str = ""
    reversal: State = State.NONE
    moved: bool = False


class TransferLink(Record):
    """A funds transfer. ``marks`` has one more than ``booked``: one may stand in the ledger and is not told yet."""

    link: str
    currency: str
    due: Amount
    payments: tuple[str, ...] = ()
    booked: tuple[Amount, ...] = ()
    marks: tuple[str, ...] = ()
    moved: bool = False


class Links(Record):
    """What Tieout believes. ``currencies``: of BILL's vendors that are linked, by id."""

    bills: tuple[BillLink, ...] = ()
    payments: tuple[PaymentLink, ...] = ()
    transfers: tuple[TransferLink, ...] = ()
    currencies: Mapping[str, str] = {}


class Inputs(Record):
    """One run's inputs. ``as_of`` is the day in the connection's time zone; ``begun`` and ``taken`` are UTC."""

    connection: str
    as_of: date
    begun: datetime
    taken: datetime
    scope: Scope
    erp: ErpSide
    bill: BillSide
    links: Links
