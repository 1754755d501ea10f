"""The guard against skipped input: at-least-once means that nothing between two offsets was left out."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Spot(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Skipped(Exception):
    """Messages were handed over with a hole between them: end the process, and read again from what is committed."""

    def __init__(self, spot: Spot, expected: int, found: int) -> None:
        super().__init__(
            f"{spot.topic}/{spot.partition}: offset {found} came where {expected} was due; nothing of it is committed"
        )


@dataclass
class Contiguity:
    """The next offset due per partition, within one generation of the consumer group.

    A generation may begin before the committed offset (a repeat harms nobody) but never behind it; after that each
    message follows the one before.
    """

    _generation: int | None = None
    _due: dict[Spot, int] = field(default_factory=dict)

    def expect(self, generation: int, spot: Spot, offset: int, committed: int) -> None:
        """Accept the next message.

        Args:
            generation: of the group's assignment; a new one begins everywhere anew.
            spot: its partition.
            offset: its place there.
            committed: the partition's committed offset, 0 if there is none yet; used for the first message only.

        Raises:
            Skipped: messages before this one were not handed over.
        """
        if generation != self._generation:
            self._generation = generation
            self._due = {}
        due = self._due.get(spot)
        if due is None:
            if offset > committed:
                raise Skipped(spot, committed, offset)
        elif offset != due:
            raise Skipped(spot, due, offset)
        self._due[spot] = offset + 1

    def due(self) -> dict[Spot, int]:
        """The next offset per partition of this generation."""
        return dict(self._due)
