"""A server of one handler, on a port that the operating system chooses."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(handler: Handler, address: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve one handler for every path; gives the URL."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, 0, ssl_context=tls).start()
        yield f"{'https' if tls else 'http'}://{address}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
