"""What one service asks another, and the answers. Asked on ``bill.reads`` and ``erp.polls``, answered on ``snapshots``.

A request changes nothing outside and may be carried out twice. After its deadline nobody waits for the answer any
more, so it is dropped unread.
"""

from datetime import date, datetime
from enum import StrEnum

from tieout.domain.erp_ledger import AccountBalance
from tieout.domain.records import Kind
from tieout.domain.settings import Side
from tieout.domain.snapshots import AccountPosting, BillSeen, OpenEntry, PaymentSeen, StrayDocument
from tieout.events.envelope import Payload


class CheckAsked(Payload):
    """Ask the real system of one side whether the connection would work. A draft may be asked for too.

    Attributes:
        generation, secret_version: what the asker knows; the owner waits for them, or answers *failed* at the deadline.
        deadline: UTC.
    """

    connection: str
    side: Side
    generation: int
    secret_version: int
    deadline: datetime


class CheckStatus(StrEnum):
    """The result of one question to a real system."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class CheckLine(Payload):
    """One question to the real system and its answer.

    Attributes:
        detail: what was found, in the outside's words where it said something; never a secret.
        cure: what a person can do, ``""`` for nothing.
        code, http_status: of a refusal, ``""`` and 0 otherwise.
    """

    name: str
    status: CheckStatus
    detail: str
    cure: str = ""
    code: str = ""
    http_status: int = 0


class CheckAnswered(Payload):
    """The whole answer to one ``CheckAsked``; ``request`` is that message's id."""

    request: str
    connection: str
    side: Side
    lines: tuple[CheckLine, ...]


class SyncAsked(Payload):
    """Read these kinds of the ERP now instead of at their next time; all kinds if none is named."""

    connection: str
    generation: int
    kinds: tuple[Kind, ...] = ()
    deadline: datetime


class RowsAsked(Payload):
    """Read these records of the ERP again, by their ids there, and write them as a poll would."""

    connection: str
    kind: Kind
    keys: tuple[str, ...]


class DocumentsAsked(Payload):
    """Read the files of an invoice, store them encrypted on ``snapshots`` and tell of each as a fact.

    ``link`` is the bill that waits for them, ``invoice`` the ERP's id of the invoice.
    """

    connection: str
    generation: int
    link: str
    invoice: str


class NoticeSeen(Payload):
    """BILL says that a record has changed: read it again and write it to ``bill.events``. Keyed by budget.

    A hint and no more: it may come twice, out of order, or name a record that does not exist (BILL's test
    notifications do). One read answers all notices of a record that came before the read began.

    Attributes:
        kind: ``vendor``, ``bill`` or ``payment``.
        key: BILL's id of the record.
        event: BILL's id of the notification, the same for all its deliveries.
        updated: when BILL says the record was last changed, UTC; None if it does not tell.
    """

    connection: str
    kind: str
    key: str
    event: str
    updated: datetime | None = None


class SnapshotAsked(Payload):
    """Read what a tie-out compares of one side, now. A draft may be asked for too.

    Attributes:
        generation: of the settings the asker goes by; the owner waits for it.
        since: the cut-over: what came later is compared by document, what came before as a sum.
        control, clearing: accounts of the ERP, none where the settings name none.
        sources: other accounts that payments are posted against, such as a card's: their entries are wanted too.
        bills: asked of BILL: these too, by id, whenever they changed last; if any is named, only these.
        deadline: UTC.
    """

    connection: str
    side: Side
    generation: int
    since: date
    deadline: datetime
    control: tuple[str, ...] = ()
    clearing: str = ""
    sources: tuple[str, ...] = ()
    bills: tuple[str, ...] = ()


class SnapshotAnswered(Payload):
    """One part of the answer to a ``SnapshotAsked``; ``request`` is that message's id.

    Attributes:
        number: counts from 0; the answer is whole once all up to the one marked ``last`` are there, in any order.
        currency: the ledger's, in every part of an ERP's answer.
        unreadable: keys of open entries that cannot be read.
        problem: why there is no answer; then this part is the last, and none of the others counts.
    """

    request: str
    connection: str
    side: Side
    number: int
    last: bool
    currency: str = ""
    entries: tuple[OpenEntry, ...] = ()
    unreadable: tuple[str, ...] = ()
    balances: tuple[AccountBalance, ...] = ()
    strays: tuple[StrayDocument, ...] = ()
    postings: tuple[AccountPosting, ...] = ()
    bills: tuple[BillSeen, ...] = ()
    payments: tuple[PaymentSeen, ...] = ()
    problem: CheckLine | None = None
