"""From the bytes of a genuine notification to the messages that keep it. Pure.

Two messages: what BILL sent, on ``bill.events``, and for bill-writer the notice to read the record again, on
``bill.reads``. Their ids are made of connection and BILL's event id, so a notification that comes twice gives the same
two messages.

What is no notification is kept too. An object is kept as an object. Text that is none, and text in which JSON hides,
cannot be freed of bank details by name, so it is kept with its digits masked, and with its hash.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tieout.domain.bill_events import BillEvent, Subject
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload
from tieout.events.identity import digest
from tieout.events.raw import BillDocument
from tieout.events.requests import NoticeSeen
from tieout_connectors.bill.wire.events import read_event, unwrap
from tieout_connectors.bill.wire.privacy import redacted
from tieout_connectors.spi.wire import Unreadable

SOURCE: Final = "/webhook-ingest"
ORIGIN: Final = "webhook"
KIND: Final = "event"
UNREADABLE: Final = "unreadable"
FOREIGN: Final = "foreign"

# Of a body that is no JSON so much is kept. Each byte may take five in the log, which still is a third of a message.
TEXT_KEPT: Final = 64 * 1024
# Readers of the log take no JSON nested deeper than 200; BILL's objects nest five deep.
PLAINLY_SHALLOW: Final = 64
# A UUID in BILL's pages. An id is a header of the message and a subject, which are no place for anything longer.
LONGEST_ID: Final = 200
_DIGITS: Final = re.compile(r"\d(?:[ -]?\d){3,}")
_HIDDEN_JSON: Final = re.compile(r"[{\[]")

# What the code of a reader raises over an object nobody expected.
_STUMBLES: Final = (Unreadable, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Address:
    """Whose notification it is: the connection, its organization in BILL, and the budget that pays for the read."""

    connection: str
    organization: str
    budget: str


@dataclass(frozen=True, slots=True)
class Notification:
    """The messages of one notification. ``about`` is a kind of record, ``unreadable`` or ``foreign``."""

    about: str
    raw: Message[Payload]
    notice: Message[Payload] | None = None


def notification(body: bytes, address: Address, fingerprint_key: bytes | None, now: datetime) -> Notification:
    """What to store of a genuine body; ``now`` is when it came, UTC. Raises nothing, whatever the bytes are."""
    document = _kept(body, unwrap, fingerprint_key)
    event = None if document is None else _event(document)
    if document is None or event is None:
        kept = document or _whatever(body, fingerprint_key)
        return Notification(UNREADABLE, _raw(address, _named(body), kept, now))
    raw = _raw(address, event.id, document, now)
    if event.organization != address.organization:
        return Notification(FOREIGN, raw)
    return Notification(event.subject.value, raw, _notice(address, event, raw))


def _kept(body: bytes, read: Callable[[bytes], Any], fingerprint_key: bytes | None) -> dict[str, Any] | None:
    """The object that ``read`` finds in a body, without what must not be kept; None if the log cannot hold it."""
    try:
        document = redacted(read(body), fingerprint_key)
        if not isinstance(document, dict):
            return None
        if not _plain(body):
            # What the mapper reads back is what counts.
            BillDocument.model_validate_json(_document("?", document).model_dump_json())
    except _STUMBLES:
        return None
    return document


def _plain(body: bytes) -> bool:
    """Whether it cannot hold what the log or the mapper would stop at: half a surrogate pair, or a great depth."""
    ascii_only = body.isascii() and b"\0" not in body and b"\\u" not in body
    return ascii_only and body.count(b"{") + body.count(b"[") <= PLAINLY_SHALLOW


def _event(document: Mapping[str, Any]) -> BillEvent | None:
    """The notification in an object, None if it is none or cannot be read."""
    try:
        event = read_event(document)
    except _STUMBLES:
        return None
    return None if max(len(event.id), len(event.record)) > LONGEST_ID else event


def _document(key: str, document: dict[str, Any]) -> BillDocument:
    return BillDocument(kind=KIND, key=key, version="", origin=ORIGIN, document=document)


def _raw(address: Address, key: str, document: dict[str, Any], now: datetime) -> Message[Payload]:
    subject = f"bill/{KIND}/{key}"
    trail = f"{address.connection}/{subject}"
    hashed = digest("raw", trail)
    data = _document(key, document)
    return Message(
        id="w" + hashed[:31],
        source=SOURCE,
        type=catalogue.name_of(data),
        subject=subject,
        time=now,
        partitionkey=address.connection,
        data=data,
        correlationid=trail,
        traceparent=f"00-{hashed[:32]}-{hashed[32:48]}-01",
    )


def _notice(address: Address, event: BillEvent, raw: Message[Payload]) -> Message[Payload] | None:
    """None where there is nothing to read: a payment that could not be created has no id."""
    if event.subject is Subject.OTHER or not event.record:
        return None
    data = NoticeSeen(
        connection=address.connection,
        kind=event.subject.value,
        key=event.record,
        event=event.id,
        updated=event.updated,
    )
    return Message(
        id="n" + raw.id[1:],
        source=SOURCE,
        type=catalogue.name_of(data),
        subject=f"bill/{data.kind}/{data.key}",
        time=raw.time,
        partitionkey=address.budget,
        data=data,
        causationid=raw.id,
        correlationid=raw.correlationid,
        traceparent=raw.traceparent,
    )


def _named(body: bytes) -> str:
    """A name for what tells none: the same for the same bytes."""
    return "sha256-" + hashlib.sha256(body).hexdigest()[:32]


def _whatever(body: bytes, fingerprint_key: bytes | None) -> dict[str, Any]:
    """What is kept of a body in which there is no notification."""
    document = _kept(body, _parsed, fingerprint_key)
    if document is not None:
        return {name: _masked(value) for name, value in document.items()}
    text = body[:TEXT_KEPT].decode("utf-8", "backslashreplace")
    return {"text": _DIGITS.sub("#", text), "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def _parsed(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)


def _masked(value: Any) -> Any:
    """The same, with the digits of every text masked in which JSON may hide: its fields are not redacted by name."""
    if isinstance(value, dict):
        return {name: _masked(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if isinstance(value, str) and _HIDDEN_JSON.search(value):
        return _DIGITS.sub("#", value)
    return value
