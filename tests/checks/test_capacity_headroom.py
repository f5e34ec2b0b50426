"""capacity-headroom: nodes and pods -> finding."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.capacity_headroom import PODS, CapacityHeadroom
from checks.drainable import Drainable
from gatekeeper.check import NODES, BadAnswer, Forbidden
from gatekeeper.testing import FakeCluster, ask, assert_finding

CPU = CapacityHeadroom(resources=("cpu",))
SURGE = CapacityHeadroom(resources=("cpu",), nodes_gone=0, max_used="100%")


def node(name: str, cpu: Any = "4", pool: str = "user", *, memory: str = "16Gi", pods: Any = "110") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.azure.com/agentpool": pool}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": pods},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def container(cpu: Any, name: str = "c", **more: Any) -> dict[str, Any]:
    return {"name": name, "resources": {"requests": {"cpu": cpu}} if cpu is not None else {}, **more}


def pod(name: str, where: str | None, cpu: Any = "1", owner: str = "ReplicaSet", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "ownerReferences": [{"kind": owner, "controller": True}]},
        "spec": {"containers": [container(cpu)], **({"nodeName": where} if where else {}), **spec},
        "status": {"phase": "Running" if where else "Pending"},
    }


async def test_pods_that_fit_when_a_node_is_gone_pass() -> None:
    cluster = FakeCluster([node("a"), node("b"), node("c"), pod("p", "a", "3"), pod("q", "b", "3")])

    finding = await ask(CapacityHeadroom(), cluster)

    said = "with 1 node of a pool gone, at most 75% of what is left would be requested (pool user cpu 75%), 90% allowed"
    assert_finding(finding, "passed", said, codes=[])


async def test_pods_that_do_not_fit_any_more_fail_with_the_numbers() -> None:
    cluster = FakeCluster([node("a"), node("b"), node("s", pool="system"), *(pod(f"p{i}", "a") for i in range(4))])

    finding = await ask(CapacityHeadroom(pools=("user",)), cluster)

    assert_finding(
        finding, "failed", "1 of 1 pools would be more than 90% requested with 1 node of a pool gone: user cpu"
    )
    assert_finding(finding, "failed", codes=["PoolTooFull"], subjects=["Pool user"])
    assert finding.evidence[0].observed == "cpu: 4.0 of 4.0 cores requested (100%) with 1 of 2 usable nodes gone"


@pytest.mark.parametrize(("used", "outcome"), [("3600m", "passed"), ("3601m", "failed")])
async def test_the_limit_itself_is_allowed(used: str, outcome: str) -> None:
    assert_finding(await ask(CPU, FakeCluster([node("a"), node("b"), pod("p", "a", used)])), outcome)


async def test_every_resource_counts() -> None:
    small = [node("a", memory="1Gi"), node("b", memory="1Gi")]
    hungry = pod("p", "a", None)
    hungry["spec"]["containers"][0]["resources"] = {"requests": {"memory": "1000Mi"}}

    assert_finding(await ask(CapacityHeadroom(), FakeCluster([*small, hungry])), "failed", "user memory 98%")
    assert_finding(await ask(CPU, FakeCluster([*small, hungry])), "passed")


async def test_pods_are_counted_against_the_nodes_limit_of_them() -> None:
    nodes = [node("a", pods="3"), node("b", pods="3")]

    finding = await ask(CapacityHeadroom(), FakeCluster([*nodes, *(pod(f"p{i}", "a", "10m") for i in range(3))]))

    assert_finding(finding, "failed", "user pods 100%")


async def test_another_resource_can_be_summed() -> None:
    one, two, user = node("a"), node("b"), pod("p", "a")
    one["status"]["allocatable"]["nvidia.com/gpu"] = "2"
    user["spec"]["containers"][0]["resources"] = {"requests": {"nvidia.com/gpu": "1"}}
    check = CapacityHeadroom(resources=("nvidia.com/gpu",))

    assert_finding(await ask(check, FakeCluster([one, two, user])), "failed", "user nvidia.com/gpu has no room")


async def test_the_nodes_that_hurt_most_are_taken() -> None:
    cluster = FakeCluster([node("a", "2"), node("b", "16"), node("c", "2"), pod("p", "a", "2"), pod("q", "c", "2")])

    assert_finding(await ask(CPU, cluster), "failed", "user cpu 100%")


@pytest.mark.parametrize("owner", ["DaemonSet", "Node"])
async def test_pods_that_end_with_their_node_need_not_move(owner: str) -> None:
    nodes = [node("a"), node("b")]

    assert_finding(
        await ask(CPU, FakeCluster([*nodes, pod("p", "a", "3", owner), pod("q", "b", "3", owner)])), "passed"
    )
    assert_finding(await ask(CPU, FakeCluster([*nodes, pod("p", "a", "3", owner), pod("q", "b", "3")])), "failed")


async def test_a_pod_that_only_mentions_a_daemon_set_has_to_move() -> None:
    guest = pod("p", "a", "4", "DaemonSet")
    guest["metadata"]["ownerReferences"][0]["controller"] = False

    assert_finding(await ask(CPU, FakeCluster([node("a"), node("b"), guest])), "failed")


def unfit(kind: str) -> dict[str, Any]:
    broken = node("b")
    match kind:
        case "not ready":
            broken["status"]["conditions"][0]["status"] = "Unknown"
        case "no condition":
            broken["status"]["conditions"] = []
        case "cordoned":
            broken["spec"]["unschedulable"] = True
        case "leaving":
            broken["spec"]["taints"] = [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]
        case "deleted":
            broken["metadata"]["deletionTimestamp"] = "2026-11-23T09:00:00Z"
    return broken


@pytest.mark.parametrize("kind", ["not ready", "no condition", "cordoned", "leaving", "deleted"])
async def test_a_node_that_takes_no_pods_has_no_room_and_its_pods_have_to_move(kind: str) -> None:
    fit = FakeCluster([node("a"), node("b"), pod("p", "a", "2"), pod("q", "b", "3")])
    sick = FakeCluster([node("a"), unfit(kind), pod("p", "a", "2"), pod("q", "b", "3")])

    assert_finding(await ask(SURGE, fit), "passed", "63%")
    assert_finding(await ask(SURGE, sick), "failed", "user cpu 125%")


@pytest.mark.parametrize("gone", [1, 7])
async def test_a_pool_that_is_gone_altogether_has_no_room(gone: int) -> None:
    cluster = FakeCluster([node("a"), pod("p", "a")])

    finding = await ask(CapacityHeadroom(resources=("cpu",), nodes_gone=gone), cluster)

    assert_finding(finding, "failed", "user cpu has no room")
    assert "nothing is left" in finding.evidence[0].observed
    assert "with 1 of 1 usable node gone" in finding.evidence[0].observed


async def test_a_pool_without_a_usable_node_fails_though_nothing_runs_there() -> None:
    cluster = FakeCluster([node("a"), pod("p", "a"), {**unfit("cordoned"), "metadata": {"name": "b"}}])

    assert_finding(await ask(SURGE, cluster), "failed", "none cpu has no room", subjects=["Nodes without a pool"])


ALWAYS = {"restartPolicy": "Always"}
SPECS: list[tuple[str, dict[str, Any]]] = [
    ("3", {"containers": [container("1"), container("2", "d")]}),
    ("1", {"containers": [container("1"), container(None, "d")]}),
    ("4", {"containers": [container("1")], "initContainers": [container("4", "i"), container("3", "j")]}),
    ("1500m", {"containers": [container("1")], "initContainers": [container("500m", "s", **ALWAYS)]}),
    ("5", {"containers": [container("1")], "initContainers": [container("1", "s", **ALWAYS), container("4", "i")]}),
    ("4", {"containers": [container("1")], "initContainers": [container("4", "i"), container("1", "s", **ALWAYS)]}),
    ("6", {"containers": [container("4")], "initContainers": [container("1", f"s{i}", **ALWAYS) for i in range(2)]}),
    ("1250m", {"containers": [container("1")], "overhead": {"cpu": "250m"}}),
    ("2", {"containers": [container("1")], "resources": {"requests": {"cpu": "2"}}}),
    ("2250m", {"containers": [], "resources": {"requests": {"cpu": "2"}}, "overhead": {"cpu": "250m"}}),
    ("1", {"containers": [container("1")], "resources": {"requests": {"memory": "2Gi"}}}),
    ("0.1", {"containers": [container("100m")]}),
    ("2", {"containers": [container(2)]}),
]


@pytest.mark.parametrize(("total", "spec"), SPECS)
async def test_a_pod_requests_what_the_scheduler_reserves(total: str, spec: dict[str, Any]) -> None:
    exact, less = node("a", total), node("a", f"{float(total.rstrip('m')) * (1 if 'm' in total else 1000) - 1:.0f}m")

    assert_finding(await ask(SURGE, FakeCluster([exact, pod("p", "a", **spec)])), "passed", "cpu 100%")
    assert_finding(await ask(SURGE, FakeCluster([less, pod("p", "a", **spec)])), "failed")


@pytest.mark.parametrize("status", [{"allocatedResources": {"cpu": "3"}}, {"resources": {"requests": {"cpu": "3"}}}])
@pytest.mark.parametrize("key", ["containerStatuses", "initContainerStatuses"])
async def test_during_a_resize_the_larger_value_counts(status: dict[str, Any], key: str) -> None:
    resized = pod("p", "a", "1")
    if key.startswith("init"):
        resized["spec"] |= {"containers": [container(None, "d")], "initContainers": [container("1", **ALWAYS)]}
    resized["status"][key] = [{"name": "c", **status}]

    assert_finding(await ask(SURGE, FakeCluster([node("a"), resized])), "passed", "cpu 75%")


async def test_finished_pods_hold_nothing() -> None:
    done = pod("p", "a", "100")
    done["status"]["phase"] = "Succeeded"

    assert_finding(await ask(SURGE, FakeCluster([node("a"), done, pod("q", "a", "1")])), "passed", "cpu 25%")


@pytest.mark.parametrize("where", [None, "gone"])
async def test_pods_that_wait_for_a_node_are_inconclusive(where: str | None) -> None:
    cluster = FakeCluster([node("a"), pod("p", "a"), pod("q", where)])

    finding = await ask(SURGE, cluster)

    assert_finding(finding, "inconclusive", "1 pod waits for a node: shop/q", codes=["PodWaiting"])
    assert_finding(await ask(CapacityHeadroom(resources=("cpu",), nodes_gone=0, max_waiting=1), cluster), "passed")


async def test_gated_and_leaving_pods_do_not_wait() -> None:
    gated, leaving = pod("q", None, schedulingGates=[{"name": "g"}]), pod("r", None)
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T10:00:30Z"

    assert_finding(await ask(SURGE, FakeCluster([node("a"), pod("p", "a"), gated, leaving])), "passed")


@pytest.mark.parametrize(
    ("manifests", "why"),
    [
        ([], "there is no node"),
        ([pod("p", "a")], "there is no node"),
        ([node("a")], "there is no pod"),
    ],
)
async def test_an_empty_cluster_is_inconclusive(manifests: list[dict[str, Any]], why: str) -> None:
    assert_finding(await ask(SURGE, FakeCluster(manifests)), "inconclusive", why)


async def test_a_named_pool_must_exist() -> None:
    cluster = FakeCluster([node("a"), pod("p", "a")])

    assert_finding(await ask(CapacityHeadroom(pools=("user", "gpu")), cluster), "inconclusive", "no node in pool gpu")


@pytest.mark.parametrize("cpu", [None, "lots", True, [], "-"])
async def test_a_node_that_does_not_say_its_room_is_no_answer(cpu: object) -> None:
    with pytest.raises(BadAnswer):
        await ask(SURGE, FakeCluster([node("a", cpu), pod("p", "a")]))


@pytest.mark.parametrize("cpu", ["lots", True, [], ""])
async def test_a_request_that_is_none_is_no_answer(cpu: object) -> None:
    with pytest.raises(BadAnswer):
        await ask(SURGE, FakeCluster([node("a"), pod("p", "a", cpu)]))


async def test_requests_of_another_shape_are_no_answer() -> None:
    with pytest.raises(BadAnswer):
        await ask(SURGE, FakeCluster([node("a"), pod("p", "a", containers=[{"resources": {"requests": ["cpu"]}}])]))


@pytest.mark.parametrize("percent", ["101%", "90", "-1%", "many"])
def test_what_is_no_percentage_is_refused(percent: str) -> None:
    with pytest.raises(ValidationError):
        CapacityHeadroom(max_used=percent)


@pytest.mark.parametrize("resource", [NODES, PODS])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster([node("a"), pod("p", "a")])
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(SURGE, cluster)


sizes = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=5)


@given(sizes, st.integers(0, 3), st.sampled_from([50, 90, 100]))
async def test_it_passes_just_if_every_choice_of_nodes_may_go(
    pool: list[tuple[int, int, int]], gone: int, percent: int
) -> None:
    """Against all choices tried one by one: a node's room, what stays on it, what has to move."""
    cluster = FakeCluster()
    for index, (room, stays, moves) in enumerate(pool):
        cluster.apply(node(f"n{index}", str(room)))
        cluster.apply(pod(f"stays{index}", f"n{index}", str(stays), "DaemonSet"))
        cluster.apply(pod(f"moves{index}", f"n{index}", str(moves)))
    moving = sum(moves for _, _, moves in pool)
    rests = combinations(pool, max(0, len(pool) - gone))
    fits = all(
        100 * (moving + sum(stays for _, stays, _ in rest)) <= percent * sum(room for room, _, _ in rest)
        for rest in rests
    )

    finding = await ask(CapacityHeadroom(resources=("cpu",), nodes_gone=gone, max_used=f"{percent}%"), cluster)

    assert_finding(finding, "passed" if fits else "failed")


