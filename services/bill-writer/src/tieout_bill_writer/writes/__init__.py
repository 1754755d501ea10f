"""The writes to BILL: one module per kind of record, and which effect an intent has."""

from collections.abc import Callable
from typing import Any, Final

from tieout.effects.port import UnknownEffect
from tieout.events.commands import (
    BillCommand,
    ClassificationCommand,
    CommandFrame,
    DocumentCommand,
    Intent,
    PaymentRecordCommand,
    VendorCommand,
)
from tieout_bill_writer.organization import Organization
from tieout_bill_writer.writes.bills import EnsureBill, FindBill, UpdateBill
from tieout_bill_writer.writes.classifications import EnsureClassification, update_classification
from tieout_bill_writer.writes.documents import UploadDocument
from tieout_bill_writer.writes.effect import OrganizationEffect, Write
from tieout_bill_writer.writes.payments import RecordPayment
from tieout_bill_writer.writes.vendors import EnsureVendor, update_vendor

Build = Callable[[Organization, Any], Write]

EFFECTS: Final[dict[Intent, tuple[type[CommandFrame], Build]]] = {
    Intent.VENDOR_ENSURE: (VendorCommand, EnsureVendor),
    Intent.VENDOR_UPDATE: (VendorCommand, update_vendor),
    Intent.CLASSIFICATION_ENSURE: (ClassificationCommand, EnsureClassification),
    Intent.CLASSIFICATION_UPDATE: (ClassificationCommand, update_classification),
    Intent.BILL_ENSURE: (BillCommand, EnsureBill),
    Intent.BILL_FIND: (BillCommand, FindBill),
    Intent.BILL_UPDATE: (BillCommand, UpdateBill),
    Intent.PAYMENT_RECORD: (PaymentRecordCommand, RecordPayment),
    Intent.DOCUMENT_UPLOAD: (DocumentCommand, UploadDocument),
}
"""Each intent with the command that carries it and the write that it asks for."""


def effect_of(organization: Organization, command: CommandFrame) -> OrganizationEffect:
    """The effect of a command. Raises UnknownEffect if an intent is not BILL's, or its command is of another kind."""
    known = EFFECTS.get(command.intent)
    if known is None or not isinstance(command, known[0]):
        raise UnknownEffect(command.intent)
    return OrganizationEffect(organization, known[1](organization, command))
