"""Starting and ending a service: logging, crash points, health server, SIGTERM, exit codes.

A service is one blocking piece of work in its own thread, or coroutines in the main loop, or both. SIGTERM asks it to
stop; it has ``GRACE`` seconds, then the process ends anyway: everything in Tieout survives that.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from tieout.observability import crash_points
from tieout.observability.health import Health
from tieout.observability.logging import configure, logger
from tieout.observability.settings import ServiceSettings

# Below the pods' default grace period of 30 s, so that an orderly end is the normal one.
GRACE: Final = 25.0
EXIT_FAILED: Final = 70


def begin(service: str, settings: ServiceSettings) -> None:
    """Set the process up; to be called first."""
    configure(service, settings.log_level)
    crash_points.install(crash_points.CrashPoints(settings.crash_list, settings.crash_at))


class Work:
    """A blocking loop that runs in a thread: ``run`` returns after ``stop``, or raises what must end the process."""

    def __init__(self, run: Callable[[], None], stop: Callable[[], None]) -> None:
        self.run = run
        self.stop = stop


async def serve(settings: ServiceSettings, health: Health, work: Work) -> int:
    """Run until SIGTERM or failure; the exit code is returned. The port in use is logged."""
    log = logger(__name__)
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[BaseException | None] = loop.create_future()
    runner = await health.serve(settings.http_host, settings.http_port)
    log.info("started", port=runner.addresses[0][1], pid=os.getpid())

    def target() -> None:
        error: BaseException | None = None
        try:
            work.run()
        except BaseException as failure:  # noqa: BLE001 - reported below, and the process ends with it
            error = failure
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(ended.set_result, error)

    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    threading.Thread(target=target, name="work", daemon=True).start()
    waiter = loop.create_task(stopping.wait())
    either: set[asyncio.Future[Any]] = {waiter, ended}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    health.set("stopping", "the service is stopping")
    code = 0
    if not ended.done():
        work.stop()
        done, _pending = await asyncio.wait({ended}, timeout=GRACE)
        if not done:
            log.error("did not stop in time", grace=GRACE)
            code = EXIT_FAILED
    if ended.done() and (error := ended.result()) is not None:
        log.error("failed", error=f"{type(error).__name__}: {error}", exc_info=error)
        code = EXIT_FAILED
    waiter.cancel()
    await runner.cleanup()
    return code


def end(code: int) -> None:
    """Leave without waiting for clients' background threads; what matters was committed before."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
