"""workloads-rolled-out: Deployments, StatefulSets and DaemonSets -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.workloads_rolled_out import WorkloadsRolledOut
from gatekeeper.check import BadAnswer, Forbidden, Namespaces, NotFound, Resource
from gatekeeper.testing import FakeCluster, ask, assert_finding

CHECK = WorkloadsRolledOut()


def workload(kind: str, name: str, spec: dict[str, Any], status: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """Of generation 3, which its controller has seen."""
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "generation": 3, **metadata},
        "spec": spec,
        "status": {"observedGeneration": 3, **status},
    }


def deployment(
    wanted: int | None = 3,
    available: str = "True",
    progressing: str = "NewReplicaSetAvailable",
    progresses: str = "True",
    **status: Any,
) -> Any:
    count = 1 if wanted is None else wanted
    counts = {"replicas": count, "updatedReplicas": count, "readyReplicas": count, "availableReplicas": count, **status}
    conditions = [
        {"type": "Available", "status": available},
        {"type": "Progressing", "status": "False" if "Exceeded" in progressing else progresses, "reason": progressing},
    ]
    counts = {key: value for key, value in counts.items() if value != 0}  # omitempty
    return workload(
        "Deployment", "web", {} if wanted is None else {"replicas": wanted}, {**counts, "conditions": conditions}
    )


def stateful_set(wanted: int = 3, strategy: Any = None, revisions: str = "1 1", **status: Any) -> Any:
    current, update = revisions.split()
    counts = {
        "replicas": wanted,
        "readyReplicas": wanted,
        "updatedReplicas": wanted,
        "availableReplicas": wanted,
        **status,
    }
    state = {**counts, "currentRevision": f"db-{current}", "updateRevision": f"db-{update}"}
    spec = {
        "replicas": wanted,
        "updateStrategy": strategy or {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
    }
    return workload("StatefulSet", "db", spec, state)


def daemon_set(wanted: int = 9, strategy: str = "RollingUpdate", **status: Any) -> Any:
    names = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "updatedNumberScheduled",
        "numberReady",
        "numberAvailable",
    )
    return workload(
        "DaemonSet", "agent", {"updateStrategy": {"type": strategy}}, {**dict.fromkeys(names, wanted), **status}
    )


def changed(manifest: Any, **metadata: Any) -> Any:
    manifest["metadata"] |= metadata
    return manifest


PARTITION_1 = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
ON_DELETE = {"type": "OnDelete"}


@pytest.mark.parametrize(
    "manifest",
    [
        deployment(),
        deployment(None),
        stateful_set(),
        stateful_set(availableReplicas=None),
        stateful_set(strategy=PARTITION_1, revisions="1 2", updatedReplicas=2),
        stateful_set(strategy=ON_DELETE),
        stateful_set(strategy=ON_DELETE, revisions="1 2"),
        daemon_set(),
        daemon_set(strategy="OnDelete", updatedNumberScheduled=0),
    ],
)
async def test_a_workload_that_is_rolled_out_passes(manifest: Any) -> None:
    assert_finding(await ask(CHECK, FakeCluster([manifest])), "passed", "all 1 workloads are rolled out", codes=[])


@pytest.mark.parametrize("manifest", [deployment(0), stateful_set(0), stateful_set(0, revisions="1 2"), daemon_set(0)])
async def test_a_workload_that_wants_no_pods_passes_and_is_counted(manifest: Any) -> None:
    assert_finding(await ask(CHECK, FakeCluster([manifest])), "passed", "1 of them want no pods")


@pytest.mark.parametrize(
    ("manifest", "outcome", "code", "words"),
    [
        (deployment(updatedReplicas=2, replicas=4), "inconclusive", "RollingOut", "2 of 3 updated"),
        (deployment(replicas=4), "inconclusive", "RollingOut", "rolling out"),
        (
            deployment(replicas=2, updatedReplicas=2, readyReplicas=2, availableReplicas=2),
            "inconclusive",
            "RollingOut",
            "2 of 3",
        ),
        (
            deployment(availableReplicas=2, progressing="ReplicaSetUpdated"),
            "inconclusive",
            "NotReady",
            "2 of 3 replicas",
        ),
        (deployment(readyReplicas=2, availableReplicas=2), "failed", "NotReady", "2 of 3 replicas ready"),
        (deployment(available="False", readyReplicas=1, availableReplicas=1), "failed", "NotAvailable", "1 of 3 ready"),
        (deployment(available="Unknown"), "inconclusive", "NotAvailable", "does not say that it is available"),
        (
            deployment(progressing="ProgressDeadlineExceeded", updatedReplicas=1),
            "failed",
            "ProgressDeadlineExceeded",
            "in time",
        ),
        (
            deployment(progressing="ReplicaSetCreateError", progresses="False"),
            "inconclusive",
            "NotProgressing",
            "does not say that it progresses: ReplicaSetCreateError",
        ),
        (stateful_set(readyReplicas=2), "failed", "NotReady", "2 of 3 replicas ready"),
        (stateful_set(availableReplicas=2), "inconclusive", "NotAvailable", "2 of 3 replicas ready for its minReady"),
        (stateful_set(availableReplicas=0), "inconclusive", "NotAvailable", "0 of 3"),
        (stateful_set(replicas=2, readyReplicas=2), "inconclusive", "Scaling", "2 of 3"),
        (stateful_set(replicas=4), "inconclusive", "Scaling", "4 of 3"),
        (stateful_set(revisions="1 2", updatedReplicas=1), "inconclusive", "RollingOut", "1 of 3 updated"),
        (
            stateful_set(strategy=PARTITION_1, revisions="1 2", updatedReplicas=1),
            "inconclusive",
            "RollingOut",
            "1 of 2",
        ),
        (stateful_set(strategy=ON_DELETE, revisions="1 2", updatedReplicas=1), "failed", "OnDeletePending", "2 of 3"),
        (daemon_set(updatedNumberScheduled=4), "inconclusive", "RollingOut", "4 of 9"),
        (daemon_set(currentNumberScheduled=8), "inconclusive", "Scaling", "8 of 9 nodes"),
        (daemon_set(numberReady=6), "failed", "NotReady", "6 of 9 nodes"),
        (daemon_set(numberAvailable=6), "failed", "NotReady", "6 of 9 nodes"),
        (daemon_set(desiredNumberScheduled=None), "inconclusive", "StaleStatus", "does not say"),
    ],
)
async def test_what_a_workload_lacks_is_named(manifest: Any, outcome: str, code: str, words: str) -> None:
    assert_finding(await ask(CHECK, FakeCluster([manifest])), outcome, words, codes=[code])


async def test_a_paused_deployment_fails_though_its_row_looks_well() -> None:
    paused = deployment()
    paused["spec"]["paused"] = True

    finding = await ask(CHECK, FakeCluster([paused]))

    assert_finding(finding, "failed", "Deployment shop/web is paused", codes=["Paused"])
    assert finding.evidence[0].hint == "kubectl -n shop rollout resume deployment web"


@pytest.mark.parametrize("make", [deployment, stateful_set, daemon_set])
async def test_what_is_being_deleted_is_inconclusive(make: Any) -> None:
    leaving = changed(make(), deletionTimestamp="2026-11-23T09:00:00Z")

    assert_finding(await ask(CHECK, FakeCluster([leaving])), "inconclusive", "is being deleted", codes=["Terminating"])


@pytest.mark.parametrize("make", [deployment, stateful_set, daemon_set])
@pytest.mark.parametrize("observed", [None, 2, "3", True])
async def test_a_stale_status_is_inconclusive_however_well_it_looks(make: Any, observed: object) -> None:
    stale = make()
    stale["status"]["observedGeneration"] = observed

    assert_finding(await ask(CHECK, FakeCluster([stale])), "inconclusive", "stale status", codes=["StaleStatus"])


async def test_a_workload_that_no_controller_has_seen_is_inconclusive() -> None:
    unseen = deployment()
    unseen["status"] = {}

    assert_finding(await ask(CHECK, FakeCluster([unseen])), "inconclusive", codes=["StaleStatus"])


async def test_what_is_wrong_outweighs_what_still_moves() -> None:
    cluster = FakeCluster([daemon_set(), stateful_set(replicas=2), deployment(readyReplicas=1)])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, "failed", "1 of 3 workloads is not well, 1 not settled: Deployment shop/web")
    assert [each.subject for each in finding.evidence] == ["Deployment shop/web", "StatefulSet shop/db"]


async def test_only_the_chosen_namespaces_and_kinds_are_judged() -> None:
    cluster = FakeCluster([deployment(readyReplicas=1), changed(stateful_set(), namespace="pay")])

    everything = await ask(CHECK, cluster)
    pay = await ask(WorkloadsRolledOut(namespaces=Namespaces(include=("pay",))), cluster)
    sets = await ask(WorkloadsRolledOut(kinds=("StatefulSet",)), cluster)
    not_shop = await ask(WorkloadsRolledOut(namespaces=Namespaces(exclude=("shop",))), cluster)

    assert_finding(everything, "failed", "1 of 2")
    assert_finding(pay, "passed", "all 1")
    assert_finding(sets, "passed", "all 1")
    assert_finding(not_shop, "passed", "all 1")


async def test_a_cluster_without_workloads_is_inconclusive() -> None:
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "there is no Deployment or StatefulSet")


async def test_a_misspelt_namespace_is_no_answer() -> None:
    with pytest.raises(NotFound):
        await ask(WorkloadsRolledOut(namespaces=Namespaces(include=("shpo",))), FakeCluster([deployment()]))


def test_no_kinds_at_all_are_refused() -> None:
    with pytest.raises(ValidationError):
        WorkloadsRolledOut(kinds=())


@pytest.mark.parametrize("count", ["3", -1, 2.5, True, [3]])
@pytest.mark.parametrize("key", ["readyReplicas", "replicas"])
async def test_a_count_that_is_none_is_no_answer(key: str, count: object) -> None:
    odd = deployment()
    odd["status"][key] = count

    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([odd]))


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([deployment()])
    cluster.fail(Resource("apps", "v1", "daemonsets"), Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


async def test_the_evidence_is_bounded() -> None:
    cluster = FakeCluster([changed(deployment(readyReplicas=1), name=f"web-{i}") for i in range(30)])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, "failed", "30 of 30 workloads are not well")
    assert [each.code for each in finding.evidence[-2:]] == ["NotReady", "MoreFound"]
    assert len(finding.evidence) == 21


counts = st.integers(0, 4)


@given(counts, counts, counts, counts, counts)
async def test_a_deployment_passes_only_if_all_of_its_numbers_agree(
    wanted: int, replicas: int, updated: int, ready: int, available: int
) -> None:
    status: dict[str, Any] = {
        "replicas": replicas,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": available,
    }

    finding = await ask(CHECK, FakeCluster([deployment(wanted, **status)]))

    well = replicas == updated == wanted and ready >= wanted and available >= wanted
    assert (finding.outcome == "passed") == well


@pytest.mark.parametrize("strategy", [None, ON_DELETE, PARTITION_1])
async def test_a_stateful_set_that_was_rolled_back_and_still_runs_the_revision_between_is_inconclusive(
    strategy: Any,
) -> None:
    """After the rollback its two revisions are the same again, and kubectl and kstatus call it complete."""
    between = stateful_set(strategy=strategy, revisions="1 1", updatedReplicas=1)

    assert_finding(await ask(CHECK, FakeCluster([between])), "inconclusive", "1 of", codes=["RollingOut"])


async def test_a_deployment_that_cannot_make_its_pods_says_why() -> None:
    refused = deployment(replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1)
    why = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: pods"}
    refused["status"]["conditions"].append(why)

    finding = await ask(CHECK, FakeCluster([refused]))

    assert_finding(finding, "failed", "cannot make its pods, 1 of 3 updated: exceeded quota", codes=["ReplicaFailure"])


async def test_a_daemon_set_whose_rollout_hangs_says_how_many_are_ready() -> None:
    finding = await ask(CHECK, FakeCluster([daemon_set(updatedNumberScheduled=1, numberReady=8)]))

    assert_finding(finding, "inconclusive", "is still rolling out, 1 of 9 updated, 8 ready")
