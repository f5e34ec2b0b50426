"""What an API server answers to one request: a function from cluster and request to an Answer, without any HTTP."""

from __future__ import annotations

from gatekeeper.emulator.kube import discovery, running, subresources, writing
from gatekeeper.emulator.kube.cluster import KubeCluster
from gatekeeper.emulator.kube.listing import parse_query, read_page
from gatekeeper.emulator.kube.manifests import at, condition
from gatekeeper.emulator.kube.render import negotiate, render_list, render_one
from gatekeeper.emulator.kube.request import Request
from gatekeeper.emulator.kube.statuses import (
    Answer,
    RefusedError,
    json,
    method_not_allowed,
    not_found,
    page_not_found,
    text,
)
from gatekeeper.emulator.kube.targets import Target, parse_part, parse_target

__all__ = ["Request", "answer"]

_PATHS = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/readyz", "/version"]


def answer(cluster: KubeCluster, request: Request) -> Answer:
    """Answer a request as the API server of the cluster would."""
    refused = cluster.access.refuse_caller(request.authorization)
    if refused is not None:
        return refused
    running.settle(cluster)
    try:
        answered = writing.write(cluster, request) if request.method != "GET" else _get(cluster, request)
    except RefusedError as refused_request:
        answered = refused_request.answer
    cluster.counters.count(request, answered.status, cluster.catalogue)
    return answered


def _get(cluster: KubeCluster, request: Request) -> Answer:
    if _backend_is_gone(cluster, request.path):
        return text("service unavailable\n", 503)
    if target := parse_target(request.path, cluster.catalogue):
        return _read(cluster, request, target)
    if part := parse_part(request.path, cluster.catalogue):
        return subresources.read(cluster, request, part)
    return cluster.access.refuse_path(request.path) or _document(cluster, request) or page_not_found()


def _read(cluster: KubeCluster, request: Request, target: Target) -> Answer:
    refused = cluster.access.refuse_read("get" if target.name else "list", target)
    if refused is not None:
        return refused
    if request.query.get("watch", "").lower() in ("1", "true"):
        return method_not_allowed()
    form = negotiate(request.accept, request.query)
    if not target.name:
        query = parse_query(request.query, target, cluster.resource_version)
        return render_list(read_page(cluster, target, query), target, form, cluster.clock())
    stored = cluster.collection(target.resource).get(target.key)
    return render_one(stored, target, form, cluster.clock()) if stored else not_found(target)


def _document(cluster: KubeCluster, request: Request) -> Answer | None:
    """Answer what is no resource."""
    if request.path.strip("/") == "":
        return json({"paths": _PATHS})
    if request.path == "/metrics":
        metrics = cluster.counters.text() if cluster.metrics is None else cluster.metrics
        return Answer(200, metrics.encode(), "text/plain; version=0.0.4; charset=utf-8; escaping=underscores")
    verbose = "verbose" in request.query
    healthy = cluster.health.answer(request.path, verbose=verbose, exclude=request.excluded)
    return healthy or discovery.answer(cluster, request.path)


def _backend_is_gone(cluster: KubeCluster, path: str) -> bool:
    """Tell whether an aggregated API is asked for whose APIService is not available."""
    parts = path.strip("/").split("/")
    if parts[0] != "apis" or len(parts) < 3:
        return False
    services = cluster.collection(cluster.catalogue.of("APIService"))
    stored = services.get(f"{parts[2]}.{parts[1]}")
    if stored is None:
        return False
    manifest = stored.manifest()
    return bool(at(manifest, "spec", "service")) and (condition(manifest, "Available") or {}).get("status") != "True"
