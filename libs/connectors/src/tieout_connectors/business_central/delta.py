"""Which rows of a poll are new, and where the next one starts. Pure.

The edge names rows by id and version: those whose stamp lies within the overlap of the newest one known. Rows the
server shows again and the edge names are left out. The position only ever comes from stamps of rows that were read,
never from a clock, and is held back to the time the poll began, so that rows written meanwhile are read once more.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from tieout_connectors.spi.erp import EDGE_LIMIT, Watermark

EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """What the delta needs of a row: its id, its version, and when it was written (None: before there were stamps)."""

    key: str
    version: str
    stamp: datetime | None


@dataclass
class Delta:
    """One poll of one kind. ``began`` is when it did, by our clock, UTC."""

    since: Watermark
    overlap: timedelta
    began: datetime
    _fresh: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _newest: datetime | None = None

    def __post_init__(self) -> None:
        self._newest = moment_of(self.since.position)

    def start(self) -> datetime | None:
        """From which stamp on to read, None for everything."""
        position = moment_of(self.since.position)
        return None if position is None or position - EARLIEST <= self.overlap else position - self.overlap

    def take(self, row: Seen) -> bool:
        """Count a row in; False if it is known in this very version."""
        stamp = row.stamp or EARLIEST
        digest = digest_of(row.version)
        if row.stamp is not None:
            self._newest = max(self._newest or EARLIEST, stamp)
        before = self._fresh.get(row.key)
        known = self.since.edge.get(row.key) == digest if before is None else before[0] == digest
        self._fresh[row.key] = (digest, stamp)
        return not known

    def watermark(self, *, ended: bool) -> Watermark:
        """Where to go on once every row taken so far is stored.

        Before the end the old edge still counts: what it names and was not shown yet must not come twice when the poll
        is interrupted. At the end it is over: what was not shown again is gone.
        """
        before = moment_of(self.since.position)
        newest = self._newest
        if newest is not None:
            newest = min(newest, max(self.began, before or EARLIEST))
        reach = newest - self.overlap if newest is not None and newest - EARLIEST > self.overlap else EARLIEST
        near = {key: one for key, one in self._fresh.items() if one[1] >= reach}
        if not ended:
            old = {key: (digest, EARLIEST) for key, digest in self.since.edge.items() if key not in self._fresh}
            near = {**old, **near}
        kept = sorted(near, key=lambda key: (near[key][1], key), reverse=True)[:EDGE_LIMIT]
        return Watermark(position=text_of(newest), edge={key: near[key][0] for key in kept})


def digest_of(version: str) -> str:
    """A version, short, so that the edge stays small: 60 bits, so two of one row are alike once in 10^18."""
    return blake2b(version.encode(), digest_size=8).hexdigest()[:15]


def text_of(position: datetime | None) -> str:
    """A position as the watermark holds it, ``""`` for none."""
    if position is None:
        return ""
    return position.astimezone(UTC).isoformat()


def moment_of(position: str) -> datetime | None:
    """A watermark's position, None for the empty one.

    Raises:
        ValueError: for a text that this connector did not write.
    """
    if not position:
        return None
    moment = datetime.fromisoformat(position)
    if moment.tzinfo is None:
        raise ValueError(f"a position without an offset: {position!r}")
    return moment
