"""drainable: nodes, pods, budgets and volumes -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.drainable import BUDGETS, NODES, PODS, VOLUMES, Drainable
from gatekeeper.check import BadAnswer, CouldNotLook, Eviction, Forbidden, NotFound, Tolerance
from gatekeeper.testing import FakeCluster, ask, assert_finding

CHECK = Drainable()
NO_SURGE = Drainable(surge=Tolerance(count=0))


def node(name: str = "n1", pool: str = "user", cpu: str = "4", pods: str = "110", **more: Any) -> Any:
    labels = {"kubernetes.azure.com/agentpool": pool, "kubernetes.io/hostname": name, **more.get("labels", {})}
    allocatable = {"cpu": cpu, "memory": "16Gi", "pods": pods, "ephemeral-storage": "100", **more.get("devices", {})}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"unschedulable": True} if more.get("cordoned") else {},
        "status": {
            "allocatable": allocatable,
            "conditions": [{"type": "Ready", "status": more.get("ready", "True")}],
        },
    }


def pod(name: str = "web-1", on: str = "n1", owner: str | None = "StatefulSet", cpu: str = "1", **more: Any) -> Any:
    owners = [{"kind": owner, "name": name.rpartition("-")[0] or name, "controller": True}] if owner else []
    labels = more.pop("labels", {"app": name.rpartition("-")[0]})
    ready = {"type": "Ready", "status": "True" if more.pop("ready", True) else "False"}
    metadata = {"name": name, "namespace": "shop", "labels": labels, "ownerReferences": owners}
    metadata |= more.pop("metadata", {})
    requests = {"cpu": cpu, "memory": "1Gi", **more.pop("devices", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": on, "containers": [{"name": "c", "resources": {"requests": requests}}]}
        | more.pop("spec", {}),
        "status": {"phase": more.pop("phase", "Running"), "conditions": [ready]},
    }


def budget(name: str = "web", numbers: str = "3 3 2 1", app: str = "web", observed: int = 1, **spec: Any) -> Any:
    """Numbers: pods expected, healthy, desired healthy, disruptions allowed."""
    keys = ("expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed")
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "shop", "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": app}}, **spec},
        "status": dict(zip(keys, map(int, numbers.split()), strict=True)) | {"observedGeneration": observed},
    }


def volume(name: str = "disk", **source: Any) -> Any:
    claim = {"namespace": "shop", "name": name}
    spec = {"claimRef": claim, "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], **source}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"pv-{name}"}, "spec": spec}


def mounts(**source: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "v", **source}]}


CLAIM = mounts(persistentVolumeClaim={"claimName": "disk"})


async def test_a_cluster_whose_pods_may_go_passes() -> None:
    cluster = FakeCluster([node(), node("n2"), pod(), pod("web-2", "n2"), budget()])

    assert_finding(await ask(CHECK, cluster), "passed", "all 2 nodes can be drained: 2 pods move", codes=[])
    assert cluster.asked == [PODS, NODES, BUDGETS]


async def test_a_budget_that_allows_none_blocks_and_names_all_that_it_blocks() -> None:
    pods = [pod(), pod("web-2", "n2"), pod("api-1", "n3")]

    finding = await ask(CHECK, FakeCluster([node(), node("n2", "gpu"), node("n3"), *pods, budget(numbers="2 2 2 0")]))

    assert_finding(
        finding,
        "failed",
        "2 of 3 nodes cannot be drained: PodDisruptionBudget shop/web allows no disruption: 2 of 2 pods are healthy",
        codes=["DrainBlocked"],
        subjects=["PodDisruptionBudget shop/web"],
    )
    assert finding.evidence[0].observed.endswith("; 2 pods: shop/web-1, shop/web-2; on n1, n2 (pool gpu, user)")
    assert "run one more replica" in finding.evidence[0].hint


@pytest.mark.parametrize(
    ("numbers", "policy", "phase", "outcome"),
    [
        ("3 2 2 0", None, "Running", "passed"),
        ("3 1 2 0", None, "Running", "failed"),
        ("3 1 2 0", "IfHealthyBudget", "Running", "failed"),
        ("3 1 2 0", "AlwaysAllow", "Running", "passed"),
        ("3 0 0 0", None, "Running", "failed"),
        ("3 1 2 0", None, "Pending", "passed"),
    ],
)
async def test_unready_and_pending_pods_may_go(numbers: str, policy: str | None, phase: str, outcome: str) -> None:
    limit = budget(numbers=numbers)
    limit["spec"] |= {"unhealthyPodEvictionPolicy": policy} if policy else {}

    assert_finding(await ask(CHECK, FakeCluster([node(), pod(ready=False, phase=phase), limit])), outcome)


async def test_two_budgets_on_a_pod_block() -> None:
    finding = await ask(CHECK, FakeCluster([node(), pod(), budget(), budget("all")]))

    assert_finding(finding, "failed", "budgets all and web both match", codes=["BudgetsOverlap"])


async def test_a_stale_budget_is_inconclusive() -> None:
    finding = await ask(CHECK, FakeCluster([node(), pod(), budget(observed=0)]))

    assert_finding(finding, "inconclusive", "1 of 1 node may not be drained", codes=["BudgetStale"])


async def test_more_pods_on_a_node_than_may_go_at_once_are_reported() -> None:
    finding = await ask(CHECK, FakeCluster([node(), pod(), pod("web-2"), budget()]))

    assert_finding(finding, "passed", "1 note", codes=["DrainWaits"])


async def test_a_budget_of_other_pods_or_of_another_namespace_does_not_matter() -> None:
    elsewhere = budget(numbers="1 1 1 0")
    elsewhere["metadata"]["namespace"] = "pay"

    finding = await ask(CHECK, FakeCluster([node(), pod(), elsewhere, budget("api", "1 1 1 0", app="api")]))

    assert_finding(finding, "passed", codes=[])


@pytest.mark.parametrize(
    "stays",
    [
        pod(owner="DaemonSet"),
        pod(owner="Node", metadata={"annotations": {"kubernetes.io/config.mirror": "x"}}),
        pod(metadata={"deletionTimestamp": "2026-11-23T10:00:00Z"}),
        pod(phase="Succeeded", owner=None),
        pod(on="gone", owner=None),
    ],
)
async def test_pods_that_are_not_evicted_block_nothing(stays: Any) -> None:
    cluster = FakeCluster([node(), pod("api-1"), stays, budget(numbers="1 1 1 0")])

    assert_finding(await ask(CHECK, cluster), "passed", "1 pods move", codes=[])


async def test_a_pod_without_a_controller_fails_or_is_reported() -> None:
    cluster = FakeCluster([node(), pod("bare", owner=None)])

    failed = await ask(CHECK, cluster)
    reported = await ask(Drainable(without_controller="reported"), cluster)

    assert_finding(failed, "failed", "nobody makes it anew", codes=["PodWithoutController"], subjects=["Pod shop/bare"])
    assert_finding(reported, "passed", codes=["PodWithoutController"])


@pytest.mark.parametrize(
    ("source", "outcome"),
    [({"local": {"path": "/d"}}, "failed"), ({"hostPath": {"path": "/d"}}, "failed"), ({"csi": {}}, "passed")],
)
async def test_a_volume_on_the_node_fails(source: Any, outcome: str) -> None:
    cluster = FakeCluster([node(), pod(spec=CLAIM), volume(**source), volume("other", local={"path": "/x"})])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, outcome, codes=["LocalVolume"] if outcome == "failed" else [])
    assert_finding(await ask(Drainable(local_volumes="reported"), cluster), "passed")
    assert VOLUMES in cluster.asked


async def test_the_volume_of_an_ephemeral_claim_is_found() -> None:
    cluster = FakeCluster([node(), pod(spec=mounts(ephemeral={})), volume("web-1-v", local={"path": "/d"})])

    assert_finding(await ask(CHECK, cluster), "failed", codes=["LocalVolume"])


async def test_what_a_drain_costs_is_reported() -> None:
    pods = [
        pod("a-1", spec=mounts(emptyDir={})),
        pod("b-1", spec=mounts(hostPath={"path": "/etc"})),
        pod("c-1", spec={"nodeSelector": {"kubernetes.io/hostname": "n1"}}),
        pod("d-1", metadata={"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}}),
    ]

    finding = await ask(CHECK, FakeCluster([node(), *pods]))

    assert_finding(
        finding,
        "passed",
        "4 pods move, of which 1 lose an emptyDir; 3 notes",
        codes=["HostPathMounted", "PodTiedToNode", "NotSafeToEvict"],
    )


async def test_ignored_pods_block_nothing_but_want_room() -> None:
    check = Drainable(ignore=("shop/web-*",))
    cluster = FakeCluster([node(), pod(owner=None), pod("web-2"), budget(numbers="1 1 1 0")])

    assert_finding(await ask(CHECK, cluster), "failed")
    assert_finding(await ask(check, cluster), "passed")
    assert_finding(
        await ask(check.model_copy(update={"surge": Tolerance(count=0)}), cluster), "failed", codes=["NoRoom"]
    )


@pytest.mark.parametrize(
    ("other", "outcome"),
    [
        ([], "failed"),
        ([node("n2")], "passed"),
        ([node("n2", cpu="1500m")], "failed"),
        ([node("n2", pods="1")], "failed"),
        ([node("n2", cordoned=True)], "failed"),
        ([node("n2", ready="Unknown")], "failed"),
        ([node("n2"), pod("api-1", "n2", cpu="2500m")], "failed"),
        ([node("n2"), pod("ds-1", "n2", "DaemonSet", cpu="2500m")], "failed"),
        ([node("n2", "gpu")], "failed"),
        ([node("n2", cpu="1"), node("n3", cpu="1")], "passed"),
    ],
)
async def test_without_a_surge_the_pods_need_room_on_the_other_nodes(other: list[Any], outcome: str) -> None:
    cluster = FakeCluster([node(), pod("web-1"), pod("web-2"), *other])

    finding = await ask(Drainable(surge=Tolerance(count=0), pools=("user",)), cluster)

    assert_finding(finding, outcome)
    assert (outcome == "failed") == any(
        each.code == "NoRoom" and each.subject == "Node n1 (pool user)" for each in finding.evidence
    )


async def test_what_finds_no_room_is_named() -> None:
    finding = await ask(NO_SURGE, FakeCluster([node(), node("n2", cpu="1"), pod("web-1"), pod("big-1", cpu="2")]))

    assert_finding(finding, "failed", "1 of 2 nodes cannot be drained", codes=["NoRoom"])
    assert finding.evidence[0].observed == (
        "1 of 2 pods would find no room on 1 other node of the pool and 0 extra: shop/big-1 (2.00 cores, 1.0 GiB)"
    )


async def test_a_surge_makes_room() -> None:
    cluster = FakeCluster([node(), pod("web-1"), pod("web-2"), pod("ds-1", owner="DaemonSet")])

    assert_finding(await ask(CHECK, cluster), "passed")
    assert_finding(await ask(Drainable(surge=Tolerance(percent=10)), cluster), "passed")
    assert_finding(await ask(Drainable(surge=Tolerance(percent=0)), cluster), "failed")


async def test_devices_and_node_selectors_count() -> None:
    gpu = {"nvidia.com/gpu": "1"}
    wants = pod(devices=gpu, spec={"nodeSelector": {"disk": "fast"}})
    wants["spec"]["containers"] = [{"name": "c", "resources": {"requests": {"cpu": "1", **gpu}}}]
    mine = node(devices=gpu, labels={"disk": "fast"})

    for other, outcome in (
        (node("n2", devices=gpu, labels={"disk": "fast"}), "passed"),
        (node("n2", devices=gpu), "failed"),
        (node("n2", labels={"disk": "fast"}), "failed"),
    ):
        assert_finding(await ask(NO_SURGE, FakeCluster([mine, other, wants])), outcome)
    assert_finding(await ask(CHECK, FakeCluster([mine, wants])), "passed")


async def test_cordoned_nodes_are_drained_too_and_virtual_ones_are_not() -> None:
    virtual = node("vn", labels={"type": "virtual-kubelet"})
    cluster = FakeCluster(
        [node(cordoned=True), virtual, pod(), pod("api-1", "vn", owner=None), budget(numbers="1 1 1 0")]
    )

    assert_finding(await ask(CHECK, cluster), "failed", "1 of 1 node", codes=["DrainBlocked"])


async def test_only_the_chosen_pools_are_drained() -> None:
    cluster = FakeCluster([node(), node("n2", "gpu"), pod(), budget(numbers="1 1 1 0")])

    assert_finding(await ask(Drainable(pools=("gpu",)), cluster), "passed", "all 1 node")
    assert_finding(await ask(Drainable(pools=("gpu", "arm")), cluster), "inconclusive", "no node in pool arm")


async def test_no_nodes_or_no_pods_are_inconclusive() -> None:
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "there is no node")
    assert_finding(await ask(CHECK, FakeCluster([node()])), "inconclusive", "there is no pod")


class Server:
    """A workbench that refuses some evictions."""

    def __init__(self, **answers: Eviction | CouldNotLook) -> None:
        self.answers, self.asked = answers, list[str]()

    async def would_evict(self, namespace: str, pod: str) -> Eviction:
        self.asked.append(f"{namespace}/{pod}")
        answer = self.answers.get(pod.replace("-", "_"), Eviction(allowed=True, status=201, message=""))
        if isinstance(answer, CouldNotLook):
            raise answer
        return answer


ASKS = Drainable(ask_server=True)


async def test_the_server_is_not_asked_unless_wanted() -> None:
    server = Server()

    await ask(CHECK, FakeCluster([node(), pod()]), workbench=server)

    assert server.asked == []


async def test_one_pod_of_each_controller_is_asked_about_those_with_a_budget_first() -> None:
    pods = [pod("api-1"), pod("web-1"), pod("web-2"), pod("ds-1", owner="DaemonSet"), pod("bare", owner=None)]
    server, bounded = Server(), Server()
    cluster = FakeCluster([node(), *pods, budget(numbers="3 3 1 2")])

    await ask(ASKS, cluster, workbench=server)
    await ask(Drainable(ask_server=True, sample=1), cluster, workbench=bounded)

    assert server.asked == ["shop/web-1", "shop/api-1"]
    assert bounded.asked == ["shop/web-1"]


async def test_what_the_server_refuses_fails() -> None:
    refused = Eviction(allowed=False, status=429, message="Cannot evict pod as it would\nviolate the budget.")

    finding = await ask(ASKS, FakeCluster([node(), pod()]), workbench=Server(web_1=refused))

    assert_finding(
        finding,
        "failed",
        "refused by the API server with 429: Cannot evict pod as it would violate",
        codes=["EvictionRefused"],
    )


async def test_a_pod_that_has_gone_meanwhile_is_passed_over() -> None:
    assert_finding(await ask(ASKS, FakeCluster([node(), pod()]), workbench=Server(web_1=NotFound("gone"))), "passed")


async def test_a_server_that_may_not_be_asked_is_no_answer() -> None:
    with pytest.raises(Forbidden):
        await ask(ASKS, FakeCluster([node(), pod()]), workbench=Server(web_1=Forbidden("no")))
    with pytest.raises(CouldNotLook, match="cannot be tried here"):
        await ask(ASKS, FakeCluster([node(), pod()]))


@pytest.mark.parametrize("resource", [NODES, PODS, BUDGETS, VOLUMES])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster([node(), pod(spec=CLAIM), volume(csi={})])
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


def _without(body: Any, *path: str) -> Any:
    *way, last = path
    inner = body
    for key in way:
        inner = inner[key]
    del inner[last]
    return body


@pytest.mark.parametrize(
    "odd",
    [
        [_without(node(), "status", "allocatable")],
        [_without(node(), "status", "allocatable", "pods")],
        [node(cpu="four")],
        [node(), pod(cpu="some")],
        [node(), pod(), _without(budget(), "status", "disruptionsAllowed")],
        [node(), pod(), budget(selector={"matchLabels": {"app": 1}})],
        [node(), pod(spec={"volumes": {}})],
    ],
)
async def test_answers_of_another_shape_are_no_answer(odd: list[Any]) -> None:
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([*odd, pod("api-1")]))


@given(
    st.lists(st.sampled_from(["3 3 2 1", "5 5 1 4", "1 1 0 1"]), max_size=4),
    st.sampled_from(["3 3 3 0", "3 2 2 0", "3 1 2 0", "1 1 1 0", "0 0 0 0"]),
    st.integers(0, 2),
)
async def test_a_budget_without_room_for_a_ready_pod_never_passes(fine: list[str], numbers: str, surge: int) -> None:
    others = [budget(f"b{i}", each, app=f"b{i}") for i, each in enumerate(fine)]
    pods = [pod(f"b{i}-1") for i in range(len(fine))]
    check = Drainable(surge=Tolerance(count=surge))

    finding = await ask(
        check, FakeCluster([node(), node("n2", cpu="64"), pod(), *pods, *others, budget(numbers=numbers)])
    )

    assert_finding(finding, "failed")


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.lists(st.integers(1, 40), min_size=1, max_size=4))
async def test_pods_that_want_more_than_there_is_never_find_room(wants: list[int], rooms: list[int]) -> None:
    pods = [pod(f"web-{i}", cpu=f"{each}00m") for i, each in enumerate(wants)]
    nodes = [node(f"m{i}", cpu=f"{each}00m") for i, each in enumerate(rooms)]

    finding = await ask(NO_SURGE, FakeCluster([node(cpu="64"), *nodes, *pods]))

    if sum(wants) > sum(rooms) or max(wants) > max(rooms):
        assert_finding(finding, "failed", codes=["NoRoom"])
    if len(rooms) == 1 and sum(wants) <= sum(rooms):
        assert_finding(finding, "passed")
