"""One question to an ERP, with an end to the waiting for its answer."""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from tieout.domain.errors import Retry
from tieout.observability.crash_points import reach

# A connector has shorter time-outs of its own. This one is for a connector that hangs, so that no connection keeps a
# place for good; it must stay above the longest honest page (8 minutes is Business Central's own limit per request).
READ_SECONDS: Final = 540.0
T = TypeVar("T")


async def asked(what: str, answer: Awaitable[T]) -> T:
    """An answer of the ERP, or Retry if none comes: whatever was asked only reads."""
    reach(f"erp-poller.{what}.before")
    try:
        async with asyncio.timeout(READ_SECONDS):
            found = await answer
    except TimeoutError as error:
        raise Retry(f"no answer within {READ_SECONDS:.0f} s", code="no_answer") from error
    reach(f"erp-poller.{what}.after")
    return found
