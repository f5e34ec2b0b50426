"""Evictions, refused by budgets as k8s.io/kubernetes does it (pkg/registry/core/pod/storage/eviction.go)."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.emulator.kube.cluster import KubeCluster
from gatekeeper.emulator.kube.manifests import Manifest, at, condition, number
from gatekeeper.emulator.kube.statuses import Answer, bad_request, failure, json, not_found
from gatekeeper.emulator.kube.targets import Target

_STATUS = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
_TWO = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
_WOULD_VIOLATE = "Cannot evict pod as it would violate the pod's disruption budget."


def evict(cluster: KubeCluster, target: Target, eviction: Manifest, *, dry_run: bool) -> Answer:
    """Evict a pod, or say whether it could be."""
    inside = at(eviction, "deleteOptions", "dryRun") or []
    if at(eviction, "metadata", "name") != target.name:
        return bad_request("name in URL does not match name in Eviction object")
    if dry_run and inside not in ([], ["All"]):
        return bad_request(f"Non-matching dry-run options in request and content: [All] and {inside}")
    stored = cluster.collection(target.resource).get(target.key)
    if stored is None:
        return not_found(target)
    pod = stored.manifest()
    refused = None if _needs_no_budget(pod) else _refusal(cluster, pod)
    if refused is not None:
        return refused
    if not dry_run and inside != ["All"]:
        cluster.jobs.evicted.append(target.key)
        cluster.delete("Pod", target.name, target.namespace)
    return _said(_STATUS | {"status": "Success", "code": 201})


def _said(status: Manifest) -> Answer:
    """A Status that the eviction API returns, rather than fails with, is a thing created: 201, whatever it says."""
    return Answer(201, json(status).body)


def _needs_no_budget(pod: Manifest) -> bool:
    ended = at(pod, "status", "phase") in ("Succeeded", "Failed", "Pending")
    return ended or at(pod, "metadata", "deletionTimestamp") is not None


def _refusal(cluster: KubeCluster, pod: Manifest) -> Answer | None:
    budgets = list(_budgets(cluster, pod))
    if len(budgets) > 1:
        return _said(_STATUS | {"status": "Failure", "message": _TWO, "code": 500})
    if not budgets:
        return None
    budget = budgets[0]
    name, status = budget["metadata"]["name"], budget.get("status") or {}
    healthy, desired = number(status.get("currentHealthy")), number(status.get("desiredHealthy"))
    if (condition(pod, "Ready") or {}).get("status") != "True":
        always = at(budget, "spec", "unhealthyPodEvictionPolicy") == "AlwaysAllow"
        if always or healthy >= desired > 0:
            return None
    if number(status.get("observedGeneration")) < number(at(budget, "metadata", "generation")):
        return _too_many(f"The disruption budget {name} is still being processed by the server.", 10)
    if number(status.get("disruptionsAllowed")) == 0:
        return _too_many(f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently", 0)
    return None


def _budgets(cluster: KubeCluster, pod: Manifest) -> Iterator[Manifest]:
    labels = at(pod, "metadata", "labels") or {}
    for budget in cluster.all_of("PodDisruptionBudget"):
        same = budget["metadata"]["namespace"] == pod["metadata"]["namespace"]
        if same and _selects(at(budget, "spec", "selector"), labels):
            yield budget


def _selects(selector: object, labels: Manifest) -> bool:
    """Tell whether a budget is about these labels; ``{}`` is about all pods, None about none (policy/v1)."""
    if selector is None:
        return False
    wanted = at(selector, "matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(labels, each) for each in at(selector, "matchExpressions") or ()
    )


def _meets(labels: Manifest, expression: Manifest) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or ()
    found = {"In": value in values, "NotIn": value not in values, "Exists": value is not None}
    return found.get(str(expression.get("operator")), value is None)


def _too_many(cause: str, seconds: int) -> Answer:
    details = {"causes": [{"reason": "DisruptionBudget", "message": cause}], "retryAfterSeconds": seconds}
    return failure(429, "TooManyRequests", _WOULD_VIOLATE, details=details)
