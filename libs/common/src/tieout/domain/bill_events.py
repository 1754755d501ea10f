"""Notifications of BILL: what is subscribed to, and what a notification says.

A notification is a hint with an id in it. None carries the lines or the approval of a bill, or the division of a
payment among bills, and BILL itself says that they are not complete: what they name is read again.
"""

from datetime import datetime
from enum import StrEnum

from tieout.domain.money import Amount
from tieout.domain.records import Record


class EventType(StrEnum):
    """The notifications that Tieout subscribes to or understands; BILL has more."""

    VENDOR_CREATED = "vendor.created"
    VENDOR_UPDATED = "vendor.updated"
    VENDOR_ARCHIVED = "vendor.archived"
    VENDOR_RESTORED = "vendor.restored"
    BILL_CREATED = "bill.created"
    BILL_UPDATED = "bill.updated"
    BILL_ARCHIVED = "bill.archived"
    BILL_RESTORED = "bill.restored"
    PAYMENT_UPDATED = "payment.updated"
    PAYMENT_FAILED = "payment.failed"


class SubscribedEvent(Record):
    """An event type with the version of its content."""

    type: str
    version: str = "1"


class BillSubscription(Record):
    """A webhook subscription. BILL sets ``enabled`` to false after some failed deliveries and then sends nothing.

    ``enabled`` is None where BILL's answer does not tell.
    """

    id: str
    name: str
    organization: str = ""
    enabled: bool | None = None
    events: tuple[SubscribedEvent, ...] = ()
    url: str = ""
    created: datetime | None = None
    updated: datetime | None = None


class Subject(StrEnum):
    """The kind of record that a notification is about."""

    VENDOR = "vendor"
    BILL = "bill"
    PAYMENT = "payment"
    OTHER = "other"


class PaymentProblem(Record):
    """Why a payment could not be created, in BILL's words."""

    code: str = ""
    message: str = ""


class FailedPart(Record):
    """A bill that a failed payment was for; the amount is None where BILL does not tell."""

    bill: str
    amount: Amount | None = None


class BillEvent(Record):
    """One notification.

    Attributes:
        id: the same for every delivery of it; deliveries may be repeated and come in any order.
        type: BILL's own word, known here or not.
        record: id of what it is about, ``""`` for a payment that could not be created: it has none.
        updated: when the record was last changed, UTC: orders notifications of one record. None if it does not tell.
        status: a payment's status in the words of ``SingleStatus``, or a bill's payment status; ``""`` otherwise.
        bills: the bills of a payment; of a failed one with the amounts, in ``failed``.
    """

    id: str
    type: str
    version: str = ""
    subscription: str = ""
    organization: str
    subject: Subject
    record: str = ""
    vendor: str = ""
    updated: datetime | None = None
    status: str = ""
    bills: tuple[str, ...] = ()
    failed: tuple[FailedPart, ...] = ()
    problems: tuple[PaymentProblem, ...] = ()
    transaction_number: str = ""


class DeliveredEvent(Record):
    """A notification in BILL's history of 180 days.

    Attributes:
        payload: the JSON that was sent, as text.
        status: what our address answered, None if it was never reached; anything but 200 counts as not delivered.
    """

    id: str
    type: str
    version: str = ""
    subscription: str = ""
    payload: str
    created: datetime | None = None
    status: int | None = None
