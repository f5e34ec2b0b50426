"""What can be read beneath an object: a pod's log, and a Service through the API server's proxy."""

from __future__ import annotations

from gatekeeper.emulator.kube.cluster import KubeCluster
from gatekeeper.emulator.kube.manifests import at, condition
from gatekeeper.emulator.kube.request import Request
from gatekeeper.emulator.kube.statuses import TEXT, Answer, bad_request, failure, not_found, page_not_found, text
from gatekeeper.emulator.kube.targets import Part, Target


def read(cluster: KubeCluster, request: Request, part: Part) -> Answer:
    """Answer a GET of a subresource."""
    plural = (part.of.resource.group, part.of.resource.plural, part.name)
    if plural not in (("", "pods", "log"), ("", "services", "proxy")):
        return page_not_found()
    refused = cluster.access.refuse("get", part.of, part.name)
    if refused is not None:
        return refused
    return _log(cluster, request, part.of) if part.name == "log" else _proxy(cluster, part)


def _log(cluster: KubeCluster, request: Request, target: Target) -> Answer:
    stored = cluster.collection(target.resource).get(target.key)
    if stored is None:
        return not_found(target)
    pod = stored.manifest()
    names = [each["name"] for each in at(pod, "spec", "containers") or ()]
    chosen = request.query.get("container") or (names[0] if len(names) == 1 else "")
    if not chosen:
        choice = f"choose one of: [{' '.join(names)}]"
        return bad_request(f"a container name must be specified for pod {target.name}, {choice}")
    if chosen not in names:
        return bad_request(f"container {chosen} is not valid for pod {target.name}")
    if (condition(pod, "PodScheduled") or {}).get("status") == "False":
        return Answer(204, b"", TEXT)  # on no node, so there is nobody to ask
    statuses = {each["name"]: each for each in at(pod, "status", "containerStatuses") or ()}
    if at(statuses.get(chosen), "state", "waiting"):
        why = "trying and failing to pull image"
        return bad_request(f'container "{chosen}" in pod "{target.name}" is waiting to start: {why}')
    lines = cluster.jobs.logs.get(target.key, "").splitlines(keepends=True)
    tail = int(request.query.get("tailLines", len(lines)))
    body = "".join(lines[-tail:] if tail else ())
    return text(body.encode()[: int(request.query.get("limitBytes", 1 << 30))].decode(errors="ignore"))


def _proxy(cluster: KubeCluster, part: Part) -> Answer:
    port = part.of.name.removeprefix("http:")
    name = port.removeprefix("https:").partition(":")[0]
    service = Target(part.of.resource, part.of.namespace, name)
    if cluster.collection(service.resource).get(service.key) is None:
        return not_found(service)
    found = cluster.proxied.get(f"{service.namespace}/{port}/{part.rest}")
    if found is None:
        return failure(503, "ServiceUnavailable", f'no endpoints available for service "{name}"')
    return text(found[1], found[0])
