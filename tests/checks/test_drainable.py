"""drainable: nodes, pods, budgets and volumes -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.drainable import BUDGETS, PODS, VOLUMES, Drainable
from gatekeeper.check import NODES, BadAnswer, CouldNotLook, Eviction, Forbidden, NotFound, Tolerance
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
        "spec": ({"unschedulable": True} if more.get("cordoned") else {}) | {"taints": more.get("taints", [])},
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


@pytest.mark.parametrize("rule", [{"maxUnavailable": 0}, {"minAvailable": "100%"}])
async def test_a_pod_to_spare_during_a_rollout_hides_no_budget_that_never_allows(rule: Any) -> None:
    here = [node(), pod(), budget(numbers="3 4 3 1", **rule)]

    finding = await ask(CHECK, FakeCluster(here))

    words = "allows no disruption but for 1 pod to spare: 4 pods are healthy where 3 are expected, 3 must stay so"
    assert_finding(finding, "failed", words, codes=["DrainBlocked"])
    assert_finding(await ask(CHECK, FakeCluster([node(), pod(ready=False), here[2]])), "passed")


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
    virtual = node("vn", pool="", labels={"type": "virtual-kubelet"})
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


def taint(key: str, value: str = "", effect: str = "NoSchedule") -> Any:
    return {"key": key, "effect": effect} | ({"value": value} if value else {})


PRESSURE = taint("node.kubernetes.io/disk-pressure")
LEAVING = taint("ToBeDeletedByClusterAutoscaler", "1732356000")
SPOT = taint("kubernetes.azure.com/scalesetpriority", "spot")
TOLERATES_ALL = {"tolerations": [{"operator": "Exists"}]}


@pytest.mark.parametrize(
    ("other", "tolerations", "outcome"),
    [
        (PRESSURE, [], "failed"),
        (PRESSURE, [{"operator": "Exists"}], "failed"),
        (LEAVING, [], "failed"),
        (SPOT, [], "failed"),
        (SPOT, [{"key": SPOT["key"], "value": "spot", "effect": "NoSchedule"}], "passed"),
        (SPOT, [{"key": SPOT["key"], "value": "other"}], "failed"),
        (SPOT, [{"key": SPOT["key"], "operator": "Exists", "effect": "NoExecute"}], "failed"),
        (SPOT, [{"key": SPOT["key"], "operator": "Like", "value": "spot"}], "failed"),
        (SPOT, [{"operator": "Exists"}], "passed"),
        (taint("soft", effect="PreferNoSchedule"), [], "passed"),
        (taint("hard", effect="NoExecute"), [], "failed"),
    ],
)
async def test_a_tainted_node_has_room_only_for_pods_that_tolerate_it(
    other: Any, tolerations: Any, outcome: str
) -> None:
    cluster = FakeCluster([node(), node("n2", taints=[other]), pod(spec={"tolerations": tolerations})])

    assert_finding(await ask(NO_SURGE, cluster), outcome)


async def test_a_surge_node_has_the_taints_of_its_pool_and_none_of_a_sick_node() -> None:
    spots = [node(taints=[SPOT, PRESSURE]), node("n2", taints=[SPOT])]

    assert_finding(await ask(CHECK, FakeCluster([*spots, pod(spec=TOLERATES_ALL)])), "passed")
    assert_finding(await ask(CHECK, FakeCluster([*spots, pod()])), "failed", codes=["NoRoom"])
    assert_finding(await ask(CHECK, FakeCluster([node(taints=[taint("mine")]), node("n2"), pod()])), "passed")


def affinity(*terms: Any) -> dict[str, Any]:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    return {"affinity": {"nodeAffinity": required}}


def wants(operator: str, *values: str, key: str = "gen") -> Any:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("terms", "outcome"),
    [
        ([wants("In", "2", "3")], "passed"),
        ([wants("In", "1")], "failed"),
        ([wants("In", "1"), wants("Exists")], "passed"),
        ([wants("NotIn", "2")], "failed"),
        ([wants("NotIn", "x", key="none")], "passed"),
        ([wants("DoesNotExist")], "failed"),
        ([wants("Gt", "1")], "passed"),
        ([wants("Gt", "2")], "failed"),
        ([wants("Lt", "3")], "passed"),
        ([wants("Lt", "x")], "failed"),
        ([wants("Lt", "3", "4")], "failed"),
        ([wants("Like", "2")], "failed"),
        ([{}], "failed"),
        ([], "failed"),
    ],
)
async def test_required_node_affinity_counts(terms: list[Any], outcome: str) -> None:
    cluster = FakeCluster([node(), node("n2", labels={"gen": "2"}), pod(spec=affinity(*terms))])

    assert_finding(await ask(NO_SURGE, cluster), outcome)


@pytest.mark.parametrize(
    "tie",
    [
        {"nodeSelector": {"kubernetes.io/hostname": "n1"}},
        affinity(wants("In", "n1", key="kubernetes.io/hostname")),
        affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}),
    ],
)
async def test_a_pod_that_asks_for_its_node_by_name_is_reported_and_needs_no_other_room(tie: Any) -> None:
    finding = await ask(NO_SURGE, FakeCluster([node(), pod(spec=tie)]))

    assert_finding(finding, "passed", "1 note", codes=["PodTiedToNode"])


async def test_room_on_disk_counts_as_processor_and_memory_do() -> None:
    hungry = pod(devices={"ephemeral-storage": "60"})
    small = node("n2", devices={"ephemeral-storage": "50"})

    assert_finding(await ask(NO_SURGE, FakeCluster([node(), node("n2"), hungry])), "passed")
    assert_finding(await ask(NO_SURGE, FakeCluster([node(), small, hungry])), "failed", codes=["NoRoom"])


@pytest.mark.parametrize("key", ["kubernetes.io/hostname", "topology.topolvm.io/node", "openebs.io/nodename"])
async def test_a_volume_that_its_driver_binds_to_a_node_fails(key: str) -> None:
    bound: Any = {"csi": {}, "nodeAffinity": {"required": {"nodeSelectorTerms": [wants("In", "n1", key=key)]}}}

    finding = await ask(CHECK, FakeCluster([node(), pod(spec=CLAIM), volume(**bound)]))

    assert_finding(finding, "failed", codes=["LocalVolume"])


async def test_a_volume_of_a_zone_can_follow_its_pod() -> None:
    zone = wants("In", "eastus-1", key="topology.disk.csi.azure.com/zone")
    bound: Any = {"csi": {}, "nodeAffinity": {"required": {"nodeSelectorTerms": [zone]}}}

    assert_finding(await ask(CHECK, FakeCluster([node(), pod(spec=CLAIM), volume(**bound)])), "passed")


@pytest.mark.parametrize(
    ("since", "owner", "outcome"),
    [
        ("2026-11-23T09:54:59Z", "StatefulSet", "inconclusive"),
        ("2026-11-23T09:55:00Z", "StatefulSet", "passed"),
        ("2026-11-23T10:00:30Z", "StatefulSet", "passed"),
        ("2026-11-23T08:00:00Z", "DaemonSet", "passed"),
        ("2026-11-23T08:00:00Z", None, "inconclusive"),
    ],
)
async def test_a_drain_would_wait_for_a_pod_that_does_not_go(since: str, owner: str | None, outcome: str) -> None:
    stuck = pod("old-1", owner=owner, metadata={"deletionTimestamp": since})

    finding = await ask(CHECK, FakeCluster([node(), pod(), stuck]))

    assert_finding(finding, outcome, codes=["PodStuck"] if outcome == "inconclusive" else [])


@pytest.mark.parametrize(
    "odd",
    [
        pod(spec={"nodeSelector": {"disk": ["fast"]}}),
        pod(spec={"nodeSelector": "fast"}),
        pod(spec={"nodeName": 5}),
        pod(spec={"tolerations": "all"}),
        pod(spec={"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": "odd"}}}),
        pod(labels={"app": ["web"]}, spec={"nodeName": []}),
        pod(cpu="-1"),
        pod(cpu="9" * 2_000_000),
        pod(metadata={"deletionTimestamp": "yesterday"}),
        node("n2", cpu="-4"),
        node("n2", cpu="9" * 2_000_000),
    ],
    ids=lambda body: body["kind"],
)
async def test_what_no_api_server_would_say_is_no_answer(odd: Any) -> None:
    with pytest.raises(BadAnswer):
        await ask(NO_SURGE, FakeCluster([node(), pod("api-1"), odd]))


async def test_a_budget_is_asked_for_each_set_of_labels_and_namespace() -> None:
    """What is alike is worked out once; pods that differ in labels or namespace alone are not alike."""
    free = pod("web-2", labels={"app": "api"})
    elsewhere = pod("web-3", metadata={"namespace": "pay"})

    finding = await ask(CHECK, FakeCluster([node(), free, elsewhere, pod(), budget(numbers="1 1 1 0")]))

    assert_finding(finding, "failed", codes=["DrainBlocked"])
    assert "; 1 pod: shop/web-1; on n1" in finding.evidence[0].observed


async def test_a_budget_without_labels_and_one_by_expression_take_their_pods() -> None:
    everything = budget("all", "3 3 3 0", selector={})
    some = budget(
        "some", "3 3 3 0", selector={"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}
    )
    none = budget("none", "3 3 3 0", selector=None)
    two = budget("two", "3 3 3 0", selector={"matchLabels": {"app": "web", "tier": "front"}})

    for limit, outcome in ((everything, "failed"), (some, "failed"), (none, "passed"), (two, "passed")):
        assert_finding(await ask(CHECK, FakeCluster([node(), pod(), limit])), outcome)
    tiered = pod(labels={"tier": "front", "app": "web"})
    assert_finding(await ask(CHECK, FakeCluster([node(), tiered, two])), "failed", codes=["DrainBlocked"])


rooms_and_wants = st.tuples(
    st.lists(st.integers(1, 12), min_size=1, max_size=4), st.lists(st.integers(1, 9), min_size=1, max_size=8)
)


@given(rooms_and_wants, st.integers(0, 2))
async def test_each_node_is_drained_by_itself_first_fit_the_largest_first(
    sizes: tuple[list[int], list[int]], surge: int
) -> None:
    """Against the same done plainly, without anything remembered between pods or nodes."""
    spaces, wanted = sizes
    nodes = [node(f"n{i}", cpu=str(each)) for i, each in enumerate(spaces)]
    left, placed = list(spaces), dict[int, list[int]]()
    for each in wanted:
        best = max(range(len(left)), key=left.__getitem__)
        left[best] -= each
        placed.setdefault(best, []).append(each)
    pods = [pod(f"w{on}-{i}", f"n{on}", cpu=str(each)) for on, mine in placed.items() for i, each in enumerate(mine)]
    fits = all(_drains(mine, left[:on] + left[on + 1 :], [spaces[on]] * surge) for on, mine in placed.items())

    finding = await ask(Drainable(surge=Tolerance(count=surge)), FakeCluster([*nodes, *pods]))

    assert_finding(finding, "passed" if fits else "failed")


def _drains(pods: list[int], others: list[int], surged: list[int]) -> bool:
    return any(_all_fit(pods, rooms) for rooms in (list(surged), [*others, *surged]))


def _all_fit(pods: list[int], rooms: list[int]) -> bool:
    for each in sorted(pods, reverse=True):
        fitting = [index for index, room in enumerate(rooms) if room >= each]
        if not fitting:
            return False
        rooms[fitting[0]] -= each
    return True
