"""clusters-operable: the words of Azure for power and provisioning."""

from __future__ import annotations

from typing import Any

import pytest

from checks.clusters_operable import ClustersOperable
from gatekeeper.check import BadAnswer, Forbidden, Tools
from gatekeeper.testing import FakeAzure, FakeCluster, ask, assert_finding
from tests.checks.azure_bodies import ID, cluster_body, pool_body, tools


async def test_a_running_cluster_without_an_operation_passes() -> None:
    finding = await ask(ClustersOperable(), FakeCluster(), tools=tools(pool_body("system"), pool_body("user")))

    assert_finding(finding, "passed", "c1 and its 2 node pools run", codes=[])


@pytest.mark.parametrize(
    ("properties", "outcome", "message", "code"),
    [
        ({"powerState": {"code": "Stopped"}}, "failed", "cluster c1 is Stopped", "NotRunning"),
        ({"powerState": {"code": "Asleep"}}, "inconclusive", "cluster c1 is Asleep", "NotRunning"),
        ({"powerState": None}, "inconclusive", "without a power state", "NotRunning"),
        ({"provisioningState": "Failed"}, "failed", "the last operation on cluster c1 failed", "LastOperationFailed"),
        ({"provisioningState": "Canceled"}, "failed", "canceled", "LastOperationFailed"),
        (
            {"provisioningState": "Upgrading"},
            "inconclusive",
            "on cluster c1 (Upgrading)",
            "OperationUnderWay",
        ),
        ({"provisioningState": "succeeded"}, "inconclusive", "is succeeded, which is not known", "StateNotKnown"),
        ({"provisioningState": None}, "inconclusive", "is not given, which is not known", "StateNotKnown"),
    ],
)
async def test_every_other_word_holds(properties: dict[str, Any], outcome: str, message: str, code: str) -> None:
    finding = await ask(ClustersOperable(), FakeCluster(), tools=tools(**properties))

    assert_finding(finding, outcome, message, codes=[code], subjects=["cluster c1"])


async def test_a_pool_counts_like_the_cluster() -> None:
    busy = pool_body("user", provisioningState="Scaling")
    finding = await ask(ClustersOperable(), FakeCluster(), tools=tools(pool_body("system"), busy))

    assert_finding(finding, "inconclusive", "node pool user of c1 (Scaling)", subjects=["node pool user of c1"])


async def test_a_certain_fault_outweighs_an_operation_under_way() -> None:
    finding = await ask(
        ClustersOperable(), FakeCluster(), tools=tools(powerState={"code": "Stopped"}, provisioningState="Stopping")
    )

    assert_finding(finding, "failed", "cluster c1 is Stopped", codes=["NotRunning", "OperationUnderWay"])


async def test_a_stopped_pool_fails_unless_it_is_allowed() -> None:
    around = tools(pool_body("system"), pool_body("night", powerState={"code": "Stopped"}))

    finding = await ask(ClustersOperable(), FakeCluster(), tools=around)
    allowed = await ask(ClustersOperable(allow_stopped_pools=True), FakeCluster(), tools=around)

    assert_finding(finding, "failed", "node pool night of c1 is Stopped")
    assert "az aks nodepool start --subscription s -g rg --cluster-name c1 -n night" in finding.evidence[0].hint
    assert_finding(allowed, "passed", "stopped: pool night")
    asleep = [pool_body(name, powerState={"code": "Stopped"}) for name in ("night", "spare")]
    both = await ask(ClustersOperable(allow_stopped_pools=True), FakeCluster(), tools=tools(pool_body(), *asleep))
    assert_finding(both, "passed", "stopped: pools night, spare")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**cluster_body(), "id": "/subscriptions/s/other"},
        {**cluster_body(), "location": "west us; rm -rf /"},
        {**cluster_body(), "properties": "x"},
        {**cluster_body(), "properties": {"agentPoolProfiles": []}},
        {**cluster_body(), "properties": {"agentPoolProfiles": [{"name": "$(x)"}]}},
        {**cluster_body(), "properties": {"agentPoolProfiles": [{"name": "a", "count": "3"}]}},
        {**cluster_body(), "properties": {"agentPoolProfiles": [{"name": "a"}], "provisioningState": ["Succeeded"]}},
    ],
)
async def test_a_cluster_of_another_shape_is_no_answer(body: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        await ask(ClustersOperable(), FakeCluster(), tools=Tools(azure=FakeAzure({ID: body})))


async def test_what_azure_refuses_is_raised() -> None:
    refused = Tools(azure=FakeAzure({ID: Forbidden("azure.get: HTTP 403 AuthorizationFailed")}))

    with pytest.raises(Forbidden):
        await ask(ClustersOperable(), FakeCluster(), tools=refused)
