"""Orders that wait for somebody outside: when each is looked at again, how many there are and how old the oldest is."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tieout.domain.erp_outcomes import Waiting
from tieout.effects import metrics

# A process that starts finds all of them at once; their first looks are spread, so that an ERP's limits are not spent
# on what has waited for days.
SPREAD: Final = 0.5


@dataclass(frozen=True)
class Pauses:
    """Between two looks at an order that waits, in seconds: doubled each time from ``first`` up to ``cap``.

    ``cap`` bounds how late a person's posting is noticed; a look is one to four reads of the ERP.
    """

    first: float = 15.0
    cap: float = 900.0

    def next(self, before: float) -> float:
        """The pause after a pause of ``before``; 0 gives the first."""
        return min(self.cap, before * 2 if before else self.first)


class WaitingRoom:
    """All waiting orders of this process. Use from the event loop."""

    def __init__(self, service: str, pauses: Pauses) -> None:
        self.pauses = pauses
        self._since: dict[str, datetime] = {}
        self._why: dict[str, str] = {}
        self._gauges = {why: metrics.RESTING.labels(service, why.value) for why in Waiting}
        metrics.OLDEST.labels(service).set_function(self._oldest)

    @contextmanager
    def waits(self, order: str, why: Waiting, since: datetime) -> Iterator[None]:
        """While an order rests here; ``since`` is when it began to wait, by the log."""
        self._since[order], self._why[order] = since, why.value
        self._count()
        try:
            yield
        finally:
            del self._since[order], self._why[order]
            self._count()

    async def pause(self, seconds: float) -> None:
        """Rest, a little less than that long, so that those who came together do not come back together."""
        await asyncio.sleep(seconds * random.uniform(0.75, 1.0))  # noqa: S311 - no secret

    async def spread(self) -> None:
        """The first rest after a start."""
        await asyncio.sleep(self.pauses.cap * SPREAD * random.random())  # noqa: S311 - no secret

    def _count(self) -> None:
        counted = Counter(self._why.values())
        for why, gauge in self._gauges.items():
            gauge.set(counted[why.value])

    def _oldest(self) -> float:
        """Seconds, of the moment somebody asks."""
        now = datetime.now(tz=min(self._since.values()).tzinfo) if self._since else None
        return 0.0 if now is None else max(0.0, (now - min(self._since.values())).total_seconds())
