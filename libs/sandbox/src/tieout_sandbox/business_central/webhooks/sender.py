"""The calls that go out: the handshake and the notifications."""

import ssl
import uuid
from typing import Any

import aiohttp

from tieout_sandbox.kernel.wire import dump


class Sender:
    """Posts to receivers; certificates are checked against ``ca_file`` if there is one."""

    def __init__(self, ca_file: str | None) -> None:
        self._ca_file = ca_file
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Must be called in the event loop before the first call."""
        context: ssl.SSLContext | bool = True
        if self._ca_file:
            context = ssl.create_default_context(cafile=self._ca_file)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), trust_env=False)

    async def close(self) -> None:
        """No more calls."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def handshake(self, url: str, seconds: float) -> bool:
        """Whether the receiver answers 200 with the bare token in time."""
        token = uuid.uuid4().hex
        joint = "&" if "?" in url else "?"
        status, text = await self._post(f"{url}{joint}validationToken={token}", None, seconds)
        return status == 200 and text == token

    async def notify(self, url: str, items: list[dict[str, Any]], seconds: float) -> int:
        """Post a notification; the status, 0 if there was no answer in time."""
        status, _ = await self._post(url, dump({"value": items}).encode(), seconds)
        return status

    async def _post(self, url: str, body: bytes | None, seconds: float) -> tuple[int, str]:
        if self._session is None:
            raise RuntimeError("the sender is not open")
        headers = {"Content-Type": "application/json"} if body else {}
        limit = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._session.post(url, data=body, headers=headers, timeout=limit) as answer:
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0, ""
