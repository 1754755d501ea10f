"""What stands before every call of one organization: a place among its calls, and the hour's budget of the key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Final

from tieout.domain.errors import Retry
from tieout.effects.budget import CALLS, LOGINS
from tieout.effects.lanes import Slots
from tieout_bill_writer.meters import Meter, after_pause
from tieout_connectors.bill.gate import Limit

HOURLY: Final = {Limit.CALLS: CALLS, Limit.LOGINS: LOGINS}


class OrganizationGate:
    """The gate of one client. A place is taken first and the budget last, right before the call that it pays for.

    Until ``rests`` nobody calls: a predecessor's calls may still have their places in BILL.
    """

    def __init__(self, organization: str, meter: Meter, slots: Slots, rests: datetime | None = None) -> None:
        self._organization = organization
        self._meter = meter
        self._slots = slots
        self._inside = 0
        self._retired = False
        self._idle = asyncio.Event()
        self._rests = rests

    async def call(self, call: str) -> AbstractAsyncContextManager[object]:  # noqa: ARG002 - the protocol's name
        """A place and a call of the budget."""
        return self._room(CALLS)

    async def login(self) -> AbstractAsyncContextManager[object]:
        """A place, a login, and the call it is as well."""
        return self._room(LOGINS, CALLS)

    def refused(self, limit: Limit, seconds: float) -> None:
        """BILL has had enough: of the key's calls or sign-ins, or of this organization."""
        if limit in HOURLY:
            self._meter.close(HOURLY[limit], seconds)
        else:
            until = after_pause(self._meter.now(), seconds)
            self._rests = max(until, self._rests or until)

    async def retire(self) -> None:
        """Let nobody in any more, and return once the last call is over."""
        self._retired = True
        if self._inside:
            await self._idle.wait()

    @asynccontextmanager
    async def _room(self, *resources: str) -> AsyncIterator[None]:
        while True:
            self._require_current()
            async with self._slots.call(self._organization):
                self._require_current()
                until = self._resting() or await self._meter.take(*resources)
                if until is None:
                    self._require_current()
                    self._inside += 1
                    try:
                        yield
                    finally:
                        self._inside -= 1
                        if self._retired and not self._inside:
                            self._idle.set()
                    return
            # The place was given back: a vital call of the organization may pass while this one waits for the hour.
            await self._meter.nap(until)

    def _resting(self) -> datetime | None:
        """Until when BILL wants no call of the organization, None if it takes them."""
        return self._rests if self._rests is not None and self._rests > self._meter.now() else None

    def _require_current(self) -> None:
        if self._retired:
            raise Retry("settings or credentials have changed meanwhile", code="outdated")
