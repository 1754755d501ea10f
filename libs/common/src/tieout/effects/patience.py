"""Waiting between tries: exponential with jitter, never past a cap, given up after a while."""

import asyncio
import random
from typing import Final

from tieout.domain.errors import RecoveryError, Retry
from tieout.effects.protocol import Timings

FIRST: Final = 0.5
# What an outside asks for is never longer than its longest window, the hour, and a minute for two clocks. A larger wish
# is a slip, and would keep a command unanswered for days.
LONGEST: Final = 3660.0


class Patience:
    """The pauses of one piece of work."""

    def __init__(self, timings: Timings) -> None:
        self._timings = timings
        self._until = asyncio.get_running_loop().time() + timings.retry_for
        self._next = FIRST

    async def pause(self, error: RecoveryError) -> bool:
        """Wait as long as the outside asked for, else a little longer each time. False, at once, when it is used up."""
        if asyncio.get_running_loop().time() > self._until:
            return False
        asked = error.after if isinstance(error, Retry) else None
        if asked is not None:
            # Whoever was told to wait until the same moment does not come back in the same moment.
            await asyncio.sleep(min(asked, LONGEST) + random.uniform(0, 1))  # noqa: S311 - no secret
            return True
        await asyncio.sleep(self._next * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        self._next = min(self._next * 2, self._timings.retry_cap)
        return True
