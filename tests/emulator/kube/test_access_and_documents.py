"""Who is let in, and what is no resource: health, version, metrics, discovery, kinds that come and go."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gatekeeper.emulator.kube import KubeCluster, load_manifests
from gatekeeper.emulator.kube.api import Request, answer
from gatekeeper.emulator.kube.kinds import Resource
from gatekeeper.emulator.kube.statuses import Answer

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def ask(cluster: KubeCluster, path: str, accept: str = "application/json", **query: str) -> Answer:
    return answer(cluster, Request("GET", path, query, accept, "Bearer token"))


def read(cluster: KubeCluster, path: str, accept: str = "application/json", **query: str) -> Any:
    found = ask(cluster, path, accept, **query)

    assert found.status == 200, found.body

    return orjson.loads(found.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_written_over_http(cluster: KubeCluster, method: str) -> None:
    found = answer(cluster, Request(method, "/api/v1/namespaces/shop/pods/db-0", {}, authorization="Bearer t"))

    assert found.status == 405
    assert cluster.get("Pod", "db-0", "shop")


@pytest.mark.parametrize(
    ("header", "status"),
    [("", 401), ("Bearer ", 401), ("Basic dGVzdA==", 401), ("Bearer wrong", 401), ("Bearer right", 200)],
)
def test_only_a_known_token_is_let_in(cluster: KubeCluster, header: str, status: int) -> None:
    cluster.access.tokens = {"right"}

    assert answer(cluster, Request("GET", "/version", {}, authorization=header)).status == status


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        (
            ("list", "", "nodes"),
            "/api/v1/nodes",
            'nodes is forbidden: User "gatekeeper" cannot list resource "nodes" in API group "" at the cluster scope',
        ),
        (
            ("*", "apps", "*"),
            "/apis/apps/v1/namespaces/shop/deployments/web",
            (
                'deployments.apps "web" is forbidden: User "gatekeeper" cannot get resource "deployments" '
                'in API group "apps" in the namespace "shop"'
            ),
        ),
        (("get", "", "/metrics"), "/metrics", 'forbidden: User "gatekeeper" cannot get path "/metrics"'),
    ],
)
def test_what_is_denied_is_forbidden(cluster: KubeCluster, rule: tuple[str, str, str], path: str, message: str) -> None:
    cluster.access.denied.add(rule)
    found = ask(cluster, path)

    assert found.status == 403
    assert orjson.loads(found.body)["message"] == message
    assert ask(cluster, "/api/v1/pods").status == 200


def test_an_aggregated_api_without_its_backend_is_unavailable(cluster: KubeCluster) -> None:
    gone = {"status": {"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints"}]}}
    cluster.patch("APIService", "v1beta1.metrics.k8s.io", gone)
    found = ask(cluster, "/apis/metrics.k8s.io/v1beta1/nodes")

    assert (found.status, found.body) == (503, b"service unavailable\n")


def test_health_names_what_fails_and_heals(cluster: KubeCluster) -> None:
    assert ask(cluster, "/readyz").body == b"ok"

    cluster.health.fail("etcd", "readyz")
    failing = ask(cluster, "/readyz")

    assert failing.status == 500
    assert failing.body.startswith(b"[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\n[+]etcd-readiness ok\n")
    assert failing.body.endswith(b"\nreadyz check failed\n")
    assert ask(cluster, "/readyz/etcd").status == 500
    assert ask(cluster, "/livez").status == 200
    assert answer(cluster, Request("GET", "/readyz", {}, "", "Bearer t", ("etcd",))).status == 200

    cluster.health.heal()

    assert ask(cluster, "/readyz", verbose="").body.endswith(b"[+]shutdown ok\nreadyz check passed\n")


def test_a_health_check_that_nobody_has_cannot_fail(cluster: KubeCluster) -> None:
    with pytest.raises(ValueError, match="'no-such-check'"):
        cluster.health.fail("no-such-check")


def test_the_version_is_that_of_the_cluster(cluster: KubeCluster) -> None:
    cluster.upgrade("1.35.0", nodes=False)
    body = read(cluster, "/version")

    assert (body["major"], body["minor"], body["gitVersion"]) == ("1", "35", "v1.35.0")


def test_metrics_are_the_text_that_was_set(cluster: KubeCluster) -> None:
    assert b"apiserver_requested_deprecated_apis{" in ask(cluster, "/metrics").body

    cluster.metrics = "up 1\n"

    assert ask(cluster, "/metrics").body == b"up 1\n"


def test_requests_are_counted_and_deprecated_apis_named(cluster: KubeCluster) -> None:
    beta = Resource("networking.k8s.io", "v1beta1", "servicecidrs", "ServiceCIDR", namespaced=False, removed_in="1.37")
    cluster.catalogue.add([beta])
    unused = ask(cluster, "/metrics").body.decode()

    ask(cluster, "/apis/networking.k8s.io/v1beta1/servicecidrs")
    ask(cluster, "/apis/networking.k8s.io/v1beta1/servicecidrs/nosuch")
    cluster.access.denied.add(("list", "", "pods"))
    ask(cluster, "/api/v1/pods")
    used = ask(cluster, "/metrics").body.decode()

    labels = 'group="networking.k8s.io",removed_release="1.37",resource="servicecidrs",subresource="",version="v1beta1"'
    assert f"apiserver_requested_deprecated_apis{{{labels}}} 1\n" in used
    assert "servicecidrs" not in unused
    assert used.count('resource="servicecidrs"') == 3
    assert 'resource="servicecidrs",scope="resource",subresource="",system_client="",verb="GET"' in used
    assert 'resource="pods"' not in used
    assert "process_start_time_seconds " in used


def test_what_is_denied_may_be_granted_in_one_namespace(cluster: KubeCluster) -> None:
    cluster.access.denied.add(("list", "", "pods"))
    cluster.access.granted.add(("shop", "list", "", "pods"))

    statuses = [ask(cluster, f"/api/v1/{place}").status for place in ("namespaces/shop/pods", "pods")]

    assert statuses == [200, 403]


DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: certificates.cert-manager.io}
spec:
  group: cert-manager.io
  names: {plural: certificates, kind: Certificate, shortNames: [cert]}
  versions:
    - name: v1
      additionalPrinterColumns:
        - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web, namespace: shop}
status: {conditions: [{type: Ready, status: "False"}]}
"""


