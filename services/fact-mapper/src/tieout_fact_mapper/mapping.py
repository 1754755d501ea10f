"""One raw message to its facts. Pure: the same message gives the same bytes, here, at a replay, and years later.

``time`` and ``traceparent`` are copied along, ids are made of what the source says: its own version, or the content and
the poll run where it has none. What comes from outside and cannot be read becomes an ``unreadable`` fact that names its
place in the log; what comes from ourselves and cannot be read stops the partition (``UnreadableMessage``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from tieout.domain.erp import Account, DimensionValue, PurchaseInvoice, Vendor
from tieout.domain.erp_ledger import VendorLedgerEntry
from tieout.domain.records import Record
from tieout.domain.settings import Side
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, UnknownType, UnreadableMessage, decode
from tieout.events.facts import (
    AccountObserved,
    DimensionValueObserved,
    DocumentFetched,
    InvoiceObserved,
    LedgerEntryObserved,
    RunFact,
    UnreadableFact,
    VendorObserved,
)
from tieout.events.identity import content_hash, digest, fact_id
from tieout.events.raw import BillDocument, ErpDocument, ErpRow, ErpRun, ErpUnreadable
from tieout_connectors.spi.wire import Unreadable, WireReader
from tieout_fact_mapper import bill
from tieout_fact_mapper.readers import reader_of

SOURCE: Final = "/fact-mapper"
Readers = Callable[[str], WireReader]

FACTS: Final[dict[type[Record], Callable[[int, Record], Payload]]] = {
    Account: lambda run, record: AccountObserved.model_validate({"run": run, "account": record}),
    DimensionValue: lambda run, record: DimensionValueObserved.model_validate({"run": run, "value": record}),
    Vendor: lambda run, record: VendorObserved.model_validate({"run": run, "vendor": record}),
    PurchaseInvoice: lambda run, record: InvoiceObserved.model_validate({"run": run, "invoice": record}),
    VendorLedgerEntry: lambda run, record: LedgerEntryObserved.model_validate({"run": run, "entry": record}),
}
"""What is said of a record of each type that a poll run saw. A new kind of record is one line here."""

# What the code of a reader raises over a document nobody expected. Anything else (no memory, a broken import) is no
# property of the document and ends the process.
_STUMBLES: Final = (Unreadable, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a raw message stands."""

    topic: str
    partition: int
    offset: int


def map_message(
    headers: Sequence[tuple[str, bytes | str | None]] | None,
    value: bytes | None,
    place: Place,
    readers: Readers = reader_of,
) -> list[Message[Payload]]:
    """The facts in a raw message; none if its row is noise.

    Raises:
        UnknownType: a type, or an ERP, of ours that this release does not know.
        UnreadableMessage: a message of ours without its attributes or not as its type demands.
    """
    raw = decode(headers, value, catalogue)
    match raw.data:
        case ErpRow() as row:
            return _row(raw, row, place, readers)
        case ErpRun() as run:
            return [_run(raw, run)]
        case ErpUnreadable() as refused:
            version = refused.version or f"{refused.reason}/{refused.run}"
            return [_unreadable(raw, refused, version, place, refused.reason)]
        case ErpDocument() as document:
            return [_document(raw, document)]
        case BillDocument() as shown:
            return _of_bill(raw, shown, place)
    raise UnknownType(f"type {raw.type!r} does not belong on {place.topic}")


def _row(raw: Message[Payload], row: ErpRow, place: Place, readers: Readers) -> list[Message[Payload]]:
    try:
        reader = readers(row.erp)
    except KeyError as error:
        raise UnknownType(f"ERP {row.erp!r} is not known to this release") from error
    version = row.version or f"{content_hash(row.document)}/{row.run}"
    try:
        records = reader.read(row.kind, row.document, row.context)
    except _STUMBLES as error:
        return [_unreadable(raw, row, version, place, _reason(error))]
    subject = f"erp/{row.kind}/{row.key}"
    return [
        _fact(raw, _said_of(row, record), fact_id(raw.partitionkey, _numbered(subject, number), version), subject)
        for number, record in enumerate(records)
    ]


def _of_bill(raw: Message[Payload], document: BillDocument, place: Place) -> list[Message[Payload]]:
    version = document.version or content_hash(document.document)
    try:
        said = bill.said_of(document)
    except _STUMBLES as error:
        return [_set_aside(raw, Side.BILL, document.kind, document.key, version, place, _reason(error))]
    if said is None:
        return []
    subject = f"bill/{document.kind}/{document.key}"
    return [_fact(raw, said, fact_id(raw.partitionkey, subject, version), subject)]


def _said_of(row: ErpRow, record: Record) -> Payload:
    make = FACTS.get(type(record))
    if make is None:
        raise UnknownType(f"no fact is known for a {type(record).__name__} read from {row.erp}/{row.kind}")
    return make(row.run, record)


def _numbered(subject: str, number: int) -> str:
    return subject if number == 0 else f"{subject}#{number}"


def _run(raw: Message[Payload], run: ErpRun) -> Message[Payload]:
    subject = f"erp/{run.kind}/run/{run.run}"
    fact = RunFact(kind=run.kind, number=run.run, phase=run.phase, rows=run.rows)
    return _fact(raw, fact, fact_id(raw.partitionkey, subject, run.phase), subject)


def _document(raw: Message[Payload], document: ErpDocument) -> Message[Payload]:
    """Fetched again, a file lies elsewhere: the fact is named after the raw message, which says where."""
    fact = DocumentFetched(
        link=document.link,
        invoice=document.invoice,
        document=document.document,
        place=document.place,
        problem=document.problem,
    )
    subject = f"erp/document/{document.document.id}"
    return _fact(raw, fact, fact_id(raw.partitionkey, subject, raw.id), subject)


def _unreadable(
    raw: Message[Payload], row: ErpRow | ErpUnreadable, version: str, place: Place, reason: str
) -> Message[Payload]:
    return _set_aside(raw, Side.ERP, row.kind, row.key, version, place, reason)


def _set_aside(
    raw: Message[Payload], side: Side, kind: str, key: str, version: str, place: Place, reason: str
) -> Message[Payload]:
    """A hold in the making. The reason is part of the id: a release that reads further says something new."""
    subject = f"{side}/{kind}/{key}"
    fact = UnreadableFact(
        side=side,
        kind=kind,
        key=key,
        topic=place.topic,
        partition=place.partition,
        offset=place.offset,
        reason=reason,
    )
    identity = fact_id(raw.partitionkey, subject, digest("unreadable", version, reason))
    return _fact(raw, fact, identity, subject)


def _fact(raw: Message[Payload], data: Payload, identity: str, subject: str) -> Message[Payload]:
    return Message(
        id=identity,
        source=SOURCE,
        type=catalogue.name_of(data),
        subject=subject,
        time=raw.time,
        partitionkey=raw.partitionkey,
        data=data,
        causationid=raw.id,
        correlationid=raw.correlationid,
        traceparent=raw.traceparent,
    )


def _reason(error: Exception) -> str:
    """What is wrong with a document, without its values, which may be personal."""
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        return f"{path or 'the record'}: {first['msg']}"
    return f"the reader failed with {type(error).__name__}"


__all__ = ["FACTS", "Place", "UnknownType", "UnreadableMessage", "map_message"]
