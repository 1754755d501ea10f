"""What of Kafka belongs to one partition of a writer: its fenced producer, its effects, its outcomes, its position."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import TopicPartition

from tieout.events import catalogue
from tieout.events.envelope import Message, Payload, decode
from tieout.log.clients import KafkaAccess
from tieout.log.compacted import high_watermark, read_to_end
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing, TransactionalProducer
from tieout.log.topics import Names, Topic


@dataclass(frozen=True)
class Commit:
    """One transaction.

    Attributes:
        effects: for the effects log, each with its key; they stand there in this order.
        facts: outcomes, for ``sync.facts``.
        position, checkpoint: the next offset of the input, and from where the effects log has to be read from then on.
    """

    effects: Sequence[tuple[str, Message[Payload]]]
    facts: Sequence[Message[Payload]]
    position: int
    checkpoint: int


class Store(Protocol):
    """``fence``, ``input_end`` and ``read`` block and belong to the consumer's thread, the rest to the event loop."""

    def fence(self) -> None:
        """From here on no predecessor can commit. Raises KafkaException if the brokers do not answer."""
        ...

    def input_end(self) -> int:
        """Where the input ends now; nobody before us has seen more of it."""
        ...

    def read(self, start: int) -> Iterator[tuple[int, Message[Payload]]]:
        """The committed messages of the effects log from an offset to its end of now, each with its offset."""
        ...

    async def commit(self, commit: Commit) -> list[int]:
        """Write everything or nothing; the offsets of the effects, in their order.

        Raises:
            Aborted: nothing was written, the same may be tried again.
            Fenced: superseded, or the commit's fate is unknown. The process must end.
        """
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


@dataclass(frozen=True)
class _Position:
    topic_partition: TopicPartition
    group: Any

    def positions(self) -> list[TopicPartition]:
        return [self.topic_partition]

    def metadata(self) -> Any:
        return self.group


class KafkaStore:
    """A ``Store`` on a broker. ``group_metadata`` is asked at each commit: it must be of after the last ``consume``."""

    def __init__(
        self,
        access: KafkaAccess,
        names: Names,
        service: str,
        *,
        commands: Topic,
        effects: Topic,
        partition: int,
        group_metadata: Callable[[], Any],
    ) -> None:
        self._access = access
        self._names = names
        self._commands = names.topic(commands)
        self._effects = effects
        self._partition = partition
        self._group_metadata = group_metadata
        self._producer = TransactionalProducer(access, names.transactional_id(service, partition))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"effects-{partition}")

    def fence(self) -> None:
        """Open the producer of the partition's transactional id."""
        self._producer.open()

    def input_end(self) -> int:
        """The high watermark of the commands."""
        return high_watermark(self._access, self._commands, self._partition)[1]

    def read(self, start: int) -> Iterator[tuple[int, Message[Payload]]]:
        """Raises UnreadableMessage for what this release does not know, KafkaException or TimeoutError."""
        topic = self._names.topic(self._effects)
        for message in read_to_end(self._access, topic, self._partition, start=start):
            yield message.offset() or 0, decode(message.headers(), message.value(), catalogue)

    async def commit(self, commit: Commit) -> list[int]:
        """In the partition's own thread."""
        placed: list[int] = []
        messages = [self._effect(key, message, placed) for key, message in commit.effects]
        messages += [outgoing(self._names, Topic.FACTS, fact) for fact in commit.facts]
        place = TopicPartition(self._commands, self._partition, commit.position, metadata=str(commit.checkpoint))
        offsets = _Position(place, self._group_metadata())
        await asyncio.get_running_loop().run_in_executor(self._thread, self._producer.commit, messages, offsets)
        return placed

    def _effect(self, key: str, message: Message[Payload], placed: list[int]) -> Outgoing:
        return outgoing(
            self._names, self._effects, message, key=key, partition=self._partition, delivered=placed.append
        )

    def close(self) -> None:
        """An open transaction is rolled back by the next owner."""
        self._producer.close()
        self._thread.shutdown(wait=False)
