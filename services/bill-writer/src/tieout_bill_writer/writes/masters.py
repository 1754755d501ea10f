"""Changing a master that is linked: content, and in use or archived. Several calls are steps, each with its intent.

A change made twice is the same as once, so looking is comparing, and settling too.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from tieout.effects.port import Done
from tieout.events.facts import Candidate
from tieout_bill_writer.writes.effect import version_of


class Master(Protocol):
    """What a vendor and a classification have in common."""

    @property
    def id(self) -> str:
        """BILL's id."""
        ...

    @property
    def archived(self) -> bool:
        """Out of use."""
        ...

    @property
    def updated(self) -> datetime | None:
        """BILL's stamp of the last change."""
        ...


R = TypeVar("R", bound=Master)


@dataclass(frozen=True)
class Verbs(Generic[R]):
    """The calls about one kind of master, bound to one of them, and how it is compared.

    Attributes:
        get: reads it.
        patch: makes its content as wanted, given how it stands; the second argument is the deadline.
        archive, restore: with the deadline.
        is_as_wanted: whether its content is as wanted already.
        describe: it as a candidate.
        note: keeps what an answer showed.
    """

    get: Callable[[], Awaitable[R]]
    patch: Callable[[R, float], Awaitable[R]]
    archive: Callable[[float], Awaitable[R]]
    restore: Callable[[float], Awaitable[R]]
    is_as_wanted: Callable[[R], bool]
    describe: Callable[[R], Candidate]
    note: Callable[[R], None]


class UpdateMaster(Generic[R]):
    """Makes a linked master be as wanted. What has to be done is settled by the look, each step is one call."""

    slow = 0.0

    def __init__(self, name: str, verbs: Verbs[R], *, archived: bool) -> None:
        self.name = name
        self._verbs = verbs
        self._archived = archived
        self._current: R | None = None
        self._steps: list[Callable[[R, float], Awaitable[R]]] = []

    async def look(self) -> tuple[Candidate, ...]:
        """The record itself, if it is as wanted already."""
        current = self._current = await self._verbs.get()
        self._steps = self._planned(current)
        return () if self._steps else (self._verbs.describe(current),)

    async def perform(self, deadline: float) -> Done:
        """The next step."""
        current = self._current
        if current is None or not self._steps:
            raise AssertionError("look comes first, and ends what needs no step")
        self._current = record = await self._steps[0](current, deadline)
        del self._steps[0]
        self._verbs.note(record)
        return Done(record.id, version_of(record.updated), complete=not self._steps)

    async def settle(self) -> tuple[Done, ...]:
        """The record, if it is as wanted now."""
        record = await self._verbs.get()
        return () if self._planned(record) else (Done(record.id, version_of(record.updated)),)

    def _planned(self, current: R) -> list[Callable[[R, float], Awaitable[R]]]:
        """Restoring comes first and archiving last: a content is only changed while the record is in use."""
        verbs, steps = self._verbs, []
        is_as_wanted = verbs.is_as_wanted(current)
        if current.archived and (not self._archived or not is_as_wanted):
            steps.append(lambda _current, deadline: verbs.restore(deadline))
        if not is_as_wanted:
            steps.append(verbs.patch)
        if self._archived and (steps or not current.archived):
            steps.append(lambda _current, deadline: verbs.archive(deadline))
        return steps
