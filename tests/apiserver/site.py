"""A server beside the cluster: a web site, a Prometheus, an Alertmanager or a board of approval, over real HTTPS.

``site`` has answers by path: ``status`` (200), ``body`` (text) or ``json``, and ``headers``. ``signals`` has
``vectors`` (samples by how a query begins), ``alerts`` and ``silences``, see tests/checks/prometheus_server.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from gatekeeper.emulator.kube.tls import make_authority
from tests.apiserver.listening import Handler, listening
from tests.apiserver.specimens import Case
from tests.checks.prometheus_server import Signals


@asynccontextmanager
async def beside(case: Case, folder: Path, spoil: Handler | None = None) -> AsyncIterator[Sequence[str]]:
    """Serve what a case says; gives its parameters with ``{site}`` and ``{site-ca}`` filled in.

    Args:
        case: if it needs no server, there is none.
        folder: for the file of the server's certificate authority.
        spoil: answers in place of the case.
    """
    if not case.is_beside:
        yield case.params
        return
    authority = make_authority()
    file = folder / "site-ca.crt"
    file.write_bytes(authority.ca_pem)
    async with listening(spoil or answers(case), "127.0.0.1", authority.server_context) as url:
        yield [param.replace("{site}", url).replace("{site-ca}", str(file)) for param in case.params]


def answers(case: Case) -> Handler:
    """What the server of a case answers."""
    signals = Signals()
    signals.vectors = dict(case.signals.get("vectors", {}))
    signals.alerts, signals.silences = case.signals.get("alerts", []), case.signals.get("silences", [])

    async def answer(request: web.Request) -> web.StreamResponse:
        found: Mapping[str, Any] | None = case.site.get(request.path)
        if found is None:
            return await signals.answer(request)
        headers, status = found.get("headers"), found.get("status", 200)
        if "json" in found:
            return web.json_response(found["json"], status=status, headers=headers)
        return web.Response(text=found.get("body", ""), status=status, headers=headers)

    return answer
