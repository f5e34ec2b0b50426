"""nodes-ready: nodes and Leases -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.nodes_ready import LEASES, NodesReady
from gatekeeper.check import NODES, BadAnswer, Forbidden
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding


def node(name: str, pool: str = "user", *, cordoned: bool = False, **conditions: Any) -> dict[str, Any]:
    """A healthy node but for the conditions given; ``Ready="Unknown"``."""
    states = {
        "Ready": "True",
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "KernelDeadlock": "False",
        **conditions,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.azure.com/agentpool": pool}},
        "spec": {"unschedulable": True} if cordoned else {},
        "status": {"conditions": [{"type": kind, "status": state, "reason": "R"} for kind, state in states.items()]},
    }


def lease(name: str, ago: float = 5, duration: int | None = 40) -> dict[str, Any]:
    renewed = (NOW - timedelta(seconds=ago)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    spec = {"renewTime": renewed} | ({"leaseDurationSeconds": duration} if duration else {})
    metadata = {"name": name, "namespace": "kube-node-lease"}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


async def test_healthy_nodes_pass() -> None:
    cluster = FakeCluster([node("a"), node("b"), lease("a"), lease("b")])

    assert_finding(await ask(NodesReady(), cluster), "passed", "all 2 nodes are Ready, alive and without", codes=[])


@pytest.mark.parametrize("status", ["False", "Unknown", "true", "Maybe", ""])
async def test_a_node_that_is_not_ready_fails(status: str) -> None:
    cluster = FakeCluster([node("a"), node("b", Ready=status), lease("a"), lease("b")])

    finding = await ask(NodesReady(), cluster)

    assert_finding(finding, "failed", "1 of 2 nodes is not healthy: b is not Ready", codes=["NodeNotReady"])


async def test_a_node_without_conditions_fails() -> None:
    broken = node("a")
    del broken["status"]["conditions"]

    finding = await ask(NodesReady(), FakeCluster([broken, lease("a")]))

    assert_finding(finding, "failed", codes=["NodeNotReady"])


@pytest.mark.parametrize(
    "kind",
    [
        "MemoryPressure",
        "DiskPressure",
        "PIDPressure",
        "NetworkUnavailable",
        "KubeletProblem",
        "ContainerRuntimeProblem",
        "FilesystemCorruptionProblem",
        "ReadonlyFilesystem",
        "KernelDeadlock",
        "FrequentKubeletRestart",
        "FrequentContainerdRestart",
        "FrequentUnregisterNetDevice",
        "VMEventScheduled",
    ],
)
@pytest.mark.parametrize("status", ["True", "Unknown"])
async def test_a_problem_condition_fails(kind: str, status: str) -> None:
    condition: dict[str, Any] = {kind: status}

    finding = await ask(NodesReady(), FakeCluster([node("a", **condition), lease("a")]))

    assert_finding(finding, "failed", f"a has {kind}={status}", codes=["NodeProblem"], subjects=["Node a (pool user)"])


async def test_other_conditions_do_not_count_unless_named() -> None:
    cluster = FakeCluster([node("a", ClusterUpgrade="True"), lease("a")])

    assert_finding(await ask(NodesReady(), cluster), "passed")
    assert_finding(await ask(NodesReady(problem_conditions=("Cluster*",)), cluster), "failed")


async def test_a_condition_can_be_ignored_but_not_ready() -> None:
    cluster = FakeCluster([node("a", VMEventScheduled="True"), lease("a")])

    assert_finding(await ask(NodesReady(ignore_conditions=("VMEvent*",)), cluster), "passed")
    with pytest.raises(ValidationError, match="cannot be ignored"):
        NodesReady(ignore_conditions=("*",))


async def test_a_dead_kubelet_fails_though_its_node_says_ready() -> None:
    cluster = FakeCluster([node("a"), node("b"), lease("a"), lease("b", ago=46)])

    finding = await ask(NodesReady(), cluster)

    assert_finding(finding, "failed", "b sends no heartbeat", codes=["NodeHeartbeatStale"])


@pytest.mark.parametrize(("ago", "duration", "outcome"), [(45, 40, "passed"), (45, 20, "failed"), (45, None, "passed")])
async def test_the_lease_says_how_long_it_lasts(ago: float, duration: int | None, outcome: str) -> None:
    cluster = FakeCluster([node("a"), lease("a", ago, duration)])

    assert_finding(await ask(NodesReady(), cluster), outcome)


@pytest.mark.parametrize("renewed", [None, "yesterday", 12, "2026-11-23T10:00:00"])
async def test_a_lease_that_was_never_renewed_is_stale(renewed: object) -> None:
    broken = lease("a")
    broken["spec"]["renewTime"] = renewed

    assert_finding(await ask(NodesReady(), FakeCluster([node("a"), broken])), "failed", codes=["NodeHeartbeatStale"])


async def test_an_endless_lease_is_not_believed() -> None:
    assert_finding(await ask(NodesReady(), FakeCluster([node("a"), lease("a", 3600, 10**9)])), "failed")


async def test_a_heartbeat_from_the_future_is_inconclusive() -> None:
    finding = await ask(NodesReady(), FakeCluster([node("a"), lease("a", ago=-100)]))

    assert_finding(finding, "inconclusive", "clock that is ahead", codes=["NodeClockAhead"])


async def test_a_node_without_a_lease_beside_others_is_inconclusive() -> None:
    finding = await ask(NodesReady(), FakeCluster([node("a"), node("b"), lease("a")]))

    assert_finding(finding, "inconclusive", "b has no Lease", codes=["NodeLeaseMissing"])


async def test_a_cluster_without_leases_passes_and_says_so() -> None:
    assert_finding(await ask(NodesReady(), FakeCluster([node("a")])), "passed", "shows no Leases")


async def test_leases_elsewhere_are_no_heartbeats() -> None:
    other = lease("a")
    other["metadata"]["namespace"] = "shop"

    assert_finding(await ask(NodesReady(), FakeCluster([node("a"), other])), "passed", "shows no Leases")


async def test_a_node_that_is_being_deleted_is_inconclusive() -> None:
    leaving = node("a")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T09:59:00Z"

    assert_finding(await ask(NodesReady(), FakeCluster([leaving, lease("a")])), "inconclusive", "is being deleted")


async def test_cordoned_nodes_are_reported_and_pass() -> None:
    finding = await ask(NodesReady(), FakeCluster([node("a", cordoned=True), lease("a")]))

    assert_finding(finding, "passed", "1 cordoned", codes=["NodeCordoned"])


async def test_a_cluster_without_nodes_is_inconclusive() -> None:
    assert_finding(await ask(NodesReady(), FakeCluster()), "inconclusive", "there is no node")


async def test_only_the_named_pools_are_judged_and_each_must_exist() -> None:
    cluster = FakeCluster([node("a", "system"), node("b", "user", Ready="False"), lease("a"), lease("b")])

    assert_finding(await ask(NodesReady(pools=("system",)), cluster), "passed", "all 1 nodes")
    assert_finding(await ask(NodesReady(pools=("system", "gpu")), cluster), "inconclusive", "no node in pool gpu")


@pytest.mark.parametrize(
    ("allowed", "outcome"), [(0, "failed"), (1, "failed"), (2, "passed"), ("19%", "failed"), ("20%", "passed")]
)
async def test_so_many_may_be_not_ready(allowed: object, outcome: str) -> None:
    names = [f"n{i}" for i in range(10)]
    nodes = [node(name, Ready="True" if i > 1 else "False") for i, name in enumerate(names)]
    cluster = FakeCluster([*nodes, *map(lease, names)])

    finding = await ask(NodesReady.model_validate({"maxNotReady": allowed}), cluster)

    assert_finding(finding, outcome, "2 of 10 nodes are not healthy", codes=["NodeNotReady"] * 2)


async def test_what_is_unclear_counts_against_the_tolerance_too() -> None:
    cluster = FakeCluster([node("a"), node("b", Ready="False"), node("c"), lease("a"), lease("b")])

    finding = await ask(NodesReady.model_validate({"maxNotReady": 1}), cluster)

    assert_finding(finding, "inconclusive", "2 of 3 nodes are unclear or not healthy")


async def test_the_evidence_is_bounded() -> None:
    nodes = [node(f"n{i}", Ready="False", DiskPressure="True") for i in range(60)]

    finding = await ask(NodesReady(), FakeCluster(nodes))

    assert_finding(finding, "failed", "60 of 60")
    assert len(finding.evidence) == 21
    assert finding.evidence[-1].code == "MoreFound"


async def test_text_of_the_cluster_is_bounded_and_printable() -> None:
    loud = node("a", Ready="False")
    loud["status"]["conditions"][0]["message"] = "\x1b[31m" + "x" * 10_000

    finding = await ask(NodesReady(), FakeCluster([loud]))

    assert len(finding.evidence[0].observed) < 300
    assert finding.evidence[0].observed.isprintable()


@pytest.mark.parametrize("name", ["a; rm -rf /", "", "$(id)", "A" * 300])
async def test_a_name_that_is_none_is_no_answer(name: str) -> None:
    with pytest.raises(BadAnswer):
        await ask(NodesReady(), FakeCluster([node(name)]))


@pytest.mark.parametrize("resource", [NODES, LEASES])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster([node("a"), lease("a")])
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(NodesReady(), cluster)


@given(
    st.integers(0, 6),
    st.sampled_from(
        [("Ready", "False"), ("Ready", "Unknown"), ("DiskPressure", "True"), ("FrequentKubeletRestart", "True")]
    ),
)
async def test_a_cluster_with_a_sick_node_added_never_passes(healthy: int, sick: tuple[str, str]) -> None:
    names = [f"n{i}" for i in range(healthy)]
    condition: dict[str, Any] = dict([sick])
    cluster = FakeCluster([*map(node, names), *map(lease, names), node("sick", **condition), lease("sick")])

    assert_finding(await ask(NodesReady(), cluster), "failed")


async def test_a_finding_says_how_many_of_each_pool() -> None:
    sick = [node("a", "system", Ready="False"), node("b", "system"), node("c", Ready="False"), node("d", Ready="False")]

    finding = await ask(NodesReady(), FakeCluster([*sick, *map(lease, "abcd")]))

    subjects = ["Node a (pool system)", "Node c (pool user)", "Node d (pool user)"]
    assert_finding(finding, "failed", "; by pool: system 1 of 2, user 2 of 2", subjects=subjects)


async def test_a_node_that_is_not_ready_says_only_this_of_its_other_conditions() -> None:
    lost = node("a")
    unknown = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
    lost["status"]["conditions"] = [{"type": kind, "status": "Unknown", "reason": "R"} for kind in unknown]

    finding = await ask(NodesReady(), FakeCluster([lost, node("b"), lease("a"), lease("b")]))

    assert_finding(finding, "failed", "is not healthy: a is not Ready (0 allowed)", codes=["NodeNotReady"])


async def test_a_node_with_many_problems_is_named_once() -> None:
    sick = [node(name, MemoryPressure="True", DiskPressure="True", KernelDeadlock="True") for name in "ab"]

    finding = await ask(NodesReady(), FakeCluster([*sick, lease("a"), lease("b")]))

    assert_finding(finding, "failed", "2 of 2 nodes are not healthy")
    named = "a has MemoryPressure=True (and 2 more), b has MemoryPressure=True (and 2 more) (0 allowed)"
    assert named in finding.message


@pytest.mark.parametrize("kind", ["GPUMissing", "XIDErrors", "IBLinkFlapping", "UnhealthyNvidiaDevicePlugin"])
async def test_a_broken_gpu_fails(kind: str) -> None:
    broken = node("a")
    broken["status"]["conditions"].append({"type": kind, "status": "True"})

    finding = await ask(NodesReady(), FakeCluster([broken, lease("a")]))

    assert_finding(finding, "failed", f"a has {kind}=True", codes=["NodeProblem"])


@pytest.mark.parametrize(("ready", "outcome"), [("True", "passed"), ("Unknown", "failed")])
async def test_a_virtual_node_needs_no_lease(ready: str, outcome: str) -> None:
    virtual = node("virtual-node-aci-linux", Ready=ready)
    virtual["metadata"]["labels"] = {"type": "virtual-kubelet"}

    assert_finding(await ask(NodesReady(), FakeCluster([node("a"), lease("a"), virtual])), outcome)


async def test_a_virtual_node_whose_lease_is_stale_is_silent() -> None:
    virtual = node("virtual-node-aci-linux")
    virtual["metadata"]["labels"] = {"type": "virtual-kubelet"}
    cluster = FakeCluster([node("a"), lease("a"), virtual, lease("virtual-node-aci-linux", ago=400)])

    assert_finding(await ask(NodesReady(), cluster), "failed", "sends no heartbeat", codes=["NodeHeartbeatStale"])


async def test_a_node_that_only_looks_virtual_needs_its_lease() -> None:
    labelled = node("b")
    labelled["metadata"]["labels"]["type"] = "virtual-kubelet"

    assert_finding(await ask(NodesReady(), FakeCluster([node("a"), lease("a"), labelled])), "inconclusive")
