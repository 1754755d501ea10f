"""/healthz, /readyz and /metrics of a service. Alive depends on nothing outside; ready on what the service needs."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest


class Health:
    """Conditions of readiness, by name: None means fulfilled, a text says what is missing."""

    def __init__(self) -> None:
        self._conditions: dict[str, str | None] = {}
        self._probes: dict[str, Callable[[], str | None]] = {}

    def set(self, name: str, missing: str | None) -> None:
        """State a condition: None for fulfilled."""
        self._conditions[name] = missing

    def probe(self, name: str, ask: Callable[[], str | None]) -> None:
        """A condition that is asked when somebody looks."""
        self._probes[name] = ask

    def missing(self) -> dict[str, str]:
        """What keeps the service from being ready."""
        stated = {name: text for name, text in self._conditions.items() if text is not None}
        asked = {name: text for name, ask in self._probes.items() if (text := ask()) is not None}
        return stated | asked

    def routes(self) -> list[web.RouteDef]:
        """The three paths, to be added to a service's own server or to ``serve``."""

        async def healthz(_request: web.Request) -> web.Response:
            return web.json_response({"status": "alive"})

        async def readyz(_request: web.Request) -> web.Response:
            missing = self.missing()
            return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)

        async def metrics(_request: web.Request) -> web.Response:
            return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

        return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]

    async def serve(self, host: str, port: int) -> web.AppRunner:
        """Listen; the caller cleans the runner up."""
        app = web.Application()
        app.add_routes(self.routes())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        return runner
