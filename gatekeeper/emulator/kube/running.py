"""Runs the Jobs of a cluster: no time passes but the cluster's own, and nothing happens but when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from gatekeeper.emulator.kube.cluster import KubeCluster
from gatekeeper.emulator.kube.jobs import Course, Run
from gatekeeper.emulator.kube.manifests import Manifest, at, rfc3339

_PULL = "Back-off pulling image"
_FULL = "0/3 nodes are available: 3 Insufficient cpu."


def start(cluster: KubeCluster, job: Manifest, course: Course) -> None:
    """Create a Job with its pod."""
    namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
    now = cluster.clock()
    labels = {"batch.kubernetes.io/job-name": name, "job-name": name}
    template = job["spec"]["template"]
    job["spec"]["selector"] = {"matchLabels": {"batch.kubernetes.io/job-name": name}}
    job["status"] = {"active": 1, "ready": 0, "startTime": rfc3339(now)}
    cluster.apply(job)
    pod = f"{name}-{sha256(name.encode()).hexdigest()[:5]}"
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "controller": True}
    metadata = {
        "name": pod,
        "namespace": namespace,
        "labels": {**(at(template, "metadata", "labels") or {}), **labels},
        "ownerReferences": [{**owner, "uid": cluster.get("Job", name, namespace)["metadata"]["uid"]}],
    }
    spec = template["spec"]
    cluster.apply(
        {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": _waits(spec, course)}
    )
    cluster.jobs.runs[f"{namespace}/{name}"] = Run(course, now, pod)
    cluster.jobs.logs[f"{namespace}/{pod}"] = course.log
    settle(cluster)


def settle(cluster: KubeCluster) -> None:
    """Bring all Jobs to where they are by now."""
    for key, run in list(cluster.jobs.runs.items()):
        stored = cluster.collection(cluster.catalogue.of("Job")).get(key)
        if stored is None:
            del cluster.jobs.runs[key]
        elif run.ended is None:
            _go_on(cluster, key, run, stored.manifest()["spec"])
        else:
            _expire(cluster, key, run.ended, stored.manifest()["spec"])


def remove(cluster: KubeCluster, key: str, *, pods: bool) -> None:
    """Delete a Job; its pods too, or leave them behind."""
    namespace, _, name = key.partition("/")
    run = cluster.jobs.runs.pop(key, None)
    cluster.delete("Job", name, namespace)
    if pods and run is not None:
        _remove_pod(cluster, namespace, run.pod)


def _remove_pod(cluster: KubeCluster, namespace: str, pod: str) -> None:
    if cluster.collection(cluster.catalogue.of("Pod")).get(f"{namespace}/{pod}") is not None:
        cluster.delete("Pod", pod, namespace)
    cluster.jobs.logs.pop(f"{namespace}/{pod}", None)


def _go_on(cluster: KubeCluster, key: str, run: Run, spec: Mapping[str, Any]) -> None:
    age = cluster.clock() - run.started
    limit = spec.get("activeDeadlineSeconds")
    late = limit is not None and age >= timedelta(seconds=limit)
    ends = run.course.outcome in ("complete", "fail") and age >= run.course.after
    if not ends and not late:
        return
    namespace, _, name = key.partition("/")
    run.ended = cluster.clock()
    well = ends and run.course.outcome == "complete"
    cluster.patch("Job", name, {"status": _job_status(run.ended, well=well, late=not ends)}, namespace)
    if ends:
        cluster.patch("Pod", run.pod, {"status": _ended(spec["template"]["spec"], run.ended, well=well)}, namespace)
    else:
        _remove_pod(cluster, namespace, run.pod)  # the Job controller deletes the pods that are still active


def _expire(cluster: KubeCluster, key: str, ended: datetime, spec: Mapping[str, Any]) -> None:
    ttl = spec.get("ttlSecondsAfterFinished")
    if ttl is not None and cluster.clock() >= ended + timedelta(seconds=ttl):
        remove(cluster, key, pods=True)


def _job_status(now: datetime, *, well: bool, late: bool) -> Manifest:
    moment = rfc3339(now)
    if well:
        ended = {"type": "Complete", "reason": "CompletionsReached"}
        counts: Manifest = {"succeeded": 1, "completionTime": moment}
    else:
        reason = "DeadlineExceeded" if late else "BackoffLimitExceeded"
        words = "was active longer than specified deadline" if late else "has reached the specified backoff limit"
        ended = {"type": "Failed", "reason": reason, "message": f"Job {words}"}
        counts = {"failed": 1}
    return {**counts, "active": None, "conditions": [{**ended, "status": "True", "lastTransitionTime": moment}]}


def _containers(spec: Mapping[str, Any], state: Manifest) -> list[Manifest]:
    return [
        {"name": each["name"], "image": each["image"], "ready": "running" in state, "restartCount": 0, "state": state}
        for each in spec["containers"]
    ]


def _waits(spec: Mapping[str, Any], course: Course) -> Manifest:
    if course.outcome == "unscheduled":
        waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": _FULL}
        return {"phase": "Pending", "conditions": [waits]}
    if course.outcome != "stuck":
        return {"phase": "Running", "containerStatuses": _containers(spec, {"running": {}})}
    message = f'{_PULL} "{spec["containers"][0]["image"]}"'
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    return {"phase": "Pending", "containerStatuses": _containers(spec, waiting)}


def _ended(spec: Mapping[str, Any], now: datetime, *, well: bool) -> Manifest:
    state = {"exitCode": 0 if well else 1, "reason": "Completed" if well else "Error", "finishedAt": rfc3339(now)}
    return {"phase": "Succeeded" if well else "Failed", "containerStatuses": _containers(spec, {"terminated": state})}
