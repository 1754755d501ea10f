"""``python -m benchmarks.bare_post PORT``: aiohttp taking a body and answering 200, and nothing else."""

import asyncio
import sys

from aiohttp import web


async def receive(request: web.Request) -> web.Response:
    """Read the body and answer."""
    await request.read()
    return web.Response()


async def serve(port: int) -> None:
    """Until the process is ended."""
    app = web.Application()
    app.router.add_post("/webhooks/bill/{connection}", receive)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
