"""``python -m benchmarks.mapper_worker mapped|bare``: a faust worker that tells after every batch how far it is.

``mapped`` is fact-mapper itself. ``bare`` is the same app with the same settings, consuming the same topics and doing
nothing. A line is the number of messages done since the start, and the moment on the clock that all processes share.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any, Final
from unittest.mock import patch

from tieout.observability.settings import load_or_exit
from tieout_fact_mapper import process
from tieout_fact_mapper.settings import MapperSettings
from tieout_fact_mapper.stage import BATCH, RAW_TOPICS, Stage, make_app

SIDES: Final = ("mapped", "bare")


class Progress:
    """What is told."""

    def __init__(self) -> None:
        self._done = 0

    def add(self, count: int) -> None:
        """So many more are done."""
        self._done += count
        sys.stdout.write(f"done {self._done} {time.monotonic()}\n")
        sys.stdout.flush()


class CountedStage(Stage):
    """The service's own stage, counted."""

    progress = Progress()

    async def _map(self, events: Sequence[Any]) -> None:
        await super()._map(events)
        self.progress.add(len(events))


class BareStage:
    """Consume, acknowledge, nothing else."""

    def __init__(self, app: Any, names: Any, _crash: Any) -> None:
        self.lock = asyncio.Lock()
        self.last_batch = time.monotonic()
        raw = app.topic(
            *(names.topic(topic) for topic in RAW_TOPICS), key_serializer="raw", value_serializer="raw", internal=False
        )
        app.agent(raw, name="bare", concurrency=1)(self._take)

    async def _take(self, stream: Any) -> None:
        progress = Progress()
        count = 0
        async for _ in stream:
            count += 1
            if count % BATCH == 0:
                progress.add(BATCH)

    def lag(self) -> dict[str, int]:
        """Not watched."""
        return {}


def main(side: str) -> None:
    """Run until stopped."""
    settings = load_or_exit(MapperSettings, [])
    if side == "mapped":
        with patch.object(process, "Stage", CountedStage):
            process.run(settings)
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = make_app(settings)
    stage: Any = BareStage(app, settings.names(), process.crash)
    process.MapperWorker(app, stage, settings, loop=loop).execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1])
