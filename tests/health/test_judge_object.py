"""The health of objects: manifest -> status and message, without any server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.cluster import Resource
from gatekeeper.errors import BadAnswer
from gatekeeper.kit.health import Health, Status, judge_object

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
WIDGETS = Resource("example.com", "v1", "widgets")


def condition(kind: str, status: str = "True", **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, **more}


def thing(
    kind: str, spec: Any = None, status: Any = None, *conditions: dict[str, Any], **metadata: Any
) -> dict[str, Any]:
    """``apps/v1 Deployment``, of generation 3, which its controller has seen."""
    api_version, _, name = kind.rpartition(" ")
    told = {"observedGeneration": 3, **(status or {})}
    if conditions:
        told["conditions"] = list(conditions)
    about = {"name": "it", "namespace": "shop", "generation": 3, **metadata}
    return {"apiVersion": api_version, "kind": name, "metadata": about, "spec": spec or {}, "status": told}


def widget(*conditions: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return thing("example.com/v1 Widget", {}, {}, *conditions, **metadata)


def assert_health(health: Health, status: str, words: str = "") -> None:
    assert health.status == Status(status), health
    assert words in health.message, health


READY = condition("Ready")


@pytest.mark.parametrize(
    ("manifest", "status", "words"),
    [
        (widget(READY), "Healthy", "Ready is True"),
        (
            widget(condition("Ready", "False", reason="Bad", message="no\nway")),
            "Degraded",
            "Ready is False: Bad no way",
        ),
        (widget(condition("Ready", "Unknown")), "Progressing", "Ready is Unknown"),
        (widget(condition("Ready", "true")), "Progressing", "Ready is Unknown"),
        (widget(READY, condition("Ready", "False")), "Progressing", "Ready is Unknown"),
        (widget(condition("Available")), "Healthy", "Available"),
        (widget(condition("Healthy")), "Healthy", "Healthy"),
        (widget(READY, condition("Available", "False")), "Degraded", "Available is False"),
        (widget(READY, condition("Degraded")), "Degraded", "Degraded is True"),
        (widget(READY, condition("Degraded", "False")), "Healthy", ""),
        (widget(READY, condition("Stalled")), "Degraded", "Stalled"),
        (widget(READY, condition("Reconciling")), "Progressing", "Reconciling"),
        (widget(READY, condition("Reconciling", "False"), condition("Stalled", "False")), "Healthy", ""),
        (widget(READY, condition("Stalled", "Unknown")), "Unknown", "Stalled"),
        (widget(condition("Synced")), "Unknown", "no condition Ready"),
        (widget(), "Unknown", "does not say how it is"),
        (widget(condition("Ready", observedGeneration=2)), "Progressing", "Ready is Stale"),
        (widget(condition("Ready", observedGeneration=3)), "Healthy", ""),
        (widget(condition("Ready", observedGeneration=0)), "Healthy", ""),
        (widget(READY, deletionTimestamp="2026-11-23T09:00:00Z", finalizers=["a/b"]), "Progressing", "waits for a/b"),
        (widget(READY, generation=4), "Progressing", "stale status (generation 4, observed 3)"),
        (thing("example.com/v1 Widget", {}, {"observedGeneration": "3"}, READY), "Healthy", ""),
        (thing("example.com/v1 Widget", {}, {"observedGeneration": None}, READY), "Healthy", ""),
        (thing("example.com/v1 Widget", {}, {"observedGeneration": True}, READY), "Progressing", "stale"),
        (widget(READY, generation=None), "Healthy", ""),
        ({}, "Unknown", ""),
    ],
)
def test_any_object_is_judged_in_the_order_of_kstatus(manifest: Any, status: str, words: str) -> None:
    assert_health(judge_object(manifest), status, words)


def deployment(wanted: int | None = 3, spec: Any = None, progressing: Any = None, **status: Any) -> dict[str, Any]:
    count = 1 if wanted is None else wanted
    counts = {"replicas": count, "updatedReplicas": count, "readyReplicas": count, "availableReplicas": count, **status}
    told = progressing or condition("Progressing", reason="NewReplicaSetAvailable")
    spec = {**({} if wanted is None else {"replicas": wanted}), **(spec or {})}
    available = condition("Available", counts.pop("available", "True"))
    return thing("apps/v1 Deployment", spec, counts, told, available)


def stateful_set(wanted: int = 3, update: Any = None, revisions: str = "1 1", **status: Any) -> dict[str, Any]:
    counts = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "currentReplicas"), wanted)
    current, new = revisions.split()
    told = {**counts, "currentRevision": current, "updateRevision": new, **status}
    return thing("apps/v1 StatefulSet", {"replicas": wanted, "updateStrategy": update or {}}, told)


def daemon_set(wanted: int | None = 4, update: str = "RollingUpdate", **status: Any) -> dict[str, Any]:
    names = ("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
    told = {"desiredNumberScheduled": wanted, **dict.fromkeys(names, wanted), **status}
    return thing("apps/v1 DaemonSet", {"updateStrategy": {"type": update}}, told)


def replica_set(*conditions: Any, **status: Any) -> dict[str, Any]:
    names = ("replicas", "fullyLabeledReplicas", "availableReplicas", "readyReplicas")
    return thing("apps/v1 ReplicaSet", {"replicas": 2}, {**dict.fromkeys(names, 2), **status}, *conditions)


MOVING = condition("Progressing", reason="ReplicaSetUpdated")
PAUSED = condition("Progressing", "Unknown", reason="DeploymentPaused")
LATE = condition("Progressing", "False", reason="ProgressDeadlineExceeded")


@pytest.mark.parametrize(
    ("manifest", "status", "words"),
    [
        (deployment(), "Healthy", "all 3"),
        (deployment(None), "Healthy", "all 1"),
        (deployment(0), "Healthy", "wants no replicas"),
        (deployment(progressing=LATE, updatedReplicas=1), "Degraded", "in time: 1 of 3 updated"),
        (deployment(spec={"paused": True}), "Suspended", "paused"),
        (deployment(spec={"paused": True}, progressing=PAUSED), "Suspended", "paused"),
        (
            deployment(spec={"paused": True}, updatedReplicas=1),
            "Progressing",
            "1 of 3 updated, 3 replicas, and it is p",
        ),
        (deployment(spec={"paused": True}, readyReplicas=0), "Degraded", "0 of 3 ready, and it is paused"),
        (deployment(spec={"paused": True}, available="False"), "Degraded", "Available is False, and it is paused"),
        (deployment(replicas=2, updatedReplicas=2), "Progressing", "2 of 3 updated, 2 replicas"),
        (deployment(progressing=MOVING, updatedReplicas=2), "Progressing", "2 of 3 updated"),
        (deployment(replicas=4), "Progressing", "4 replicas"),
        (deployment(progressing=MOVING, availableReplicas=2), "Progressing", "2 of 3 available"),
        (deployment(readyReplicas=2), "Degraded", "2 of 3 ready"),
        (deployment(available="False"), "Degraded", "Available is False"),
        (deployment(available="Unknown"), "Progressing", "Available is Unknown"),
        (deployment(progressing=condition("Progressing", "False", reason="Other")), "Progressing", "Other"),
        (deployment(observedGeneration=None), "Progressing", "stale"),
        (stateful_set(), "Healthy", "all 3"),
        (stateful_set(0, revisions="1 2"), "Healthy", "wants no replicas"),
        (stateful_set(readyReplicas=2), "Progressing", "2 of 3 ready"),
        (stateful_set(replicas=4), "Progressing", "4 of 3 replicas"),
        (stateful_set(replicas=2), "Progressing", "2 of 3 replicas"),
        (stateful_set(availableReplicas=2), "Progressing", "2 of 3 available"),
        (stateful_set(availableReplicas=0), "Progressing", "0 of 3 available"),
        (stateful_set(availableReplicas=3), "Healthy", "all 3"),
        (stateful_set(currentReplicas=2), "Progressing", "2 of 3 at its current revision"),
        (stateful_set(revisions="1 2", updatedReplicas=1), "Progressing", "1 of 3 updated"),
        (stateful_set(3, {"rollingUpdate": {"partition": 1}}, "1 2", updatedReplicas=2), "Healthy", ""),
        (stateful_set(3, {"rollingUpdate": {"partition": 1}}, "1 2", updatedReplicas=1), "Progressing", "1 of 2"),
        (stateful_set(3, {"type": "OnDelete"}, "1 2", updatedReplicas=1), "Suspended", "2 of 3"),
        (stateful_set(3, {"type": "OnDelete"}, "1 2"), "Healthy", ""),
        (stateful_set(3, {"type": "OnDelete"}, "1 1", updatedReplicas=1), "Suspended", "2 of 3"),
        (stateful_set(3, {"rollingUpdate": {"partition": 1}}, "1 1", updatedReplicas=1), "Progressing", "1 of 2"),
        (daemon_set(), "Healthy", "all 4"),
        (daemon_set(0), "Healthy", "no replicas"),
        (daemon_set(None), "Progressing", "does not say"),
        (daemon_set(updatedNumberScheduled=1), "Progressing", "1 of 4 updated"),
        (daemon_set(4, "OnDelete", updatedNumberScheduled=1), "Healthy", ""),
        (daemon_set(numberReady=3), "Progressing", "3 of 4 ready"),
        (daemon_set(currentNumberScheduled=3), "Progressing", "3 of 4 scheduled"),
        (daemon_set(numberAvailable=3), "Progressing", "3 of 4 available"),
        (replica_set(), "Healthy", ""),
        (replica_set(availableReplicas=1), "Progressing", "1 of 2 available"),
        (replica_set(replicas=3), "Progressing", "3 of 2"),
        (replica_set(condition("ReplicaFailure", message="quota")), "Degraded", "quota"),
    ],
)
def test_workloads_run_what_they_were_told_to(manifest: Any, status: str, words: str) -> None:
    assert_health(judge_object(manifest), status, words)


def pod(phase: str | None = "Running", *conditions: Any, **status: Any) -> dict[str, Any]:
    return thing("v1 Pod", {}, {"phase": phase, **status}, *conditions, creationTimestamp="2026-11-23T09:59:50Z")


def waiting(reason: str) -> list[dict[str, Any]]:
    return [{"name": "web", "state": {"waiting": {"reason": reason}}}]


def ended(code: int) -> list[dict[str, Any]]:
    return [{"name": "web", "state": {"terminated": {"exitCode": code}}}]


RAN = {"lastScheduleTime": "2026-11-23T09:00:00Z", "lastSuccessfulTime": "2026-11-23T09:00:09Z"}
LONG_AGO = {"lastScheduleTime": "2026-11-23T07:00:00Z", "lastSuccessfulTime": "2026-11-23T07:00:09Z"}
UNSCHEDULABLE = condition("PodScheduled", "False", reason="Unschedulable", message="0/3 nodes")


@pytest.mark.parametrize(
    ("manifest", "status", "words"),
    [
        (pod("Running", READY), "Healthy", "ready"),
        (pod("Succeeded"), "Healthy", "succeeded"),
        (pod("Failed", reason="Evicted"), "Degraded", "Evicted"),
        (pod("Running", condition("Ready", "False", reason="ContainersNotReady")), "Progressing", "ContainersNotReady"),
        (pod("Running", READY, containerStatuses=waiting("CrashLoopBackOff")), "Degraded", "CrashLoopBackOff"),
        (pod("Pending", initContainerStatuses=waiting("ErrImagePull")), "Degraded", "ErrImagePull"),
        (pod("Pending", containerStatuses=waiting("ContainerCreating")), "Progressing", "Pending"),
        (pod("Running", READY, containerStatuses=ended(1)), "Degraded", "container web exited with 1"),
        (pod("Running", READY, containerStatuses=ended(0)), "Healthy", "ready"),
        (pod("Pending", UNSCHEDULABLE), "Progressing", "finds no node"),
        (pod("Pending", {**UNSCHEDULABLE, "lastTransitionTime": "2026-11-23T09:59:00Z"}), "Degraded", "0/3 nodes"),
        (pod("Pending", condition("PodScheduled", "False", reason="SchedulingGated")), "Progressing", "Pending"),
        (pod(None), "Progressing", "no kubelet"),
        (pod("Unknown"), "Unknown", "Unknown"),
        (thing("batch/v1 Job", {}, {}, condition("Complete")), "Healthy", "complete"),
        (thing("batch/v1 Job", {}, {}, condition("Failed", reason="BackoffLimitExceeded")), "Degraded", "Backoff"),
        (thing("batch/v1 Job", {}, {"startTime": "2026-11-23T09:00:00Z"}), "Progressing", "not ended"),
        (thing("batch/v1 Job", {"suspend": True}), "Suspended", ""),
        (thing("batch/v1 CronJob"), "Unknown", "never run"),
        (thing("batch/v1 CronJob", {"suspend": True}), "Suspended", ""),
        (thing("batch/v1 CronJob", {"suspend": True}, RAN), "Suspended", ""),
        (thing("batch/v1 CronJob", {"suspend": True}, {**RAN, "lastSuccessfulTime": None}), "Degraded", "09:00:00Z"),
        (thing("batch/v1 CronJob", {"suspend": True}, {"active": [{"name": "a"}]}), "Progressing", "not ended"),
        (thing("batch/v1 CronJob", {"schedule": "@hourly"}, RAN), "Healthy", "succeeded"),
        (thing("batch/v1 CronJob", {"schedule": "0 9 * * *"}, RAN), "Healthy", "succeeded"),
        (thing("batch/v1 CronJob", {"schedule": "0 * * * *"}, LONG_AGO), "Unknown", "has not run since 2026-11-23T07"),
        (thing("batch/v1 CronJob", {"schedule": "0 * * * *", "suspend": True}, LONG_AGO), "Suspended", ""),
        (thing("batch/v1 CronJob", {"schedule": "0 7 * * *"}, LONG_AGO), "Healthy", "succeeded"),
        (thing("batch/v1 CronJob", {"schedule": "odd"}, LONG_AGO), "Healthy", "succeeded"),
        (thing("batch/v1 CronJob", {}, {"active": [{"name": "a"}]}), "Progressing", ""),
        (thing("batch/v1 CronJob", {}, {"lastScheduleTime": "2026-11-23T09:00:00Z"}), "Degraded", "09:00:00Z"),
        (thing("batch/v1 CronJob", {}, RAN), "Healthy", ""),
    ],
)
def test_what_runs_and_ends(manifest: Any, status: str, words: str) -> None:
    assert_health(judge_object(manifest, now=NOW), status, words)


ADDRESS = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}
SCALING = (condition("AbleToScale"), condition("ScalingActive"))


@pytest.mark.parametrize(
    ("manifest", "status", "words"),
    [
        (thing("v1 PersistentVolumeClaim", {}, {"phase": "Bound"}), "Healthy", ""),
        (thing("v1 PersistentVolumeClaim", {}, {"phase": "Lost"}), "Degraded", "lost"),
        (thing("v1 PersistentVolumeClaim", {}, {"phase": "Pending"}), "Progressing", ""),
        (thing("v1 PersistentVolumeClaim", {}, {"phase": "Odd"}), "Unknown", "Odd"),
        (thing("autoscaling/v2 HorizontalPodAutoscaler", {}, {}, *SCALING), "Healthy", ""),
        (
            thing("autoscaling/v2 HorizontalPodAutoscaler", {}, {}, *SCALING, condition("ScalingLimited")),
            "Healthy",
            "",
        ),
        (
            thing("autoscaling/v2 HorizontalPodAutoscaler", {}, {}, SCALING[0], condition("ScalingActive", "False")),
            "Degraded",
            "ScalingActive",
        ),
        (
            thing(
                "autoscaling/v2 HorizontalPodAutoscaler",
                {},
                {},
                SCALING[0],
                condition("ScalingActive", "False", reason="ScalingDisabled"),
            ),
            "Healthy",
            "",
        ),
        (
            thing("autoscaling/v2 HorizontalPodAutoscaler", {}, {}, condition("AbleToScale", "False"), SCALING[1]),
            "Degraded",
            "AbleToScale",
        ),
        (thing("autoscaling/v2 HorizontalPodAutoscaler", {}, {}, SCALING[0]), "Progressing", "no condition Scaling"),
        (thing("autoscaling/v2 HorizontalPodAutoscaler"), "Unknown", "no conditions"),
        (thing("policy/v1 PodDisruptionBudget", {}, {"currentHealthy": 2, "desiredHealthy": 2}), "Healthy", ""),
        (thing("policy/v1 PodDisruptionBudget", {}, {"currentHealthy": 1, "desiredHealthy": 2}), "Degraded", "1 pods"),
        (
            thing(
                "policy/v1 PodDisruptionBudget", {}, {}, condition("DisruptionAllowed", "False", reason="SyncFailed")
            ),
            "Degraded",
            "SyncFailed",
        ),
        (thing("v1 Service"), "Healthy", ""),
        (thing("v1 Service", {"type": "LoadBalancer"}), "Progressing", "address"),
        (thing("v1 Service", {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{}]}}), "Progressing", ""),
        (thing("v1 Service", {"type": "LoadBalancer"}, ADDRESS), "Healthy", "address"),
        (thing("v1 Service", {"type": "Odd"}), "Unknown", "Odd"),
        (thing("networking.k8s.io/v1 Ingress", {}, ADDRESS), "Healthy", ""),
        (thing("networking.k8s.io/v1 Ingress"), "Progressing", ""),
        (thing("v1 Namespace", {}, {"phase": "Active"}), "Healthy", ""),
        (thing("v1 Namespace", {}, {"phase": "Terminating"}), "Unknown", "its phase is Terminating"),
        (thing("v1 Namespace"), "Unknown", "its phase is missing"),
        (
            thing(
                "v1 Namespace",
                {"finalizers": ["kubernetes"]},
                {"phase": "Terminating"},
                condition("NamespaceFinalizersRemaining", reason="Some", message="x.io/y in 2 instances"),
                deletionTimestamp="2026-11-23T09:00:00Z",
            ),
            "Progressing",
            "x.io/y in 2 instances",
        ),
        (thing("v1 Node", {}, {}, READY), "Healthy", ""),
        (thing("v1 Node", {}, {}, READY, condition("DiskPressure")), "Degraded", "DiskPressure"),
        (thing("v1 Node", {}, {}, condition("Ready", "Unknown")), "Progressing", ""),
        (thing("apiregistration.k8s.io/v1 APIService", {}, {}, condition("Available")), "Healthy", ""),
        (
            thing("apiregistration.k8s.io/v1 APIService", {}, {}, condition("Available", "False")),
            "Degraded",
            "is False",
        ),
        (thing("apiregistration.k8s.io/v1 APIService"), "Progressing", "no condition Available"),
        (
            thing(
                "apiextensions.k8s.io/v1 CustomResourceDefinition",
                {},
                {},
                condition("Established"),
                condition("NamesAccepted"),
            ),
            "Healthy",
            "",
        ),
        (
            thing(
                "apiextensions.k8s.io/v1 CustomResourceDefinition",
                {},
                {},
                condition("Established", "False", reason="Installing"),
                condition("NamesAccepted"),
            ),
            "Progressing",
            "Installing",
        ),
        (
            thing(
                "apiextensions.k8s.io/v1 CustomResourceDefinition",
                {},
                {},
                condition("Established", "False", reason="NotAccepted"),
                condition("NamesAccepted"),
            ),
            "Degraded",
            "NotAccepted",
        ),
        (
            thing("apiextensions.k8s.io/v1 CustomResourceDefinition", {}, {}, condition("NamesAccepted", "False")),
            "Degraded",
            "NamesAccepted",
        ),
        (
            thing(
                "apiextensions.k8s.io/v1 CustomResourceDefinition",
                {},
                {},
                condition("Established"),
                condition("NamesAccepted"),
                condition("NonStructuralSchema"),
            ),
            "Degraded",
            "NonStructural",
        ),
    ],
)
def test_the_other_kinds_with_a_rule(manifest: Any, status: str, words: str) -> None:
    assert_health(judge_object(manifest), status, words)


def test_the_items_of_a_list_are_judged_by_the_resource_that_was_listed() -> None:
    bare = {key: value for key, value in deployment(replicas=4).items() if key in ("metadata", "spec", "status")}

    assert_health(judge_object(bare, Resource("apps", "v1", "deployments")), "Progressing", "4 replicas")
    assert_health(judge_object(bare, WIDGETS), "Healthy", "Available is True")


def test_a_rule_of_ones_own_decides_after_what_holds_for_all() -> None:
    def never(_item: Any, _now: datetime | None) -> Health:
        return Health(Status.DEGRADED, "never")

    assert_health(judge_object(widget(READY), rule=never), "Degraded", "never")
    assert_health(judge_object(widget(READY, generation=4), rule=never), "Progressing", "stale")


@pytest.mark.parametrize("odd", [{"replicas": "3"}, {"replicas": -1}, {"conditions": "none"}, {"conditions": [1]}])
def test_what_decides_and_has_a_wrong_type_is_no_answer(odd: Any) -> None:
    manifest = deployment()
    manifest["status"] |= odd

    with pytest.raises(BadAnswer):
        judge_object(manifest)


statuses = st.sampled_from(["True", "False", "Unknown"])
told = st.dictionaries(st.sampled_from(["Ready", "Available", "Healthy", "Stalled", "Reconciling", "Other"]), statuses)


@given(told, st.integers(1, 3), st.none() | st.integers(1, 3))
def test_nothing_is_healthy_without_saying_so_of_its_newest_generation(
    conditions: dict[str, str], generation: int, observed: int | None
) -> None:
    found = [condition(kind, status) for kind, status in conditions.items()]
    manifest = widget(*found, generation=generation)
    manifest["status"]["observedGeneration"] = observed

    good = {conditions[kind] for kind in ("Ready", "Available", "Healthy") if kind in conditions}
    calm = all(conditions.get(kind, "False") == "False" for kind in ("Stalled", "Reconciling"))
    fresh = observed in (None, generation)

    assert (judge_object(manifest).status is Status.HEALTHY) == (good == {"True"} and calm and fresh)
