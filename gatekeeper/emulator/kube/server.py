"""Serve emulated clusters over HTTP(S) on loopback, each below ``/members/<name>``."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import format_datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from gatekeeper.emulator.kube import api
from gatekeeper.emulator.kube.cluster import KubeCluster
from gatekeeper.emulator.kube.journal import Entry, Journal
from gatekeeper.emulator.kube.kubeconfig import Auth, kubeconfig
from gatekeeper.emulator.kube.kubeconfig import Entry as ConfigEntry
from gatekeeper.emulator.kube.tls import Authority, make_authority
from gatekeeper.emulator.kube.wire import dropped, send

_PREFIX = "/members/"
_SHUTDOWN = 0.2  # seconds that running requests get when the server stops; a hanging one needs none


class KubeServer:
    """Many clusters behind one port of 127.0.0.1; use it as an async context manager.

    ``root`` is a cluster that is served at ``/`` as well. ``tls=False`` serves plain HTTP. Without a port the
    operating system chooses one; ``url`` tells it once the server runs.
    """

    def __init__(
        self, clusters: Iterable[KubeCluster] = (), *, root: KubeCluster | None = None, tls: bool = True, port: int = 0
    ) -> None:
        self.clusters = {cluster.name: cluster for cluster in clusters}
        self.journal = Journal()
        self._root = root
        self._port = port
        self._authority: Authority | None = make_authority() if tls else None
        self._runner: web.AppRunner | None = None

    @property
    def ca_pem(self) -> bytes | None:
        """The CA certificate that clients must trust; None without TLS."""
        return self._authority.ca_pem if self._authority else None

    @property
    def url(self) -> str:
        """``https://127.0.0.1:<port>``, without a slash at the end."""
        return f"{'https' if self._authority else 'http'}://127.0.0.1:{self._port}"

    def add(self, cluster: KubeCluster) -> KubeCluster:
        """Serve one more cluster. Raises ValueError when its name is taken."""
        if cluster.name in self.clusters:
            raise ValueError(f"there is a cluster {cluster.name!r} already")
        self.clusters[cluster.name] = cluster
        return cluster

    def url_of(self, cluster: str) -> str:
        """Return the server URL of a cluster, as it stands in its kubeconfig."""
        return f"{self.url}{_PREFIX}{self.clusters[cluster].name}"

    def kubeconfig(self, *clusters: str, auth: Auth = "token", token: str = "emulator") -> str:  # noqa: S107
        """Return a kubeconfig with a context for each cluster named, for all of them if none is."""
        names = clusters or tuple(self.clusters)
        return kubeconfig([ConfigEntry(name, self.url_of(name), self.ca_pem) for name in names], auth, token)

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.handle)
        # A handler is cancelled when its client leaves: a hanging request must not outlive it.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN)
        await self._runner.setup()
        context = self._authority.server_context if self._authority else None
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=context)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and drop what is open."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; may be mounted in another aiohttp application below ``/members/``."""
        cluster, path = self._find(request.path)
        if cluster is None:
            return web.Response(status=404, text="404 page not found\n")
        asked = api.Request(
            method=request.method,
            path=path,
            query=request.query,
            accept=request.headers.get("Accept", ""),
            authorization=request.headers.get("Authorization", ""),
            excluded=tuple(request.query.getall("exclude", ())),
            body=await request.read(),
        )
        headers = {"Date": format_datetime(cluster.clock(), usegmt=True), "Cache-Control": "no-cache, private"}
        line = f"{path}?{request.query_string}" if request.query_string else path
        fault = cluster.faults.take(line, paging="continue" in request.query)
        status, size = 0, 0
        try:
            response = await send(request, lambda: api.answer(cluster, asked), fault, headers)
            if isinstance(response, web.Response) and not dropped(request):
                status, size = response.status, response.content_length or 0
            return response
        finally:
            self.journal.add(Entry(cluster.name, asked.method, path, request.query_string, asked.accept, status, size))

    def _find(self, path: str) -> tuple[KubeCluster | None, str]:
        if path.startswith(_PREFIX):
            name, _, rest = path.removeprefix(_PREFIX).partition("/")
            if name in self.clusters:
                return self.clusters[name], f"/{rest}"
        return self._root, path
