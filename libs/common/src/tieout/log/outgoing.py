"""A message of the catalogue, made ready for its topic."""

from collections.abc import Callable

from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, encode
from tieout.log.produce import Outgoing
from tieout.log.topics import Names, Topic


def outgoing(
    names: Names,
    topic: Topic,
    message: Message[Payload],
    *,
    key: str = "",
    partition: int | None = None,
    delivered: Callable[[int], None] | None = None,
) -> Outgoing:
    """The message for its topic; key and partition are those of its partition key unless given."""
    assert catalogue.name_of(message.data) == message.type  # noqa: S101 - a type that lies would be unreadable for ever
    headers, value = encode(message)
    return Outgoing(
        topic=names.topic(topic),
        partition=names.partition_of(message.partitionkey) if partition is None else partition,
        key=(key or message.partitionkey).encode(),
        value=value,
        headers=headers,
        delivered=delivered,
    )
