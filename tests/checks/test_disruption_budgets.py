"""disruption-budgets: PodDisruptionBudgets, pods and nodes -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.disruption_budgets import BUDGETS, PODS, DisruptionBudgets
from gatekeeper.check import NODES, BadAnswer, Forbidden, Namespaces
from gatekeeper.testing import FakeCluster, ask, assert_finding

CHECK = DisruptionBudgets()
WEB = {"matchLabels": {"app": "web"}}


def budget(
    name: str = "web",
    numbers: str = "3 3 2 1",
    selector: Any = WEB,
    namespace: str = "shop",
    observed: int | None = 2,
    **spec: Any,
) -> Any:
    """Numbers: pods expected, healthy, desired healthy, disruptions allowed."""
    expected, healthy, desired, allowed = map(int, numbers.split())
    rule = spec if {"minAvailable", "maxUnavailable"} & spec.keys() else {"minAvailable": desired, **spec}
    status = {
        "expectedPods": expected,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
    }
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": namespace, "generation": 2},
        "spec": {"selector": selector, **rule},
        "status": status | ({"observedGeneration": observed} if observed is not None else {}),
    }


def pod(name: str, node: str = "n1", ready: bool = True, phase: str = "Running", **labels: str) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels or {"app": "web"}},
        "spec": {"nodeName": node, "containers": [{"name": "c"}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "c", "ready": ready, "state": {"running": {}}}]},
    }


def leaving(item: Any) -> Any:
    return {**item, "metadata": {**item["metadata"], "deletionTimestamp": "2026-11-23T12:00:00Z"}}


def node(name: str = "n1", pool: str = "user") -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.azure.com/agentpool": pool}},
    }


async def test_a_budget_with_room_passes() -> None:
    assert_finding(await ask(CHECK, FakeCluster([node(), budget()])), "passed", "(1 looked at)", codes=[])


async def test_a_cluster_without_budgets_passes_and_says_so() -> None:
    assert_finding(await ask(CHECK, FakeCluster([node()])), "passed", "there is none")


async def test_a_cluster_without_budgets_and_nodes_is_inconclusive() -> None:
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "no nodes")


@pytest.mark.parametrize(
    "blocking",
    [
        budget(numbers="2 2 2 0", maxUnavailable=0),
        budget(numbers="2 2 2 0", maxUnavailable="0%"),
        budget(numbers="3 3 3 0", minAvailable=3),
        budget(numbers="3 3 3 0", minAvailable="100%"),
        budget(numbers="3 3 3 0", minAvailable="90%"),
        budget(numbers="3 3 5 0", minAvailable=5),
        budget(numbers="1 1 1 0", minAvailable=1),
        budget(numbers="3 1 3 0", minAvailable=3, unhealthyPodEvictionPolicy="AlwaysAllow"),
    ],
)
async def test_a_budget_that_never_allows_a_disruption_fails(blocking: Any) -> None:
    finding = await ask(CHECK, FakeCluster([node(), blocking]))

    assert_finding(
        finding, "failed", "of 1 PodDisruptionBudget 1 never allows a disruption", codes=["BudgetNeverAllows"]
    )


@pytest.mark.parametrize("numbers", ["3 1 2 0", "3 2 2 0", "3 0 2 0"])
async def test_a_budget_that_allows_none_now_fails(numbers: str) -> None:
    finding = await ask(CHECK, FakeCluster([node(), budget(numbers=numbers)]))

    assert_finding(finding, "failed", "1 allows none now", codes=["BudgetAllowsNoneNow"])


async def test_what_blocks_for_the_moment_can_be_ignored_and_is_reported() -> None:
    check = DisruptionBudgets(momentary="ignored")

    momentary = await ask(check, FakeCluster([node(), budget(numbers="3 1 2 0")]))
    structural = await ask(
        check, FakeCluster([node(), budget(numbers="3 1 2 0"), budget("x", "3 3 3 0", {"matchLabels": {"a": "b"}})])
    )

    assert_finding(momentary, "passed", "; ignored: 1 allows none now", codes=["BudgetAllowsNoneNow"])
    assert_finding(
        structural, "failed", "PodDisruptionBudget shop/x", codes=["BudgetNeverAllows", "BudgetAllowsNoneNow"]
    )


async def test_unhealthy_pods_that_may_always_be_evicted_block_nothing() -> None:
    spared = budget(numbers="3 0 2 0", unhealthyPodEvictionPolicy="AlwaysAllow")
    half = budget(numbers="3 1 2 0", unhealthyPodEvictionPolicy="AlwaysAllow")

    assert_finding(await ask(CHECK, FakeCluster([node(), spared])), "passed")
    assert_finding(await ask(CHECK, FakeCluster([node(), half])), "failed")


async def test_a_budget_that_expects_no_pods_blocks_nothing() -> None:
    assert_finding(await ask(CHECK, FakeCluster([node(), budget(numbers="0 0 0 0", minAvailable=1)])), "passed")


@pytest.mark.parametrize("rule", [{"maxUnavailable": 1}, {"maxUnavailable": "100%"}, {"minAvailable": "50%"}])
async def test_pods_without_a_controller_are_blocked_by_a_budget_that_counts_by_controllers(rule: Any) -> None:
    finding = await ask(CHECK, FakeCluster([node(), pod("a"), budget(numbers="0 1 0 0", **rule)]))

    assert_finding(
        finding,
        "failed",
        "1 expects none of its pods; PodDisruptionBudget shop/web",
        codes=["BudgetExpectsNone"],
    )
    assert "1 healthy pod has no controller that wants it" in finding.evidence[0].observed
    assert "; 1 pod on n1 (pool user)" in finding.evidence[0].observed


async def test_unready_pods_without_a_controller_are_blocked_though_the_budget_counts_none_of_them() -> None:
    """The eviction API lets unready pods go where enough are healthy, and for that at least one must be wanted."""
    uncounted = budget(numbers="0 0 0 0", maxUnavailable=1)
    spared = budget(numbers="0 0 0 0", maxUnavailable=1, unhealthyPodEvictionPolicy="AlwaysAllow")

    finding = await ask(CHECK, FakeCluster([node(), pod("a", ready=False), uncounted]))

    assert_finding(finding, "failed", "1 expects none of its", codes=["BudgetExpectsNone"])
    assert "; 1 pod on n1 (pool user)" in finding.evidence[0].observed
    assert_finding(await ask(CHECK, FakeCluster([node(), pod("a", ready=False), spared])), "passed")
    assert_finding(await ask(CHECK, FakeCluster([node(), pod("a", app="other"), uncounted])), "passed")
    assert_finding(
        await ask(CHECK, FakeCluster([node(), owned(pod("a", ready=False), "DaemonSet"), uncounted])), "passed"
    )


RULES: tuple[dict[str, Any], ...] = ({"minAvailable": 1}, {"maxUnavailable": 1})


@pytest.mark.parametrize("number", [10, 50])
async def test_pods_that_a_budget_does_not_count_are_found_among_many_budgets_without_pods(number: int) -> None:
    """Previews that sleep at night have a budget each, and no pods."""
    asleep = [
        budget(f"a{i}", "0 0 0 0", {"matchLabels": {"app": f"a{i}"}}, **rule) for i in range(number) for rule in RULES
    ]
    here = [node(), *asleep, budget(numbers="0 0 0 0", maxUnavailable=1), budget(namespace="pay", maxUnavailable=1)]

    blocked = await ask(CHECK, FakeCluster([*here, pod("a", ready=False)]))
    cluster = FakeCluster([*here, leaving(pod("a")), owned(pod("b", ready=False), "DaemonSet"), pod("c", app="c")])

    assert_finding(blocked, "failed", "1 expects none of its pods", codes=["BudgetExpectsNone"])
    assert "; 1 pod on n1 (pool user)" in blocked.evidence[0].observed
    assert_finding(await ask(CHECK, cluster), "passed")
    assert cluster.asked.count(PODS) <= 11


async def test_the_last_pods_of_a_workload_that_was_scaled_to_zero_are_not_held_against_its_budget() -> None:
    here = [node(), leaving(pod("a")), budget(numbers="0 0 0 0", maxUnavailable=1)]

    assert_finding(await ask(CHECK, FakeCluster(here)), "passed", "(1 looked at)", codes=[])


@pytest.mark.parametrize("rule", [{"maxUnavailable": 0}, {"maxUnavailable": "0%"}, {"minAvailable": "100%"}])
async def test_a_pod_to_spare_during_a_rollout_hides_no_budget_that_never_allows(rule: Any) -> None:
    """A Deployment that surges has a fourth pod for a while, and the budget lets one go as long."""
    finding = await ask(CHECK, FakeCluster([node(), pod("a"), budget(numbers="3 4 3 1", **rule)]))

    assert_finding(finding, "failed", "1 never allows a disruption", codes=["BudgetNeverAllows"])
    assert "never allows a disruption, but for 1 pod to spare just now" in finding.evidence[0].observed


async def test_budgets_over_one_pod_without_a_controller_overlap() -> None:
    two = [budget("one", "0 1 0 0", maxUnavailable=1), budget("two", "1 1 0 1")]

    finding = await ask(CHECK, FakeCluster([node(), pod("a"), *two]))

    assert_finding(finding, "failed", codes=["BudgetExpectsNone", "BudgetsOverlap"])


def owned(manifest: Any, kind: str) -> Any:
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": "agent", "uid": "1", "controller": True}
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [owner]}}


@pytest.mark.parametrize("numbers", ["2 2 2 0", "3 1 2 0"])
async def test_a_budget_over_the_pods_of_a_daemon_set_stops_no_drain(numbers: str) -> None:
    agents = [owned(pod("a", "n1"), "DaemonSet"), owned(pod("b", "n2"), "DaemonSet")]
    cluster = [node("n1"), node("n2"), *agents, budget(numbers=numbers)]

    assert_finding(await ask(CHECK, FakeCluster(cluster)), "passed", codes=[])
    assert_finding(await ask(CHECK, FakeCluster([*cluster, pod("c")])), "failed", "; 1 pod on n1")
    assert_finding(await ask(CHECK, FakeCluster([*cluster, owned(pod("c"), "ReplicaSet")])), "failed", "; 1 pod on n1")


async def test_budgets_over_pods_that_a_drain_leaves_do_not_overlap() -> None:
    cluster = [node(), owned(pod("a"), "DaemonSet"), owned(pod("b"), "Node"), budget("one"), budget("two")]

    assert_finding(await ask(CHECK, FakeCluster(cluster)), "passed")


async def test_a_budget_that_the_controller_cannot_work_out_fails() -> None:
    lost = budget(numbers="0 0 0 0", maxUnavailable=1)
    lost["status"]["conditions"] = [{"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed"}]

    finding = await ask(CHECK, FakeCluster([node(), pod("a", ready=False), lost]))

    assert_finding(finding, "failed", "cannot be worked out", codes=["BudgetSyncFailed"])


@pytest.mark.parametrize("observed", [None, 1, 3])
async def test_a_stale_status_is_inconclusive(observed: int | None) -> None:
    finding = await ask(CHECK, FakeCluster([node(), budget(observed=observed)]))

    assert_finding(finding, "inconclusive", "1 of 1 PodDisruptionBudget has a stale status", codes=["BudgetStale"])


async def test_the_blocked_nodes_and_pools_are_named() -> None:
    nodes = [node("n1", "user"), node("n2", "gpu"), node("n3", "system")]
    pods = [pod("a", "n1"), pod("b", "n2"), pod("c", "n3", app="other"), pod("d", "n3", phase="Succeeded")]

    finding = await ask(CHECK, FakeCluster([*nodes, *pods, budget(numbers="2 2 2 0")]))

    assert_finding(finding, "failed", "2 pods on n1, n2 (pool gpu, user)")


async def test_unready_pods_that_may_be_evicted_are_not_counted_as_blocked() -> None:
    nodes = [node("n1"), node("n2", "gpu")]
    pods = [pod("a", "n1"), pod("b", "n2", ready=False)]

    spared = await ask(CHECK, FakeCluster([*nodes, *pods, budget(numbers="3 2 2 0")]))
    not_spared = await ask(CHECK, FakeCluster([*nodes, *pods, budget(numbers="3 1 2 0")]))

    assert_finding(spared, "failed", "; 1 pod on n1 (pool user)")
    assert_finding(not_spared, "failed", "; 2 pods on n1, n2 (pool gpu, user)")


@pytest.mark.parametrize(
    ("selector", "overlaps"),
    [
        (WEB, True),
        ({}, True),
        ({"matchLabels": {"app": "web", "tier": "front"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["api"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}, False),
        (None, False),
    ],
)
async def test_two_budgets_on_one_pod_fail(selector: Any, overlaps: bool) -> None:
    cluster = FakeCluster([node(), pod("a"), pod("b"), budget("one"), budget("two", selector=selector)])

    finding = await ask(CHECK, cluster)

    if overlaps:
        assert_finding(finding, "failed", "one and two match the same pods (2)", codes=["BudgetsOverlap"])
    else:
        assert_finding(finding, "passed")


async def test_pods_that_the_eviction_api_lets_go_do_not_overlap() -> None:
    gone = [pod("a", phase="Succeeded"), pod("b", phase="Pending"), leaving(pod("c"))]

    assert_finding(await ask(CHECK, FakeCluster([node(), *gone, budget("one"), budget("two")])), "passed")


async def test_budgets_that_cannot_meet_are_not_looked_up_in_pods() -> None:
    many = [budget(f"b{i}", selector={"matchLabels": {"app": f"b{i}", "tier": "front"}}) for i in range(100)]
    cluster = FakeCluster([node(), pod("a"), *many])

    assert_finding(await ask(CHECK, cluster), "passed", "(100 looked at)")
    assert cluster.asked == [BUDGETS]

    cluster.apply(budget("all", selector={}))

    assert_finding(await ask(CHECK, cluster), "passed", "(101 looked at)")
    assert PODS in cluster.asked


async def test_budgets_of_two_namespaces_do_not_overlap() -> None:
    elsewhere = budget("two", namespace="pay")

    assert_finding(await ask(CHECK, FakeCluster([node(), pod("a"), budget("one"), elsewhere])), "passed")


async def test_allowed_budgets_may_block_and_overlap() -> None:
    cluster = FakeCluster(
        [node(), pod("a"), budget("old-1", "3 3 3 0"), budget("old-2", observed=None), budget("old-3")]
    )

    assert_finding(await ask(DisruptionBudgets(allow=("shop/old-*",)), cluster), "passed")
    assert_finding(await ask(DisruptionBudgets(allow=("shop/old-1",)), cluster), "failed", "old-1 and old-3")
    assert_finding(await ask(DisruptionBudgets(allow=("pay/*",)), cluster), "failed", "never allows")


async def test_only_the_chosen_namespaces_are_judged() -> None:
    cluster = FakeCluster([node(), budget(numbers="3 3 3 0"), budget(namespace="pay")])

    assert_finding(
        await ask(DisruptionBudgets(namespaces=Namespaces(exclude=("shop",))), cluster), "passed", "(1 looked"
    )


async def test_pods_and_nodes_are_not_read_when_nothing_blocks() -> None:
    cluster = FakeCluster([node(), pod("a"), budget()])

    await ask(CHECK, cluster)

    assert cluster.asked == [BUDGETS]


async def test_the_evidence_is_bounded() -> None:
    blocking = [budget(f"b{i:02}", "3 3 3 0", {"matchLabels": {"app": f"b{i}"}}) for i in range(30)]

    finding = await ask(CHECK, FakeCluster([node(), *blocking]))

    assert_finding(finding, "failed", "30 never allow")
    assert len(finding.evidence) == 21


async def test_what_blocks_for_good_is_shown_before_what_blocks_for_the_moment() -> None:
    momentary = [budget(f"b{i:02}", "3 1 2 0", {"matchLabels": {"app": f"b{i}"}}) for i in range(30)]
    sick = budget("sick", "3 3 3 0", {"matchLabels": {"app": "sick"}})

    finding = await ask(DisruptionBudgets(momentary="ignored"), FakeCluster([node(), *momentary, sick]))

    assert_finding(finding, "failed", "1 never allows a disruption; PodDisruptionBudget shop/sick: ")


@pytest.mark.parametrize("pattern", ["legacy-*", "*", "a/b/c", ""])
def test_a_budget_is_allowed_by_namespace_and_name(pattern: str) -> None:
    with pytest.raises(ValidationError):
        DisruptionBudgets(allow=(pattern,))


def test_an_empty_list_of_allowed_budgets_is_refused() -> None:
    with pytest.raises(ValidationError):
        DisruptionBudgets(allow=())


@pytest.mark.parametrize("key", ["expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed"])
@pytest.mark.parametrize("value", [None, "3", True, 1.5, -1])
async def test_a_status_without_its_numbers_is_no_answer(key: str, value: object) -> None:
    odd = budget()
    odd["status"][key] = value

    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([node(), odd]))


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"app": "web,tier!=x"}},
        {"matchLabels": {"app": 1}},
        {"matchLabels": ["app"]},
        {"matchExpressions": [{"key": "app", "operator": "Like", "values": ["w"]}]},
        {"matchExpressions": [{"key": "app", "operator": "In"}]},
        {"matchExpressions": "app"},
        "app=web",
    ],
)
async def test_a_selector_that_is_none_is_no_answer(selector: Any) -> None:
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([node(), budget("one"), budget("two", selector=selector)]))


@pytest.mark.parametrize("resource", [BUDGETS, PODS, NODES])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster([node(), budget(numbers="3 3 3 0")])
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


@given(st.integers(0, 5), st.sampled_from(["3 3 3 0", "3 2 2 0", "3 0 1 0", "1 1 1 0"]))
async def test_a_blocking_budget_added_never_passes(others: int, numbers: str) -> None:
    fine = [budget(f"b{i}", selector={"matchLabels": {"app": f"b{i}"}}) for i in range(others)]

    finding = await ask(CHECK, FakeCluster([node(), *fine, budget("sick", numbers)]))

    assert_finding(finding, "failed")
