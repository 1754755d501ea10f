"""What BILL tells about a change: the catalogue of events and their bodies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout_sandbox.bill import directory, vendors
from tieout_sandbox.bill.currency import HOME
from tieout_sandbox.bill.fields import populated
from tieout_sandbox.bill.organization import Organization, find
from tieout_sandbox.bill.store import Row
from tieout_sandbox.bill.times import printed

VERSION = "1"

CATALOG = (
    "vendor.created", "vendor.updated", "vendor.archived", "vendor.restored",
    "bill.created", "bill.updated", "bill.archived", "bill.restored",
    "payment.updated", "payment.failed",
    "bank-account.created", "bank-account.updated", "card-account.created", "card-account.updated",
    "invoice.created", "invoice.updated", "invoice.archived", "invoice.restored",
    "risk-verification.updated", "autopay.failed",
)  # fmt: skip

_BILL_FIELDS = (
    "vendorId",
    "amount",
    "description",
    "dueDate",
    "paymentStatus",
    "payFromChartOfAccountId",
    "classifications",
    "purchaseOrderNumber",
)


@dataclass(frozen=True)
class Event:
    """Something that happened: its body without the metadata, which differ per subscription."""

    id: str
    type: str
    organization: str
    entity: str
    created: datetime
    body: Mapping[str, Any]


def body_of(org: Organization, event_type: str, row: Row) -> dict[str, Any]:
    """The part of a notification that carries the entity."""
    return _BODIES[event_type.partition(".")[0]](org, event_type, row)


def metadata(event: Event, subscription_id: str) -> dict[str, Any]:
    """The part of a notification that says what it is."""
    return {
        "eventId": event.id,
        "subscriptionId": subscription_id,
        "organizationId": event.organization,
        "eventType": event.type,
        "version": VERSION,
    }


def _vendor(org: Organization, _type: str, row: Row) -> dict[str, Any]:
    shown = vendors.show(org, row)
    number = shown.get("accountNumber", "")
    if org.switches["webhook_numeric_account_number"] and number.isdecimal():
        shown["accountNumber"] = int(number)
    return {"vendor": shown}


def _bill(org: Organization, event_type: str, row: Row) -> dict[str, Any]:
    vendor = find(org.vendors, row.fields["vendorId"])
    invoice = row.fields["invoice"]
    named = {} if event_type == "bill.created" else {"vendorName": vendor.fields["name"]}
    bill = {
        "id": row.id,
        **named,
        "invoice": {
            "invoiceNumber": invoice["invoiceNumber"],
            "invoiceDate": f"{invoice['invoiceDate']}T00:00:00.000Z",
        },
        **{name: row.fields.get(name) for name in _BILL_FIELDS},
        "archived": row.archived,
        **_times(row),
    }
    return {"bill": populated(bill)}


def _payment(org: Organization, event_type: str, row: Row) -> dict[str, Any]:
    if event_type == "payment.failed":
        return _failed(org, row)
    fields = row.fields
    vendor = find(org.vendors, fields["vendorId"])
    payment = {
        "id": row.id,
        "billIds": [part["billId"] for part in fields["billPayments"]],
        "transactionNumber": fields["transactionNumber"],
        "status": fields["singleStatus"],
        **_times(row),
        "processDate": fields["processDate"],
        "funding": {
            "amount": fields.get("fundingAmount", fields["amount"]),
            "currency": HOME,
            "fundingAccount": fields.get("fundingAccount"),
        },
        "disbursement": {
            "amount": fields["amount"],
            "currency": vendor.fields["billCurrency"],
        },
        "vendor": {"id": vendor.id, "name": vendor.fields["name"]},
        "billingType": "BDC",
    }
    shown = populated(payment)
    # The one object that BILL sends though it is empty.
    shown["disbursement"]["disbursementAccount"] = {}
    return {"payment": shown}


def _failed(org: Organization, row: Row) -> dict[str, Any]:
    vendor = find(org.vendors, row.fields["vendorId"])
    payment = {
        "bills": row.fields["bills"],
        "transactionNumber": row.fields["transactionNumber"],
        **_times(row),
        "fundingAccount": row.fields["fundingAccount"],
        "vendor": {"id": vendor.id, "name": vendor.fields["name"]},
    }
    errors = [{**error, "timestamp": printed(row.created)} for error in row.fields["errors"]]
    if org.switches["payment_failed_errors"] == "inside":
        return {"payment": {**payment, "errors": errors}}
    return {"payment": payment, "errors": errors}


def _bank(_org: Organization, _type: str, row: Row) -> dict[str, Any]:
    return {"bankAccount": directory.show(row)}


def _card(_org: Organization, _type: str, row: Row) -> dict[str, Any]:
    return {"cardAccount": directory.show(row)}


def _times(row: Row) -> dict[str, Any]:
    return {
        "createdBy": row.created_by,
        "createdTime": printed(row.created),
        "updatedTime": printed(row.updated),
    }


_BODIES: dict[str, Callable[[Organization, str, Row], dict[str, Any]]] = {
    "vendor": _vendor,
    "bill": _bill,
    "payment": _payment,
    "bank-account": _bank,
    "card-account": _card,
}
