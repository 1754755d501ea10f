"""Simulators in a thread of the test, so that they outlive any service that is killed."""

import asyncio
import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tieout_sandbox.kernel.server import Server, Simulator


class Running:
    """A simulator that listens; its tester's paths as methods."""

    def __init__(self, url: str, trusted: ssl.SSLContext | None = None) -> None:
        self.url = url
        self._trusted = trusted

    def ask(self, path: str, body: Any = None, method: str = "") -> Any:
        """Call a path with JSON and return the JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.url + path, data=data, method=method or ("GET" if data is None else "POST"),
            headers={"content-type": "application/json"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=20, context=self._trusted) as answer:  # noqa: S310 - loopback
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read()[:500]!r}") from error

    def ledger(self) -> Any:
        """The ground truth."""
        return self.ask("/_sandbox/ledger")

    def calls(self, method: str = "", path: str = "") -> list[dict[str, Any]]:
        """The requests seen, of a method and with a part of the path."""
        seen = self.ask("/_sandbox/requests")
        return [one for one in seen if method in ("", one["method"]) and path in one["path"]]

    def fault(self, action: str, **order: Any) -> None:
        """Ask for a fault."""
        self.ask("/_sandbox/faults", {"action": action, **order})


@contextmanager
def running(
    simulator: Simulator, tls: tuple[str, str] | None = None, trusted: ssl.SSLContext | None = None
) -> Iterator[Running]:
    """Serve a simulator from a thread with its own event loop; ``trusted`` is for asking one that speaks TLS."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = Server(simulator, tls=tls)
    url = asyncio.run_coroutine_threadsafe(server.start(), loop).result(20)
    try:
        yield Running(url, trusted)
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
