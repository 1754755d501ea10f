"""Documents on their way from the ERP's side to BILL's: sealed in chunks on ``snapshots``, opened by who uploads them.

Each connection has one key, kept under both sides, so that a process that holds only one side's wrapping key can do its
half. A chunk is bound to its place: connection, invoice, document and number are authenticated with it.
"""

import base64
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tieout.connections.key_wrapper import KEY_BYTES, NONCE_BYTES
from tieout.connections.secrets import Purpose, SecretStore
from tieout.domain.settings import Side
from tieout.events import catalogue
from tieout.events.chunks import DocumentChunk
from tieout.events.commands import DocumentPlace
from tieout.events.envelope import Message, Payload, UnreadableMessage, decode
from tieout.events.identity import digest
from tieout.log.clients import KafkaAccess
from tieout.log.outgoing import outgoing
from tieout.log.produce import PlainProducer
from tieout.log.topics import Names, Topic

# In base64 and with its envelope a chunk stays below the megabyte that a message of ours may have.
CHUNK: Final = 512 * 1024
# Chunks of one document lie close together; a broker that answers at all has them read within a second.
READ_SECONDS: Final = 20.0


class DocumentLost(Exception):
    """The chunks are not there any more, are not those of the document, or do not open. Fetching it again helps."""


@dataclass(frozen=True)
class DocumentName:
    """Whose document it is: the connection, and the ERP's ids of the invoice and of the file."""

    connection: str
    invoice: str
    document: str

    def aad(self, number: int) -> bytes:
        """What a chunk is bound to; each part with its length, so that no two names read the same."""
        parts = ("document", self.connection, self.invoice, self.document, str(number))
        return "".join(f"{len(part)}:{part}" for part in parts).encode()


def seal(key: bytes, chunk: bytes, aad: bytes) -> bytes:
    """The chunk under AES-256-GCM, a fresh nonce before it. A key seals far fewer than 2^32 chunks in its life."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, chunk, aad)


def unseal(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """The chunk again. Raises DocumentLost if it was sealed with another key or for another place, or was changed."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except (InvalidTag, ValueError):
        raise DocumentLost("a chunk does not open") from None


def sealed_chunks(key: bytes, name: DocumentName, content: bytes) -> Iterator[DocumentChunk]:
    """A document's chunks, in order."""
    for number, start in enumerate(range(0, len(content), CHUNK)):
        sealed = seal(key, content[start : start + CHUNK], name.aad(number))
        yield DocumentChunk(
            connection=name.connection, invoice=name.invoice, document=name.document, number=number, sealed=sealed
        )


def opened(key: bytes, connection: str, chunks: Iterable[DocumentChunk], place: DocumentPlace) -> bytes:
    """The document that a connection's chunks hold.

    Raises:
        DocumentLost: they are of another connection or mixed, do not open, or are not what ``place`` says.
    """
    names, parts = set(), []
    for number, chunk in enumerate(chunks):
        name = DocumentName(chunk.connection, chunk.invoice, chunk.document)
        names.add(name)
        parts.append(unseal(key, chunk.sealed, name.aad(number)))
    content = b"".join(parts)
    if len(names) != 1 or names.pop().connection != connection:
        raise DocumentLost("the chunks are not of one document of this connection")
    if len(content) != place.bytes or hashlib.sha256(content).hexdigest() != place.sha256:
        raise DocumentLost("the document is not the one that was fetched")
    return content


async def write_document(
    producer: PlainProducer, names: Names, source: str, key: bytes, name: DocumentName, content: bytes, *, now: datetime
) -> DocumentPlace:
    """Write a document's chunks to ``snapshots``, in its connection's partition; returns where they stand.

    Raises:
        ValueError: it is empty.
        KafkaException: the broker did not take all of it.
    """
    if not content:
        raise ValueError("an empty document is no document")
    sha256 = hashlib.sha256(content).hexdigest()
    offsets: list[int] = []
    messages = []
    for chunk in sealed_chunks(key, name, content):
        identity = (
            "d" + digest("document", name.connection, name.invoice, name.document, sha256, str(chunk.number))[:31]
        )
        subject = f"document/{name.document}"
        message: Message[Payload] = Message(
            identity, source, catalogue.name_of(chunk), subject, now, name.connection, chunk
        )
        messages.append(outgoing(names, Topic.SNAPSHOTS, message, delivered=offsets.append))
    await producer.send(messages)
    partition = names.partition_of(name.connection)
    return DocumentPlace(partition=partition, offsets=tuple(sorted(offsets)), bytes=len(content), sha256=sha256)


def read_chunks(access: KafkaAccess, names: Names, place: DocumentPlace) -> list[DocumentChunk]:
    """The chunks at a place. Blocking.

    Raises:
        DocumentLost: one is not there any more, or is something else.
        KafkaException, TimeoutError: the brokers do not answer.
    """
    topic, wanted = names.topic(Topic.SNAPSHOTS), set(place.offsets)
    found: dict[int, DocumentChunk] = {}
    limit = time.monotonic() + READ_SECONDS
    settings = {"enable.partition.eof": True, "auto.offset.reset": "error"}
    with closing(Consumer(access.consumer("-") | settings)) as consumer:
        consumer.assign([TopicPartition(topic, place.partition, min(wanted))])
        while wanted - found.keys():
            # One by one: what lies behind the last chunk, the partition's end too, is nothing to us.
            message = consumer.poll(0.2)
            if message is not None:
                offset, error = message.offset() or 0, message.error()
                if error is not None:
                    _raise(error)
                if offset > max(wanted):
                    raise DocumentLost("chunks of the document are not there any more")
                if offset in wanted:
                    found[offset] = _chunk(message.headers(), message.value())
            elif time.monotonic() > limit:
                raise TimeoutError(f"{topic}/{place.partition} was not read in {READ_SECONDS:.0f} s")
    return [found[offset] for offset in place.offsets]


def _raise(error: KafkaError) -> None:
    gone = (KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)  # noqa: SLF001 - librdkafka's public names
    if error.code() in gone:
        raise DocumentLost("chunks of the document are not there any more")
    raise KafkaException(error)


def _chunk(headers: list[tuple[str, bytes]] | None, value: bytes | None) -> DocumentChunk:
    try:
        data = decode(headers, value, catalogue).data
    except UnreadableMessage as error:
        raise DocumentLost(f"a chunk cannot be read: {error}") from error
    if not isinstance(data, DocumentChunk):
        raise DocumentLost("something else stands where a chunk should be")
    return data


def establish_key(store: SecretStore, connection: str) -> None:
    """Make the connection's key if there is none: for control-plane, which holds both sides, whenever it applies one.

    What was left half done is completed with the key that is there.
    """
    held = {side: store.get(connection, side, Purpose.DOCUMENTS) for side in Side}
    text = next((secret["key"] for secret in held.values() if secret is not None), None)
    if text is None:
        text = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    for side, secret in held.items():
        if secret is None:
            store.put(connection, side, Purpose.DOCUMENTS, {"key": text})


def document_key(store: SecretStore, connection: str, side: Side) -> bytes | None:
    """The connection's key, for the process of one side; None if control-plane has made none yet."""
    secret = store.get(connection, side, Purpose.DOCUMENTS)
    return None if secret is None else base64.b64decode(secret["key"])
