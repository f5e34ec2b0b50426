"""The daemon's HTTP server: /metrics, /healthz and /readyz, and nothing that changes anything.

It refuses every other path (404) and every method but GET and HEAD (405).
"""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import Sequence
from typing import Protocol

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from gatekeeper.errors import ConfigError

_LISTEN = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%\w]+)\]|(?P<host>[^\s:\[\]/]*)):(?P<port>\d{1,5})", re.ASCII)
_HANG_UP_AFTER = 2.0
"""Seconds that a stopping server gives to answers on their way."""
_INDEX = """Gatekeeper
/metrics  what it did and sees, for Prometheus
/healthz  200 while it lives
/readyz   200 while it does its work
"""


class Health(Protocol):
    """Who knows whether the daemon lives and is ready."""

    def alive(self) -> Sequence[str]:
        """What speaks against being alive; empty is good."""
        ...

    def ready(self) -> Sequence[str]:
        """What speaks against being ready; empty is good."""
        ...


class WebServer:
    """Serves until it is stopped.

    Args:
        listen: ``host:port``; ``[::]:8080`` for IPv6, ``:8080`` for all interfaces, port 0 for any free one.
        registry: the metrics to show.
        health: asked at each probe.

    Raises:
        ConfigError: `listen` is no address.
    """

    def __init__(self, listen: str, registry: CollectorRegistry, health: Health) -> None:
        self._listen = listen
        self._host, self._port = parse_listen(listen)
        self._registry = registry
        self._health = health
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Begin to serve; returns the port.

        Raises:
            ConfigError: the address cannot be listened on; the message says what to mend.
        """
        runner = web.AppRunner(self._app(), access_log=None, handle_signals=False, shutdown_timeout=_HANG_UP_AFTER)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigError(f"web.listen: cannot listen on {self._listen}: {_mend(error)}") from error
        self._runner = runner
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop serving; a server that does not serve is left alone."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
            ]
        )
        app.on_response_prepare.append(_plain_headers)
        return app

    async def _index(self, _: web.Request) -> web.Response:
        return web.Response(text=_INDEX)

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(",".join(request.headers.getall(hdrs.ACCEPT, [])))
        # In a thread: with a thousand members it takes long enough to be felt by the sweep.
        body = await asyncio.to_thread(encode, self._registry)
        response = web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})
        if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def _healthz(self, _: web.Request) -> web.Response:
        return _verdict(self._health.alive())

    async def _readyz(self, _: web.Request) -> web.Response:
        return _verdict(self._health.ready())


def parse_listen(listen: str) -> tuple[str | None, int]:
    """Host (None: all interfaces) and port of ``host:port``.

    Raises:
        ConfigError: it is neither that nor ``[IPv6]:port``, or the port is above 65535.
    """
    match = _LISTEN.fullmatch(listen)
    if match is None or int(match["port"]) > 65535:
        raise ConfigError(f"web.listen: {listen!r} is no address; write it like 0.0.0.0:8080 or [::]:8080")
    return match["six"] or match["host"] or None, int(match["port"])


def _verdict(reasons: Sequence[str]) -> web.Response:
    status, word = (503, "unavailable") if reasons else (200, "ok")
    return web.json_response({"status": word, "reasons": list(reasons)}, status=status)


async def _plain_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Say nothing of versions, and let nobody keep or reinterpret an answer."""
    response.headers[hdrs.SERVER] = "gatekeeper"
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"


def _mend(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another process listens there; stop it, or choose another port in web.listen"
    if error.errno == errno.EACCES:
        return "this user may not; choose a port above 1023 in web.listen"
    return f"{error.strerror or error}; choose an address of this machine in web.listen, such as 0.0.0.0:8080"
