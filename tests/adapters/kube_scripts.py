"""Small API servers on loopback that answer just what a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gatekeeper.adapters.kube import KubeCluster
from gatekeeper.adapters.kube_auth import Auth, Identity
from gatekeeper.adapters.kube_config import Endpoint
from gatekeeper.adapters.kube_session import Limits
from gatekeeper.cluster import Resource

PODS = Resource("", "v1", "pods")
NODES = Resource("", "v1", "nodes")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
STEADY = Limits(timeout=30.0, connect_timeout=10.0, page_bytes=100_000, list_bytes=150_000)
QUICK = replace(STEADY, timeout=0.2)
"""For servers that never answer; with others a busy machine could be slower."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """Serve one handler for every path; gives the URL."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def cluster_at(
    url: str, *, auth: Auth | None = None, limits: Limits = STEADY, errors: list[tuple[str, str]] | None = None
) -> AsyncIterator[KubeCluster]:
    """A client of a server."""
    told: list[tuple[str, str]] = [] if errors is None else errors
    cluster = KubeCluster(
        "m1", Endpoint(url), Identity(auth), limits=limits, on_error=lambda name, reason: told.append((name, reason))
    )
    try:
        yield cluster
    finally:
        await cluster.close()


def table(rows: list[list[Any]], token: str = "", columns: tuple[str, ...] = ("Name",)) -> dict[str, Any]:
    """A page of a Table."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "7"} | ({"continue": token} if token else {}),
        "columnDefinitions": [{"name": name, "type": "string"} for name in columns],
        "rows": [{"cells": cells, "object": None} for cells in rows],
    }


def listed(items: list[dict[str, Any]], token: str = "") -> dict[str, Any]:
    """A page of a list."""
    metadata = {"resourceVersion": "7"} | ({"continue": token} if token else {})
    return {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items}


def refusal(status: int, message: str, **headers: str) -> web.Response:
    """A Status as an API server sends it."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status}
    return web.json_response(body, status=status, headers=headers)


def certificate_pair() -> tuple[bytes, bytes]:
    """A self-signed certificate that may be both sides, and its key."""
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    return certificate.public_bytes(pem), key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
