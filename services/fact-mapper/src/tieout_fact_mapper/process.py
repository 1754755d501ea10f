"""fact-mapper as a process: its health address, its own stop, its watchdog.

faust's own stop hangs for more than a minute while anything is unacknowledged, and its supervisor acknowledges what
failed before it ends; so both ways out are ours, and both leave by ``os._exit``.
"""

import asyncio
import os
import signal
import sys
import time
import traceback
from typing import Any, Final

import faust
from confluent_kafka import KafkaException
from faust.worker import Worker

from tieout.log.admin import WrongTopics, require_topics
from tieout.log.topics import Topic
from tieout.observability.health import Health
from tieout.observability.logging import logger
from tieout_fact_mapper import metrics
from tieout_fact_mapper.settings import MapperSettings
from tieout_fact_mapper.stage import RAW_TOPICS, Stage, Unreadably, make_app

log = logger(__name__)

# A batch takes well below a second; a broker that restarts answers within ten. Must stay below the grace period of
# the orchestrator (30 s), or it kills us first: that loses nothing, but repeats the batch.
STOP_SECONDS: Final = 15.0
# Lag without a batch for this long means that faust or its connection stands still; a new process does not.
STUCK_SECONDS: Final = 60.0
WATCH_SECONDS: Final = 5.0
# A rebalance takes seconds, a broker's restart some ten; more is a consumer that lost its way.
JOIN_SECONDS: Final = 300.0
EXIT_CRASHED: Final = 70


def leave(code: int) -> None:
    """End at once. No leave is sent to the group: a static member that comes back keeps its partitions."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def crash(error: BaseException) -> None:
    """Say what happened and end, with nothing of the batch committed."""
    if isinstance(error, Unreadably):
        place = error.place
        log.critical("stopped", topic=place.topic, partition=place.partition, offset=place.offset, reason=str(error))
    else:
        log.critical("crashed", error=type(error).__name__, reason=str(error))
        traceback.print_exception(error)
    leave(EXIT_CRASHED)


class MapperWorker(Worker):  # type: ignore[misc]  # faust is not typed
    """faust's worker with our own health address and our own stop."""

    def __init__(self, app: faust.App, stage: Stage, settings: MapperSettings, **options: Any) -> None:
        super().__init__(app, quiet=True, redirect_stdouts=False, override_logging=False, **options)
        self.spinner = None
        self._stage = stage
        self._settings = settings
        self._health = Health()
        self._health.set("group", "no partitions assigned yet")
        self._stopping: asyncio.Task[None] | None = None
        app.on_partitions_assigned.connect(self._on_assigned)
        app.on_partitions_revoked.connect(self._on_revoked)

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        """The process keeps the name it was started with."""

    async def on_first_start(self) -> None:
        """Answer /healthz from the first moment, whatever the brokers do."""
        await self._health.serve(self._settings.http_host, self._settings.http_port)
        await super().on_first_start()
        self._watch = asyncio.create_task(self._watch_progress())
        self._watch.add_done_callback(_ended)

    async def _on_assigned(self, *_: Any, **__: Any) -> None:
        self._health.set("group", None)

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self._health.set("group", "the group is being rebalanced")

    def install_signal_handlers(self) -> None:
        """SIGTERM and SIGINT end the batch in work, commit, and leave."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self._stop_soon)

    def _stop_soon(self) -> None:
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._stop())

    async def _stop(self) -> None:
        self._health.set("stopping", "the process was asked to stop")
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._stage.lock.acquire()
                if self._in_group():
                    await self.app.consumer.commit()
        except TimeoutError:
            log.warning("stopped in the middle of a batch", seconds=STOP_SECONDS)
        finally:
            leave(0)

    async def _watch_progress(self) -> None:
        """End the process when there is lag and nothing moves, or when the group is not joined for long."""
        moved = joined = time.monotonic()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = time.monotonic()
            if not self._in_group():
                if now - joined > JOIN_SECONDS:
                    raise Stuck(f"no partitions were assigned for {now - joined:.0f} s")
                moved = now
                continue
            joined = now
            lag = self._stage.lag()
            for topic, behind in lag.items():
                metrics.LAG.labels(topic).set(behind)
            moved = max(moved, self._stage.last_batch) if any(lag.values()) else now
            metrics.STUCK_SECONDS.set(now - moved)
            if now - moved > STUCK_SECONDS:
                raise Stuck(f"lag {lag} and no batch for {now - moved:.0f} s")

    def _in_group(self) -> bool:
        return "group" not in self._health.missing()


class Stuck(Exception):
    """Nothing moves though it should; a new process is the cure."""


def _ended(watch: "asyncio.Task[None]") -> None:
    """A watchdog that fails ends the process too: nobody would notice that it is gone."""
    if not watch.cancelled() and (error := watch.exception()) is not None:
        crash(error)


def run(settings: MapperSettings) -> None:
    """Run until stopped; does not return."""
    try:
        require_topics(settings.kafka(), settings.names(), (*RAW_TOPICS, Topic.FACTS))
    except (WrongTopics, KafkaException) as error:
        log.critical("does not start", reason=str(error))
        leave(EXIT_CRASHED)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = make_app(settings)
    stage = Stage(app, settings.names(), crash)
    MapperWorker(app, stage, settings, loop=loop).execute_from_commandline()
