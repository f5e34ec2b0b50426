"""A healthy AKS cluster out of thin air: pools of nodes, what AKS runs on them, and a few applications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import cycle, islice

from gatekeeper.emulator.kube.aks_nodes import NODE_IMAGE, Pool, lease, node, node_ip, node_names
from gatekeeper.emulator.kube.aks_workloads import Workload, manifests
from gatekeeper.emulator.kube.cluster import Clock, KubeCluster, utc_now
from gatekeeper.emulator.kube.manifests import Manifest, rfc3339

_AGE = timedelta(days=30)  # how long the cluster has been there
_IMAGES = "contoso.azurecr.io/aks/"
_DAEMON_SETS = (
    "azure-cns",
    "azure-ip-masq-agent",
    "cloud-node-manager",
    "csi-azuredisk-node",
    "csi-azurefile-node",
    "kube-proxy",
)
_DEPLOYMENTS = (("coredns", 2), ("coredns-autoscaler", 1), ("konnectivity-agent", 2), ("metrics-server", 2))
# What AKS labels its own with, where that is not app and the name.
_LABELS = {
    "azure-cns": "k8s-app=azure-cns",
    "azure-ip-masq-agent": "k8s-app=azure-ip-masq-agent",
    "cloud-node-manager": "k8s-app=cloud-node-manager",
    "coredns": "k8s-app=kube-dns",
    "coredns-autoscaler": "k8s-app=coredns-autoscaler",
    "kube-proxy": "component=kube-proxy",
    "metrics-server": "k8s-app=metrics-server",
}
# namespace -> (kind, name, replicas); every one has a Service, an EndpointSlice and, from two replicas on, a budget.
_APPLICATIONS: dict[str, tuple[tuple[str, str, int], ...]] = {
    "shop": (("Deployment", "web", 3), ("Deployment", "cart", 2), ("StatefulSet", "db", 3)),
    "payments": (("Deployment", "api", 3), ("Deployment", "worker", 2)),
    "monitoring": (("Deployment", "grafana", 1), ("StatefulSet", "prometheus", 1)),
}


def aks_cluster(
    name: str,
    version: str = "v1.34.2",
    *,
    pools: Mapping[str, tuple[int, str] | Pool] | None = None,
    node_image: str = NODE_IMAGE,
    extra_pods: int = 0,
    clock: Clock = utc_now,
) -> KubeCluster:
    """Return a healthy cluster with about 30 + 12 objects per node.

    ``pools`` is ``{"system": (3, "system"), "user": (3, "user")}`` by default: nodes and mode of each pool.
    ``extra_pods`` adds Deployments of 50 pods in the namespace ``load`` until there are so many more pods.
    """
    cluster = KubeCluster(name, version, clock)
    sizes = {key: Pool(*size) if isinstance(size, tuple) else size for key, size in (pools or _default()).items()}
    since = clock() - _AGE
    names = node_names(sizes)
    index = 0
    for pool, found in names.items():
        for node_name in found:
            cluster.apply(node(node_name, pool, sizes[pool].mode, (cluster.version, node_image), index, since))
            cluster.apply(lease(node_name))
            index += 1
    everywhere = tuple(node_name for found in names.values() for node_name in found)
    users = tuple(n for pool, found in names.items() if sizes[pool].mode == "user" for n in found) or everywhere
    for workload in (*_system(everywhere, since), *_load(users, extra_pods, since)):
        cluster.apply_all(manifests(workload))
    for workload in _applications(users, since):
        cluster.apply_all(manifests(workload))
        cluster.apply_all(_around(workload, everywhere))
    cluster.apply(_metrics_api())
    return cluster


def stop_kubelet(cluster: KubeCluster, node_name: str) -> None:
    """Let a node's kubelet die: its Lease is renewed no more, while the node keeps its last words (Ready)."""
    cluster.apply(lease(node_name, cluster.clock()))


def start_kubelet(cluster: KubeCluster, node_name: str) -> None:
    """Bring a kubelet back: its Lease renews itself again."""
    cluster.apply(lease(node_name))


def _default() -> dict[str, Pool]:
    return {"system": Pool(3, "system"), "user": Pool(3, "user")}


def _spread(nodes: tuple[str, ...], count: int, start: int = 0) -> tuple[str, ...]:
    return tuple(islice(cycle(nodes), start % len(nodes), start % len(nodes) + count))


def _system(nodes: tuple[str, ...], since: datetime) -> Iterator[Workload]:
    for name in _DAEMON_SETS:
        image = f"{_IMAGES}kubernetes/{name}:v1.34.2"
        yield Workload("DaemonSet", "kube-system", name, nodes, since, image, _LABELS.get(name, ""))
    for name, count in _DEPLOYMENTS:
        on, image = _spread(nodes, count), f"{_IMAGES}{name}:v1.12.1"
        yield Workload("Deployment", "kube-system", name, on, since, image, _LABELS.get(name, ""))


def _applications(nodes: tuple[str, ...], since: datetime) -> Iterator[Workload]:
    for namespace, workloads in _APPLICATIONS.items():
        for kind, name, count in workloads:
            yield Workload(kind, namespace, name, _spread(nodes, count), since)


def _load(nodes: tuple[str, ...], pods: int, since: datetime) -> Iterator[Workload]:
    for start in range(0, pods, 50):
        count = min(50, pods - start)
        yield Workload("Deployment", "load", f"load-{start // 50:04}", _spread(nodes, count, start), since)


def _around(workload: Workload, nodes: tuple[str, ...]) -> Iterator[Manifest]:
    """Yield the Service, the EndpointSlice and the PodDisruptionBudget of an application."""
    metadata = {"name": workload.name, "namespace": workload.namespace, "labels": workload.labels}
    number = int.from_bytes(f"{workload.namespace}/{workload.name}".encode()) % 250 + 2
    ip = f"10.0.1.{number}"
    port = {"name": "http", "protocol": "TCP", "port": 80}
    spec = {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "selector": workload.labels}
    yield {"kind": "Service", "apiVersion": "v1", "metadata": metadata, "spec": {**spec, "ports": [port]}, "status": {}}
    yield {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {**metadata, "labels": {"kubernetes.io/service-name": workload.name}},
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": [node_ip(nodes.index(n))], "conditions": {"ready": True}, "nodeName": n}
            for n in workload.nodes
        ],
        "ports": [port],
    }
    count = len(workload.nodes)
    if count > 1:
        yield _budget(metadata, workload, count)


def _budget(metadata: Manifest, workload: Workload, count: int) -> Manifest:
    return {
        "kind": "PodDisruptionBudget",
        "apiVersion": "policy/v1",
        "metadata": metadata,
        "spec": {"minAvailable": count - 1, "selector": {"matchLabels": workload.labels}},
        "status": {
            "observedGeneration": 1,
            "disruptionsAllowed": 1,
            "currentHealthy": count,
            "desiredHealthy": count - 1,
            "expectedPods": count,
            "conditions": [
                {
                    "type": "DisruptionAllowed",
                    "status": "True",
                    "reason": "SufficientPods",
                    "message": "",
                    "lastTransitionTime": rfc3339(workload.since),
                }
            ],
        },
    }


def _metrics_api() -> Manifest:
    """Return the APIService of metrics-server; make it unavailable to see 503 at its paths."""
    service = {"namespace": "kube-system", "name": "metrics-server", "port": 443}
    return {
        "kind": "APIService",
        "apiVersion": "apiregistration.k8s.io/v1",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "service": service,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
        "status": {"conditions": [{"type": "Available", "status": "True", "reason": "Passed"}]},
    }
