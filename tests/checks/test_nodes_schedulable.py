"""nodes-schedulable: cordons and taints -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.nodes_schedulable import NodesSchedulable
from gatekeeper.check import NODES, BadAnswer, Forbidden
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding

CHECK = NodesSchedulable()
CORDON = "node.kubernetes.io/unschedulable"


def ago(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def taint(key: str, minutes: float | None = None, effect: str = "NoSchedule", value: str = "") -> dict[str, Any]:
    return {"key": key, "effect": effect, "value": value} | ({} if minutes is None else {"timeAdded": ago(minutes)})


def node(name: str, *taints: dict[str, Any], cordoned: Any = None, pool: str = "user", **labels: str) -> dict[str, Any]:
    labels |= {"kubernetes.azure.com/agentpool": pool}
    spec: dict[str, Any] = {"taints": list(taints)} | ({} if cordoned is None else {"unschedulable": cordoned})
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec}


async def test_nodes_that_take_pods_pass() -> None:
    cluster = FakeCluster([node("a"), node("b", cordoned=False)])

    assert_finding(await ask(CHECK, cluster), "passed", "all 2 nodes take new pods", codes=[])


async def test_a_cordon_left_behind_fails_and_says_for_how_long() -> None:
    finding = await ask(CHECK, FakeCluster([node("a"), node("b", taint(CORDON, 200), cordoned=True)]))

    assert_finding(finding, "failed", "1 of 2 nodes takes no new pods, 0 allowed: b cordoned for 3h 20m")
    assert_finding(finding, "failed", codes=["NodeCordoned"], subjects=["Node b (pool user)"])
    assert finding.evidence[0].hint == "left over from a drain? kubectl uncordon b"


@pytest.mark.parametrize(
    ("minutes", "grace", "outcome"),
    [(29, 30, "inconclusive"), (31, 30, "failed"), (31, 60, "inconclusive"), (-5, 30, "inconclusive")],
)
async def test_a_young_cordon_may_be_a_running_drain(minutes: float, grace: int, outcome: str) -> None:
    cluster = FakeCluster([node("a", taint(CORDON, minutes), cordoned=True)])

    assert_finding(await ask(NodesSchedulable(grace_period=timedelta(minutes=grace)), cluster), outcome, "cordoned for")


@pytest.mark.parametrize("taints", [[], [taint(CORDON)], [{"key": CORDON, "timeAdded": "yesterday"}]])
async def test_a_cordon_of_unknown_age_is_inconclusive(taints: list[dict[str, Any]]) -> None:
    finding = await ask(CHECK, FakeCluster([node("a", *taints, cordoned=True)]))

    assert_finding(finding, "inconclusive", "cordoned for an unknown time", codes=["NodeCordoned"])


@pytest.mark.parametrize("word", ["true", 1, "false"])
async def test_an_odd_word_for_a_cordon_is_a_cordon(word: object) -> None:
    cluster = FakeCluster([node("a", taint(CORDON, 60), cordoned=word)])

    assert_finding(await ask(CHECK, cluster), "failed", codes=["NodeCordoned"])


async def test_a_node_that_aks_could_not_drain_fails_at_once() -> None:
    label = {"kubernetes.azure.com/upgrade-status": "Quarantined"}

    finding = await ask(CHECK, FakeCluster([node("a", taint(CORDON, 1), cordoned=True, **label)]))

    assert_finding(finding, "failed", "quarantined by AKS", codes=["NodeQuarantined"])


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute", "Sideways"])
@pytest.mark.parametrize(
    "key",
    [
        CORDON,
        "node.kubernetes.io/out-of-service",
        "node.cloudprovider.kubernetes.io/uninitialized",
        "node.cloudprovider.kubernetes.io/shutdown",
        "startup-taint.cluster-autoscaler.kubernetes.io/gpu",
        "node.cilium.io/agent-not-ready",
        "karpenter.sh/disrupted",
    ],
)
async def test_a_taint_left_behind_fails(key: str, effect: str) -> None:
    finding = await ask(CHECK, FakeCluster([node("a", taint(key, 90, effect))]))

    assert_finding(finding, "failed", f"a tainted {key}:{effect} for 1h 30m", codes=["NodeTainted"])


@pytest.mark.parametrize("key", ["CriticalAddonsOnly", "kubernetes.azure.com/scalesetpriority", "contoso.com/gpu"])
async def test_a_pools_own_taints_do_not_count_unless_named(key: str) -> None:
    cluster = FakeCluster([node("a", taint(key, 90))])

    assert_finding(await ask(CHECK, cluster), "passed")
    assert_finding(await ask(NodesSchedulable(taints=(key,)), cluster), "failed", codes=["NodeTainted"])


async def test_a_soft_taint_does_not_count() -> None:
    soft = [
        taint("DeletionCandidateOfClusterAutoscaler", 90, "PreferNoSchedule"),
        taint(CORDON, 90, "PreferNoSchedule"),
    ]

    assert_finding(await ask(CHECK, FakeCluster([node("a", *soft)])), "passed")


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (str(int(NOW.timestamp()) - 3600), "failed"),
        (str(int(NOW.timestamp()) - 60), "inconclusive"),
        ("9" * 400, "inconclusive"),
        ("soon", "inconclusive"),
        ("", "inconclusive"),
        ("³", "inconclusive"),
    ],
)
async def test_the_autoscaler_writes_the_time_into_the_value(value: str, outcome: str) -> None:
    cluster = FakeCluster([node("a", taint("ToBeDeletedByClusterAutoscaler", value=value))])

    assert_finding(await ask(CHECK, cluster), outcome, codes=["NodeTainted"])


@pytest.mark.parametrize("word", ["not-ready", "unreachable", "memory-pressure", "network-unavailable"])
async def test_a_taint_that_repeats_a_condition_is_the_matter_of_nodes_ready(word: str) -> None:
    finding = await ask(CHECK, FakeCluster([node("a", taint(f"node.kubernetes.io/{word}", 90))]))

    assert_finding(finding, "passed")


async def test_a_taint_can_be_ignored_but_not_a_cordon() -> None:
    check = NodesSchedulable(ignore_taints=("*",))

    assert_finding(await ask(check, FakeCluster([node("a", taint("node.kubernetes.io/out-of-service", 90))])), "passed")
    assert_finding(await ask(check, FakeCluster([node("a", taint(CORDON, 90), cordoned=True)])), "failed")


@pytest.mark.parametrize(
    ("allowed", "outcome"),
    [(0, "failed"), (1, "inconclusive"), (2, "passed"), ("66%", "inconclusive"), ("67%", "passed")],
)
async def test_what_is_unclear_counts_against_the_tolerance_too(allowed: object, outcome: str) -> None:
    young, old = node("a", taint(CORDON, 1), cordoned=True), node("b", taint(CORDON, 99), cordoned=True)
    check = NodesSchedulable.model_validate({"maxUnschedulable": allowed})

    finding = await ask(check, FakeCluster([young, old, node("c")]))

    assert_finding(finding, outcome, "2 of 3 nodes take no new pods", codes=["NodeCordoned"] * 2)
    assert "1 of them for less than 30m" in finding.message


async def test_only_the_named_pools_are_judged_and_each_must_exist() -> None:
    cluster = FakeCluster([node("a"), node("b", taint(CORDON, 99), cordoned=True, pool="old")])

    assert_finding(await ask(NodesSchedulable(pools=("user",)), cluster), "passed", "all 1 nodes")
    assert_finding(await ask(NodesSchedulable(pools=("user", "gpu")), cluster), "inconclusive", "no node in pool gpu")


async def test_a_cluster_without_nodes_is_inconclusive() -> None:
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "there is no node")


async def test_taints_of_another_shape_are_no_answer() -> None:
    broken = node("a")
    broken["spec"]["taints"] = "none"

    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([broken]))


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([node("a")])
    cluster.fail(NODES, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


@given(st.integers(0, 5), st.floats(-1e6, 1e6) | st.none())
async def test_a_cluster_with_a_cordoned_node_never_passes(healthy: int, minutes: float | None) -> None:
    cluster = FakeCluster([*(node(f"n{i}") for i in range(healthy)), node("x", taint(CORDON, minutes), cordoned=True)])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, "failed" if minutes is not None and minutes > 30 else "inconclusive")


async def test_a_taint_that_is_asked_for_counts_though_others_judge_it_too() -> None:
    cluster = FakeCluster([node("a", taint("node.kubernetes.io/not-ready", 60))])

    assert_finding(await ask(CHECK, cluster), "passed")
    assert_finding(await ask(NodesSchedulable(taints=("node.kubernetes.io/not-ready",)), cluster), "failed")


async def test_the_hint_for_a_taint_says_how_to_let_it_be() -> None:
    finding = await ask(CHECK, FakeCluster([node("a", taint("node.kubernetes.io/os"))]))

    assert_finding(finding, "inconclusive", "a tainted node.kubernetes.io/os:NoSchedule for an unknown time")
    hint = "kubectl describe node a; if it is meant to be there, put its key into ignoreTaints"
    assert finding.evidence[0].hint == hint


async def test_a_taint_that_is_asked_for_and_ignored_is_refused() -> None:
    with pytest.raises(ValidationError, match="both in taints and in ignoreTaints"):
        NodesSchedulable(taints=("example.com/x",), ignore_taints=("example.com/x",))


@pytest.mark.parametrize("domain", ["aks.microsoft.com", "kubernetes.azure.com"])
async def test_a_taint_of_the_node_repair_of_aks_counts(domain: str) -> None:
    finding = await ask(CHECK, FakeCluster([node("a", taint(f"remediator.{domain}/unschedulable", 60))]))

    assert_finding(finding, "failed", f"tainted remediator.{domain}/unschedulable", codes=["NodeTainted"])


@pytest.mark.parametrize(
    ("key", "kind", "status", "outcome"),
    [
        ("unreachable", "Ready", "True", "failed"),
        ("unreachable", "Ready", "Unknown", "passed"),
        ("not-ready", "Ready", "True", "failed"),
        ("not-ready", "Ready", "False", "passed"),
        ("disk-pressure", "DiskPressure", "False", "failed"),
        ("disk-pressure", "DiskPressure", "True", "passed"),
        ("network-unavailable", "NetworkUnavailable", "False", "failed"),
    ],
)
async def test_a_taint_that_outlives_its_condition_is_left_behind(
    key: str, kind: str, status: str, outcome: str
) -> None:
    """As after a stop and a start of the cluster; nodes-ready sees a node that is Ready."""
    it = node("a", taint(f"node.kubernetes.io/{key}", 60))
    it["status"] = {"conditions": [{"type": kind, "status": status}]}

    assert_finding(await ask(CHECK, FakeCluster([it])), outcome)
