"""What a cluster makes of the manifests that it is given."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gatekeeper.emulator.kube import (
    KubeCluster,
    ManifestError,
    aks_cluster,
    load_manifests,
    start_kubelet,
    stop_kubelet,
)
from gatekeeper.emulator.kube.api import Request, answer
from gatekeeper.emulator.kube.manifests import clean_copy, condition

WEB = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"


def deployment(body: str = "spec: {replicas: 3}\nstatus: {readyReplicas: 3}") -> dict[str, Any]:
    return load_manifests(WEB + body)[0]


def test_the_server_fills_in_metadata_and_defaults(cluster: KubeCluster) -> None:
    cluster.apply(load_manifests("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: new}")[0])

    found = cluster.get("Deployment", "new")

    assert found["metadata"]["namespace"] == "default"
    assert found["metadata"]["uid"]
    assert found["metadata"]["generation"] == 1
    assert found["metadata"]["creationTimestamp"] == "2026-03-02T12:00:00Z"
    assert found["metadata"]["resourceVersion"] == str(cluster.resource_version)
    assert found["spec"]["replicas"] == 1


def generations(cluster: KubeCluster) -> tuple[int | None, int | None]:
    found = cluster.get("Deployment", "web", "shop")
    return found["metadata"]["generation"], found.get("status", {}).get("observedGeneration")


def test_a_changed_spec_raises_the_generation() -> None:
    cluster = KubeCluster("c")
    cluster.apply(deployment("spec: {replicas: 3}"))
    cluster.apply(deployment("spec: {replicas: 3}"))
    first = generations(cluster)
    cluster.apply(deployment("spec: {replicas: 4}"))

    assert (first, generations(cluster)) == ((1, None), (2, None))


def test_a_stated_observed_generation_is_that_of_a_controller_which_keeps_up() -> None:
    cluster = KubeCluster("c")
    cluster.apply(deployment("status: {observedGeneration: 5}"))

    assert generations(cluster) == (5, 5)


@pytest.mark.parametrize("body", ["spec: {replicas: 2}", "status: {}", "status: {readyReplicas: 1}"])
def test_an_observed_generation_is_never_invented(body: str) -> None:
    cluster = KubeCluster("c")
    cluster.apply(deployment(body))

    assert generations(cluster) == (1, None)


def test_stated_generations_stand_so_a_status_can_be_stale() -> None:
    cluster = KubeCluster("c")
    stale = deployment("status: {observedGeneration: 1}")
    stale["metadata"]["generation"] = 2
    cluster.apply(stale)

    assert generations(cluster) == (2, 1)


def test_applying_again_keeps_identity_and_age(cluster: KubeCluster) -> None:
    before = cluster.get("Deployment", "web", "shop")["metadata"]
    cluster.apply(deployment())
    after = cluster.get("Deployment", "web", "shop")["metadata"]

    assert (after["uid"], after["creationTimestamp"]) == (before["uid"], before["creationTimestamp"])
    assert int(after["resourceVersion"]) > int(before["resourceVersion"])


def test_a_manifest_that_was_given_may_be_changed_afterwards() -> None:
    cluster = KubeCluster("c")
    manifest = deployment()
    cluster.apply(manifest)
    manifest["spec"]["replicas"] = 99

    assert cluster.get("Deployment", "web", "shop")["spec"]["replicas"] == 3


def test_a_namespace_comes_with_its_first_object() -> None:
    cluster = KubeCluster("c")
    cluster.apply(deployment())

    assert cluster.get("Namespace", "shop")["status"]["phase"] == "Active"


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ({"kind": "Wonder", "apiVersion": "v1", "metadata": {"name": "x"}}, "Wonder of v1 is unknown"),
        ({"kind": "Pod", "apiVersion": "v1", "metadata": {}}, "a Pod needs metadata.name"),
        ({"kind": "Pod", "apiVersion": "v1"}, "a Pod needs metadata.name"),
        ({"apiVersion": "v1"}, "apiVersion and kind"),
        ({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}, "$patch": "delete"}, "overlay"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(manifest: dict[str, Any], reason: str) -> None:
    with pytest.raises(ManifestError, match=reason):
        KubeCluster("c").apply(manifest)


@pytest.mark.parametrize("text", ["a: [", "- 1", "just words", "kind: Pod"])
def test_yaml_that_holds_no_manifests_is_refused(text: str) -> None:
    with pytest.raises(ManifestError):
        load_manifests(text)


def test_lists_and_folders_of_manifests_are_taken_apart(tmp_path: Path) -> None:
    item = "{apiVersion: v1, kind: Namespace, metadata: {name: a}}"
    (tmp_path / "1.yaml").write_text(f"apiVersion: v1\nkind: List\nitems: [{item}]\n---\n---\n{WEB}")
    (tmp_path / "2.txt").write_text("not read")

    assert [manifest["kind"] for manifest in load_manifests(tmp_path)] == ["Namespace", "Deployment"]


def test_unquoted_times_of_yaml_become_text() -> None:
    [manifest] = load_manifests("apiVersion: v1\nkind: Event\nfirstTimestamp: 2026-01-02T03:04:05Z")

    assert clean_copy(manifest)["firstTimestamp"] == "2026-01-02T03:04:05Z"


def test_deleting_removes_and_a_second_time_is_an_error(cluster: KubeCluster) -> None:
    cluster.delete("Pod", "db-0", "shop")

    with pytest.raises(KeyError):
        cluster.get("Pod", "db-0", "shop")
    with pytest.raises(KeyError):
        cluster.delete("Pod", "db-0", "shop")


def test_replacing_all_leaves_only_what_is_given(cluster: KubeCluster) -> None:
    cluster.replace_all([deployment()])

    assert [item["metadata"]["name"] for item in cluster.all_of("Deployment")] == ["web"]
    assert cluster.all_of("Node") == []
    assert cluster.get("Namespace", "kube-system")


def sick(body: str) -> dict[str, Any]:
    return load_manifests(WEB + body)[0]


def test_an_overlay_makes_sick_and_taking_it_off_heals(cluster: KubeCluster) -> None:
    healthy = cluster.get("Deployment", "web", "shop")
    cluster.set_overlay("sick", [sick("status: {readyReplicas: 1, conditions: [{type: Available, status: 'False'}]}")])

    found = cluster.get("Deployment", "web", "shop")

    assert found["status"]["readyReplicas"] == 1
    assert found["spec"] == healthy["spec"]
    assert (condition(found, "Available") or {})["status"] == "False"
    assert (condition(found, "Progressing") or {})["status"] == "True"

    cluster.clear_overlay("sick")
    healed = cluster.get("Deployment", "web", "shop")

    assert {**healed, "metadata": None} == {**healthy, "metadata": None}


def test_an_overlay_can_add_and_hide_objects(cluster: KubeCluster) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stray", "namespace": "shop"}}
    hidden = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0", "namespace": "shop"}, "$patch": "delete"}
    before = len(cluster.all_of("Pod"))
    cluster.set_overlay("o", [pod, hidden])

    assert cluster.get("Pod", "stray", "shop")
    assert len(cluster.all_of("Pod")) == before

    cluster.clear_overlay("o")

    assert cluster.get("Pod", "db-0", "shop")
    assert len(cluster.all_of("Pod")) == before


def test_an_upgrade_under_an_overlay_is_there_when_the_overlay_is_gone(cluster: KubeCluster) -> None:
    name = cluster.all_of("Node")[0]["metadata"]["name"]
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"unschedulable": True}}
    cluster.set_overlay("cordoned", [node])
    cluster.upgrade("1.35.0")

    covered = cluster.get("Node", name)
    cluster.clear_overlay("cordoned")
    free = cluster.get("Node", name)

    assert covered["spec"]["unschedulable"] is True
    assert covered["status"]["nodeInfo"]["kubeletVersion"] == "v1.35.0"
    assert free["status"]["nodeInfo"]["kubeletVersion"] == "v1.35.0"
    assert "unschedulable" not in free["spec"]


def versions(cluster: KubeCluster) -> tuple[set[str], set[str]]:
    nodes = cluster.all_of("Node")
    images = {node["metadata"]["labels"]["kubernetes.azure.com/node-image-version"] for node in nodes}
    return {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes}, images


def test_a_full_upgrade_changes_server_kubelets_and_image(cluster: KubeCluster) -> None:
    cluster.upgrade("v1.35.1", "AKSUbuntu-2")

    assert cluster.version == "v1.35.1"
    assert versions(cluster) == ({"v1.35.1"}, {"AKSUbuntu-2"})


def test_a_control_plane_upgrade_leaves_the_nodes(cluster: KubeCluster) -> None:
    before = versions(cluster)
    cluster.upgrade("v1.35.1", nodes=False)

    assert cluster.version == "v1.35.1"
    assert versions(cluster) == before


def test_a_node_image_upgrade_leaves_the_versions(cluster: KubeCluster) -> None:
    kubelets, _ = versions(cluster)
    cluster.upgrade(node_image="AKSUbuntu-2")

    assert cluster.version == "v1.34.2"
    assert versions(cluster) == (kubelets, {"AKSUbuntu-2"})


def renewed(cluster: KubeCluster, node: str) -> str:
    path = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}"
    body = orjson.loads(answer(cluster, Request("GET", path, {}, authorization="Bearer t")).body)
    return str(body["spec"]["renewTime"])


def test_leases_follow_the_clock_until_the_kubelet_dies(now: datetime) -> None:
    clock = [now]
    cluster = aks_cluster("c", pools={"user": (2, "user")}, clock=lambda: clock[0])
    dead, alive = (node["metadata"]["name"] for node in cluster.all_of("Node"))
    stop_kubelet(cluster, dead)
    clock[0] += timedelta(minutes=5, seconds=3)

    assert renewed(cluster, dead) == "2026-03-02T12:00:00.000000Z"
    assert renewed(cluster, alive) == "2026-03-02T12:05:00.000000Z"

    start_kubelet(cluster, dead)

    assert renewed(cluster, dead) == "2026-03-02T12:05:00.000000Z"
