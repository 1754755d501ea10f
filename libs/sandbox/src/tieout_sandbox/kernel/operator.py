"""A tester's hand on a running simulator: the ``/_sandbox`` paths from Python."""

from decimal import Decimal
from json import loads
from types import TracebackType
from typing import Any, Self

import aiohttp

from tieout_sandbox.kernel.wire import dump

ANSWER_WITHIN = aiohttp.ClientTimeout(total=60)


class Operator:
    """Asks one simulator at ``url``; ``async with Operator(url) as operator``.

    Amounts in what it returns are exact. An order that the simulator refuses is a RuntimeError with its reason.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=ANSWER_WITHIN, trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> Any:
        """``GET /_sandbox/<path>``."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: Any) -> Any:
        """``POST /_sandbox/<path>``."""
        return await self._ask("POST", path, body)

    async def delete(self, path: str) -> Any:
        """``DELETE /_sandbox/<path>``."""
        return await self._ask("DELETE", path, None)

    async def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """The calls seen since number ``after``."""
        seen: list[dict[str, Any]] = await self.get(f"requests?after={after}")
        return seen

    async def fault(self, action: str, **order: Any) -> None:
        """Ask for a fault; the keys are those of ``faults.Fault``."""
        await self.post("faults", {"action": action, **order})

    async def clear_faults(self) -> None:
        """No more faults."""
        await self.delete("faults")

    async def advance(self, seconds: float) -> None:
        """Move the simulated clock forward."""
        await self.post("clock", {"advance": seconds})

    async def ledger(self) -> dict[str, Any]:
        """The ground truth."""
        truth: dict[str, Any] = await self.get("ledger")
        return truth

    async def switch(self, **wanted: Any) -> None:
        """Turn switches."""
        await self.post("switches", wanted)

    async def _ask(self, method: str, path: str, body: Any) -> Any:
        if self._session is None:
            raise RuntimeError("the operator is not open")
        text = None if body is None else dump(body)
        headers = {"Content-Type": "application/json"}
        async with self._session.request(method, f"{self._url}/_sandbox/{path}", data=text, headers=headers) as answer:
            given = await answer.text()
            if answer.status != 200:
                raise RuntimeError(f"{method} /_sandbox/{path}: {answer.status} {given}")
            return loads(given, parse_float=Decimal)
