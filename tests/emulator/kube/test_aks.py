"""The generated AKS cluster is healthy by the rules that checks go by."""

from __future__ import annotations

import pytest

from gatekeeper.emulator.kube import KubeCluster, Pool, aks_cluster


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_every_workload_is_rolled_out(cluster: KubeCluster, kind: str) -> None:
    for item in cluster.all_of(kind):
        status, wanted = item["status"], item["spec"].get("replicas", item["status"].get("desiredNumberScheduled"))

        assert status["observedGeneration"] == item["metadata"]["generation"]
        assert {value for name, value in status.items() if name.endswith(("eplicas", "Available", "Ready"))} == {wanted}


def test_every_pod_runs_on_a_node_of_the_cluster_and_has_an_owner(cluster: KubeCluster) -> None:
    nodes = {node["metadata"]["name"] for node in cluster.all_of("Node")}
    kinds = ("ReplicaSet", "StatefulSet", "DaemonSet")
    owners = {item["metadata"]["uid"] for kind in kinds for item in cluster.all_of(kind)}
    pods = cluster.all_of("Pod")

    assert {pod["spec"]["nodeName"] for pod in pods} <= nodes
    assert {pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods} <= owners
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}


def test_every_node_is_ready_and_without_problems(cluster: KubeCluster) -> None:
    for node in cluster.all_of("Node"):
        conditions = {entry["type"]: entry["status"] for entry in node["status"]["conditions"]}

        assert conditions.pop("Ready") == "True"
        assert set(conditions.values()) == {"False"}
        assert {"MemoryPressure", "KubeletProblem", "VMEventScheduled"} <= set(conditions)


def test_budgets_allow_a_disruption(cluster: KubeCluster) -> None:
    assert {budget["status"]["disruptionsAllowed"] for budget in cluster.all_of("PodDisruptionBudget")} == {1}


def test_pools_and_extra_pods_are_as_asked() -> None:
    cluster = aks_cluster("big", pools={"sys": Pool(2, "system"), "work": (20, "user")}, extra_pods=120)
    labels = [node["metadata"]["labels"] for node in cluster.all_of("Node")]

    assert [label["kubernetes.azure.com/agentpool"] for label in labels].count("work") == 20
    assert [label["kubernetes.azure.com/mode"] for label in labels].count("system") == 2
    assert len([pod for pod in cluster.all_of("Pod") if pod["metadata"]["namespace"] == "load"]) == 120


def test_the_pods_of_aks_itself_are_critical_and_labelled_as_there(cluster: KubeCluster) -> None:
    pods = [pod for pod in cluster.all_of("Pod") if pod["metadata"]["namespace"] == "kube-system"]
    dns = [pod for pod in pods if pod["metadata"]["labels"].get("k8s-app") == "kube-dns"]

    assert {pod["spec"]["priorityClassName"] for pod in pods} == {"system-node-critical"}
    assert len(dns) == 2
