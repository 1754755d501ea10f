"""Partitions that cannot go on. Three failures at one position stop that partition and nothing else.

A message that a release cannot process would otherwise end the process again and again, and with it the work of every
other connection. The partition stays owned and unread, the service is not ready and says where it stands; the next
release, or the next owner, tries again from there.
"""

import threading
from dataclasses import dataclass
from typing import Final

from prometheus_client import Gauge

from tieout.observability.logging import logger

log = logger(__name__)

TRIES: Final = 3
STOPPED: Final = Gauge(
    "tieout_stopped_partition_offset",
    "Offset at which a partition was stopped after failing there three times; absent for all others.",
    ["service", "topic", "partition"],
)


@dataclass
class _Failing:
    """What failed, at which offset, how often in a row."""

    offset: int
    times: int
    reason: str


class Halts:
    """Counts failures by partition of one topic. ``problem`` may be asked from any thread."""

    def __init__(self, service: str, topic: str) -> None:
        self._service = service
        self._topic = topic
        self._lock = threading.Lock()
        self._failing: dict[int, _Failing] = {}

    def failed(self, partition: int, offset: int, error: Exception) -> bool:
        """Count a failure. True: it was the third at this offset, or the partition is stopped already."""
        with self._lock:
            failing = self._failing.get(partition)
            if failing is not None and failing.times >= TRIES:
                return True
            if failing is None or failing.offset != offset:
                failing = self._failing[partition] = _Failing(offset, 0, "")
            failing.times += 1
            failing.reason = f"{type(error).__name__}: {error}"
        if failing.times < TRIES:
            place = {"topic": self._topic, "partition": partition, "offset": offset}
            log.error("a message failed", times=failing.times, **place, exc_info=error)
            return False
        self._tell(partition, failing, error)
        return True

    def stop(self, partition: int, offset: int, error: Exception) -> None:
        """Stop at once: trying again would not help, such as with a message of a version not known here."""
        with self._lock:
            failing = self._failing[partition] = _Failing(offset, TRIES, f"{type(error).__name__}: {error}")
        self._tell(partition, failing, error)

    def passed(self, partition: int) -> None:
        """It went on, or was given away: counting begins anew."""
        with self._lock:
            failing = self._failing.pop(partition, None)
        if failing is not None and failing.times >= TRIES:
            STOPPED.remove(self._service, self._topic, str(partition))

    def stopped(self, partition: int) -> bool:
        """Whether nothing more is read of it."""
        with self._lock:
            failing = self._failing.get(partition)
        return failing is not None and failing.times >= TRIES

    def problem(self) -> str | None:
        """Topic, partition, offset and reason of what is stopped, None if nothing is."""
        with self._lock:
            stopped = [(number, one) for number, one in sorted(self._failing.items()) if one.times >= TRIES]
        told = [f"{self._topic}/{number} is stopped at {one.offset}: {one.reason}" for number, one in stopped]
        return "; ".join(told) or None

    def _tell(self, partition: int, failing: _Failing, error: Exception) -> None:
        STOPPED.labels(self._service, self._topic, str(partition)).set(failing.offset)
        place = {"topic": self._topic, "partition": partition, "offset": failing.offset}
        log.critical("partition stopped", reason=failing.reason, **place, exc_info=error)