def tainted(name: str, key: str, effect: str = "NoSchedule") -> dict[str, Any]:
    found = node(name)
    found["spec"]["taints"] = [{"key": key, "effect": effect}]
    return found


@pytest.mark.parametrize(
    ("key", "effect", "outcome"),
    [
        ("node.kubernetes.io/disk-pressure", "NoSchedule", "failed"),
        ("node.kubernetes.io/network-unavailable", "NoSchedule", "failed"),
        ("node.cloudprovider.kubernetes.io/uninitialized", "NoSchedule", "failed"),
        ("maintenance", "NoSchedule", "failed"),
        ("maintenance", "NoExecute", "failed"),
        ("maintenance", "PreferNoSchedule", "passed"),
        ("DeletionCandidateOfClusterAutoscaler", "PreferNoSchedule", "passed"),
    ],
)
async def test_a_node_that_a_taint_keeps_pods_from_has_no_room(key: str, effect: str, outcome: str) -> None:
    cluster = FakeCluster([node("a"), tainted("b", key, effect), pod("p", "a", "3"), pod("q", "b", "3")])

    assert_finding(await ask(SURGE, cluster), outcome)


async def test_a_taint_of_the_whole_pool_is_what_its_pods_tolerate() -> None:
    spot = "kubernetes.azure.com/scalesetpriority"
    cluster = FakeCluster([tainted("a", spot), tainted("b", spot), pod("p", "a", "3"), pod("q", "b", "3")])

    assert_finding(await ask(SURGE, cluster), "passed", "cpu 75%")


