"""Requests and answers without HTTP: forms, pages, selectors and refusals."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gatekeeper.emulator.kube import KubeCluster
from gatekeeper.emulator.kube.api import Request, answer
from gatekeeper.emulator.kube.statuses import Answer

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


def ask(cluster: KubeCluster, path: str, accept: str = "application/json", **query: str) -> Answer:
    return answer(cluster, Request("GET", path, query, accept, "Bearer token"))


def read(cluster: KubeCluster, path: str, accept: str = "application/json", **query: str) -> Any:
    found = ask(cluster, path, accept, **query)

    assert found.status == 200, found.body

    return orjson.loads(found.body)


def names(body: Any) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


def test_a_list_of_a_built_in_kind_names_the_kind_once(cluster: KubeCluster) -> None:
    body = read(cluster, "/apis/apps/v1/deployments")

    assert (body["kind"], body["apiVersion"]) == ("DeploymentList", "apps/v1")
    assert body["metadata"] == {"resourceVersion": str(cluster.resource_version)}
    assert "kind" not in body["items"][0]


def test_a_list_comes_in_the_order_of_namespace_and_name(cluster: KubeCluster) -> None:
    keys = [(p["metadata"]["namespace"], p["metadata"]["name"]) for p in read(cluster, "/api/v1/pods")["items"]]

    assert keys == sorted(keys)


def test_a_namespaced_list_holds_that_namespace_only(cluster: KubeCluster) -> None:
    assert names(read(cluster, "/apis/apps/v1/namespaces/shop/deployments")) == ["cart", "web"]
    assert names(read(cluster, "/apis/apps/v1/namespaces/sho/deployments")) == []


@pytest.mark.parametrize("path", ["/api/v1/namespaces/shop/pods/db-0", "/api/v1/namespaces/shop/pods/db-0/status"])
def test_a_single_object_says_what_it_is(cluster: KubeCluster, path: str) -> None:
    body = read(cluster, path)

    assert (body["kind"], body["apiVersion"], body["metadata"]["name"]) == ("Pod", "v1", "db-0")


@pytest.mark.parametrize(
    ("include", "carried"),
    [("None", None), ("Metadata", "PartialObjectMetadata"), ("", "PartialObjectMetadata"), ("Object", "Deployment")],
)
def test_rows_of_a_table_carry_what_is_asked(cluster: KubeCluster, include: str, carried: str | None) -> None:
    query = {"includeObject": include} if include else {}
    body = read(cluster, "/apis/apps/v1/namespaces/shop/deployments", TABLE, **query)

    assert (body["kind"], body["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [column["name"] for column in body["columnDefinitions"]][:4] == ["Name", "Ready", "Up-to-date", "Available"]
    assert [column["priority"] for column in body["columnDefinitions"]] == [0, 0, 0, 0, 0, 1, 1, 1]
    assert body["rows"][1]["cells"][:5] == ["web", "3/3", 3, 3, "30d"]
    assert [(row["object"] or {}).get("kind") for row in body["rows"]] == [carried] * 2


def test_a_table_of_nothing_still_has_its_columns(cluster: KubeCluster) -> None:
    body = read(cluster, "/apis/batch/v1/jobs", TABLE)

    assert body["rows"] == []
    assert body["columnDefinitions"][1]["name"] == "Status"


def test_a_single_object_as_a_table_is_one_row(cluster: KubeCluster) -> None:
    body = read(cluster, "/api/v1/namespaces/shop/pods/db-0", TABLE)

    assert [row["cells"][0] for row in body["rows"]] == ["db-0"]


def test_bare_metadata_has_no_status(cluster: KubeCluster) -> None:
    body = read(cluster, "/api/v1/pods", PARTIAL, limit="1")

    assert body["kind"] == "PartialObjectMetadataList"
    assert set(body["items"][0]) == {"kind", "apiVersion", "metadata"}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "NamespaceList"),
        ("*/*", "NamespaceList"),
        ("application/yaml, application/json", "NamespaceList"),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", "NamespaceList"),
        (f"{TABLE},application/json", "Table"),
    ],
)
def test_the_first_form_that_the_server_has_is_sent(cluster: KubeCluster, accept: str, kind: str) -> None:
    assert read(cluster, "/api/v1/namespaces", accept)["kind"] == kind


def test_pages_lead_through_the_whole_list_once(cluster: KubeCluster) -> None:
    everything = names(read(cluster, "/api/v1/pods"))
    seen: list[str] = []
    body = read(cluster, "/api/v1/pods", limit="7")
    while token := body["metadata"].get("continue"):
        seen += names(body)

        assert body["metadata"]["remainingItemCount"] == len(everything) - len(seen)

        body = read(cluster, "/api/v1/pods", **{"limit": "7", "continue": token})

    assert seen + names(body) == everything


def test_pages_of_a_selection_do_not_count_what_remains(cluster: KubeCluster) -> None:
    query = {"limit": "1", "labelSelector": "app=web"}
    body = read(cluster, "/api/v1/pods", **query)
    token = body["metadata"].pop("continue")

    assert "remainingItemCount" not in body["metadata"]
    assert len(names(read(cluster, "/api/v1/pods", **{"labelSelector": "app=web", "continue": token}))) == 2


def test_a_page_that_ends_the_list_leads_no_further(cluster: KubeCluster) -> None:
    body = read(cluster, "/api/v1/nodes", limit="4")

    assert len(body["items"]) == 4
    assert "continue" not in body["metadata"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"labelSelector": "kubernetes.azure.com/mode=system"}, 1),
        ({"labelSelector": "kubernetes.azure.com/node-image-version!=AKSUbuntu-2204gen2containerd-202511.01.0"}, 0),
        ({"labelSelector": "kubernetes.azure.com/mode in (system,user)"}, 4),
        ({"fieldSelector": "spec.unschedulable=true"}, 0),
        ({"fieldSelector": "metadata.name=aks-user-30000001-vmss000000"}, 1),
    ],
)
def test_selectors_choose_on_the_server(cluster: KubeCluster, query: dict[str, str], count: int) -> None:
    assert len(read(cluster, "/api/v1/nodes", **query)["items"]) == count


REFUSALS = [
    ("/api/v1/namespaces/shop/pods/no", {}, 404, "NotFound", 'pods "no" not found'),
    ("/apis/apps/v1/namespaces/a/deployments/no", {}, 404, "NotFound", 'deployments.apps "no" not found'),
    ("/api/v1/pods", {"continue": "garbage"}, 400, "BadRequest", "invalid continue token"),
    ("/api/v1/pods", {"continue": "%%%"}, 400, "BadRequest", "invalid continue token"),
    ("/api/v1/pods", {"fieldSelector": "a=b"}, 400, "BadRequest", "field label not supported: a"),
    ("/api/v1/pods", {"fieldSelector": "ab"}, 400, "BadRequest", "invalid selector"),
    ("/api/v1/pods", {"labelSelector": "a ~ b"}, 400, "BadRequest", "unable to parse requirement"),
    ("/api/v1/pods", {"limit": "x"}, 400, "BadRequest", "invalid syntax"),
    ("/api/v1/pods", {"resourceVersion": "x"}, 400, "BadRequest", "Invalid value"),
    ("/api/v1/pods", {"resourceVersion": "999999"}, 504, "Timeout", "Too large resource version: 999999"),
    ("/api/v1/pods", {"watch": "true"}, 405, "MethodNotAllowed", "does not allow this method"),
]


@pytest.mark.parametrize(("path", "query", "status", "reason", "message"), REFUSALS)
def test_a_request_that_cannot_be_served_gets_a_status(
    cluster: KubeCluster, path: str, query: dict[str, str], status: int, reason: str, message: str
) -> None:
    found = ask(cluster, path, **query)
    body = orjson.loads(found.body)

    assert (found.status, body["code"], body["kind"], body["reason"]) == (status, status, "Status", reason)
    assert message in body["message"]


@pytest.mark.parametrize("version", ["", "0", "1"])
def test_a_resource_version_that_has_been_reached_is_fine(cluster: KubeCluster, version: str) -> None:
    assert read(cluster, "/api/v1/nodes", resourceVersion=version)["items"]


@pytest.mark.parametrize(
    "path", ["/apis/nosuch.example.com/v1/things", "/api/v1/things", "/api/v1/pods/x", "/api/v2/pods", "/nothing"]
)
def test_a_path_that_nobody_serves_is_not_found(cluster: KubeCluster, path: str) -> None:
    found = ask(cluster, path)

    assert (found.status, found.body) == (404, b"404 page not found\n")
    assert found.content_type.startswith("text/plain")


def test_a_form_that_the_server_does_not_have_is_not_acceptable(cluster: KubeCluster) -> None:
    found = ask(cluster, "/api/v1/pods", "application/xml")

    assert found.status == 406
    assert orjson.loads(found.body)["message"].startswith("406: Not Acceptable\n\nAvailable representations: ")
