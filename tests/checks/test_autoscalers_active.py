"""autoscalers-active: HorizontalPodAutoscalers -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.autoscalers_active import AUTOSCALERS, AutoscalersActive
from gatekeeper.check import NODES, BadAnswer, Forbidden
from gatekeeper.testing import FakeCluster, ask, assert_finding

CHECK = AutoscalersActive()
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}


def autoscaler(
    able: str | None = "True SucceededGetScale",
    active: str | None = "True ValidMetricFound",
    limited: str = "False DesiredWithinRange",
    name: str = "web",
    observed: object = None,
    **metadata: Any,
) -> Any:
    """Conditions are written as status and reason; None leaves one out."""
    said = {"AbleToScale": able, "ScalingActive": active, "ScalingLimited": limited}
    conditions = [
        {"type": kind, "status": words.split()[0], "reason": words.split()[1], "message": "so it is"}
        for kind, words in said.items()
        if words
    ]
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": "shop", **metadata},
        "spec": {"maxReplicas": 6, "scaleTargetRef": {"kind": "Deployment", "name": name}},
        "status": {"conditions": conditions} | ({} if observed is None else {"observedGeneration": observed}),
    }


@pytest.mark.parametrize(
    "well",
    [
        autoscaler(),
        autoscaler("True ReadyForNewScale"),
        autoscaler("True ScaleDownStabilized"),
        autoscaler(limited="True TooFewReplicas"),
        autoscaler(limited=""),
        autoscaler(generation=4, observed=4),
        autoscaler(generation=4),
        autoscaler(observed=4),
    ],
)
async def test_an_autoscaler_at_work_passes(well: Any) -> None:
    assert_finding(await ask(CHECK, FakeCluster([well])), "passed", "all 1 autoscaler are active", codes=[])


@pytest.mark.parametrize(
    ("sick", "outcome", "code", "words"),
    [
        (
            autoscaler(active="False FailedGetResourceMetric"),
            "failed",
            "AutoscalerNotActive",
            "ScalingActive is False: FailedGetResourceMetric so it is",
        ),
        (autoscaler(active="False InvalidSelector"), "failed", "AutoscalerNotActive", "InvalidSelector"),
        (autoscaler(active="Unknown Odd"), "inconclusive", "AutoscalerNotActive", "is Unknown"),
        (autoscaler(active="Unknown ScalingDisabled"), "inconclusive", "AutoscalerNotActive", "is Unknown"),
        (autoscaler(active=None), "inconclusive", "AutoscalerNotObserved", "no condition ScalingActive"),
        (autoscaler(able="False FailedGetScale"), "failed", "AutoscalerNotAble", "FailedGetScale"),
        (autoscaler(able="False FailedGetScale", active=None), "failed", "AutoscalerNotAble", "FailedGetScale"),
        (autoscaler(able="False ScalingDisabled"), "failed", "AutoscalerNotAble", "ScalingDisabled"),
        (
            autoscaler(able=None, active=None, limited=""),
            "inconclusive",
            "AutoscalerNotObserved",
            "no condition AbleToScale",
        ),
        (autoscaler(generation=4, observed=3), "inconclusive", "StaleStatus", "generation 4, observed 3"),
        (
            autoscaler(deletionTimestamp="2026-11-23T09:00:00Z"),
            "inconclusive",
            "AutoscalerTerminating",
            "is being deleted",
        ),
    ],
)
async def test_an_autoscaler_that_is_not_at_work_does_not_pass(sick: Any, outcome: str, code: str, words: str) -> None:
    finding = await ask(CHECK, FakeCluster([autoscaler(name="ok"), sick]))

    assert_finding(
        finding, outcome, f"of 2 autoscalers {'is' if outcome == 'failed' else 'are'} not active", codes=[code]
    )
    assert words in finding.message
    assert finding.evidence[0].subject == "HorizontalPodAutoscaler shop/web"
    assert finding.evidence[0].hint.startswith("kubectl -n shop describe hpa web")


async def test_an_autoscaler_of_a_target_at_zero_is_well_and_said_to_be_so() -> None:
    finding = await ask(CHECK, FakeCluster([autoscaler(active="False ScalingDisabled")]))

    assert_finding(finding, "passed", "1 disabled, since their targets want no replicas", codes=[])


async def test_an_autoscaler_at_its_maximum_is_reported_or_fails() -> None:
    cluster = FakeCluster([autoscaler(limited="True TooManyReplicas")])

    reported = await ask(CHECK, cluster)
    failed = await ask(AutoscalersActive(at_maximum="failed"), cluster)

    assert_finding(reported, "passed", "1 at their maximum", codes=["AutoscalerAtMaximum"])
    assert_finding(failed, "failed", "at its maximum of 6 replicas and wants more", codes=["AutoscalerAtMaximum"])


@pytest.mark.parametrize(("allowed", "outcome"), [(0, "failed"), (1, "inconclusive"), (2, "passed"), ("50%", "passed")])
async def test_so_many_may_be_inactive(allowed: object, outcome: str) -> None:
    sick = [autoscaler(active="False X"), autoscaler(active=None, name="b"), autoscaler(name="c"), autoscaler(name="d")]

    finding = await ask(AutoscalersActive.model_validate({"maxInactive": allowed}), FakeCluster(sick))

    assert_finding(finding, outcome, "1 of 4 autoscalers is not active, 1 unclear")


async def test_what_is_allowed_or_elsewhere_is_not_judged() -> None:
    cluster = FakeCluster([autoscaler(active="False X"), autoscaler(name="ok"), autoscaler(namespace="pay")])

    assert_finding(await ask(AutoscalersActive(allow=("shop/w*",)), cluster), "passed", "all 2 autoscalers")
    assert_finding(
        await ask(AutoscalersActive.model_validate({"namespaces": {"include": ["pay"]}}), cluster), "passed", "all 1"
    )


async def test_without_autoscalers_it_passes_only_on_a_cluster_that_is_there() -> None:
    assert_finding(await ask(CHECK, FakeCluster([NODE])), "passed", "there is no autoscaler")
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "no node either")


@pytest.mark.parametrize("resource", [AUTOSCALERS, NODES])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster()
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


async def test_conditions_of_another_shape_are_no_answer() -> None:
    odd = autoscaler()
    odd["status"]["conditions"] = "none"

    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([odd]))


words = st.sampled_from(["True X", "False X", "False ScalingDisabled", "Unknown X", "Odd X"]) | st.none()


@given(words, words)
async def test_it_passes_only_if_both_conditions_are_well(able: str | None, active: str | None) -> None:
    finding = await ask(CHECK, FakeCluster([autoscaler(able, active)]))

    well = able == "True X" and active in ("True X", "False ScalingDisabled")
    assert (finding.outcome == "passed") == well
