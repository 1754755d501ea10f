"""Reading a set in the order of its changes, so that neither a page's edge nor a timestamp's loses a row.

A continuation of the server names the last row of the page before. If that row is written meanwhile it moves to the
end, and all between is passed over. So a new page is asked for by value wherever that gets on: from a little before the
newest stamp read. The server's continuation is followed only through rows that share one stamp.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tieout.domain.records import Kind
from tieout_connectors.business_central.answers import TokenLapsed
from tieout_connectors.business_central.client import RESTARTS, Client, understood
from tieout_connectors.business_central.delta import Delta, Seen
from tieout_connectors.business_central.wire import protocol, questions
from tieout_connectors.spi.erp import Page, RawRow, Watermark

# Stamps are printed in milliseconds and stored a little finer; a filter by the printed value can miss its own row.
# The server's own change links step back 50 ms for this; twice that.
STEP_BACK: Final = timedelta(milliseconds=100)

Clock = Callable[[], datetime]
Compose = Callable[[list[Mapping[str, Any]]], Awaitable[tuple[RawRow, ...]]]
"""Makes raw rows of rows that are new; it may read more, and leave out what is noise."""


def utc_now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


class Poll:
    """One poll of one kind that has stamps."""

    def __init__(self, client: Client, kind: Kind, since: Watermark, began: datetime, compose: Compose) -> None:
        self._client = client
        self._set = protocol.SETS[kind]
        self._call = f"GET {self._set}"
        self._delta = Delta(since, timedelta(seconds=client.settings.overlap_seconds), began)
        self._since = since
        self._first = since == Watermark()
        self._compose = compose
        self._anchor = self._delta.start()
        self._ordered = True
        self._more = True

    async def pages(self, page_rows: int | None = None) -> AsyncIterator[Page]:
        """Rows that are new, page by page; at least one page, the last one with the watermark to go on from."""
        url = await self._client.api(self._set)
        restarts = 0
        while self._more:
            question = questions.changed_since(self._anchor)
            try:
                async with aclosing(self._client.pages(url, self._call, question, page_rows=page_rows)) as answers:
                    async for answer in answers:
                        with understood(self._call):
                            fresh, again = self._taken(answer)
                        # Without the order of change the newest stamp says nothing about what is still to come.
                        safe = self._ordered or not self._more
                        following = self._delta.watermark(ended=not self._more) if safe else self._since
                        yield Page(await self._compose(fresh), following, whole=self._first and not self._more)
                        if again:
                            break
            except TokenLapsed:
                restarts += 1
                if restarts > RESTARTS:
                    raise

    def _taken(self, answer: Any) -> tuple[list[Mapping[str, Any]], bool]:
        """A page's new rows, and whether to ask again by value instead of following the continuation."""
        rows = protocol.rows(answer)
        stamps = [protocol.stamp(row) for row in rows]
        known = [stamp for stamp in stamps if stamp is not None]
        self._ordered = self._ordered and known == sorted(known)
        self._more = bool(protocol.next_link(answer))
        fresh = [
            row
            for row, stamp in zip(rows, stamps, strict=True)
            if self._delta.take(Seen(protocol.key(row), protocol.version(row), stamp))
        ]
        return fresh, self._got_on(known)

    def _got_on(self, stamps: list[datetime]) -> bool:
        if not self._more or not self._ordered or not stamps:
            return False
        reached = stamps[-1] - STEP_BACK
        if self._anchor is not None and reached <= self._anchor:
            return False
        self._anchor = reached
        return True
