"""What every write to BILL shares: its organization, its budget, and refusals that never reached BILL."""

from datetime import datetime
from typing import Protocol

from tieout.domain.errors import Reject
from tieout.effects.port import Done
from tieout.events.envelope import time_text
from tieout.events.facts import Candidate
from tieout_bill_writer.index import FRESH
from tieout_bill_writer.organization import Organization


class Write(Protocol):
    """One kind of write; see ``effects.port.Effect`` for what each method promises."""

    name: str
    slow: float

    async def look(self) -> tuple[Candidate, ...]:
        """Look before the write."""
        ...

    async def perform(self, deadline: float) -> Done:
        """One foreign call."""
        ...

    async def settle(self) -> tuple[Done, ...]:
        """After a lost answer."""
        ...


class OrganizationEffect:
    """A write as an effect of its organization."""

    def __init__(self, organization: Organization, write: Write) -> None:
        self.organization = organization
        self._write = write
        self.name = write.name
        self.slow = write.slow

    async def room(self) -> None:
        """Wait for the hour's budget."""
        await self.organization.meter.room()

    async def look(self) -> tuple[Candidate, ...]:
        """Look before the write."""
        return await self._write.look()

    async def perform(self, deadline: float) -> Done:
        """One foreign call.

        Raises:
            Reject: also, with code ``unwritable``, for a content that has no form in BILL's terms: nothing was sent.
        """
        try:
            return await self._write.perform(deadline)
        except ValueError as error:
            # The client raises it while it builds the request; an answer that cannot be read is in doubt instead.
            cure = "Report this: such a content should have been held before."
            raise Reject(str(error), code="unwritable", call=self.name, cure=cure) from error

    async def settle(self) -> tuple[Done, ...]:
        """After a lost answer."""
        return await self._write.settle()


class Freshness:
    """How old an index may be for a look of one command: a first look may share what is there, a later one not.

    A later one follows a refusal as duplicate, an absence, or a call that was given up: something has happened since.
    """

    def __init__(self, attempt: int) -> None:
        self.within = FRESH if attempt == 1 else 0.0

    def used(self) -> None:
        """A call was tried."""
        self.within = 0.0


def version_of(updated: datetime | None) -> str:
    """BILL's stamp of a change as a version, ``""`` if it tells none."""
    return "" if updated is None else time_text(updated)
