"""Serve one simulator until somebody asks it to stop."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from tieout_sandbox.kernel.server import Server
from tieout_sandbox.systems import simulator


async def serve(
    system: str,
    *,
    port: int = 0,
    world: dict[str, Any] | None = None,
    tls: tuple[str, str] | None = None,
    ca_file: str | None = None,
    announce: Callable[[str], None],
) -> None:
    """Listen on loopback until SIGTERM or SIGINT.

    Args:
        system: Which system, a name from ``systems.SYSTEMS``.
        port: The port, 0 for a free one.
        world: The state to start from, None for the system's default.
        tls: Certificate and key file (PEM) to serve https; None for http.
        ca_file: The certificate authorities (PEM) that calls going out of the simulator trust.
        announce: Called once with the base address when calls are answered.

    Raises:
        ValueError: The system is unknown or the world is not in its format.
        OSError: The port is taken or a file cannot be read.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for asked in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(asked, stop.set)
    try:
        async with Server(simulator(system, world, ca_file), port=port, tls=tls) as url:
            announce(url)
            await stop.wait()
    finally:
        for asked in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(asked)
