"""The nodes of an AKS cluster, with the labels and conditions that AKS gives them, and their Leases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from gatekeeper.emulator.kube.manifests import Manifest, rfc3339

NODE_IMAGE = "AKSUbuntu-2204gen2containerd-202511.01.0"

# The kubelet's conditions and those of AKS's node-problem-detector; all of them are bad when True.
_PROBLEMS = (
    ("MemoryPressure", "KubeletHasSufficientMemory"),
    ("DiskPressure", "KubeletHasNoDiskPressure"),
    ("PIDPressure", "KubeletHasSufficientPID"),
    ("NetworkUnavailable", "RouteCreated"),
    ("KubeletProblem", "KubeletIsUp"),
    ("ContainerRuntimeProblem", "ContainerRuntimeIsUp"),
    ("FilesystemCorruptionProblem", "FilesystemIsOK"),
    ("ReadonlyFilesystem", "FilesystemIsNotReadOnly"),
    ("KernelDeadlock", "KernelHasNoDeadlock"),
    ("FrequentKubeletRestart", "NoFrequentKubeletRestart"),
    ("FrequentContainerdRestart", "NoFrequentContainerdRestart"),
    ("FrequentDockerRestart", "NoFrequentDockerRestart"),
    ("FrequentUnregisterNetDevice", "NoFrequentUnregisterNetDevice"),
    ("VMEventScheduled", "NoVMEventScheduled"),
)


@dataclass(frozen=True, slots=True)
class Pool:
    """A node pool: how many nodes, and ``system`` or ``user``."""

    count: int = 3
    mode: str = "user"


def node_names(pools: dict[str, Pool]) -> dict[str, list[str]]:
    """Return the node names of each pool, as the scale sets of AKS name them."""
    return {
        pool: [f"aks-{pool}-{30_000_000 + index}-vmss{number:06x}" for number in range(size.count)]
        for index, (pool, size) in enumerate(pools.items())
    }


def node(name: str, pool: str, mode: str, about: tuple[str, str], index: int, since: datetime) -> Manifest:
    """Return a healthy node; ``about`` is (Kubernetes version, node image)."""
    version, image = about
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "labels": _labels(name, pool, mode, image, index),
            "creationTimestamp": rfc3339(since),
        },
        "spec": {"providerID": f"azure:///subscriptions/0/virtualMachineScaleSets/aks-{pool}/virtualMachines/{index}"},
        "status": {
            "capacity": {"cpu": "4", "memory": "16393244Ki", "pods": "110"},
            "allocatable": {"cpu": "3860m", "memory": "12899356Ki", "pods": "110"},
            "conditions": _conditions(rfc3339(since)),
            "addresses": [
                {"type": "InternalIP", "address": node_ip(index)},
                {"type": "Hostname", "address": name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": _info(name, version),
        },
    }


def node_ip(index: int) -> str:
    """Return the address of the n-th node of a cluster."""
    return f"10.224.{index // 250}.{index % 250 + 4}"


def _labels(name: str, pool: str, mode: str, image: str, index: int) -> dict[str, str]:
    return {
        "agentpool": pool,
        "beta.kubernetes.io/arch": "amd64",
        "kubernetes.azure.com/agentpool": pool,
        "kubernetes.azure.com/mode": mode,
        "kubernetes.azure.com/node-image-version": image,
        "kubernetes.azure.com/os-sku": "Ubuntu",
        "kubernetes.azure.com/role": "agent",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "Standard_D4s_v5",
        "topology.kubernetes.io/region": "eastus",
        "topology.kubernetes.io/zone": f"eastus-{index % 3 + 1}",
    }


def _conditions(since: str) -> list[Manifest]:
    times = {"lastHeartbeatTime": since, "lastTransitionTime": since}
    found = [{"type": kind, "status": "False", **times, "reason": reason} for kind, reason in _PROBLEMS]
    message = "kubelet is posting ready status"
    return [*found, {"type": "Ready", "status": "True", **times, "reason": "KubeletReady", "message": message}]


def _info(name: str, version: str) -> dict[str, str]:
    machine = str(uuid5(NAMESPACE_URL, name))
    return {
        "machineID": machine.replace("-", ""),
        "systemUUID": machine,
        "bootID": machine,
        "kernelVersion": "5.15.0-1088-azure",
        "osImage": "Ubuntu 22.04.5 LTS",
        "containerRuntimeVersion": "containerd://1.7.28-1",
        "kubeletVersion": version,
        "kubeProxyVersion": version,
        "operatingSystem": "linux",
        "architecture": "amd64",
    }


def lease(node_name: str, renewed: datetime | None = None) -> Manifest:
    """Return a node's Lease; without a time it renews itself, with one the kubelet died then."""
    spec: Manifest = {"holderIdentity": node_name, "leaseDurationSeconds": 40}
    if renewed is not None:
        spec["renewTime"] = rfc3339(renewed).replace("Z", ".000000Z")
    return {
        "kind": "Lease",
        "apiVersion": "coordination.k8s.io/v1",
        "metadata": {"name": node_name, "namespace": "kube-node-lease"},
        "spec": spec,
    }
