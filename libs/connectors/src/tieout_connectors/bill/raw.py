"""Records of BILL as received, for the log of raw messages: one by its id, or what has changed, oldest change first."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime
from enum import StrEnum
from typing import Final

from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.query import OLDEST_CHANGE_FIRST, changes
from tieout_connectors.bill.wire.raw import RawRecord, read_raw


class RawKind(StrEnum):
    """The kinds of records that become raw messages; the words of notifications."""

    PAYMENT = "payment"
    BILL = "bill"
    VENDOR = "vendor"


_LISTS: Final = {RawKind.PAYMENT: "payments", RawKind.BILL: "bills", RawKind.VENDOR: "vendors"}


# A bill's approvers are told only where they are asked for.
_QUERIES: Final[Mapping[RawKind, Mapping[str, str]]] = {RawKind.BILL: {"billApprovals": "true"}}


class RawRecords:
    """Reads. Every one may raise Retry, Reject or Fatal; bank details are gone from what comes back."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get(self, kind: RawKind, record: str, *, deadline: float | None = None) -> RawRecord:
        """One record by BILL's id. Reject if there is none."""
        call = Call(f"GET /v3/{_LISTS[kind]}/{{id}}", (record,), _QUERIES.get(kind, {}), deadline=deadline)
        return await self._caller.read(call, read_raw)

    async def changed(self, kind: RawKind, since: datetime) -> AsyncGenerator[tuple[RawRecord, ...], None]:
        """What was changed at or after a moment, by BILL's stamps, a page at a time; rows may come twice.

        A record that changes while the list is read moves to its end and, where BILL's tokens count rows, pulls another
        one over the edge of a page. So a token is followed only while a page does not get beyond its beginning in time;
        else the list is asked for again from the newest stamp of the page.
        """
        call = Call(f"GET /v3/{_LISTS[kind]}", query=_QUERIES.get(kind, {}))
        while True:
            beginning = since
            async with aclosing(
                self._caller.pages(call, filters=changes(None, since), sort=OLDEST_CHANGE_FIRST)  # type: ignore[type-var]
            ) as pages:
                async for page in pages:
                    records = tuple(read_raw(row) for row in page.rows)
                    yield records
                    since = max([since, *(one.updated for one in records if one.updated is not None)])
                    if not page.next:
                        return
                    if since > beginning:
                        break