def test_a_definition_adds_a_kind_and_its_removal_takes_it_away(cluster: KubeCluster) -> None:
    cluster.apply_all(load_manifests(DEFINITION))

    assert read(cluster, "/apis/cert-manager.io/v1/certificates", TABLE)["rows"][0]["cells"] == ["web", "False"]
    assert read(cluster, "/apis/cert-manager.io/v1/certificates")["items"][0]["kind"] == "Certificate"
    assert read(cluster, "/apis/cert-manager.io/v1/certificates")["metadata"]["continue"] == ""
    assert read(cluster, "/apis/cert-manager.io/v1")["resources"][0]["name"] == "certificates"
    assert cluster.get("APIService", "v1.cert-manager.io")

    cluster.delete("CustomResourceDefinition", "certificates.cert-manager.io")

    assert ask(cluster, "/apis/cert-manager.io/v1/certificates").status == 404


def test_discovery_lists_groups_and_resources(cluster: KubeCluster) -> None:
    groups = {group["name"] for group in read(cluster, "/apis")["groups"]}
    core = {resource["name"]: resource for resource in read(cluster, "/api/v1")["resources"]}

    assert {"apps", "policy", "batch", "coordination.k8s.io"} <= groups
    assert core["pods"]["shortNames"] == ["po"]
    assert core["nodes"]["namespaced"] is False
    assert read(cluster, "/api")["versions"] == ["v1"]
    assert read(cluster, "/apis/apps")["preferredVersion"]["version"] == "v1"
    assert "/readyz" in read(cluster, "/")["paths"]
