"""azure-monitor-alerts: which alerts are about a cluster, and which count."""

from __future__ import annotations

from typing import Any

import pytest

from checks.azure_monitor_alerts import AzureMonitorAlerts
from gatekeeper.check import BadAnswer, Finding, Tools
from gatekeeper.testing import FakeCluster, ask, assert_finding
from tests.checks.azure_bodies import ID, SUBSCRIPTION, azure, tools

ALERTS = f"{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts"
NODES = f"{SUBSCRIPTION}/resourceGroups/mc_RG_c1_westus/providers/Microsoft.Compute/virtualMachineScaleSets/aks-user"
LOGS = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs-prod"


def alert(name: str = "node cpu", target: str = ID, *, suppressed: bool = False, **essentials: Any) -> dict[str, Any]:
    own = {
        "severity": "Sev1",
        "alertState": "New",
        "monitorCondition": "Fired",
        "targetResource": target,
        "alertRule": f"{SUBSCRIPTION}/providers/Microsoft.Insights/metricAlerts/rule of {name}",
        "startDateTime": "2026-11-23T09:00:00Z",
        "actionStatus": {"isSuppressed": suppressed},
    }
    return {"name": name, "properties": {"essentials": own | essentials}}


async def judge(*alerts: dict[str, Any], **parameters: Any) -> Finding:
    check = AzureMonitorAlerts.model_validate(parameters)
    return await ask(check, FakeCluster(), tools=tools(answers={ALERTS: {"value": list(alerts)}}))


async def test_no_alert_passes() -> None:
    assert_finding(await judge(), "passed", "no alert of Azure Monitor is firing for c1")


@pytest.mark.parametrize("target", [ID, ID.upper(), f"{ID}/agentPools/user", NODES])
async def test_an_alert_about_the_cluster_or_its_nodes_fails(target: str) -> None:
    finding = await judge(alert(target=target))

    assert_finding(finding, "failed", "1 alert of Azure Monitor is firing for c1: node cpu", codes=["AlertFiring"])


@pytest.mark.parametrize("target", [f"{ID}2", LOGS, SUBSCRIPTION])
async def test_an_alert_about_something_else_does_not_count(target: str) -> None:
    assert_finding(await judge(alert(target=target)), "passed")


async def test_other_targets_can_be_named() -> None:
    assert_finding(await judge(alert(target=LOGS), alsoTargets=["*/workspaces/LOGS-*"]), "failed")


@pytest.mark.parametrize(
    ("essentials", "outcome"),
    [
        ({"alertState": "Acknowledged"}, "failed"),
        ({"alertState": "Closed"}, "passed"),
        ({"alertState": None}, "failed"),
        ({"monitorCondition": "Resolved"}, "passed"),
        ({"monitorCondition": "Burning"}, "failed"),
        ({"severity": "Sev4"}, "passed"),
        ({"severity": "Sev9"}, "failed"),
        ({"severity": None}, "failed"),
    ],
)
async def test_what_is_not_known_counts(essentials: dict[str, Any], outcome: str) -> None:
    assert_finding(await judge(alert(**essentials), severities=["Sev0", "Sev1"]), outcome)


@pytest.mark.parametrize(
    ("parameters", "outcome"),
    [
        ({"exclude": ["*CPU*"]}, "passed"),
        ({"exclude": ["rule of node*"]}, "passed"),
        ({"include": ["disk*"]}, "passed"),
        ({"include": ["node*"]}, "failed"),
        ({"include": ["node*"], "exclude": ["node cpu"]}, "passed"),
    ],
)
async def test_alerts_are_chosen_by_name_or_rule(parameters: dict[str, Any], outcome: str) -> None:
    assert_finding(await judge(alert(), **parameters), outcome)


async def test_suppressed_alerts_count_unless_told_otherwise() -> None:
    assert_finding(await judge(alert(suppressed=True)), "failed")
    assert_finding(await judge(alert(suppressed=True), ignoreSuppressed=True), "passed")


@pytest.mark.parametrize("target", ["", None, "c1"])
async def test_an_alert_without_a_target_may_be_about_this_cluster_unless_it_does_not_count(target: Any) -> None:
    adrift = alert("service health", target)

    finding = await judge(adrift)

    assert_finding(finding, "inconclusive", "by 1 alert of the subscription", subjects=["alert service health"])
    assert "exclude" in finding.evidence[0].hint
    assert_finding(await judge(adrift, alert()), "failed", "node cpu", subjects=["alert node cpu"])
    assert_finding(await judge(adrift, exclude=["service health"]), "passed")
    assert_finding(await judge(alert(target=target, alertState="Closed")), "passed")


@pytest.mark.parametrize("odd", [{}, {"name": "x"}, {"properties": {"essentials": {"targetResource": 1}}}])
async def test_an_alert_that_does_not_say_what_it_is_about_is_no_answer(odd: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        await judge(odd)


async def test_without_the_node_resource_group_no_alert_proves_nothing_of_the_nodes() -> None:
    async def judge_without(*alerts: dict[str, Any]) -> Finding:
        around = tools(answers={ALERTS: {"value": list(alerts)}}, nodeResourceGroup=None)
        return await ask(AzureMonitorAlerts(), FakeCluster(), tools=around)

    assert_finding(await judge_without(), "inconclusive", "does not name the node resource group of c1")
    assert_finding(await judge_without(alert()), "failed", "node cpu")


async def test_more_than_the_last_day_is_asked_for() -> None:
    seen = azure(answers={ALERTS: {"value": []}})
    await ask(AzureMonitorAlerts(), FakeCluster(), tools=Tools(azure=seen))

    assert seen.asked[-1] == (
        ALERTS,
        "2019-03-01",
        {"monitorCondition": "Fired", "timeRange": "30d", "pageCount": "250"},
    )
