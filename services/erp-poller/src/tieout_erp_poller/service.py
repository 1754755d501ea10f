"""erp-poller as a process: its parts in order of start, its stop, its watchdog."""

import asyncio
import os
import signal
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import Final

from confluent_kafka import KafkaException

from tieout.connections.key_wrapper import WrongMasterKey
from tieout.connections.registry import Registry
from tieout.connections.starting import Verified, prepared
from tieout.log.admin import WrongTopics
from tieout.log.produce import PlainProducer
from tieout.log.topics import Topic
from tieout.observability.health import Health
from tieout.observability.logging import logger
from tieout_erp_poller.connection import Access
from tieout_erp_poller.intake import Intake
from tieout_erp_poller.poller import Bounds, Poller
from tieout_erp_poller.settings import PollerSettings
from tieout_erp_poller.views import Views

log = logger(__name__)

EXIT_CRASHED: Final = 70
# The intake's thread goes round in a tenth of a second, in half a minute while it opens partitions.
STUCK_SECONDS: Final = 120.0
SURVEY_SECONDS: Final = 1.0
TOPICS: Final = (Topic.CONNECTIONS, Topic.ERP_POLLS, Topic.CURSORS, Topic.ERP_CHANGES, Topic.SNAPSHOTS)


async def serve(settings: PollerSettings, access: Access, store: Verified) -> int:
    """Run until SIGTERM or SIGINT; the answer is the process's exit code.

    Raises:
        WrongMasterKey, StoreNotReady: it must not start, and says why.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    health = Health()
    health.set("start", "starting")
    runner = await health.serve(settings.http_host, settings.http_port)
    registry = Registry(settings.kafka(), settings.names())
    try:
        await prepared(settings.kafka(), settings.names(), TOPICS, registry, store)
        health.probe("connections", registry.problem)
        health.set("start", None)
        return await _run(settings, access, registry, health, stopped)
    except (WrongTopics, TimeoutError, KafkaException) as error:
        log.critical("does not start", reason=str(error))
        return EXIT_CRASHED
    finally:
        registry.stop()
        await runner.cleanup()


async def _run(
    settings: PollerSettings, access: Access, registry: Registry, health: Health, stopped: asyncio.Event
) -> int:
    loop = asyncio.get_running_loop()
    producer = PlainProducer(settings.kafka())
    bounds = Bounds(settings.reads_at_once, settings.checks_at_once, settings.drain_seconds)
    poller = Poller(settings.names(), Views(registry), access, producer, bounds, lambda: datetime.now(UTC))
    intake = Intake(settings.kafka(), settings.names(), settings.instance, poller, loop)
    health.probe("group", lambda: None if intake.joined.is_set() else "the group has not told what is ours")
    consuming = asyncio.create_task(asyncio.to_thread(intake.run))
    watching = asyncio.create_task(_watch(intake, poller))
    asked = asyncio.create_task(stopped.wait())
    await asyncio.wait([consuming, watching, asked], return_when=asyncio.FIRST_COMPLETED)
    health.set("stopping", "the process was asked to stop" if stopped.is_set() else "the process failed")
    for task in (watching, asked):
        task.cancel()
    if not consuming.done():
        # Nothing may keep a stopping process for longer; what is cut off is read again.
        loop.call_later(2 * settings.drain_seconds + 10, os._exit, EXIT_CRASHED)
        poller.stop()
        intake.stop()
    try:
        await consuming
    except Exception as error:  # noqa: BLE001 - the end of the process, whatever it was
        log.critical("crashed", error=type(error).__name__, reason=str(error))
        traceback.print_exception(error, file=sys.stderr)
        return EXIT_CRASHED
    await producer.close()
    return 0


async def _watch(intake: Intake, poller: Poller) -> None:
    """Set the gauges, and end the process if the thread that consumes stands still."""
    while True:
        await asyncio.sleep(SURVEY_SECONDS)
        poller.survey()
        stuck = time.monotonic() - intake.alive
        if stuck > STUCK_SECONDS:
            log.critical("stuck", seconds=round(stuck))
            os._exit(EXIT_CRASHED)


__all__ = ["EXIT_CRASHED", "WrongMasterKey", "serve"]
