"""BILL's history of notifications, kept for 180 days: how what was missed is found again."""

from collections.abc import AsyncIterator
from datetime import datetime

from tieout.domain.bill_events import DeliveredEvent
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.query import utc_text
from tieout_connectors.bill.wire.subscriptions import read_delivered


class Events:
    """The calls about notifications that were sent. Every one may raise Retry, Reject or Fatal."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def history(
        self,
        subscription: str,
        *,
        created_since: datetime | None = None,
        created_until: datetime | None = None,
        record: str = "",
        deadline: float | None = None,
    ) -> AsyncIterator[DeliveredEvent]:
        """What was sent to a subscription, delivered or not, in BILL's order; of one record where it is given."""
        query = {}
        if created_since is not None:
            query["createdTimeFrom"] = utc_text(created_since)
        if created_until is not None:
            query["createdTimeTo"] = utc_text(created_until)
        if record:
            query["entityId"] = record
        call = Call("GET /v3/events/subscription/{id}", (subscription,), query, events=True, deadline=deadline)
        return self._caller.records(call, read_delivered)

    async def resend(self, subscription: str, event: str, *, deadline: float | None = None) -> DeliveredEvent:
        """Have one notification delivered again, also an old one."""
        name = "POST /v3/events/subscription/{id}/event/{event}"
        call = Call(name, (subscription, event), events=True, deadline=deadline)
        return await self._caller.read(call, read_delivered)
