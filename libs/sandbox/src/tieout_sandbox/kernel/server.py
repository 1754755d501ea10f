"""The HTTP server around a simulator: request log, faults, the ``/_sandbox`` paths, TLS, start and stop.

A simulator is an object with routes; ``serve`` wraps it. Paths under ``/_sandbox`` are the tester's and are neither
logged nor broken by faults:

``GET /_sandbox/requests[?after=N]`` every call seen, in order · ``GET|POST|DELETE /_sandbox/faults`` ·
``GET|POST /_sandbox/clock`` (``{"advance": seconds}``) · ``GET /_sandbox/ledger`` the ground truth ·
``GET|POST /_sandbox/switches`` (behaviours that differ between installations) · what the simulator adds.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from decimal import Decimal
from json import dumps
from typing import Any, Protocol

from aiohttp import web

from tieout_sandbox.kernel.clock import Clock
from tieout_sandbox.kernel.faults import Fault, Faults

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAX_BODY = 64 * 1024 * 1024


@dataclass(frozen=True)
class Seen:
    """One call as it reached the simulator. ``executed`` is whether the handler ran, ``status`` 0 if dropped."""

    number: int
    time: str
    method: str
    path: str
    query: str
    status: int
    executed: bool
    fault: str


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


def dump(value: Any) -> str:
    """JSON without blanks; decimals as numbers with their digits, as the systems print them."""
    return dumps(value, separators=(",", ":"), ensure_ascii=False, default=_number)


def _number(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"cannot print a {type(value).__name__} as JSON")


def build(simulator: Simulator) -> web.Application:
    """The aiohttp application of a simulator."""
    seen: list[Seen] = []
    faults = Faults()
    pending: set[asyncio.Task[Any]] = set()

    def note(request: web.Request, status: int, fault: Fault | None, *, executed: bool) -> None:
        seen.append(
            Seen(
                len(seen) + 1,
                simulator.clock.now().isoformat(),
                request.method,
                request.path,
                request.query_string,
                status,
                executed,
                fault.action if fault else "",
            )  # fmt: skip
        )

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_sandbox/"):
            return await handler(request)
        await request.read()
        fault = faults.take(request.method, request.path)
        if fault is None:
            response = await _run(handler, request)
            note(request, response.status, None, executed=True)
            return response
        return await _broken(request, handler, fault)

    async def _broken(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
        if fault.action == "status":
            note(request, fault.status, fault, executed=False)
            text = fault.body if isinstance(fault.body, str) else dump(fault.body)
            kind = "text/html" if isinstance(fault.body, str) else "application/json"
            return web.Response(status=fault.status, text=text, headers=fault.headers, content_type=kind)
        if fault.action == "drop_before":
            note(request, 0, fault, executed=False)
            raise _drop(request)
        if fault.action == "late":
            note(request, 0, fault, executed=True)
            task = asyncio.get_running_loop().create_task(_after(fault.seconds, handler, request))
            pending.add(task)
            task.add_done_callback(pending.discard)
            raise _drop(request)
        if fault.action == "slow":
            await asyncio.sleep(fault.seconds)
        response = await _run(handler, request)
        note(request, response.status if fault.action != "drop_after" else 0, fault, executed=True)
        if fault.action == "drop_after":
            raise _drop(request)
        if fault.action == "slow_answer":
            await asyncio.sleep(fault.seconds)
        if fault.action == "cut" and isinstance(response, web.Response):
            return await _cut(request, response)
        return response

    app = web.Application(middlewares=[watch], client_max_size=MAX_BODY)
    app.add_routes(_tester_routes(simulator, faults, seen))
    app.add_routes(simulator.routes())
    return app


async def _run(handler: Handler, request: web.Request) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as answer:
        return answer


async def _after(seconds: float, handler: Handler, request: web.Request) -> None:
    await asyncio.sleep(seconds)
    await _run(handler, request)


def _drop(request: web.Request) -> BaseException:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return asyncio.CancelledError()


async def _cut(request: web.Request, response: web.Response) -> web.StreamResponse:
    body = response.body if isinstance(response.body, bytes) else b""
    half = web.StreamResponse(status=response.status, headers={"Content-Length": str(len(body))})
    await half.prepare(request)
    with suppress(ConnectionError):
        await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return half


def _tester_routes(simulator: Simulator, faults: Faults, seen: list[Seen]) -> list[web.RouteDef]:
    async def requests(request: web.Request) -> web.Response:
        after = int(request.query.get("after", "0"))
        return web.json_response([asdict(one) for one in seen[after:]])

    async def get_faults(_request: web.Request) -> web.Response:
        return web.json_response(faults.listed())

    async def add_faults(request: web.Request) -> web.Response:
        orders = await request.json()
        try:
            for order in orders if isinstance(orders, list) else [orders]:
                faults.add(order)
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(faults.listed())

    async def clear_faults(_request: web.Request) -> web.Response:
        faults.clear()
        return web.json_response([])

    async def clock(request: web.Request) -> web.Response:
        if request.method == "POST":
            simulator.clock.advance(float((await request.json())["advance"]))
        return web.json_response({"now": simulator.clock.now().isoformat()})

    async def ledger(_request: web.Request) -> web.Response:
        return web.Response(text=dump(simulator.ledger()), content_type="application/json")

    async def switches(request: web.Request) -> web.Response:
        if request.method == "POST":
            wanted = await request.json()
            unknown = sorted(set(wanted) - set(simulator.switches))
            if unknown:
                known = ", ".join(sorted(simulator.switches))
                return web.json_response({"error": f"unknown switches {unknown}; there are: {known}"}, status=400)
            simulator.switches.update(wanted)
        return web.json_response(simulator.switches)

    return [
        web.get("/_sandbox/requests", requests),
        web.get("/_sandbox/faults", get_faults),
        web.post("/_sandbox/faults", add_faults),
        web.delete("/_sandbox/faults", clear_faults),
        web.get("/_sandbox/clock", clock),
        web.post("/_sandbox/clock", clock),
        web.get("/_sandbox/ledger", ledger),
        web.get("/_sandbox/switches", switches),
        web.post("/_sandbox/switches", switches),
    ]


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
