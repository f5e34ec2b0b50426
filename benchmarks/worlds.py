"""The worlds that are measured: a large cluster with pods as bulky as real ones, idle fleets, and many members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatekeeper.emulator.kube import KubeCluster, Manifest, Pool, aks_cluster
from gatekeeper.emulator.server import Emulator

_FILLER = "0123456789abcdef" * 4
_STAGE = {"name": "all", "groups": [{"name": "all"}], "beforeGates": [{"displayName": "ready?", "type": "Approval"}]}


def large_cluster(name: str, nodes: int, pods: int) -> KubeCluster:
    """A healthy cluster with so many nodes and pods; every pod has two containers and about 10 kB, as on AKS."""
    pools = {"system": Pool(3, "system"), "user": Pool(nodes - 3, "user")}
    bare = aks_cluster(name, pools=pools)
    cluster = aks_cluster(name, pools=pools, extra_pods=max(0, pods - len(bare.all_of("Pod"))))
    for pod in cluster.all_of("Pod"):
        cluster.apply(bulky(pod))
    return cluster


def bulky(pod: Manifest) -> Manifest:
    """The pod with a sidecar and with what AKS and the admission of a real cluster add."""
    first, status = pod["spec"]["containers"][0], pod["status"]["containerStatuses"][0]
    containers = [{**_filled(first), "name": name} for name in (first["name"], "sidecar")]
    statuses = [{**status, "name": each["name"], "containerID": f"containerd://{_FILLER}"} for each in containers]
    kinds = ("not-ready", "unreachable", "memory-pressure")
    tolerations = [{"key": f"node.kubernetes.io/{kind}", "operator": "Exists"} for kind in kinds]
    spec = {**pod["spec"], "containers": containers, "volumes": _volumes(), "tolerations": tolerations}
    # A real server writes managedFields itself; the emulator keeps these.
    metadata = {**pod["metadata"], "annotations": {"contoso.com/hash": _FILLER}, "managedFields": list(_managed())}
    return {**pod, "metadata": metadata, "spec": spec, "status": {**pod["status"], "containerStatuses": statuses}}


def _filled(container: Manifest) -> Manifest:
    mounts = [{"name": each["name"], "mountPath": f"/var/run/{each['name']}", "readOnly": True} for each in _volumes()]
    probe = {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 1}
    return {
        **container,
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}},
        "env": [{"name": f"SETTING_{number}", "value": _FILLER[:32]} for number in range(15)],
        "livenessProbe": probe,
        "readinessProbe": probe,
        "volumeMounts": mounts,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }


def _volumes() -> list[Manifest]:
    return [{"name": f"config-{number}", "configMap": {"name": f"config-{number}"}} for number in range(4)]


def _managed() -> Iterator[Manifest]:
    fields: dict[str, Any] = {f"f:field{number}": {".": {}, "f:value": {}, "f:name": {}} for number in range(55)}
    for manager in ("kube-controller-manager", "kubelet"):
        about = {"apiVersion": "v1", "operation": "Update", "time": "2026-01-01T00:00:00Z"}
        yield {"manager": manager, **about, "fieldsType": "FieldsV1", "fieldsV1": {"f:status": fields}}


def crashing(pod: Manifest) -> Manifest:
    """The pod in CrashLoopBackOff."""
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}
    statuses = [
        {**each, "ready": False, "started": False, "restartCount": 9, "state": {"waiting": waiting}}
        for each in pod["status"]["containerStatuses"]
    ]
    unready = ("Ready", "ContainersReady")
    conditions = [
        {**each, "status": "False", "reason": "ContainersNotReady"} if each["type"] in unready else each
        for each in pod["status"]["conditions"]
    ]
    return {**pod, "status": {**pod["status"], "conditions": conditions, "containerStatuses": statuses}}


def sicken(cluster: KubeCluster, percent: int) -> None:
    """Let every hundredth pod or so crash."""
    for pod in cluster.all_of("Pod")[:: 100 // percent]:
        cluster.apply(crashing(pod))


def fleets(count: int, members: int, *, pending: bool, metrics: int = 0) -> Emulator:
    """Fleets of so many members each; ``pending`` starts a run in each, which waits at its first gate.

    Each API server shows so many MB of ``metrics``, or those that the emulator counts.
    """
    emulator = Emulator(token="benchmark")
    text = _busy(metrics) if metrics else None
    for number in range(count):
        fleet = emulator.arm.put_fleet("00000000-0000-0000-0000-000000000000", "rg", f"fleet-{number}")
        for index in range(members):
            cluster = aks_cluster(f"m{number}-{index}", "v1.33.5", pools={"system": (2, "system"), "user": (3, "user")})
            cluster.metrics = text
            emulator.add_member(fleet, cluster, group="all")
        if pending:
            upgrade = {"type": "Full", "kubernetesVersion": "1.34.2"}
            update = {"upgrade": upgrade, "nodeImageSelection": {"type": "Latest"}}
            fleet.create_run("run", {"strategy": {"stages": [_STAGE]}, "managedClusterUpdate": update})
            fleet.runs.start("run")
    return emulator


def _busy(megabytes: int) -> str:
    """What a busy API server counts: histograms, nearly all of it, that nobody asks for here."""
    labels = 'component="apiserver",group="apps",resource="deployments",scope="namespace",verb="LIST",version="v1"'
    bucket = f'apiserver_request_duration_seconds_bucket{{{labels},le="0.05"}} 12345\n'
    asked = f'process_start_time_seconds 1.7640432e+09\napiserver_request_total{{code="200",{labels}}} 12345\n'
    return asked + bucket * (megabytes * 1_000_000 // len(bucket))
