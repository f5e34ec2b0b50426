"""The few writes that are taken over HTTP: a Job is created or deleted, a pod is evicted or the eviction tried."""

from __future__ import annotations

from typing import Any

import orjson

from gatekeeper.emulator.kube import evictions, running
from gatekeeper.emulator.kube.cluster import KubeCluster
from gatekeeper.emulator.kube.manifests import Manifest, at
from gatekeeper.emulator.kube.request import Request
from gatekeeper.emulator.kube.statuses import (
    Answer,
    RefusedError,
    already_exists,
    bad_request,
    invalid,
    json,
    method_not_allowed,
    not_found,
    success,
)
from gatekeeper.emulator.kube.targets import Target, parse_part, parse_target

_LONGEST_NAME = 63


def write(cluster: KubeCluster, request: Request) -> Answer:
    """Answer anything but a GET. Raises RefusedError."""
    part = parse_part(request.path, cluster.catalogue)
    if part is not None and (request.method, part.of.resource.plural, part.name) == ("POST", "pods", "eviction"):
        refused = cluster.access.refuse("create", part.of, part.name)
        return refused or evictions.evict(cluster, part.of, _body(request), dry_run=_dry_run(request))
    target = parse_target(request.path, cluster.catalogue)
    if target is not None and target.resource.kind == "Job" and target.namespace:
        if request.method == "POST" and not target.name:
            return cluster.access.refuse("create", target) or _create(cluster, request, target)
        if request.method == "DELETE" and target.name:
            return cluster.access.refuse("delete", target) or _delete(cluster, request, target)
    return method_not_allowed()


def _create(cluster: KubeCluster, request: Request, target: Target) -> Answer:
    job = _body(request)
    name = _checked(cluster, job, target)
    job["metadata"]["namespace"] = target.namespace
    try:
        course = cluster.jobs.course_of(name, at(job, "metadata", "annotations") or {})
    except ValueError as error:
        return invalid(target, name, f"metadata.annotations: {error}")
    if not _dry_run(request):
        cluster.jobs.created.append(_body(request))
        running.start(cluster, job, course)
        job = cluster.get("Job", name, target.namespace)
    return Answer(201, json(job).body)


def _checked(cluster: KubeCluster, job: Manifest, target: Target) -> str:
    """The name of a Job that can be created. Raises RefusedError."""
    name = at(job, "metadata", "name")
    if job.get("kind") != "Job" or not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise RefusedError(bad_request("the object provided is no Job with a name"))
    if at(job, "metadata", "namespace") not in (None, target.namespace):
        raise RefusedError(bad_request("the namespace of the provided object does not match that of the request"))
    namespaces = cluster.catalogue.of("Namespace")
    if cluster.collection(namespaces).get(target.namespace) is None:
        raise RefusedError(not_found(Target(namespaces, "", target.namespace)))
    if not at(job, "spec", "template", "spec", "containers"):
        raise RefusedError(invalid(target, name, "spec.template.spec.containers: Required value"))
    if at(job, "spec", "template", "spec", "restartPolicy") not in ("Never", "OnFailure"):
        raise RefusedError(invalid(target, name, "spec.template.spec.restartPolicy: Required value"))
    if cluster.collection(target.resource).get(f"{target.namespace}/{name}") is not None:
        raise RefusedError(already_exists(target, name))
    return name


def _delete(cluster: KubeCluster, request: Request, target: Target) -> Answer:
    if cluster.collection(target.resource).get(target.key) is None:
        return not_found(target)
    asked = request.query.get("propagationPolicy") or (_body(request) if request.body else {}).get("propagationPolicy")
    if not _dry_run(request):
        # By default the pods of a batch/v1 Job are left behind (pkg/registry/batch/job/strategy.go).
        running.remove(cluster, target.key, pods=asked in ("Background", "Foreground"))
    return success()


def _dry_run(request: Request) -> bool:
    return request.query.get("dryRun") == "All"


def _body(request: Request) -> Manifest:
    try:
        body: Any = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError(bad_request("the body of the request is no JSON object"))
    return body
