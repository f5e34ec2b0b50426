"""resource-health: the four words of Azure, and others."""

from __future__ import annotations

from typing import Any

import pytest

from checks.resource_health import ResourceHealth
from gatekeeper.check import NotFound
from gatekeeper.testing import FakeCluster, ask, assert_finding
from tests.checks.azure_bodies import tools

STATUS = "/providers/Microsoft.ResourceHealth/availabilityStatuses/current"


def health(**properties: Any) -> Any:
    return tools(answers={STATUS: {"properties": properties}})


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("Available", "passed"),
        ("Degraded", "failed"),
        ("Unavailable", "failed"),
        ("Unknown", "inconclusive"),
        ("available", "inconclusive"),
        (None, "inconclusive"),
        (["Available"], "inconclusive"),
    ],
)
async def test_only_available_passes(state: Any, outcome: str) -> None:
    finding = await ask(ResourceHealth(), FakeCluster(), tools=health(availabilityState=state))

    assert_finding(finding, outcome, "c1")


async def test_the_reason_is_told() -> None:
    around = health(availabilityState="Unavailable", reasonType="Unplanned", summary="the API server\nis down")
    finding = await ask(ResourceHealth(), FakeCluster(), tools=around)

    assert finding.evidence[0].observed == "Unavailable: Unplanned: the API server is down"


async def test_degraded_may_be_allowed() -> None:
    check = ResourceHealth(allow_degraded=True)

    assert_finding(await ask(check, FakeCluster(), tools=health(availabilityState="Degraded")), "passed", "is allowed")
    assert_finding(await ask(check, FakeCluster(), tools=health(availabilityState="Unavailable")), "failed")


async def test_a_cluster_without_a_status_is_raised() -> None:
    with pytest.raises(NotFound):
        await ask(ResourceHealth(), FakeCluster(), tools=tools())
