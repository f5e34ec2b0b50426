"""pods-healthy: pods in every state -> finding."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.pods_healthy import PODS, PodsHealthy
from gatekeeper.check import NODES, BadAnswer, Forbidden, Namespaces, NotFound
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding

CHECK = PodsHealthy()
JOB, REPLICA_SET = "Job nightly-1", "ReplicaSet web-7c9d"


def ago(seconds: float, now: datetime = NOW) -> str:
    return (now - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def container(state: dict[str, Any] | None = None, *, ready: bool = False, restarts: int = 0, name: str = "c0") -> Any:
    return {"name": name, "state": state or {"running": {}}, "ready": ready, "restartCount": restarts}


def waiting(reason: str, message: str = "", **more: Any) -> Any:
    return container({"waiting": {"reason": reason, "message": message}}, **more)


def ended(code: int, reason: str, **more: Any) -> Any:
    return container({"terminated": {"exitCode": code, "reason": reason}}, **more)


def pod(
    name: str = "web-1",
    *containers: Any,
    phase: str = "Running",
    owner: str = REPLICA_SET,
    age: float = 3600,
    **more: Any,
) -> Any:
    """Healthy, unless containers are given: then not ready since ``age`` seconds."""
    ready = not containers
    statuses = containers or (container(ready=True),)
    kind, owner_name = owner.split()
    word = "True" if ready else "False"
    conditions = [
        {"type": "Ready", "status": word, "reason": "R", "lastTransitionTime": ago(age)},
        {"type": "ContainersReady", "status": word},
        {"type": "PodScheduled", "status": "True"},
    ]
    init = more.pop("init", ())
    status = {"phase": phase, "conditions": conditions, "containerStatuses": list(statuses)}
    status |= {"initContainerStatuses": list(init)} if init else {}
    metadata = {
        "name": name,
        "namespace": "shop",
        "creationTimestamp": ago(age),
        "ownerReferences": [{"kind": kind, "name": owner_name, "controller": True}],
    }
    spec: dict[str, Any] = {"nodeName": "n1", "containers": [{"name": each["name"]} for each in statuses]}
    spec |= {"initContainers": [{"name": each["name"]} for each in init]} if init else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata | more.pop("metadata", {}),
        "spec": spec | more.pop("spec", {}),
        "status": status | more.pop("status", {}),
    }


def unscheduled(reason: str, since: float, **more: Any) -> Any:
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "lastTransitionTime": ago(since)}
    gates = {"schedulingGates": [{"name": "g"}]} if reason == "SchedulingGated" else {}
    status = {"conditions": [condition], "containerStatuses": None}
    return pod("web-1", phase="Pending", status=status, spec={"nodeName": None, **gates}, **more)


def gated(name: str = "web-1", age: float = 3600) -> Any:
    """All containers are ready, and a readiness gate is not: its row reads 1/1 Running."""
    conditions = [
        {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady", "lastTransitionTime": ago(age)},
        {"type": "ContainersReady", "status": "True"},
    ]
    status = {"conditions": conditions}
    return pod(name, age=age, status=status, spec={"readinessGates": [{"conditionType": "lb.example.com/ok"}]})


def node(name: str = "n1", ready: str = "True") -> Any:
    conditions = [{"type": "Ready", "status": ready}]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"conditions": conditions}}


CRASH = waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container", restarts=17)


async def test_healthy_pods_pass_on_their_rows_alone() -> None:
    cluster = FakeCluster([node(), *(pod(f"web-{i}") for i in range(9)), pod("kube-proxy", owner="Node n1")])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, "passed", "all 10 unfinished pods are running and ready", codes=[])
    assert cluster.asked == [NODES, PODS]


@pytest.mark.parametrize(
    ("sick", "code"),
    [
        (pod("web-1", CRASH), "CrashLoopBackOff"),
        (pod("web-1", ended(1, "Error", restarts=9)), "ContainerExited"),
        (pod("web-1", ended(137, "OOMKilled")), "OOMKilled"),
        (pod("web-1", waiting("ErrImagePull"), phase="Pending"), "ImagePullFailed"),
        (pod("web-1", waiting("ImagePullBackOff"), phase="Pending"), "ImagePullFailed"),
        (pod("web-1", waiting("InvalidImageName"), phase="Pending"), "ImagePullFailed"),
        (pod("web-1", waiting("ErrImageNeverPull"), phase="Pending"), "ImagePullFailed"),
        (pod("web-1", waiting("CreateContainerConfigError"), phase="Pending"), "ContainerNotStarted"),
        (pod("web-1", waiting("RunContainerError")), "ContainerNotStarted"),
        (
            pod("web-1", waiting("PodInitializing"), phase="Pending", init=[waiting("CrashLoopBackOff")]),
            "CrashLoopBackOff",
        ),
        (pod("web-1", waiting("PodInitializing"), phase="Pending", init=[ended(2, "Error")]), "ContainerExited"),
        (pod("web-1", container(ready=True), CRASH | {"name": "c1"}), "CrashLoopBackOff"),
        (pod("web-1", phase="Unknown"), "PodNodeLost"),
        (pod("web-1", status={"reason": "NodeLost"}), "PodNodeLost"),
        (unscheduled("Unschedulable", 16), "Unschedulable"),
        (unscheduled("SchedulerError", 16), "Unschedulable"),
    ],
)
@pytest.mark.parametrize("age", [3600, 10])
async def test_what_is_wrong_fails_at_once_however_young_the_pod(sick: Any, code: str, age: float) -> None:
    sick = {**sick, "metadata": {**sick["metadata"], "creationTimestamp": ago(age)}}

    finding = await ask(CHECK, FakeCluster([node(), pod("ok"), sick]))

    assert_finding(finding, "failed", f"1 of 2 pods is not healthy, 0 allowed: shop/web-1 {code}", codes=[code])
    assert finding.evidence[0].subject == "Pod shop/web-1"
    assert "ReplicaSet shop/web-7c9d" in finding.evidence[0].observed


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda age: pod("web-1", container(), age=age), "PodNotReady"),
        (lambda age: pod("web-1", container(ready=True), container(name="c1"), age=age), "PodNotReady"),
        (lambda age: pod("web-1", waiting("ContainerCreating"), phase="Pending", age=age), "PodNotStarted"),
        (
            lambda age: pod("web-1", waiting("PodInitializing"), phase="Pending", init=[container()], age=age),
            "PodNotStarted",
        ),
        (lambda age: pod("web-1", ended(0, "Completed"), age=age), "PodNotReady"),
        (lambda age: gated(age=age), "ReadinessGateUnmet"),
        (lambda age: unscheduled("SchedulingGated", age, age=age), "SchedulingGated"),
    ],
)
@pytest.mark.parametrize(("age", "outcome"), [(290, "inconclusive"), (310, "failed")])
async def test_what_is_still_starting_has_its_grace(make: Any, code: str, age: float, outcome: str) -> None:
    finding = await ask(CHECK, FakeCluster([node(), pod("ok"), make(age)]))

    assert_finding(finding, outcome, f"shop/web-1 {code}", codes=[code])


async def test_a_pod_that_has_just_become_unready_has_its_grace_too() -> None:
    flapping = pod("web-1", container())
    flapping["status"]["conditions"][0]["lastTransitionTime"] = ago(20)

    assert_finding(await ask(CHECK, FakeCluster([node(), flapping])), "inconclusive", "1 not settled")


async def test_the_scheduler_has_15_seconds() -> None:
    finding = await ask(CHECK, FakeCluster([node(), unscheduled("Unschedulable", 10, age=10)]))

    assert_finding(finding, "inconclusive", codes=["Unschedulable"])


@pytest.mark.parametrize("since", [None, "soon"])
async def test_unschedulable_since_nobody_knows_when_fails(since: object) -> None:
    sick = unscheduled("Unschedulable", 0, age=10)
    sick["status"]["conditions"][0]["lastTransitionTime"] = since

    assert_finding(await ask(CHECK, FakeCluster([node(), sick])), "failed")


async def test_the_grace_period_is_a_parameter() -> None:
    cluster = FakeCluster([node(), pod("web-1", container(), age=310)])

    assert_finding(
        await ask(PodsHealthy.model_validate({"gracePeriod": "10m"}), cluster), "inconclusive", "less than 10m"
    )


async def test_finished_pods_do_no_harm_but_are_no_proof_either() -> None:
    finished = [
        pod("done", ended(0, "Completed"), phase="Succeeded", owner=JOB),
        pod("failed", ended(2, "Error"), phase="Failed", owner=JOB),
        pod("evicted", phase="Failed", status={"reason": "Evicted", "containerStatuses": None}),
    ]

    assert_finding(await ask(CHECK, FakeCluster([node(), pod("ok"), *finished])), "passed", "all 1 unfinished pods")
    assert_finding(await ask(CHECK, FakeCluster([node(), *finished])), "inconclusive", "there is no pod to look at")


@pytest.mark.parametrize(
    "fine",
    [
        pod("job", CRASH, owner=JOB),
        pod("job", ended(1, "Error"), owner=JOB),
        pod("job", waiting("PodInitializing"), phase="Pending", init=[waiting("CrashLoopBackOff")], owner=JOB),
        pod("job", container(), owner=JOB),
        pod("job", waiting("ContainerCreating"), phase="Pending", owner=JOB, age=60),
    ],
)
async def test_how_the_process_of_a_job_fares_is_the_jobs_matter(fine: Any) -> None:
    assert_finding(await ask(CHECK, FakeCluster([node(), pod("ok"), fine])), "passed")


async def test_many_pods_of_jobs_that_crash_are_all_read_for_their_rows_look_sick() -> None:
    crashing = [pod(f"job-{i}", CRASH, owner=JOB) for i in range(30)]

    finding = await ask(CHECK, FakeCluster([node(), pod("ok"), *crashing]))

    words = "1 of 31 unfinished pods are running and ready; 30 are leaving, or a matter of Jobs"
    assert_finding(finding, "passed", words, codes=[])


async def test_pods_of_jobs_that_crash_prove_nothing_by_themselves() -> None:
    cluster = FakeCluster([node(), pod("job", CRASH, owner=JOB)])

    assert_finding(await ask(CHECK, cluster), "inconclusive", "no pod to look at but 1 that is leaving, or a matter of")


async def test_sick_pods_that_are_allowed_are_told_from_those_of_jobs() -> None:
    lenient = PodsHealthy.model_validate({"maxUnhealthy": 6})
    sick = [pod(f"a-{i}", CRASH) for i in range(6)]
    crashing = [pod(f"job-{i}", CRASH, owner=JOB) for i in range(4)]

    finding = await ask(lenient, FakeCluster([node(), pod("ok"), *sick, *crashing]))

    assert_finding(finding, "passed", "6 of 11 pods are not healthy, 6 allowed")


async def test_a_sick_pod_among_those_of_jobs_is_found() -> None:
    crashing = [pod(f"job-{i:02}", CRASH, owner=JOB) for i in range(30)]

    finding = await ask(CHECK, FakeCluster([node(), pod("ok"), *crashing, pod("web-1", CRASH)]))

    assert_finding(finding, "failed", "1 of 32 pods is not healthy, 0 allowed: shop/web-1", codes=["CrashLoopBackOff"])


@pytest.mark.parametrize(
    ("sick", "code"),
    [
        (pod("job", waiting("ImagePullBackOff"), phase="Pending", owner=JOB), "ImagePullFailed"),
        (pod("job", waiting("CreateContainerConfigError"), phase="Pending", owner=JOB), "ContainerNotStarted"),
        (pod("job", waiting("ContainerCreating"), phase="Pending", owner=JOB, age=400), "PodNotStarted"),
        (unscheduled("Unschedulable", 60, owner=JOB), "Unschedulable"),
    ],
)
async def test_a_job_that_cannot_start_its_pod_counts(sick: Any, code: str) -> None:
    assert_finding(await ask(CHECK, FakeCluster([node(), pod("ok"), sick])), "failed", codes=[code])


async def test_static_pods_are_judged_like_others() -> None:
    assert_finding(await ask(CHECK, FakeCluster([node(), pod("etcd", CRASH, owner="Node n1")])), "failed", "shop/etcd")


@pytest.mark.parametrize(("overdue", "outcome"), [(-30, "passed"), (290, "passed"), (310, "failed")])
async def test_a_pod_may_leave_in_its_time(overdue: float, outcome: str) -> None:
    leaving = pod("web-1", metadata={"deletionTimestamp": ago(overdue), "finalizers": ["example.com/hold"]})

    finding = await ask(CHECK, FakeCluster([node(), pod("ok"), leaving]))

    assert_finding(finding, outcome, codes=["PodStuckTerminating"] if outcome == "failed" else [])


async def test_pods_that_all_are_leaving_prove_nothing() -> None:
    leaving = pod("web-1", metadata={"deletionTimestamp": ago(1)})

    assert_finding(await ask(CHECK, FakeCluster([node(), leaving])), "inconclusive", "but 1 that is leaving")


async def test_a_pod_on_a_node_that_is_not_ready_is_read_whole_for_its_row_looks_well() -> None:
    unready = pod("web-1")
    unready["status"]["conditions"][0]["status"] = "False"
    cluster = FakeCluster([node("n1", "Unknown"), unready])

    assert_finding(await ask(CHECK, cluster), "failed", codes=["PodNotReady"])


async def test_a_pod_that_became_ready_between_the_looks_is_sound() -> None:
    class Healing(FakeCluster):
        async def objects(self, *args: Any, **kwargs: Any) -> Any:
            self.apply(pod("web-1"))
            return await super().objects(*args, **kwargs)

    assert_finding(await ask(CHECK, Healing([node(), pod("web-1", CRASH)])), "passed")


async def test_namesakes_in_several_namespaces_are_all_judged() -> None:
    there = pod("web-1", CRASH)
    there["metadata"]["namespace"] = "pay"
    also = pod("web-1", CRASH)
    also["metadata"]["namespace"] = "desk"

    finding = await ask(CHECK, FakeCluster([node(), pod("web-1"), there, also]))

    assert_finding(finding, "failed", "2 of 3 pods", subjects=["Pod pay/web-1", "Pod desk/web-1"])


@pytest.mark.parametrize(
    ("namespaces", "outcome"),
    [
        (Namespaces(include=("shop",)), "failed"),
        (Namespaces(include=("pay",)), "passed"),
        (Namespaces(exclude=("sh*",)), "passed"),
        (Namespaces(include=("shop", "pay"), exclude=("shop",)), "passed"),
    ],
)
async def test_only_the_chosen_namespaces_are_judged(namespaces: Namespaces, outcome: str) -> None:
    elsewhere = pod("ok")
    elsewhere["metadata"]["namespace"] = "pay"
    cluster = FakeCluster([node(), pod("web-1", CRASH), elsewhere])

    assert_finding(await ask(PodsHealthy(namespaces=namespaces), cluster), outcome)


async def test_a_misspelt_namespace_is_no_answer() -> None:
    with pytest.raises(NotFound):
        await ask(PodsHealthy(namespaces=Namespaces(include=("shpo",))), FakeCluster([node(), pod()]))


@pytest.mark.parametrize(
    ("allowed", "outcome"),
    [(0, "failed"), (1, "inconclusive"), (2, "passed"), ("19%", "inconclusive"), ("20%", "passed")],
)
async def test_so_many_may_be_unhealthy_and_what_is_unsettled_counts(allowed: object, outcome: str) -> None:
    healthy = [pod(f"ok-{i}") for i in range(8)]
    cluster = FakeCluster([node(), *healthy, pod("web-1", CRASH), pod("web-2", container(), age=10)])

    finding = await ask(PodsHealthy.model_validate({"maxUnhealthy": allowed}), cluster)

    assert_finding(finding, outcome, "1 of 10 pods is not healthy, 1 not settled")


async def test_where_no_pod_at_all_is_healthy_no_tolerance_helps() -> None:
    lenient = PodsHealthy.model_validate({"maxUnhealthy": 5})

    finding = await ask(lenient, FakeCluster([node(), pod("web-1", CRASH), pod("web-2", CRASH)]))

    assert_finding(finding, "inconclusive", "2 of 2 pods are not healthy, 5 allowed")


async def test_too_many_suspects_are_judged_by_their_rows() -> None:
    sick = [pod(f"web-{i:03}", CRASH if i % 2 else waiting("ContainerCreating")) for i in range(300)]
    cluster = FakeCluster([node(), *sick])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, "failed", "150 of 300 pods are not healthy, 150 not settled")
    assert len(finding.evidence) == 21
    assert {each.code for each in finding.evidence[:6]} == {"CrashLoopBackOff"}
    assert cluster.asked.count(PODS) == 1 + 6  # the rows, and some suspects for the evidence


async def test_many_suspects_whose_rows_do_not_say_enough_are_read_where_they_are() -> None:
    cluster = FakeCluster([node(), *(pod(f"web-{i:03}", waiting("ContainerCreating")) for i in range(60))])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, "failed", "50 of 60 pods are not healthy, 10 not settled")
    assert cluster.asked.count(PODS) == 1 + 1 + 50  # the rows, the rows with their namespaces, and the suspects


async def test_a_pod_that_nobody_read_is_not_healthy() -> None:
    leaving = [pod(f"web-{i:03}", metadata={"deletionTimestamp": ago(1)}) for i in range(51)]

    assert_finding(await ask(CHECK, FakeCluster([node(), pod("ok"), *leaving])), "inconclusive", "PodNotProven")


async def test_the_hint_shows_the_last_words_of_the_container() -> None:
    sick = pod("web-1", waiting("PodInitializing"), phase="Pending", init=[waiting("CrashLoopBackOff", name="migrate")])

    finding = await ask(CHECK, FakeCluster([node(), sick]))

    assert finding.evidence[0].hint == "kubectl -n shop logs web-1 -c migrate --previous"


async def test_text_of_the_cluster_is_bounded_and_printable() -> None:
    sick = pod("web-1", waiting("ErrImagePull", "\x1b[2J" + "x" * 100_000), phase="Pending")

    finding = await ask(CHECK, FakeCluster([node(), sick]))

    assert len(finding.evidence[0].observed) < 500
    assert finding.evidence[0].observed.isprintable()


@pytest.mark.parametrize(
    "status",
    [
        {"containerStatuses": "none"},
        {"containerStatuses": ["c0"]},
        {"containerStatuses": {"c0": {}}},
        {"containerStatuses": [{"name": "$(reboot)", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
        {"conditions": [None]},
    ],
)
async def test_a_pod_of_another_shape_is_no_answer(status: dict[str, Any]) -> None:
    class Odd(FakeCluster):
        async def objects(self, *args: Any, **kwargs: Any) -> Any:
            (whole,) = await super().objects(*args, **kwargs)
            return [{**whole, "status": {**whole["status"], **status}}]

    with pytest.raises(BadAnswer):
        await ask(CHECK, Odd([node(), pod("web-1", CRASH)]))


async def test_a_pod_that_says_nothing_is_not_healthy() -> None:
    blank = pod("web-1")
    blank["status"] = {}

    assert_finding(await ask(CHECK, FakeCluster([node(), pod("ok"), blank])), "failed")


@pytest.mark.parametrize("resource", [PODS, NODES])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster([node(), pod()])
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


sicknesses = st.sampled_from(
    [
        pod("sick", CRASH),
        pod("sick", ended(137, "OOMKilled")),
        pod("sick", waiting("ImagePullBackOff"), phase="Pending"),
        pod("sick", container(), age=10),
        pod("sick", phase="Unknown"),
        pod("sick", phase="Paused"),
        gated("sick"),
        unscheduled("Unschedulable", 60),
        unscheduled("SchedulingGated", 10, age=10),
    ]
)


@given(st.integers(0, 8), sicknesses)
async def test_a_cluster_with_a_sick_pod_added_never_passes(healthy: int, sick: Any) -> None:
    finding = await ask(CHECK, FakeCluster([node(), *(pod(f"ok-{i}") for i in range(healthy)), sick]))

    assert finding.outcome in ("failed", "inconclusive")


async def test_a_pod_on_a_node_that_is_gone_is_read_whole_for_its_row_looks_well() -> None:
    """The node controller made it unready before the cloud's controller deleted the Node of the evicted machine."""
    orphan = pod("web-1")
    orphan["status"]["conditions"][0]["status"] = "False"

    assert_finding(await ask(CHECK, FakeCluster([node("n2"), orphan])), "failed", codes=["PodNotReady"])


