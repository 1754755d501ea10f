"""An address for webhooks, over TLS as BILL wants it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ssl import SSLContext

from aiohttp import web


@asynccontextmanager
async def receiving(take: Callable[[web.Request], Awaitable[web.Response]], tls: SSLContext) -> AsyncIterator[str]:
    """Have ``take`` answer what is posted to the address that is given, on loopback and a free port."""
    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()
