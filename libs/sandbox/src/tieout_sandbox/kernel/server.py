"""The HTTP server around a simulator: request log, faults, the ``/_sandbox`` paths, TLS, start and stop.

A simulator is an object with routes; ``Server`` wraps it. Paths under ``/_sandbox`` are the tester's and are neither
logged nor broken by faults:

``GET /_sandbox/requests[?after=N]`` every call seen, in order · ``GET|POST|DELETE /_sandbox/faults`` ·
``GET|POST /_sandbox/clock`` (``{"advance": seconds}``) · ``GET /_sandbox/ledger`` the ground truth ·
``GET|POST /_sandbox/switches`` (behaviours that differ between installations) · what the simulator adds.

A simulator may also have ``start`` and ``stop`` (work in the background, see ``Background``) and ``enter`` and
``leave`` (calls under way, see ``watch.Counting``).
"""

import ssl
from typing import Any, Protocol, runtime_checkable

from aiohttp import web

from tieout_sandbox.kernel.clock import Clock
from tieout_sandbox.kernel.faults import Faults
from tieout_sandbox.kernel.tester import Tester
from tieout_sandbox.kernel.watch import Counting, Handler, Seen, Watch
from tieout_sandbox.kernel.wire import dump

__all__ = ["MAX_BODY", "Background", "Handler", "Seen", "Server", "Simulator", "build", "dump"]

MAX_BODY = 64 * 1024 * 1024


class Simulator(Protocol):
    """What a system's simulator gives to the server."""

    name: str
    clock: Clock
    switches: dict[str, Any]

    def routes(self) -> list[web.RouteDef]:
        """The system's own paths and the tester's additional ``/_sandbox`` paths."""
        ...

    def ledger(self) -> dict[str, Any]:
        """The ground truth: everything the outside world would show an auditor."""
        ...


@runtime_checkable
class Background(Protocol):
    """A simulator with work beside its answers, such as pushing notifications."""

    async def start(self) -> None:
        """Called once in the server's event loop before the first call."""
        ...

    async def stop(self) -> None:
        """Called once after the last call; nothing may go on afterwards."""
        ...


def build(simulator: Simulator) -> web.Application:
    """The aiohttp application of a simulator."""
    faults = Faults()
    watch = Watch(simulator.clock, faults, simulator if isinstance(simulator, Counting) else None)

    @web.middleware
    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await watch.handle(request, handler)

    async def stop_watch(_app: web.Application) -> None:
        await watch.stop()

    app = web.Application(middlewares=[watched], client_max_size=MAX_BODY)
    app.add_routes(Tester(simulator, faults, watch).routes())
    app.add_routes(simulator.routes())
    app.on_cleanup.append(stop_watch)
    if isinstance(simulator, Background):
        _add_background(app, simulator)
    return app


def _add_background(app: web.Application, simulator: Background) -> None:
    async def start(_app: web.Application) -> None:
        await simulator.start()

    async def stop(_app: web.Application) -> None:
        await simulator.stop()

    app.on_startup.append(start)
    app.on_cleanup.append(stop)


class Server:
    """A running simulator on loopback; ``async with Server(simulator) as url``."""

    def __init__(self, simulator: Simulator, *, port: int = 0, tls: tuple[str, str] | None = None) -> None:
        self._simulator = simulator
        self._port = port
        self._tls = tls
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen and return the base address. ``tls`` is the pair of certificate and key files."""
        context = None
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._tls)
        self._runner = web.AppRunner(build(self._simulator), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=context)
        await site.start()
        port = self._runner.addresses[0][1]
        return f"{'https' if context else 'http'}://127.0.0.1:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> str:
        return await self.start()

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()
