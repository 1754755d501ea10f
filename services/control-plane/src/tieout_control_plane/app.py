"""The wiring of control-plane: database, fence, registry, API, ticks; and when it ends."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Final

from aiohttp import web
from prometheus_client import REGISTRY
from sqlalchemy import Engine

from tieout.connections.registry import Registry
from tieout.connections.secrets import SecretStore
from tieout.log.produce import PlainProducer
from tieout.observability.health import Health
from tieout.observability.logging import logger
from tieout_control_plane.answers import Answers
from tieout_control_plane.api.handlers import ConnectionHandlers
from tieout_control_plane.api.record_handlers import RecordHandlers
from tieout_control_plane.api.server import Api
from tieout_control_plane.api.tie_out_handlers import TieOutHandlers
from tieout_control_plane.api.token_handlers import TokenHandlers
from tieout_control_plane.asking import Asking
from tieout_control_plane.connections import Connections
from tieout_control_plane.log_writer import LogUnavailable, LogWriter, Superseded
from tieout_control_plane.projection.projector import Projector
from tieout_control_plane.projection.records import Records
from tieout_control_plane.projection.timelines import Timelines
from tieout_control_plane.projection.writing import ProjectionStore
from tieout_control_plane.releasing import Releasing
from tieout_control_plane.settings import ControlPlaneSettings
from tieout_control_plane.standing import Standing
from tieout_control_plane.ticks import Ticker
from tieout_control_plane.tie_outs import TieOuts
from tieout_control_plane.tokens import Tokens

REGISTRY_SECONDS: Final = 60.0
EXIT_SUPERSEDED: Final = 75
"""Another control-plane is active now. Not a failure of this one, and not success: a supervisor may start it again."""
log = logger(__name__)


class ControlPlane:
    """One process. Build and run it in the event loop."""

    def __init__(self, settings: ControlPlaneSettings, engine: Engine, secrets: SecretStore, tokens: Tokens) -> None:
        self._settings = settings
        self._engine = engine
        self._secrets = secrets
        self._tokens = tokens
        self._health = Health()
        self._api = Api(self._health)
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Until SIGTERM, SIGINT or a successor; the exit code.

        Raises:
            LogUnavailable: Kafka does not let us in at the start.
            TimeoutError: the connections could not be read at the start; says why.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        self._health.set("started", "the service is starting")
        async with AsyncExitStack() as stack:
            port = await self._listen(stack)
            log.info("listening", port=port, pid=os.getpid())
            started = loop.create_task(self._start(stack))
            await _first(started, loop.create_task(self._stopping.wait()))
            if not started.done():
                started.cancel()
                await asyncio.gather(started, return_exceptions=True)
                return 0
            writer, ticker = started.result()
            self._health.set("started", None)
            log.info("started", port=port)
            return await self._until_the_end(writer, ticker)

    async def _listen(self, stack: AsyncExitStack) -> int:
        runner = web.AppRunner(self._api.application(), access_log=None, shutdown_timeout=10.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self._settings.http_host, self._settings.http_port).start()
        return int(runner.addresses[0][1])

    async def _start(self, stack: AsyncExitStack) -> tuple[LogWriter, Ticker]:
        """First the fence, then the registry: what is read afterwards nobody else can change any more."""
        settings, names = self._settings, self._settings.names()
        writer = LogWriter(settings.kafka(), names)
        stack.push_async_callback(_off_the_loop(writer.close))
        await writer.open()
        registry = Registry(settings.kafka(), names)
        registry.start()
        stack.push_async_callback(_off_the_loop(registry.stop))
        await asyncio.to_thread(registry.wait_ready, REGISTRY_SECONDS)
        answers = Answers(settings.kafka(), names)
        stack.push_async_callback(_off_the_loop(answers.stop))
        await asyncio.to_thread(answers.start)
        producer = PlainProducer(settings.kafka())
        stack.push_async_callback(producer.close)
        connections = Connections(registry, writer, self._secrets, names)
        await connections.reconcile()
        projector = Projector(settings.kafka(), names, ProjectionStore(self._engine))
        stack.push_async_callback(_off_the_loop(projector.stop))
        projector.start()
        standing = Standing(self._engine, registry.all)
        stack.push_async_callback(_off_the_loop(standing.stop))
        standing.start()
        REGISTRY.register(standing)
        records = Records(self._engine)
        asking = Asking(names, answers, producer)
        self._api.open(
            self._tokens,
            ConnectionHandlers(connections, asking, settings.check_seconds),
            RecordHandlers(connections, records, Timelines(self._engine), Releasing(records, writer, names)),
            TieOutHandlers(connections, TieOuts(names, asking, writer, self._engine, projector)),
            TokenHandlers(self._tokens),
        )
        self._health.probe("connections", registry.problem)
        self._health.probe("answers", answers.problem)
        self._health.probe("projection", projector.problem)
        return writer, Ticker(registry, writer, names, settings.tick_seconds)

    async def _until_the_end(self, writer: LogWriter, ticker: Ticker) -> int:
        loop = asyncio.get_running_loop()
        ticking = loop.create_task(ticker.run())
        superseded = loop.create_task(writer.superseded.wait())
        await _first(ticking, superseded, loop.create_task(self._stopping.wait()))
        ended = not self._stopping.is_set()
        self._health.set("started", "the service is stopping")
        ticking.cancel()
        (error,) = await asyncio.gather(ticking, return_exceptions=True)
        superseded.cancel()
        if writer.superseded.is_set() or isinstance(error, Superseded):
            log.warning("superseded: another control-plane is active")
            return EXIT_SUPERSEDED
        if ended and isinstance(error, Exception):
            raise error
        return 0


async def _first(*tasks: "asyncio.Task[Any]") -> None:
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


def _off_the_loop(stop: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    return lambda: asyncio.to_thread(stop)


__all__ = ["EXIT_SUPERSEDED", "ControlPlane", "LogUnavailable"]
