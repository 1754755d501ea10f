"""Records of BILL as messages of ``bill.events``: as received, and durable before anybody goes on.

The id is made of record and version, so a record that is read twice (by a notice and by a poll, by two processes, after
a crash) is one message and one fact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydantic_core import to_jsonable_python

from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, encode, time_text
from tieout.events.identity import content_hash, digest, fact_id
from tieout.events.raw import BillDocument
from tieout.log.clients import KafkaAccess
from tieout.log.outgoing import outgoing
from tieout.log.produce import PlainProducer
from tieout.log.topics import Names, Topic
from tieout_connectors.bill.raw import RawKind
from tieout_connectors.bill.wire.raw import RawRecord

SOURCE: Final = "/bill-writer"
# Half of what the topics take, as everywhere: a bill of some four thousand lines. A larger one becomes a hold.
LARGEST: Final = 1024 * 1024


class Origin(StrEnum):
    """How a record came to be read."""

    READ = "read"
    """A notification named it."""
    POLL = "poll"


@dataclass(frozen=True)
class Trail:
    """What ties a message to what caused it: a request, or a poll run."""

    causation: str
    correlation: str
    traceparent: str

    @classmethod
    def of_request(cls, request: Message[Any]) -> "Trail":
        """The trail of a request goes on."""
        return cls(request.id, request.correlationid, request.traceparent)

    @classmethod
    def of_run(cls, connection: str, kind: RawKind, run: int) -> "Trail":
        """A run is one trace."""
        text = f"{connection}/bill/{kind}/{run}"
        return cls("", text, f"00-{digest('trace', text)[:32]}-{digest('span', text)[:16]}-01")


def version_of(record: RawRecord) -> str:
    """BILL's stamp as a version, ``""`` if it tells none."""
    return "" if record.updated is None else time_text(record.updated)


def document_message(
    connection: str, kind: RawKind, record: RawRecord, origin: Origin, trail: Trail, now: datetime
) -> Message[Payload]:
    """A record as received; one that the log cannot hold is named by a document with the reason in its stead.

    The mapper finds no record in that, and says so: it becomes a hold with its source.
    """
    document, reason = _plain(record)
    # An object without id is named after its content, so that its hold is made once.
    key = record.key or "unnamed-" + content_hash(document)[:16]
    message = _message(connection, kind, key, version_of(record), origin, document, trail, now)
    if not reason and (size := len(encode(message)[1])) > LARGEST:
        reason = f"the record has {size} bytes, more than the {LARGEST} that are stored"
        message = _message(connection, kind, key, version_of(record), origin, {"reason": reason}, trail, now)
    return message


def _plain(record: RawRecord) -> tuple[dict[str, Any], str]:
    """The document with exact numbers as texts, or why it has none."""
    try:
        document = to_jsonable_python(dict(record.document))
        content_hash(document)
    except (ValueError, RecursionError) as error:
        reason = f"the record is no text that can be stored: {type(error).__name__}"
        return {"reason": reason}, reason
    return document, ""


def _message(
    connection: str,
    kind: RawKind,
    key: str,
    version: str,
    origin: Origin,
    document: dict[str, Any],
    trail: Trail,
    now: datetime,
) -> Message[Payload]:
    subject = f"bill/{kind}/{key}"
    data = BillDocument(kind=kind, key=key, version=version, origin=origin, document=document)
    return Message(
        id=fact_id(connection, f"raw/{subject}", version or content_hash(document)),
        source=SOURCE,
        type=catalogue.name_of(data),
        subject=subject,
        time=now,
        partitionkey=connection,
        data=data,
        causationid=trail.causation,
        correlationid=trail.correlation,
        traceparent=trail.traceparent,
    )


class RawLog:
    """``bill.events``. Plain: faust reads it, and readers of the committed would wait for our transactions."""

    def __init__(self, access: KafkaAccess, names: Names) -> None:
        self._producer = PlainProducer(access)
        self._names = names

    async def write(self, messages: Sequence[Message[Payload]]) -> None:
        """Return once all replicas have all of them. Raises KafkaException; then none may be held as stored."""
        await self._producer.send([outgoing(self._names, Topic.BILL_EVENTS, message) for message in messages])

    async def close(self) -> None:
        """Give the thread back."""
        await self._producer.close()
