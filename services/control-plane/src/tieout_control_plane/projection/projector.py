"""The thread that brings the log into the tables. It reads without a group: where it stands is kept beside the rows."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from tieout.connections.secrets import StoreNotReady
from tieout.events import catalogue
from tieout.events.envelope import UnreadableMessage, attributes, decode, parse_time
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names, Topic
from tieout.observability.crash_points import reach
from tieout.observability.logging import logger
from tieout_control_plane.metrics import PROJECTED, PROJECTION_BEHIND
from tieout_control_plane.projection.folding import OBSERVED, QUOTED, Read, Source
from tieout_control_plane.projection.writing import Moved, Place, ProjectionStore

log = logger(__name__)

TOPICS: Final = (Topic.JOURNAL, Topic.FACTS, Topic.TIE_OUTS)
# Facts that timelines quote. Of those that tell what was seen only the headers are read, and all others are passed by.
WANTED: Final = frozenset(name for name, model in catalogue.TYPES.items() if model in QUOTED)
SEEN: Final = frozenset(name for name, model in catalogue.TYPES.items() if model in OBSERVED)
# A batch is one transaction of the database. Entries are at most 256 KiB, so the worst batch is 128 MiB and the usual
# one half a megabyte; a rebuild does some thousands a second.
BATCH: Final = 500
# Where only passed-by facts came, positions are written this often at most: an idle log costs no transactions.
IDLE_SECONDS: Final = 5.0
# What librdkafka fetches ahead, so that a rebuild of years of log never fills the memory of a service that also ticks.
QUEUED_KIB: Final = 16 * 1024
POLL_SECONDS: Final = 0.2
AGAIN_SECONDS: Final = 1.0
METADATA_SECONDS: Final = 10.0
# Brokers name no leader for a moment after a topic was made; see also the registry.
OPEN_SECONDS: Final = 10.0
STOP_SECONDS: Final = 20.0


class Projector:
    """Thread-safe. Two of them on one database harm nothing: each batch is written once, by one of them."""

    def __init__(self, access: KafkaAccess, names: Names, store: ProjectionStore) -> None:
        self._access = access
        self._store = store
        self._places: Sequence[Place] = [
            (names.topic(topic), number) for topic in TOPICS for number in range(names.partitions)
        ]
        self._facts = names.topic(Topic.FACTS)
        self._stopping = threading.Event()
        self._moved = threading.Condition()
        self._positions: dict[Place, int] = {}
        self._passed: dict[Place, int] = {}
        self._written = 0.0
        self._reached: dict[Place, int] = {}
        self._thread = threading.Thread(target=self._run, name="projection", daemon=True)
        self._problem: str | None = None

    def start(self) -> None:
        """Begin to read; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Raises TimeoutError if it does not end."""
        self._stopping.set()
        if self._thread.ident is None:
            return
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError("the thread that writes the projection did not end")

    def problem(self) -> str | None:
        """Why the tables do not follow the log, None if they do; for ``Health.probe``."""
        return self._problem

    def wait_for_now(self, seconds: float) -> bool:
        """Wait until everything that is committed in the log by now stands in the tables. Blocks.

        Raises:
            KafkaException: the brokers do not tell where the log ends.
        """
        limit = time.monotonic() + seconds
        ends = self._ends()
        with self._moved:
            return self._moved.wait_for(
                lambda: all(self._reached.get(place, 0) >= end for place, end in ends.items()),
                max(0.0, limit - time.monotonic()),
            )

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._project()
            except Moved as moved:
                log.info("projection goes on where another process has left it", reason=str(moved))
            except (StoreNotReady, KafkaException) as error:
                self._fail(str(error))
                self._stopping.wait(AGAIN_SECONDS)
            except Exception as error:
                # What this release cannot read stops the projection, as it would stop any reader of our own topics.
                self._fail(str(error))
                if not isinstance(error, UnreadableMessage):
                    raise
                return

    def _fail(self, problem: str) -> None:
        if self._problem is None:
            log.error("projection does not follow the log", problem=problem)
        self._problem = problem

    def _project(self) -> None:
        """Read and write until stopped."""
        positions = self._store.positions(self._places)
        gone = [place for place, end in self._ends().items() if positions[place] > end]
        if gone:
            log.warning("the log is another one than was projected: projection begins anew", places=len(gone))
            positions = self._store.begin_anew(self._places)
        self._positions, self._reached, self._passed = positions, dict(positions), {}
        settings = {"enable.partition.eof": True, "queued.max.messages.kbytes": QUEUED_KIB}
        consumer = Consumer(self._access.consumer("-") | settings)
        try:
            consumer.assign([TopicPartition(topic, number, at) for (topic, number), at in positions.items()])
            while not self._stopping.is_set():
                self._take(consumer.consume(BATCH, POLL_SECONDS))
        finally:
            consumer.close()

    def _take(self, messages: Sequence[KafkaMessage]) -> None:
        batch: list[Read] = []
        sources: list[Source] = []
        ends: dict[Place, int] = {}
        after: dict[Place, int] = {}
        for message in messages:
            place = (message.topic() or "", message.partition() or 0)
            error = message.error()
            if error is None:
                after[place] = (message.offset() or 0) + 1
                if message.topic() != self._facts:
                    batch.append(_read(message))
                    continue
                attrs = attributes(message.headers())
                if attrs.get("type") in WANTED:
                    batch.append(_read(message))
                elif attrs.get("type") in SEEN:
                    sources.append(_source(attrs, message))
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name
                ends[place] = message.offset() or 0
            else:
                raise KafkaException(error)
        self._passed |= after
        if batch or sources or (self._passed and time.monotonic() - self._written > IDLE_SECONDS):
            moves = {place: (self._positions[place], end) for place, end in self._passed.items()}
            self._write(batch, moves, sources)
        if messages:
            with self._moved:
                self._reached |= after
                self._reached |= {place: max(end, self._reached[place]) for place, end in ends.items()}
                self._moved.notify_all()
        self._problem = None

    def _write(self, batch: Sequence[Read], moves: Mapping[Place, tuple[int, int]], sources: Sequence[Source]) -> None:
        reach("control-plane.projection.before")
        self._store.apply(batch, moves, sources)
        reach("control-plane.projection.after")
        self._positions |= {place: after for place, (_, after) in moves.items()}
        self._passed, self._written = {}, time.monotonic()
        if batch:
            PROJECTED.inc(len(batch))
            PROJECTION_BEHIND.set(max(0.0, time.time() - batch[-1].message.time.timestamp()))

    def _ends(self) -> dict[Place, int]:
        """High watermarks, seen uncommitted: an open transaction hides what stands behind it."""
        reader = Consumer(self._access.consumer("-", committed=False))
        limit = time.monotonic() + OPEN_SECONDS
        try:
            while True:
                try:
                    return {place: _end(reader, place) for place in self._places}
                except KafkaException:
                    if time.monotonic() > limit or self._stopping.wait(POLL_SECONDS):
                        raise
        finally:
            reader.close()


def _end(reader: Consumer, place: Place) -> int:
    _, high = reader.get_watermark_offsets(TopicPartition(*place), timeout=METADATA_SECONDS)
    return int(high)


def _source(attrs: Mapping[str, str], message: KafkaMessage) -> Source:
    try:
        return Source(
            connection=attrs["partitionkey"],
            fact=attrs["id"],
            subject=attrs["subject"],
            time=parse_time(attrs["time"]),
            raw=attrs.get("causationid", ""),
            run=attrs.get("correlationid", ""),
        )
    except KeyError as error:
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        raise UnreadableMessage(f"{place}: CloudEvents attribute {error.args[0]!r} is missing") from error


def _read(message: KafkaMessage) -> Read:
    try:
        return Read(decode(message.headers(), message.value(), catalogue), message.offset() or 0)
    except UnreadableMessage as error:
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        raise UnreadableMessage(f"{place}: {error}") from error