async def test_all_nodes_of_a_pool_under_pressure_have_no_room() -> None:
    key = "node.kubernetes.io/memory-pressure"

    assert_finding(await ask(SURGE, FakeCluster([tainted("a", key), tainted("b", key), pod("p", "a")])), "failed")


async def test_a_virtual_node_is_no_pool_and_its_pods_do_not_wait() -> None:
    virtual = node("vn", "10000")
    virtual["metadata"]["labels"] = {"type": "virtual-kubelet"}
    cluster = FakeCluster([node("a"), node("b"), virtual, pod("p", "a"), pod("q", "vn", "500")])

    assert_finding(await ask(CPU, cluster), "passed", "(pool user cpu 25%)", codes=[])


@pytest.mark.parametrize(
    ("resource", "outcome"),
    [("memroy", "inconclusive"), ("hugepages-2Mi", "inconclusive"), ("nvidia.com/gpu", "passed")],
)
async def test_a_resource_that_no_node_knows_says_nothing_unless_it_is_a_device(resource: str, outcome: str) -> None:
    cluster = FakeCluster([node("a"), node("b"), pod("p", "a")])

    finding = await ask(CapacityHeadroom(resources=("cpu", resource)), cluster)

    assert_finding(finding, outcome, f"no node knows a resource {resource}" if outcome == "inconclusive" else "")


@pytest.mark.parametrize("cpu", ["-4", "9" * 5_000])
async def test_less_than_nothing_and_more_than_there_can_be_are_no_answer(cpu: str) -> None:
    with pytest.raises(BadAnswer):
        await ask(SURGE, FakeCluster([node("a"), pod("p", "a", cpu)]))
    with pytest.raises(BadAnswer):
        await ask(SURGE, FakeCluster([node("a", cpu), pod("p", "a")]))


async def test_it_reads_the_pods_as_drainable_does_so_that_both_read_them_once() -> None:
    class Counting(FakeCluster):
        kept: list[tuple[Any, ...]]

        async def objects(self, resource: Any, **how: Any) -> Any:
            self.kept.append((resource, *how.values()))
            return await super().objects(resource, **how)

    cluster = Counting([node("a"), pod("p", "a")])
    cluster.kept = []
    await ask(SURGE, cluster)
    mine, cluster.kept = set(cluster.kept), []
    await ask(Drainable(), cluster)

    assert mine <= set(cluster.kept)
    assert {resource for resource, *_ in mine} == {NODES, PODS}
