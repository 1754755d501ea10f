"""Every call passes here: it is written down, and broken where a tester asked for it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from aiohttp import web

from tieout_sandbox.kernel.clock import Clock
from tieout_sandbox.kernel.faults import Fault, Faults
from tieout_sandbox.kernel.wire import dump

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# A storm of some hundred thousand calls must not eat the machine; the oldest are forgotten, numbers go on.
MAX_SEEN = 200_000


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


@runtime_checkable
class Counting(Protocol):
    """A simulator that wants to know which calls are under way, those included that a fault holds up."""

    def enter(self, request: web.Request) -> None:
        """A call has arrived whole."""
        ...

    def leave(self, request: web.Request) -> None:
        """Its answer is made, or it was dropped."""
        ...


class Watch:
    """The request log and the execution of faults for one simulator."""

    def __init__(self, clock: Clock, faults: Faults, counting: Counting | None) -> None:
        self._clock = clock
        self._faults = faults
        self._counting = counting
        self._seen: deque[Seen] = deque(maxlen=MAX_SEEN)
        self._count = 0
        self._late: set[asyncio.Task[None]] = set()

    def seen(self, after: int) -> list[Seen]:
        """The calls numbered above ``after``, in order of their answers."""
        return [one for one in self._seen if one.number > after]

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer one call."""
        if request.path.startswith("/_sandbox/"):
            return await handler(request)
        await request.read()
        if self._counting is None:
            return await self._answer(request, handler)
        self._counting.enter(request)
        try:
            return await self._answer(request, handler)
        finally:
            self._counting.leave(request)

    async def stop(self) -> None:
        """Give up on the calls whose handlers were to run later."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self._faults.take(request.method, request.path)
        if fault is None:
            response = await _run(handler, request)
            self._note(request, response.status)
            return response
        if fault.action in ("status", "drop_before", "late"):
            return self._instead(request, handler, fault)
        return await self._afterwards(request, handler, fault)

    def _instead(self, request: web.Request, handler: Handler, fault: Fault) -> web.Response:
        """Faults that answer, or hang up, without waiting for the handler."""
        if fault.action == "status":
            self._note(request, fault.status, fault, executed=False)
            return _ordered(fault)
        self._note(request, 0, fault, executed=fault.action == "late")
        if fault.action == "late":
            task = asyncio.get_running_loop().create_task(_after(fault.seconds, handler, request))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        raise _drop(request)

    async def _afterwards(self, request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
        """Faults that run the handler and spoil what comes back."""
        if fault.action == "slow":
            await asyncio.sleep(fault.seconds)
        response = await _run(handler, request)
        status = {"drop_after": 0, "status_after": fault.status}.get(fault.action, response.status)
        self._note(request, status, fault)
        if fault.action == "drop_after":
            raise _drop(request)
        if fault.action == "status_after":
            return _ordered(fault)
        if fault.action == "slow_answer":
            await asyncio.sleep(fault.seconds)
        if fault.action == "cut" and isinstance(response, web.Response):
            return await _cut(request, response)
        return response

    def _note(self, request: web.Request, status: int, fault: Fault | None = None, *, executed: bool = True) -> None:
        self._count += 1
        time = self._clock.now().isoformat()
        action = fault.action if fault else ""
        self._seen.append(
            Seen(self._count, time, request.method, request.path, request.query_string, status, executed, action)
        )


def _ordered(fault: Fault) -> web.Response:
    text = fault.body if isinstance(fault.body, str) else dump(fault.body)
    kind = "text/html" if isinstance(fault.body, str) else "application/json"
    return web.Response(status=fault.status, text=text, headers=fault.headers, content_type=kind)


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
    body: Any = response.body if isinstance(response.body, bytes) else b""
    half = web.StreamResponse(status=response.status, headers={"Content-Length": str(len(body))})
    await half.prepare(request)
    with suppress(ConnectionError):
        await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return half