async def test_a_pod_on_a_node_that_has_just_joined_is_sound() -> None:
    assert_finding(await ask(CHECK, FakeCluster([node("n2"), pod("web-1")])), "passed", "all 1 unfinished pods")


@pytest.mark.parametrize("odd", [[], {}, ["n1"]])
async def test_a_pod_on_what_is_no_node_is_read_whole(odd: object) -> None:
    cluster = FakeCluster([node(), pod("web-1", spec={"nodeName": odd})])

    assert_finding(await ask(CHECK, cluster), "passed")
    assert cluster.asked.count(PODS) == 2


class Fleeting(FakeCluster):
    """Its suspects are gone when they are looked for."""

    async def objects(self, *_: Any, **__: Any) -> Any:
        return []


@pytest.mark.parametrize(("status", "outcome"), [("CrashLoopBackOff", "inconclusive"), ("Terminating", "passed")])
async def test_a_suspect_that_has_gone_may_have_been_replaced_unless_it_was_leaving(status: str, outcome: str) -> None:
    sick = pod("web-2", metadata={"deletionTimestamp": ago(-5)}) if status == "Terminating" else pod("web-2", CRASH)

    finding = await ask(CHECK, Fleeting([node(), pod("web-1"), sick]))

    assert_finding(finding, outcome, codes=["PodGone"] if outcome == "inconclusive" else None)
