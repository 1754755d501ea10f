"""Many connections that each post, wait for the answer, and post again.

A client library would cost as much as the server that is measured, so requests are made beforehand and an answer is
read no further than to its end. Both servers answer without a body.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

HEAD_END: Final = b"\r\n\r\n"
OK: Final = b"HTTP/1.1 200 "
# Far above what a request takes on a loaded machine.
PATIENCE: Final = 60.0


@dataclass
class Tally:
    """Seconds per answer, and how long it all took."""

    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.seconds) / self.elapsed

    @property
    def p99(self) -> float:
        """The slowest answer of the fastest 99 %."""
        return sorted(self.seconds)[len(self.seconds) * 99 // 100]


class _Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], until: float, tally: Tally) -> None:
        self._requests = requests
        self._until = until
        self._tally = tally
        self._received = b""
        self._began = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._post()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.endswith(HEAD_END):
            return
        now = time.perf_counter()
        self._tally.seconds.append(now - self._began)
        answer, self._received = self._received, b""
        if not answer.startswith(OK):
            self.ended.set_exception(AssertionError(f"the server answered {answer[:60]!r}"))
        elif now < self._until:
            self._post()
            return
        else:
            self.ended.set_result(None)
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the server closed the connection"))

    def _post(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(next(self._requests))


async def call(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Tally:
    """Post for so long over so many connections.

    Raises:
        AssertionError: an answer was not 200.
        TimeoutError: an answer did not come.
    """
    tally = Tally()
    loop = asyncio.get_running_loop()
    endless = itertools.cycle(requests)
    began = time.perf_counter()
    callers: list[_Caller] = []
    for _ in range(connections):
        _transport, caller = await loop.create_connection(
            lambda: _Caller(endless, began + seconds, tally), "127.0.0.1", port
        )
        callers.append(caller)
    async with asyncio.timeout(seconds + PATIENCE):
        await asyncio.gather(*(caller.ended for caller in callers))
    tally.elapsed = time.perf_counter() - began
    return tally
