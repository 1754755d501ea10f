"""Raw messages for ``erp.changes``: those of a poll run, and files. Pure.

Ids are made of what the source says, so that a row which is read twice is the same message. A run is one trace: its
``traceparent`` is made of its name, and stays the same through mapper, decider and writers.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic_core import to_jsonable_python

from tieout.domain.erp import DocumentRef
from tieout.domain.records import Kind, ReadContext
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, encode
from tieout.events.facts import RunPhase
from tieout.events.identity import content_hash, digest, fact_id
from tieout.events.raw import ErpDocument, ErpRow, ErpRun, ErpUnreadable
from tieout_connectors.spi.erp import RawRow

SOURCE: Final = "/erp-poller"
# A row above it becomes a hold that names it. Half of what the topics take, so that headers and the mapper's fact
# (which is smaller than its row but for long words in the place of short ones) never meet the brokers' limit.
ROW_LIMIT: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RunName:
    """One poll run."""

    connection: str
    erp: str
    kind: Kind
    number: int

    @property
    def text(self) -> str:
        """Ties everything of the run together."""
        return f"{self.connection}/erp/{self.kind}/{self.number}"

    @property
    def traceparent(self) -> str:
        """W3C trace context of the run."""
        return f"00-{digest('trace', self.text)[:32]}-{digest('span', self.text)[:16]}-01"


def run_message(run: RunName, phase: RunPhase, time: datetime, *, rows: int = 0) -> Message[Payload]:
    """The beginning or the end of a run."""
    data = ErpRun(erp=run.erp, kind=run.kind, run=run.number, phase=phase, rows=rows)
    subject = f"erp/{run.kind}/run/{run.number}"
    return _message(run, data, subject, fact_id(run.connection, f"raw/{subject}", phase), time)


def row_message(run: RunName, row: RawRow, context: ReadContext, time: datetime) -> Message[Payload]:
    """A row as it was seen; what the log cannot hold is an ``ErpUnreadable`` in its stead, with the reason."""
    key = _clean(row.key)
    subject = f"erp/{row.kind}/{key}"
    try:
        document = to_jsonable_python(row.document)
        version = row.version or f"{content_hash(document)}/{run.number}"
        data = ErpRow(
            erp=run.erp,
            kind=row.kind,
            key=key,
            version=row.version,
            run=run.number,
            context=context,
            document=document,
        )
        message = _message(run, data, subject, fact_id(run.connection, f"raw/{subject}", version), time)
        size = len(encode(message)[1])
    except (ValueError, RecursionError) as error:
        reason = f"the row is no text that can be stored: {type(error).__name__}"
        return unreadable_message(run, row.key, row.version, reason, time)
    if size > ROW_LIMIT:
        reason = f"the row has {size} bytes, more than the {ROW_LIMIT} that are stored"
        return unreadable_message(run, row.key, row.version, reason, time)
    return message


def document_message(asked: Message[Payload], data: ErpDocument, time: datetime) -> Message[Payload]:
    """A file that somebody asked for. Fetched again it lies elsewhere, and is another message."""
    subject = f"erp/document/{data.document.id}"
    place = data.place
    spot = () if place is None else (place.sha256, str(place.partition), *map(str, place.offsets))
    identity = fact_id(asked.partitionkey, f"raw/{subject}", digest(data.invoice, data.problem, *spot))
    return Message(
        id=identity,
        source=SOURCE,
        type=catalogue.name_of(data),
        subject=subject,
        time=time,
        partitionkey=asked.partitionkey,
        data=data,
        causationid=asked.id,
        correlationid=asked.correlationid,
        traceparent=asked.traceparent,
    )


def storable(ref: DocumentRef) -> DocumentRef:
    """A file as the log can hold it, whatever its name is."""
    return ref.model_copy(update={"id": _clean(ref.id), "name": _clean(ref.name)})


def unreadable_message(run: RunName, key: str, version: str, reason: str, time: datetime) -> Message[Payload]:
    """What is said of a row in its stead; ``reason`` is for a person and holds no value."""
    key, version = _clean(key), _clean(version)
    data = ErpUnreadable(erp=run.erp, kind=run.kind, key=key, version=version, run=run.number, reason=reason)
    subject = f"erp/{run.kind}/{key}"
    identity = fact_id(run.connection, f"raw/{subject}", digest("unreadable", version or f"{reason}/{run.number}"))
    return _message(run, data, subject, identity, time)


def _message(run: RunName, data: Payload, subject: str, identity: str, time: datetime) -> Message[Payload]:
    return Message(
        id=identity,
        source=SOURCE,
        type=catalogue.name_of(data),
        subject=subject,
        time=time,
        partitionkey=run.connection,
        data=data,
        correlationid=run.text,
        traceparent=run.traceparent,
    )


def _clean(text: str) -> str:
    """Text that UTF-8 can hold: half a surrogate pair, which JSON allows, is written out."""
    return text.encode("utf-8", "backslashreplace").decode()
