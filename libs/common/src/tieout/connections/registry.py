"""The connections of an installation, as every service sees them: the compacted topic ``connections`` kept in memory.

A thread reads all partitions without a consumer group, from the start, committed messages only. It is ready once it has
passed the high watermark of every partition as it stood at the start; the end is told by the end-of-partition event and
not by the last message, which in a compacted, transactional topic may lie below it for ever.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tieout.domain.settings import ConnectionSettings, Side
from tieout.events import catalogue
from tieout.events.connections import ConnectionApplied
from tieout.events.envelope import UnreadableMessage, decode
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names, Topic
from tieout.observability.logging import logger

# One error is a broker that restarts. After this many in a row over this time the view may be stale without anybody
# noticing, so the service is not ready; both must stay well below the minute after which lag ends a process.
ERRORS_IN_A_ROW: Final = 3
ERROR_SECONDS: Final = 10.0
METADATA_TIMEOUT: Final = 10.0
# Brokers tell nothing of a topic, or name no leader, for a moment after it was made or while one of them restarts.
# Longer than that the topic is missing, and a service that waits in silence helps nobody.
OPEN_SECONDS: Final = 10.0
STOP_TIMEOUT: Final = 15.0
# A silent topic tells nothing of its health, so the brokers are asked for it: seldom, and soon after an error.
PROBE_SECONDS: Final = 15.0
PROBE_AFTER_ERROR_SECONDS: Final = 1.0
# How long a wait for messages blocks, and so how late a stop is noticed.
POLL_SECONDS: Final = 0.2


@dataclass(frozen=True)
class ConnectionView:
    """A connection as it stands. ``secret_versions`` are compared for equality only; 0 means none were given."""

    connection: str
    generation: int
    settings: ConnectionSettings
    secret_versions: Mapping[Side, int]

    def secret_version(self, side: Side) -> int:
        """The version of one side's credentials, 0 if none were given."""
        return self.secret_versions.get(side, 0)


Callback = Callable[[ConnectionView], None]


