"""Evictions in an emulated cluster: budgets refuse them as a real API server does."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gatekeeper.emulator.kube import KubeCluster
from gatekeeper.emulator.kube.api import Request, answer

PATH = "/api/v1/namespaces/shop/pods/cart-0/eviction"
EVICTION = {"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "cart-0", "namespace": "shop"}}


def pod(ready: str = "True", **status: Any) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {"name": "cart-0", "namespace": "shop", "labels": {"app": "cart"}},
        "spec": {},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}], **status},
    }


def budget(name: str = "cart", selector: Any = None, unhealthy: str | None = None, **status: Any) -> dict[str, Any]:
    spec = {"selector": {"matchLabels": {"app": "cart"}} if selector is None else selector}
    numbers = {"observedGeneration": 1, "currentHealthy": 1, "desiredHealthy": 1, "disruptionsAllowed": 0}
    return {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "shop", "generation": 1},
        "spec": spec | ({} if unhealthy is None else {"unhealthyPodEvictionPolicy": unhealthy}),
        "status": numbers | status,
    }


def evict(cluster: KubeCluster, inside: dict[str, Any] | None = None, **query: str) -> tuple[int, Any]:
    body = orjson.dumps(EVICTION | ({} if inside is None else {"deleteOptions": inside}))
    found = answer(cluster, Request("POST", PATH, query, authorization="Bearer t", body=body))
    return found.status, orjson.loads(found.body)


def there(cluster: KubeCluster) -> bool:
    return any(each["metadata"]["name"] == "cart-0" for each in cluster.all_of("Pod"))


@pytest.mark.parametrize(
    ("manifests", "status", "words"),
    [
        ([pod()], 201, ""),
        ([], 404, 'pods "cart-0" not found'),
        ([pod(), budget(disruptionsAllowed=1)], 201, ""),
        ([pod(), budget()], 429, "would violate the pod's disruption budget"),
        ([pod(), budget(selector={})], 429, "would violate"),
        ([pod(), budget(selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]})], 429, "would violate"),
        ([pod(), budget(selector={"matchLabels": {"app": "other"}})], 201, ""),
        ([pod(), budget(disruptionsAllowed=1, observedGeneration=0)], 429, "would violate"),
        ([pod(), budget("a", disruptionsAllowed=1), budget("b", disruptionsAllowed=1)], 500, "more than one"),
        ([pod(phase="Pending"), budget()], 201, ""),
        ([pod(phase="Failed"), budget()], 201, ""),
        ([pod(ready="False"), budget()], 201, ""),
        ([pod(ready="False"), budget(currentHealthy=0)], 429, "would violate"),
        ([pod(ready="False"), budget(currentHealthy=0, unhealthy="AlwaysAllow")], 201, ""),
    ],
)
def test_budgets_are_honoured_and_a_dry_run_evicts_nobody(
    cluster: KubeCluster, manifests: list[dict[str, Any]], status: int, words: str
) -> None:
    cluster.apply_all(manifests)

    _, body = evict(cluster, {"dryRun": ["All"]}, dryRun="All")

    assert (body["code"], words in body.get("message", "")) == (status, True)
    assert there(cluster) == bool(manifests)
    assert cluster.jobs.evicted == []


def test_a_refusal_names_the_budget(cluster: KubeCluster) -> None:
    cluster.apply_all([pod(), budget()])

    _, body = evict(cluster, dryRun="All")

    assert body["details"]["causes"] == [
        {"reason": "DisruptionBudget", "message": "The disruption budget cart needs 1 healthy pods and has 1 currently"}
    ]


@pytest.mark.parametrize(("manifests", "status"), [([budget()], 429), ([budget("a"), budget("b")], 201)])
def test_that_there_are_two_budgets_is_said_in_the_body_alone(
    cluster: KubeCluster, manifests: list[dict[str, Any]], status: int
) -> None:
    cluster.apply_all([pod(), *manifests])

    answered, body = evict(cluster, dryRun="All")

    assert (answered, body["status"]) == (status, "Failure")


def test_without_dry_run_the_pod_is_gone(cluster: KubeCluster) -> None:
    cluster.apply(pod())

    assert evict(cluster)[0] == 201
    assert (there(cluster), cluster.jobs.evicted) == (False, ["shop/cart-0"])


def test_request_and_body_must_agree(cluster: KubeCluster) -> None:
    cluster.apply(pod())

    assert evict(cluster, {"dryRun": ["Some"]}, dryRun="All")[0] == 400
    assert there(cluster)
