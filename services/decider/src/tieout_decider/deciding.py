"""From messages of ``sync.facts`` to a transaction: journal entries, state rows, commands."""

from collections.abc import Iterator, Sequence
from typing import Final

from confluent_kafka import Message as KafkaMessage

from tieout.decide.decide import decide, fault
from tieout.decide.state import Command, Decision, Origin, row_bytes
from tieout.events import catalogue
from tieout.events.commands import ErpCommand
from tieout.events.envelope import Message, Payload, UnreadableMessage, decode, encode_each
from tieout.events.identity import digest
from tieout.events.journal import Entry
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing
from tieout.log.rows import BatchRows
from tieout.log.topics import Names, Topic
from tieout.observability.logging import logger
from tieout_decider.counting import Counting

log = logger(__name__)

SOURCE: Final = "/decider"


class ConnectionView:
    """The rows of one connection, within a batch."""

    def __init__(self, rows: BatchRows, connection: str) -> None:
        self._rows = rows
        self._prefix = f"{connection}/".encode()

    def get(self, row: str) -> bytes | None:
        """One row."""
        return self._rows.get(self._prefix + row.encode())

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Rows with a prefix, in order."""
        for key, value in self._rows.scan(self._prefix + prefix.encode()):
            yield key[len(self._prefix) :].decode(), value

    def apply(self, decision: Decision) -> None:
        """Let the rest of the batch see what a decision set."""
        for entry in decision.entries:
            value = None if entry.value is None else row_bytes(entry.value)
            self._rows.set(self._prefix + entry.row.encode(), value)


class Decider:
    """Processes batches; holds nothing between them."""

    def __init__(self, names: Names, counting: Counting | None = None) -> None:
        self._names = names
        self._counting = counting or Counting()

    def process(self, partition: int, messages: Sequence[KafkaMessage], rows: BatchRows) -> list[Outgoing]:
        """Decide facts in their order.

        Raises:
            UnreadableMessage: a fact this release does not know stops the partition.
        """
        out: list[Outgoing] = []
        views: dict[str, ConnectionView] = {}
        tally = self._counting.begin(partition)
        for raw in messages:
            try:
                fact = decode(raw.headers(), raw.value(), catalogue)
            except UnreadableMessage as error:
                raise UnreadableMessage(f"{raw.topic()}/{partition}/{raw.offset()}: {error}") from error
            view = views.setdefault(fact.partitionkey, ConnectionView(rows, fact.partitionkey))
            origin = Origin(fact.partitionkey, fact.id, raw.offset() or 0, fact.time)
            decision = _decided(view, origin, fact.data)
            view.apply(decision)
            tally.add(fact, decision)
            out += journaled(self._names, fact, decision.entries, partition)
            out += [self._command(fact, command) for command in decision.commands]
            out += [self._request(fact, number, asked) for number, asked in enumerate(decision.requests)]
        return out

    def _command(self, fact: Message[Payload], command: Command) -> Outgoing:
        message = Message(
            id=command.id,
            source=SOURCE,
            type=catalogue.name_of(command.frame),
            subject=command.frame.link,
            time=fact.time,
            partitionkey=command.key,
            data=command.frame,
            causationid=fact.id,
            correlationid=command.frame.link,
            traceparent=fact.traceparent,
        )
        topic = Topic.ERP_COMMANDS if isinstance(command.frame, ErpCommand) else Topic.BILL_COMMANDS
        return outgoing(self._names, topic, message)

    def _request(self, fact: Message[Payload], number: int, asked: Payload) -> Outgoing:
        message = Message(
            id="r" + digest("request", fact.partitionkey, fact.id, str(number))[:31],
            source=SOURCE,
            type=catalogue.name_of(asked),
            subject=fact.correlationid,
            time=fact.time,
            partitionkey=fact.partitionkey,
            data=asked,
            causationid=fact.id,
            correlationid=fact.correlationid,
            traceparent=fact.traceparent,
        )
        return outgoing(self._names, Topic.ERP_POLLS, message)


def journaled(names: Names, fact: Message[Payload], entries: Sequence[Entry], partition: int) -> list[Outgoing]:
    """A decision's entries as messages of the journal, in their order."""
    if not entries:
        return []
    stem = Message(
        id="",
        source=SOURCE,
        type=catalogue.name_of(entries[0]),
        subject="",
        time=fact.time,
        partitionkey=fact.partitionkey,
        data=entries[0],
        causationid=fact.id,
        correlationid=fact.correlationid,
        traceparent=fact.traceparent,
    )
    topic, key = names.topic(Topic.JOURNAL), fact.partitionkey.encode()
    each = [
        ("j" + digest("entry", fact.partitionkey, fact.id, str(number))[:31], entry.row, entry)
        for number, entry in enumerate(entries)
    ]
    return [Outgoing(topic, partition, key, value, headers) for headers, value in encode_each(stem, each)]


def _decided(view: ConnectionView, origin: Origin, fact: Payload) -> Decision:
    try:
        return decide(view, origin, fact)
    except Exception as error:
        log.exception("deciding failed", fact=origin.fact, offset=origin.offset, connection=origin.connection)
        return fault(view, origin, error, fact)
