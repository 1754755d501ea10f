"""CloudEvents 1.0 on Kafka in binary mode: attributes are ``ce_`` headers, the value is the payload as JSON.

Writers are closed: a payload model forbids fields it does not declare. Readers are open: ``decode`` skips fields of a
newer writer. A type nobody knows is ``UnknownType``: on our own topics that stops the partition, because release N
has to read what N+1 writes before any release writes it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

Headers = list[tuple[str, bytes]]
CONTENT_TYPE: Final = b"application/json"
PREFIX: Final = "ce_"
_CUT: Final = len(PREFIX)
_SPECVERSION: Final = ("ce_specversion", b"1.0")
_CONTENT_TYPE: Final = ("content-type", CONTENT_TYPE)


class Payload(BaseModel):
    """The data of one message type."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=Payload)
P_co = TypeVar("P_co", bound=Payload, covariant=True)


@dataclass(frozen=True, slots=True)
class Message(Generic[P_co]):
    """One message of the log.

    Attributes:
        id: deterministic, see ``events.identity``; two messages with one id are the same message.
        source: who wrote it, for example ``/erp-poller``.
        type: ends in its version, for example ``tieout.fact.tick.v1``.
        subject: what it is about: a record, a link, a command.
        time: UTC; when what it tells became known, copied along the chain and never made by a mapper or a decider.
        partitionkey: the connection's id (the budget's on BILL's command topics).
        causationid: the id of the message that led to this one.
        correlationid: the link or run that ties a chain together.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    partitionkey: str
    data: P_co
    causationid: str = ""
    correlationid: str = ""
    traceparent: str = ""


class UnreadableMessage(ValueError):
    """A message that is no CloudEvent of a known shape; says what is missing or wrong."""


class UnknownType(UnreadableMessage):
    """A well-formed message of a type or version this release does not know."""


class Catalogue(Protocol):
    """Types to payload models and the upcasters of older versions."""

    def model_of(self, type_name: str) -> type[Payload] | None:
        """The payload model of a type, None if it is not known."""
        ...


def encode(message: Message[Payload]) -> tuple[Headers, bytes]:
    """Headers and value of a message."""
    return _headers(message), message.data.model_dump_json().encode()


def _headers(message: Message[Payload]) -> Headers:
    headers: Headers = [
        _SPECVERSION,
        ("ce_id", message.id.encode()),
        ("ce_source", message.source.encode()),
        ("ce_type", message.type.encode()),
        ("ce_subject", message.subject.encode()),
        ("ce_time", time_text(message.time).encode()),
        ("ce_partitionkey", message.partitionkey.encode()),
        _CONTENT_TYPE,
    ]
    if message.causationid:
        headers.append(("ce_causationid", message.causationid.encode()))
    if message.correlationid:
        headers.append(("ce_correlationid", message.correlationid.encode()))
    if message.traceparent:
        headers.append(("ce_traceparent", message.traceparent.encode()))
    return headers


def encode_each(stem: Message[Payload], each: Iterable[tuple[str, str, Payload]]) -> Iterator[tuple[Headers, bytes]]:
    """Messages that differ from ``stem`` in id, subject and data only; what they share is encoded once.

    The data's types are the stem's.
    """
    shared = _headers(stem)
    places = [name for name, _ in shared]
    at_id, at_subject = places.index("ce_id"), places.index("ce_subject")
    for identity, subject, data in each:
        headers = shared.copy()
        headers[at_id] = ("ce_id", identity.encode())
        headers[at_subject] = ("ce_subject", subject.encode())
        yield headers, data.model_dump_json().encode()


def attributes(headers: Iterable[tuple[str, bytes | str | None]] | None) -> dict[str, str]:
    """The CloudEvents attributes of Kafka headers, without their prefix."""
    return {
        name[_CUT:]: value.decode() if isinstance(value, bytes) else value
        for name, value in headers or ()
        if value is not None and name.startswith(PREFIX)
    }


def decode(
    headers: Sequence[tuple[str, bytes | str | None]] | None, value: bytes | None, catalogue: Catalogue
) -> Message[Payload]:
    """Read a message back.

    Raises:
        UnknownType: the type is not in the catalogue.
        UnreadableMessage: an attribute is missing, or the payload does not fit its type.
    """
    attrs = attributes(headers)
    try:
        type_name = attrs["type"]
        model = catalogue.model_of(type_name)
        if model is None:
            raise UnknownType(f"type {type_name!r} is not known to this release")
        data = model.model_validate_json(value or b"", extra="ignore")
        return message_of(attrs, data)
    except KeyError as error:
        raise UnreadableMessage(f"CloudEvents attribute {error.args[0]!r} is missing") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise UnreadableMessage(f"{attrs.get('type')}: {path or 'payload'}: {first['msg']}") from error


def message_of(attrs: Mapping[str, str], data: P) -> Message[P]:
    """A message from its attributes and its payload. KeyError if one is missing, ValueError if the time is no time."""
    return Message(
        id=attrs["id"],
        source=attrs["source"],
        type=attrs["type"],
        subject=attrs["subject"],
        time=parse_time(attrs["time"]),
        partitionkey=attrs["partitionkey"],
        data=data,
        causationid=attrs.get("causationid", ""),
        correlationid=attrs.get("correlationid", ""),
        traceparent=attrs.get("traceparent", ""),
    )


@lru_cache(maxsize=1024)
def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, so that texts sort as times do."""
    if moment.tzinfo is None:
        raise ValueError("a time in the log has a zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_time(text: str) -> datetime:
    """The time written by ``time_text``; UnreadableMessage for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnreadableMessage(f"not a time: {text!r}") from error
    if moment.tzinfo is None:
        raise UnreadableMessage(f"a time without zone: {text!r}")
    return moment
