"""The Status, Ready and Restarts columns of pods, state by state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gatekeeper.emulator.kube.ages import Since
from gatekeeper.emulator.kube.printers import pods

Manifest = dict[str, Any]
ENDED = "2026-03-02T03:00:00Z"  # nine hours before the clock of these tests
RUNNING = {"running": {"startedAt": ENDED}}


def waiting(reason: str) -> Manifest:
    return {"waiting": {"reason": reason}}


def ended(reason: str = "", code: int = 1, signal: int = 0) -> Manifest:
    return {"terminated": {"reason": reason, "exitCode": code, "signal": signal, "finishedAt": ENDED}}


def container(state: Manifest, ready: bool = False, restarts: int = 0, last: Manifest | None = None) -> Manifest:
    return {"name": "c", "state": state, "ready": ready, "restartCount": restarts, "lastState": last or {}}


def pod(*containers: Manifest, phase: str = "Running", **more: Any) -> Manifest:
    conditions = [{"type": kind, "status": status} for kind, status in more.pop("conditions", {}).items()]
    status = {"phase": phase, "containerStatuses": list(containers), "conditions": conditions, **more.pop("status", {})}
    spec = {"containers": [{"name": f"c{n}"} for n in range(max(1, len(containers)))], **more.pop("spec", {})}
    return {"metadata": {"name": "p", "namespace": "shop", **more.pop("metadata", {})}, "spec": spec, "status": status}


def init(*statuses: Manifest, **more: Any) -> Manifest:
    spec = {"initContainers": [{"name": f"i{n}"} for n in range(2)]}
    return pod(
        container(waiting("PodInitializing")),
        phase="Pending",
        spec=spec,
        status={"initContainerStatuses": list(statuses)},
        **more,
    )


DELETED = {"deletionTimestamp": ENDED}
OK = container(RUNNING, ready=True)
DONE = container(ended("Completed", 0))
CASES = {
    "running": (pod(OK), "1/1", "Running", "0"),
    "not ready": (pod(container(RUNNING)), "0/1", "Running", "0"),
    "one of two ready": (pod(OK, container(RUNNING)), "1/2", "Running", "0"),
    "creating": (pod(container(waiting("ContainerCreating")), phase="Pending"), "0/1", "ContainerCreating", "0"),
    "image": (pod(container(waiting("ImagePullBackOff")), phase="Pending"), "0/1", "ImagePullBackOff", "0"),
    "crash loop": (
        pod(container(waiting("CrashLoopBackOff"), restarts=17, last=ended("Error"))),
        "0/1",
        "CrashLoopBackOff",
        "17 (9h ago)",
    ),
    "between back-offs": (
        pod(container(ended("Error"), restarts=9, last=ended("Error"))),
        "0/1",
        "Error",
        "9 (9h ago)",
    ),
    "killed for memory": (pod(container(ended("OOMKilled", 137), restarts=3)), "0/1", "OOMKilled", "3"),
    "restarted and well": (
        pod(container(RUNNING, ready=True, restarts=4, last=ended("OOMKilled"))),
        "1/1",
        "Running",
        "4 (9h ago)",
    ),
    "exit code only": (pod(container(ended("", 7))), "0/1", "ExitCode:7", "0"),
    "signal only": (pod(container(ended("", 0, 9))), "0/1", "Signal:9", "0"),
    "job done": (pod(DONE, phase="Succeeded"), "0/1", "Completed", "0"),
    "job failed": (pod(container(ended("Error", 2)), phase="Failed"), "0/1", "Error", "0"),
    "one done, one runs": (pod(OK, DONE), "1/2", "NotReady", "0"),
    "one done, one runs, ready": (pod(OK, DONE, conditions={"Ready": "True"}), "1/2", "Running", "0"),
    "evicted": (pod(phase="Failed", status={"reason": "Evicted"}), "0/1", "Evicted", "0"),
    "node lost": (pod(OK, status={"reason": "NodeLost"}), "1/1", "NodeLost", "0"),
    "node lost, deleted": (pod(OK, status={"reason": "NodeLost"}, metadata=DELETED), "1/1", "Unknown", "0"),
    "phase unknown": (pod(OK, phase="Unknown"), "1/1", "Unknown", "0"),
    "terminating": (pod(OK, metadata=DELETED), "1/1", "Terminating", "0"),
    "done and deleted": (pod(DONE, phase="Succeeded", metadata=DELETED), "0/1", "Completed", "0"),
    "unschedulable": (pod(phase="Pending"), "0/1", "Pending", "0"),
    "gated": (
        pod(
            phase="Pending",
            status={"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]},
        ),
        "0/1",
        "SchedulingGated",
        "0",
    ),
    "init running": (init(DONE, container(RUNNING)), "0/1", "Init:1/2", "0"),
    "init crash loop": (
        init(container(waiting("CrashLoopBackOff"), restarts=6, last=ended("Error"))),
        "0/1",
        "Init:CrashLoopBackOff",
        "6 (9h ago)",
    ),
    "init failed": (init(container(ended("Error"))), "0/1", "Init:Error", "0"),
    "init exit code": (init(container(ended("", 3))), "0/1", "Init:ExitCode:3", "0"),
    "init signal": (init(container(ended("", 1, 15))), "0/1", "Init:Signal:15", "0"),
    "initializing": (init(DONE, DONE), "0/1", "PodInitializing", "0"),
}


@pytest.mark.parametrize(("manifest", "ready", "status", "restarts"), CASES.values(), ids=CASES.keys())
def test_a_pod_reads_as_kubectl_prints_it(
    manifest: Manifest, ready: str, status: str, restarts: str, now: datetime
) -> None:
    cells = [cell.text(now) if isinstance(cell, Since) else cell for cell in pods.cells(manifest)]

    assert cells[1:4] == [ready, status, restarts]


def test_a_started_sidecar_counts_among_the_containers() -> None:
    sidecar = {**container(RUNNING, ready=True, restarts=2), "name": "proxy", "started": True}
    spec = {"initContainers": [{"name": "proxy", "restartPolicy": "Always"}]}
    manifest = pod(OK, spec=spec, status={"initContainerStatuses": [sidecar]})

    assert pods.cells(manifest)[1:4] == ["2/2", "Running", "2"]


def test_restarts_of_finished_init_containers_no_longer_count() -> None:
    manifest = pod(
        OK,
        spec={"initContainers": [{"name": "i0"}]},
        status={"initContainerStatuses": [container(ended("Completed", 0), restarts=5)]},
    )

    assert pods.cells(manifest)[3] == "0"


def test_an_unmet_readiness_gate_shows_in_its_own_column_only() -> None:
    manifest = pod(
        OK, spec={"readinessGates": [{"conditionType": "example.com/a"}, {"conditionType": "example.com/b"}]}
    )
    manifest["status"]["conditions"].append({"type": "example.com/a", "status": "True"})

    cells = pods.cells(manifest)

    assert cells[2] == "Running"
    assert cells[8] == "1/2"


def test_only_a_finished_pod_has_row_conditions() -> None:
    assert pods.row_conditions(pod(OK)) == []
    assert [c["reason"] for c in pods.row_conditions(pod(DONE, phase="Succeeded"))] == ["Succeeded"]
