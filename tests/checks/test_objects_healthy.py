"""objects-healthy: objects of any kind -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from checks.objects_healthy import ObjectsHealthy
from gatekeeper.check import NODES, BadAnswer, NotFound, Resource
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding, bare_cluster

DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{"name": "v1", "served": True}],
    },
}


NODE: dict[str, Any] = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {}}


def widget(name: str = "a", ready: str | None = "True", namespace: str = "shop", **more: Any) -> dict[str, Any]:
    conditions = [] if ready is None else [{"type": "Ready", "status": ready, "reason": "Because"}]
    metadata = {"name": name, "namespace": namespace, **more.pop("metadata", {})}
    status = {"conditions": conditions, **more.pop("status", {})}
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata, "status": status, **more}


def check(**given: Any) -> ObjectsHealthy:
    return ObjectsHealthy.model_validate({"resource": "widgets.example.com/v1", **given})


def cluster(*manifests: dict[str, Any]) -> FakeCluster:
    return FakeCluster([DEFINITION, NODE, *manifests])


@pytest.mark.parametrize(
    ("manifest", "outcome", "code", "words"),
    [
        (widget(ready="False"), "failed", "ObjectDegraded", "Degraded: Ready is False: Because"),
        (widget(ready="Unknown"), "inconclusive", "ObjectProgressing", "Ready is Unknown"),
        (widget(ready=None), "inconclusive", "ObjectUnknown", "does not say how it is; the parameter healthy can tell"),
        (
            widget(metadata={"deletionTimestamp": "2026-11-23T09:00:00Z"}),
            "inconclusive",
            "ObjectProgressing",
            "deleted",
        ),
        (
            widget(metadata={"generation": 2}, status={"observedGeneration": 1}),
            "inconclusive",
            "ObjectProgressing",
            "stale",
        ),
        (widget(status={"conditions": "odd"}), "inconclusive", "ObjectUnknown", "status.conditions"),
    ],
)
async def test_an_object_that_is_not_healthy_is_named(manifest: Any, outcome: str, code: str, words: str) -> None:
    finding = await ask(check(), cluster(manifest, widget("b")))

    assert_finding(finding, outcome, "of 2 widgets.example.com", codes=[code], subjects=["widgets.example.com shop/a"])
    assert words in finding.evidence[0].observed
    assert finding.evidence[0].hint == "kubectl -n shop describe widgets.example.com a"


async def test_healthy_objects_pass() -> None:
    assert_finding(
        await ask(check(), cluster(widget(), widget("b"))), "passed", "all 2 widgets.example.com are healthy"
    )


async def test_built_in_kinds_have_their_own_rules() -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "a"},
        "status": {"phase": "Lost"},
    }
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "status": {}}

    claims = await ask(check(resource="persistentvolumeclaims/v1"), FakeCluster([claim, job]))
    jobs = await ask(check(resource="jobs.batch/v1"), FakeCluster([claim, job]))

    assert_finding(claims, "failed", "default/a is Degraded (its volume is lost)")
    assert_finding(jobs, "inconclusive", "default/a is Progressing (it has not ended)")


async def test_the_items_of_a_real_list_have_no_kind() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "LoadBalancer"}}
    bare = FakeCluster([service])

    async def objects(*_: Any, **__: Any) -> Any:
        return [{"metadata": {"name": "a", "namespace": "shop"}, "spec": {"type": "LoadBalancer"}}]

    bare.objects = objects  # type: ignore[method-assign]

    assert_finding(await check(resource="services/v1").run(_context(bare)), "inconclusive", "no load balancer")


def _context(here: FakeCluster) -> Any:
    from gatekeeper.testing import context

    return context(here)


RULE = {"healthy": "object.status.phase == 'Up'", "progressing": "object.status.phase == 'Going up'"}


@pytest.mark.parametrize(
    ("phase", "outcome", "codes"),
    [
        ("Up", "passed", []),
        ("Going up", "inconclusive", ["ObjectProgressing"]),
        ("Down", "failed", ["ObjectDegraded"]),
        (None, "inconclusive", ["ObjectUnknown"]),
    ],
)
async def test_an_expression_decides(phase: str | None, outcome: str, codes: list[str]) -> None:
    told = widget(ready="False", status={} if phase is None else {"phase": phase})

    assert_finding(await ask(check(**RULE), cluster(told)), outcome, codes=codes)


async def test_an_expression_knows_the_time() -> None:
    young = check(healthy="now - timestamp(object.metadata.creationTimestamp) < duration('2h')")
    made = {"creationTimestamp": NOW.isoformat()}

    assert_finding(await ask(young, cluster(widget(metadata=made))), "passed")
    assert_finding(await ask(young, cluster(widget())), "failed", "is false")


async def test_what_is_suspended_fails_unless_it_is_allowed() -> None:
    cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"}, "spec": {"suspend": True}}
    asked = {"resource": "cronjobs.batch/v1"}

    assert_finding(await ask(check(**asked), FakeCluster([NODE, cron])), "failed", codes=["ObjectSuspended"])
    assert_finding(await ask(check(**asked, allowSuspended=True), FakeCluster([NODE, cron])), "passed")


async def test_some_may_be_unhealthy() -> None:
    here = cluster(widget(), widget("b"), widget("c", "False"), widget("d", "Unknown"))

    assert_finding(
        await ask(check(maxUnhealthy=2), here), "passed", "1 of 4 widgets.example.com is not healthy, 1 prog"
    )
    assert_finding(await ask(check(maxUnhealthy="25%"), here), "inconclusive", "1 allowed")
    assert_finding(await ask(check(), here), "failed", "shop/c is Degraded")


async def test_no_object_is_inconclusive_unless_none_is_expected() -> None:
    assert_finding(await ask(check(), cluster()), "inconclusive", "there are no widgets.example.com here")
    assert_finding(await ask(check(expect="any"), cluster()), "passed", "there are no")


async def test_namespaces_and_labels_narrow_it() -> None:
    here = cluster(widget(ready="False"), widget("b", namespace="pay", metadata={"labels": {"tier": "gold"}}))

    assert_finding(await ask(check(namespaces={"include": ["pay"]}), here), "passed", "all 1")
    assert_finding(await ask(check(labelSelector="tier=gold"), here), "passed", "all 1")


async def test_names_that_are_no_dns_names_are_known_if_they_are_safe() -> None:
    service = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1."},
        "status": {"conditions": [{"type": "Available", "status": "False"}]},
    }

    finding = await ask(check(resource="apiservices.apiregistration.k8s.io/v1"), FakeCluster([service]))

    assert finding.evidence[0].hint == "kubectl describe apiservices.apiregistration.k8s.io v1."
    with pytest.raises(BadAnswer):
        await ask(check(), cluster(widget("a; rm -rf ~")))


async def test_a_kind_that_the_server_does_not_know_is_no_answer() -> None:
    with pytest.raises(NotFound):
        await ask(check(), FakeCluster())


def test_what_it_reads_is_what_it_is_asked_about() -> None:
    assert check().reads == (Resource("", "v1", "namespaces"), NODES, Resource("example.com", "v1", "widgets"))


@pytest.mark.parametrize(
    "given",
    [
        {"resource": "widgets"},
        {"progressing": "true"},
        {"healthy": "object.a +"},
        {"healthy": "'text'"},
        {"expect": "no"},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        check(**given)


async def test_what_wants_no_replicas_is_healthy_and_said_to_be_so() -> None:
    idle = widget("b", spec={"replicas": 0})

    assert_finding(await ask(check(), cluster(widget(), idle)), "passed", "all 2 widgets.example.com are healthy (1 of")


@pytest.mark.parametrize("resource", ["namespaces/v1", "services/v1", "apiservices.apiregistration.k8s.io/v1"])
async def test_what_every_api_server_has_proves_nothing_without_nodes(resource: str) -> None:
    finding = await ask(check(resource=resource), bare_cluster())

    assert_finding(finding, "inconclusive", "are healthy, but the cluster has no nodes")


async def test_no_object_proves_nothing_without_nodes() -> None:
    assert_finding(await ask(check(expect="any"), FakeCluster([DEFINITION])), "inconclusive", "has no nodes")
