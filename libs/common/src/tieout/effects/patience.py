"""Waiting between tries: exponential with jitter, never past a cap, given up after a while."""

import asyncio
import random
import time
from typing import Final

from tieout.domain.errors import RecoveryError, Retry
from tieout.effects.protocol import Timings

FIRST: Final = 0.5


class Patience:
    """The pauses of one piece of work."""

    def __init__(self, timings: Timings) -> None:
        self._timings = timings
        self._until = time.monotonic() + timings.retry_for
        self._next = FIRST

    async def pause(self, error: RecoveryError) -> bool:
        """Wait as long as the outside asked for, else a little longer each time. False, at once, when it is used up."""
        if time.monotonic() > self._until:
            return False
        asked = error.after if isinstance(error, Retry) else None
        await asyncio.sleep(asked if asked is not None else self._next * random.uniform(0.5, 1.0))  # noqa: S311
        self._next = min(self._next * 2, self._timings.retry_cap)
        return True
