"""system-pods-healthy: pods of kube-system -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.system_pods_healthy import PODS, SystemPodsHealthy
from gatekeeper.check import NODES, BadAnswer, Forbidden
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding

CHECK = SystemPodsHealthy()
DNS, TUNNEL, METRICS = {"k8s-app": "kube-dns"}, {"app": "konnectivity-agent"}, {"k8s-app": "metrics-server"}


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def node(name: str = "n1", ready: str = "True") -> Any:
    conditions = [{"type": "Ready", "status": ready}]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"conditions": conditions}}


def pod(
    name: str,
    labels: dict[str, str] | None = None,
    *,
    ready: bool = True,
    since: float = 3600,
    priority: str = "system-node-critical",
    phase: str = "Running",
    state: Any = None,
    namespace: str = "kube-system",
    **metadata: Any,
) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels or {},
            "creationTimestamp": ago(9999),
            **metadata,
        },
        "spec": {"nodeName": "n1", "priorityClassName": priority, "containers": [{"name": "c"}]},
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": str(ready), "reason": "R", "lastTransitionTime": ago(since)}],
            "containerStatuses": [{"name": "c", "ready": ready, "restartCount": 0, "state": state or {"running": {}}}],
        },
    }


def healthy() -> list[Any]:
    return [
        node(),
        pod("coredns-1", DNS),
        pod("coredns-2", DNS),
        pod("konnectivity-agent-1", TUNNEL),
        pod("metrics-server-1", METRICS),
        pod("kube-proxy-1", {"component": "kube-proxy"}),
    ]


CRASH = {"waiting": {"reason": "CrashLoopBackOff"}}


async def test_a_healthy_system_passes_on_its_rows_alone() -> None:
    cluster = FakeCluster(healthy())

    finding = await ask(CHECK, cluster)

    assert_finding(
        finding, "passed", "all critical of the 5 system pods are ready, coredns, konnectivity-agent", codes=[]
    )
    assert cluster.asked == [NODES, PODS, PODS, PODS, PODS]


@pytest.mark.parametrize(
    ("component", "subject"),
    [(DNS, "coredns"), (TUNNEL, "konnectivity-agent"), (METRICS, "metrics-server")],
)
async def test_a_component_that_has_no_pod_fails(component: dict[str, str], subject: str) -> None:
    rest = [each for each in healthy() if each["metadata"].get("labels") != component]

    finding = await ask(CHECK, FakeCluster(rest))

    assert_finding(finding, "failed", "1 of 3 components has no ready pod", codes=["ComponentMissing"])
    assert finding.evidence[0].subject == f"Component {subject}"


async def test_a_component_none_of_whose_pods_is_ready_fails_at_once() -> None:
    down = [*healthy()[:1], *healthy()[3:], pod("coredns-1", DNS, ready=False, since=10)]

    finding = await ask(SystemPodsHealthy.model_validate({"maxUnhealthy": 5}), FakeCluster(down))

    assert_finding(
        finding, "failed", "Component coredns: none of its 1 pods", codes=["ComponentDown", "SystemPodNotReady"]
    )


@pytest.mark.parametrize("priority", ["system-node-critical", "system-cluster-critical"])
@pytest.mark.parametrize(("since", "outcome"), [(290, "inconclusive"), (310, "failed")])
async def test_a_critical_pod_that_is_not_ready_has_its_grace(priority: str, since: float, outcome: str) -> None:
    sick = pod("csi-1", ready=False, since=since, priority=priority, state=CRASH)

    finding = await ask(CHECK, FakeCluster([*healthy(), sick]))

    assert_finding(finding, outcome, "is not ready: CrashLoopBackOff (pod csi-1 on n1)", codes=["SystemPodNotReady"])


async def test_a_pod_of_a_component_is_critical_whatever_its_priority() -> None:
    sick = pod("coredns-3", DNS, ready=False, priority="")

    assert_finding(await ask(CHECK, FakeCluster([*healthy(), sick])), "failed", "1 of 6 system pods are critical")


async def test_a_pod_that_is_not_critical_is_only_counted() -> None:
    sick = pod("my-agent", ready=False, priority="")

    assert_finding(await ask(CHECK, FakeCluster([*healthy(), sick])), "passed", "1 other is not well", codes=[])


async def test_a_pod_on_a_lost_node_is_not_proven_by_its_row() -> None:
    lost = healthy()
    lost[0] = node("n1", "Unknown")
    lost[1]["status"]["conditions"][0]["status"] = "False"

    finding = await ask(CHECK, FakeCluster(lost))

    assert_finding(
        finding,
        "failed",
        subjects=[
            "Component coredns",
            "Component konnectivity-agent",
            "Component metrics-server",
            "Pod kube-system/coredns-1",
        ],
    )


@pytest.mark.parametrize(("overdue", "outcome"), [(-30, "passed"), (290, "passed"), (310, "failed")])
async def test_a_pod_may_leave_in_its_time(overdue: float, outcome: str) -> None:
    leaving = pod("csi-1", deletionTimestamp=ago(overdue))

    finding = await ask(CHECK, FakeCluster([*healthy(), leaving]))

    assert_finding(finding, outcome, codes=["SystemPodStuckTerminating"] if outcome == "failed" else [])


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_finished_pods_do_no_harm(phase: str) -> None:
    assert_finding(await ask(CHECK, FakeCluster([*healthy(), pod("done", ready=False, phase=phase)])), "passed")


@pytest.mark.parametrize(("allowed", "outcome"), [(0, "failed"), (1, "inconclusive"), (2, "passed"), ("30%", "passed")])
async def test_so_many_may_be_unhealthy(allowed: object, outcome: str) -> None:
    sick = [pod("csi-1", ready=False), pod("csi-2", ready=False, since=10)]

    finding = await ask(SystemPodsHealthy.model_validate({"maxUnhealthy": allowed}), FakeCluster([*healthy(), *sick]))

    assert_finding(finding, outcome, "1 of 7 system pods are critical and not ready")


async def test_too_many_suspects_are_not_proven() -> None:
    sick = [pod(f"csi-{i:02}", ready=False, since=10) for i in range(51)]

    finding = await ask(CHECK, FakeCluster([*healthy(), *sick]))

    assert_finding(finding, "inconclusive", "51 more not settled")


async def test_components_can_be_given_by_name_and_by_label() -> None:
    ours = SystemPodsHealthy(components=("kube-proxy", "app=ours"))

    assert_finding(await ask(ours, FakeCluster(healthy())), "failed", subjects=["Component app=ours"])
    assert_finding(await ask(ours, FakeCluster([*healthy(), pod("ours", {"app": "ours"})])), "passed")


async def test_several_namespaces_are_looked_at_together() -> None:
    check = SystemPodsHealthy(namespaces=("kube-system", "gatekeeper-system"))
    other = pod("audit", ready=False, namespace="gatekeeper-system")

    assert_finding(await ask(check, FakeCluster([*healthy(), other])), "failed", "Pod gatekeeper-system/audit")
    assert_finding(await ask(check, FakeCluster(healthy())), "inconclusive", "no pod to look at in gatekeeper-system")


async def test_without_pods_nothing_passes() -> None:
    assert_finding(
        await ask(SystemPodsHealthy(components=()), FakeCluster([node()])), "inconclusive", "no pod to look at"
    )
    assert_finding(await ask(CHECK, FakeCluster([node()])), "failed", "3 of 3 components")


async def test_pods_that_all_are_leaving_prove_nothing() -> None:
    leaving = FakeCluster([node(), pod("csi-1", deletionTimestamp=ago(1))])

    assert_finding(await ask(SystemPodsHealthy(components=()), leaving), "inconclusive")


@pytest.mark.parametrize("given", [{"components": ["corends"]}, {"namespaces": []}])
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SystemPodsHealthy.model_validate(given)


async def test_a_pod_of_another_shape_is_no_answer() -> None:
    class Odd(FakeCluster):
        async def objects(self, *args: Any, **kwargs: Any) -> Any:
            return [{**each, "status": {"conditions": "none"}} for each in await super().objects(*args, **kwargs)]

    with pytest.raises(BadAnswer):
        await ask(CHECK, Odd([*healthy(), pod("csi-1", ready=False)]))


@pytest.mark.parametrize("resource", [PODS, NODES])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster(healthy())
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


@given(st.integers(0, 5), st.booleans(), st.integers(0, 600), st.sampled_from(["Running", "Pending", "Unknown", "Odd"]))
async def test_a_critical_pod_that_is_not_ready_never_lets_it_pass(
    more: int, ready: bool, since: int, phase: str
) -> None:
    sick = pod("sick", ready=ready, since=since, phase=phase)

    finding = await ask(CHECK, FakeCluster([*healthy(), *(pod(f"ok-{i}") for i in range(more)), sick]))

    assert (finding.outcome == "passed") == (ready and phase == "Running")


async def test_a_pod_on_a_node_that_is_gone_is_not_proven_by_its_row() -> None:
    orphans = healthy()
    orphans[0] = node("n2")
    orphans[5]["status"]["conditions"][0] |= {"status": "Unknown", "lastTransitionTime": ago(400)}

    finding = await ask(SystemPodsHealthy(components=()), FakeCluster(orphans))

    assert_finding(finding, "failed", "1 of 5 system pods", codes=["SystemPodNotReady"])


async def test_a_component_that_a_cluster_does_not_have_can_be_left_out_and_the_hint_says_so() -> None:
    finding = await ask(CHECK, FakeCluster([each for each in healthy() if "konnectivity" not in str(each)]))

    assert_finding(finding, "failed", "1 of 3 components has no ready pod", codes=["ComponentMissing"])
    assert "Component konnectivity-agent: it has no pod" in finding.message
    assert finding.evidence[0].hint.endswith("; if this cluster needs none, leave it out of components")


@pytest.mark.parametrize("odd", [[], {}, ["n1"]])
async def test_odd_words_of_a_pod_prove_nothing_and_break_nothing(odd: object) -> None:
    somewhere, critical = pod("x"), pod("y", ready=False)
    somewhere["spec"]["nodeName"] = odd
    critical["spec"]["priorityClassName"] = odd

    assert_finding(await ask(CHECK, FakeCluster([*healthy(), somewhere, critical])), "passed", "1 other is not well")


class Fleeting(FakeCluster):
    """Its suspects are gone when they are looked for."""

    async def objects(self, *_: Any, **__: Any) -> Any:
        return []


@pytest.mark.parametrize(("leaving", "outcome"), [(False, "inconclusive"), (True, "passed")])
async def test_a_suspect_that_has_gone_may_have_been_replaced_unless_it_was_leaving(
    leaving: bool, outcome: str
) -> None:
    suspect = pod("x", ready=False)
    suspect["metadata"] |= {"deletionTimestamp": ago(-5)} if leaving else {}

    finding = await ask(CHECK, Fleeting([*healthy(), suspect]))

    assert_finding(finding, outcome, codes=None if leaving else ["SystemPodGone"])
