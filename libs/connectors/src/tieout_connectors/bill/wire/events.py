"""Notifications: the body of a delivery, and the payload of an item of the history.

A body is a plain object. BILL's pages also describe it as text that holds escaped JSON, and the history does send it
so; both are unwrapped.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from json import JSONDecoder
from typing import Any, Final

from tieout.domain.bill_events import BillEvent, EventType, FailedPart, PaymentProblem, Subject
from tieout_connectors.bill.wire.fields import Fields
from tieout_connectors.spi.wire import Unreadable

# A body, text around it, an item of the history around that: no honest delivery is wrapped deeper.
DEEPEST: Final = 3
_SUBJECTS: Final = {subject.value: subject for subject in Subject}
_EXACT: Final = JSONDecoder(parse_float=Decimal)


def unwrap(body: bytes | str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The object of a delivery, with exact decimals, whatever it is wrapped in. Verify the signature before.

    An object that was unwrapped once comes back as it is.

    Raises:
        Unreadable: if there is no notification in it.
    """
    raw: Any = body
    for _ in range(DEEPEST):
        if isinstance(raw, bytes | str):
            raw = _parsed(raw)
        if isinstance(raw, Mapping):
            if "metadata" in raw:
                return raw
            raw = raw.get("payload")
    raise Unreadable("", "no notification of BILL")


def read_event(raw: Mapping[str, Any]) -> BillEvent:
    """A notification that ``unwrap`` gave."""
    whole = Fields(raw, "event")
    metadata = whole.inner("metadata")
    kind = metadata.needed("eventType")
    subject = _SUBJECTS.get(kind.partition(".")[0], Subject.OTHER)
    content = whole.inner(subject.value if subject is not Subject.OTHER else "-")
    record = content.needed("id") if _has_record(kind, subject) else ""
    return BillEvent(
        id=metadata.needed("eventId"),
        type=kind,
        version=metadata.text("version"),
        subscription=metadata.text("subscriptionId"),
        organization=metadata.needed("organizationId"),
        subject=subject,
        record=record,
        updated=content.moment("updatedTime"),
        **_told(subject, record, content, raw),
    )


def _told(subject: Subject, record: str, content: Fields, raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a notification of this subject tells beyond its record."""
    if subject is Subject.VENDOR:
        return {"vendor": record}
    if subject is Subject.BILL:
        return {"status": content.text("paymentStatus"), "vendor": content.text("vendorId"), "bills": (record,)}
    return _payment(content, raw) if subject is Subject.PAYMENT else {}


def _has_record(kind: str, subject: Subject) -> bool:
    """A payment that could not be created has no id, and of what is not known here nothing is demanded."""
    return subject is not Subject.OTHER and kind != EventType.PAYMENT_FAILED


def _payment(payment: Fields, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Of a payment that could not be created the bills are named with amounts; of any other by id only."""
    failed = tuple(
        FailedPart(bill=one.text("id") or one.needed("billId"), amount=one.amount("amount"))
        for one in payment.items("bills")
    )
    problems = tuple(
        PaymentProblem(code=one.text("code"), message=one.text("message"))
        for one in (*payment.items("errors"), *_beside(raw))
    )
    return {
        "status": payment.text("status"),
        "vendor": payment.inner("vendor").text("id"),
        "bills": payment.texts("billIds") or tuple(part.bill for part in failed),
        "failed": failed,
        "problems": problems,
        "transaction_number": payment.text("transactionNumber"),
    }


def _beside(raw: Mapping[str, Any]) -> Iterator[Fields]:
    return Fields(raw, "event").items("errors")


def _parsed(text: bytes | str) -> Any:
    try:
        return _EXACT.decode(text.decode() if isinstance(text, bytes) else text)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Unreadable("", "not JSON") from error
