"""Healthy workloads in the state that their controllers would report, with their pods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import NAMESPACE_URL, uuid5

from gatekeeper.emulator.kube.manifests import Manifest, rfc3339


@dataclass(frozen=True, slots=True)
class Workload:
    """What runs: a Deployment, StatefulSet or DaemonSet with its pods on these nodes, ready since a time."""

    kind: str
    namespace: str
    name: str
    nodes: tuple[str, ...]
    since: datetime
    image: str = "contoso.azurecr.io/shop/web:1.4.2"
    label: str = ""
    """``key=value`` of its pods, if not ``app`` with its name."""

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the pods and of the selector."""
        key, _, value = (self.label or f"app={self.name}").partition("=")
        return {key: value}


def manifests(workload: Workload) -> Iterator[Manifest]:
    """Yield the workload, the ReplicaSet of a Deployment, and the pods: one for each of its nodes."""
    digest = _hash(f"{workload.namespace}/{workload.name}/{workload.image}", 10)
    yield _controller(workload, digest)
    owner = _owner(workload, workload.kind, workload.name)
    if workload.kind == "Deployment":
        replica_set = f"{workload.name}-{digest}"
        yield _replica_set(workload, replica_set, owner)
        owner = _owner(workload, "ReplicaSet", replica_set)
    for index, node in enumerate(workload.nodes):
        yield pod(workload, _pod_name(workload, digest, index), node, owner)


def _pod_name(workload: Workload, digest: str, index: int) -> str:
    if workload.kind == "StatefulSet":
        return f"{workload.name}-{index}"
    suffix = _hash(f"{workload.namespace}/{workload.name}/{index}", 5)
    return f"{workload.name}-{digest}-{suffix}" if workload.kind == "Deployment" else f"{workload.name}-{suffix}"


def _hash(text: str, length: int) -> str:
    return sha256(text.encode()).hexdigest()[:length]


def _uid(namespace: str, kind: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{namespace}/{kind}/{name}"))


def _owner(workload: Workload, kind: str, name: str) -> Manifest:
    uid = _uid(workload.namespace, kind, name)
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": True}


def _metadata(workload: Workload, kind: str, name: str, owner: Manifest | None = None) -> Manifest:
    metadata = {
        "name": name,
        "namespace": workload.namespace,
        "uid": _uid(workload.namespace, kind, name),
        "labels": workload.labels,
        "creationTimestamp": rfc3339(workload.since),
    }
    return metadata if owner is None else {**metadata, "ownerReferences": [owner]}


def _spec(workload: Workload) -> Manifest:
    container = {"name": workload.name, "image": workload.image, "resources": {"requests": {"cpu": "100m"}}}
    template = {"metadata": {"labels": workload.labels}, "spec": {"containers": [container]}}
    return {"selector": {"matchLabels": workload.labels}, "template": template}


def _controller(workload: Workload, digest: str) -> Manifest:
    count, spec = len(workload.nodes), _spec(workload)
    status: Manifest
    if workload.kind == "DaemonSet":
        names = ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled")
        status = dict.fromkeys((*names, "numberReady", "numberAvailable"), count) | {"numberMisscheduled": 0}
        spec |= {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}}
    else:
        spec |= {"replicas": count}
        status = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count)
    if workload.kind == "StatefulSet":
        revision = f"{workload.name}-{digest}"
        spec |= {"serviceName": workload.name, "updateStrategy": {"type": "RollingUpdate"}}
        status |= {"currentReplicas": count, "currentRevision": revision, "updateRevision": revision}
    if workload.kind == "Deployment":
        status |= {"conditions": _deployment_conditions(rfc3339(workload.since))}
    status |= {"observedGeneration": 1}
    metadata = _metadata(workload, workload.kind, workload.name)
    return {"kind": workload.kind, "apiVersion": "apps/v1", "metadata": metadata, "spec": spec, "status": status}


def _deployment_conditions(since: str) -> list[Manifest]:
    times = {"lastUpdateTime": since, "lastTransitionTime": since}
    return [
        {"type": "Available", "status": "True", **times, "reason": "MinimumReplicasAvailable"},
        {"type": "Progressing", "status": "True", **times, "reason": "NewReplicaSetAvailable"},
    ]


def _replica_set(workload: Workload, name: str, owner: Manifest) -> Manifest:
    count = len(workload.nodes)
    return {
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": _metadata(workload, "ReplicaSet", name, owner),
        "spec": {**_spec(workload), "replicas": count},
        "status": {
            "observedGeneration": 1,
            **dict.fromkeys(("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"), count),
        },
    }


def pod(workload: Workload, name: str, node: str, owner: Manifest) -> Manifest:
    """Return one running, ready pod."""
    since = rfc3339(workload.since)
    kinds = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    state = {"running": {"startedAt": since}}
    container = {
        "name": workload.name,
        "state": state,
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "image": workload.image,
        "imageID": f"{workload.image.rpartition(':')[0]}@sha256:{_hash(workload.image, 64)}",
        "started": True,
    }
    address = int(_hash(f"{workload.namespace}/{name}", 4), 16)
    ip = f"10.244.{address >> 8}.{address & 255}"
    spec = _spec(workload)["template"]["spec"]
    spec |= {"priorityClassName": "system-node-critical"} if workload.namespace == "kube-system" else {}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": _metadata(workload, "Pod", name, owner),
        "spec": {
            **spec,
            "nodeName": node,
            "restartPolicy": "Always",
            "schedulerName": "default-scheduler",
            "serviceAccountName": "default",
            "terminationGracePeriodSeconds": 30,
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": kind, "status": "True", "lastTransitionTime": since} for kind in kinds],
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "startTime": since,
            "containerStatuses": [container],
            "qosClass": "Burstable",
        },
    }
