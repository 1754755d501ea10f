"""Commands: what a writer is asked to make true outside, one effect each.

Each command type has a ``shape`` of its own, by which the effects log tells them apart.
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Literal

from pydantic import Field

from tieout.domain.bill import BillClassificationContent, BillContent, BillVendorContent
from tieout.domain.bill_payments import RecordedPaymentContent
from tieout.domain.erp_orders import ErpOrder
from tieout.events.envelope import Payload


class Intent(StrEnum):
    """The effects a command can ask for. *Ensure* looks first and creates only what is not there."""

    VENDOR_ENSURE = "vendor.ensure"
    VENDOR_UPDATE = "vendor.update"
    CLASSIFICATION_ENSURE = "classification.ensure"
    CLASSIFICATION_UPDATE = "classification.update"
    BILL_ENSURE = "bill.ensure"
    BILL_FIND = "bill.find"
    """Only look: what is not there is not created."""
    BILL_UPDATE = "bill.update"
    PAYMENT_RECORD = "payment.record"
    DOCUMENT_UPLOAD = "document.upload"
    ERP_PAYMENT = "erp.payment"
    ERP_TRANSFER = "erp.transfer"
    ERP_REVERSAL = "erp.reversal"


class Priority(IntEnum):
    """Smaller goes first."""

    PAYMENT = 10
    BEFORE_PAYMENT = 20
    MASTER = 30
    DOCUMENT = 40
    BACKFILL = 50


class CommandFrame(Payload):
    """What every command carries.

    Attributes:
        connection, organization: whose effect this is; the budget is the message's partition key.
        link: the link it serves; the outcome goes back to it.
        generation: of the settings it was decided under.
        content_hash: of what is to be true outside; equal contents have equal hashes on both sides of the wire.
        mark: found again in the outside where a field can carry it.
        lane: commands of one lane are carried out one after another (one per natural key).
        issued: UTC, the deciding fact's time; older than seven days without an intent is never called.
        target: the outside's id, for a change of something that is there.
        exclude: ids of the outside that a person said are not it.
    """

    connection: str
    organization: str
    link: str
    intent: Intent
    attempt: int
    generation: int
    content_hash: str
    mark: str
    lane: str
    priority: Priority
    issued: datetime
    target: str = ""
    exclude: tuple[str, ...] = ()


class VendorCommand(CommandFrame):
    """Make a BILL vendor be as ``content`` says, in use or archived."""

    shape: Literal["vendor"] = "vendor"
    content: BillVendorContent
    archived: bool = False


class ClassificationCommand(CommandFrame):
    """Make an account, department, location or job be as ``content`` says, in use or archived."""

    shape: Literal["classification"] = "classification"
    content: BillClassificationContent
    archived: bool = False


class BillCommand(CommandFrame):
    """Make a bill be there as ``content`` says. ``original_number`` is the vendor's own, uncut."""

    shape: Literal["bill"] = "bill"
    content: BillContent
    original_number: str


class PaymentRecordCommand(CommandFrame):
    """Tell BILL of a payment made outside it; its reference is the mark."""

    shape: Literal["payment"] = "payment"
    content: RecordedPaymentContent


class DocumentPlace(Payload):
    """Where an encrypted document lies on ``snapshots``: its chunks' offsets, in order."""

    partition: int
    offsets: tuple[int, ...]
    bytes: int
    sha256: str


class DocumentCommand(CommandFrame):
    """Put a file on a bill, once: the writer looks for its name on the bill first."""

    shape: Literal["document"] = "document"
    bill: str
    name: str
    place: DocumentPlace


class ErpCommand(CommandFrame):
    """Record an order in the ERP: a payment with its applications, a funds transfer, or a payment undone.

    ``taken`` are ids and numbers of the ERP that other links own already: no candidates for this order.
    """

    shape: Literal["erp"] = "erp"
    order: ErpOrder
    taken: tuple[str, ...] = ()


AnyCommand = Annotated[
    VendorCommand | ClassificationCommand | BillCommand | PaymentRecordCommand | DocumentCommand | ErpCommand,
    Field(discriminator="shape"),
]