class Registry:
    """All connections. Thread-safe; reads never block.

    Callbacks run in the reading thread, in the order of the topic, also for what was there before the start; one that
    raises makes the registry unhealthy, since its service may have missed a change.
    """

    def __init__(self, access: KafkaAccess, names: Names) -> None:
        self._access = access
        self._names = names
        self._topic = names.topic(Topic.CONNECTIONS)
        self._views: dict[str, ConnectionView] = {}
        self._callbacks: list[Callback] = []
        self._changed = threading.Condition()
        self._ends: dict[int, int] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._broken: str | None = None
        self._errors = 0
        self._first_error = 0.0
        self._probed = 0.0
        self._log = logger(__name__)

    def start(self) -> None:
        """Begin to read; returns at once."""
        if self._thread is not None:
            raise RuntimeError("the registry was started before")
        self._thread = threading.Thread(target=self._run, name="connections", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Raises TimeoutError if it does not end."""
        self._stopping.set()
        thread = self._thread
        if thread is not None:
            thread.join(STOP_TIMEOUT)
            if thread.is_alive():
                raise TimeoutError("the thread that reads the connections did not end")

    def ready(self) -> bool:
        """Whether everything that stood in the topic at the start has been read, and reading goes on."""
        return self.problem() is None

    def problem(self) -> str | None:
        """Why it is not ready, None if it is; for ``Health.probe``."""
        if self._broken is not None:
            return self._broken
        if self._ends is None or self._ends:
            return f"{self._topic} is not read to its end yet"
        if self._errors >= ERRORS_IN_A_ROW and time.monotonic() - self._first_error > ERROR_SECONDS:
            return f"{self._topic} could not be read for {time.monotonic() - self._first_error:.0f} s"
        return None

    def wait_ready(self, timeout: float) -> None:
        """Wait until it is ready.

        Raises:
            TimeoutError: it is not after ``timeout`` seconds, or never will be; says why.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.ready() or self._broken is not None, timeout)
        problem = self.problem()
        if problem is not None:
            raise TimeoutError(problem)

    def get(self, connection: str) -> ConnectionView | None:
        """The connection, None if there is none of that name (yet)."""
        return self._views.get(connection)

    def all(self) -> tuple[ConnectionView, ...]:
        """All connections, retired ones too, by name."""
        return tuple(sorted(self._views.values(), key=lambda view: view.connection))

    def wait_for(self, connection: str, generation: int, timeout: float) -> ConnectionView | None:
        """The connection once its generation is at least this; None if it is not after ``timeout`` seconds.

        Blocking: from a coroutine call it by ``asyncio.to_thread``.
        """
        return self.wait_until(connection, lambda view: view.generation >= generation, timeout)

    def wait_until(
        self, connection: str, holds: Callable[[ConnectionView], bool], timeout: float
    ) -> ConnectionView | None:
        """The same for any condition."""
        found: ConnectionView | None = None

        def arrived() -> bool:
            nonlocal found
            view = self._views.get(connection)
            found = view if view is not None and holds(view) else None
            return found is not None or self._broken is not None

        with self._changed:
            self._changed.wait_for(arrived, timeout)
        return found

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Have every later change told; subscribe before ``start`` to miss none. The answer ends the subscription."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def _run(self) -> None:
        try:
            consumer = self._opened()
            try:
                while not self._stopping.is_set():
                    for message in consumer.consume(1000, POLL_SECONDS):
                        self._take(message)
                    self._probe(consumer)
            finally:
                consumer.close()
        except BaseException as error:  # told to readiness; what is no trouble of the log's is raised again
            # Whatever ended the reading, the view is stale from here on, and the service must say so.
            self._break(f"{self._topic}: {error}")
            if not isinstance(error, KafkaException | UnreadableMessage | _Unusable):
                raise

    def _opened(self) -> Consumer:
        """A consumer at the start of the topic, tried for a while: see OPEN_SECONDS."""
        limit = time.monotonic() + OPEN_SECONDS
        while True:
            try:
                return self._open()
            except (KafkaException, _Missing):
                if time.monotonic() > limit or self._stopping.wait(POLL_SECONDS):
                    raise

    def _open(self) -> Consumer:
        consumer = Consumer(self._access.consumer("-") | {"enable.partition.eof": True})
        try:
            partitions = self._partitions(consumer)
            self._ends = self._high_watermarks(partitions)
            consumer.assign([TopicPartition(self._topic, partition, 0) for partition in partitions])
        except BaseException:  # whatever it was, an open consumer would stay for the life of the process
            consumer.close()
            raise
        self._notify()
        return consumer

    def _partitions(self, consumer: Consumer) -> list[int]:
        found = consumer.list_topics(self._topic, timeout=METADATA_TIMEOUT).topics[self._topic]
        if found.error is not None or not found.partitions:
            raise _Missing("the topic is missing; `tieout topics apply` creates it")
        if len(found.partitions) != self._names.partitions:
            count, wanted = len(found.partitions), self._names.partitions
            raise _Unusable(
                f"has {count} partitions instead of {wanted}: set TIEOUT_PARTITIONS={count}, or another prefix"
            )
        return sorted(found.partitions)

    def _high_watermarks(self, partitions: list[int]) -> dict[int, int]:
        """Ends seen uncommitted: an open transaction hides what stands behind it from readers of the committed."""
        reader = Consumer(self._access.consumer("-", committed=False))
        try:
            ends = {}
            for partition in partitions:
                _, high = reader.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=METADATA_TIMEOUT)
                if high > 0:
                    ends[partition] = high
            return ends
        finally:
            reader.close()

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is None:
            self._apply(message)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name
            self._reached(message.partition(), message.offset())
        elif error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - the same
            raise KafkaException(error)
        else:
            self._failed(error)

    def _failed(self, error: KafkaError) -> None:
        if self._errors == 0:
            self._first_error = time.monotonic()
            self._log.warning("connections cannot be read", error=str(error))
        self._errors += 1

    def _probe(self, consumer: Consumer) -> None:
        """Ask the brokers for the topic: it may be gone, or back after errors without a message that would tell."""
        due = PROBE_AFTER_ERROR_SECONDS if self._errors else PROBE_SECONDS
        if time.monotonic() - self._probed < due:
            return
        self._probed = time.monotonic()
        try:
            self._partitions(consumer)
        except KafkaException as error:
            self._failed(error.args[0])
        else:
            self._errors = 0

    def _reached(self, partition: int, offset: int) -> None:
        waiting = self._ends or {}
        if partition in waiting and offset >= waiting[partition]:
            del waiting[partition]
            self._notify()

    def _apply(self, message: Message) -> None:
        key = (message.key() or b"").decode()
        if message.value() is None:
            self._views.pop(key, None)
            self._notify()
            return
        data = decode(message.headers(), message.value(), catalogue).data
        if not isinstance(data, ConnectionApplied):
            raise UnreadableMessage(f"{type(data).__name__} does not belong here")
        view = ConnectionView(key, data.generation, data.settings, dict(data.secret_versions))
        self._views[key] = view
        for callback in tuple(self._callbacks):
            callback(view)
        self._notify()

    def _break(self, problem: str) -> None:
        self._broken = problem
        self._log.error("connections are not read any more", problem=problem)
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


class _Unusable(Exception):
    """The topic is not as the catalogue says."""


class _Missing(_Unusable):
    """There is no such topic, or not yet."""
