"""What holds for every check that asks Azure: answers of another shape never pass, and never break the check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.azure_monitor_alerts import AzureMonitorAlerts
from checks.clusters_operable import ClustersOperable
from checks.maintenance_window import MaintenanceWindow
from checks.members_updated import MembersUpdated
from checks.quota_headroom import QuotaHeadroom
from checks.resource_health import ResourceHealth
from checks.target_version_available import TargetVersionAvailable
from gatekeeper.check import ClusterCheck, CouldNotLook, Finding, Outcome, Target, Tools
from gatekeeper.testing import FakeAzure, FakeCluster, ask, context
from tests.checks.azure_bodies import ID, SUBSCRIPTION, cluster_body, pool_body
from tests.checks.test_maintenance_window import configuration, weekly_releases
from tests.checks.test_members_updated import THREE
from tests.checks.test_quota_headroom import COMPUTE, NETWORK, SUBNET, size, usage

TARGET = Target("Full", "1.34.2", "Latest")
CHECKS: list[ClusterCheck] = [
    AzureMonitorAlerts(),
    ClustersOperable(),
    MaintenanceWindow(),
    MaintenanceWindow(configuration="aksManagedNodeOSUpgradeSchedule"),
    MaintenanceWindow(configuration="default"),
    MembersUpdated(),
    QuotaHeadroom(),
    ResourceHealth(),
    TargetVersionAvailable(version="1.35"),
]
PROFILE = {"upgrades": [{"kubernetesVersion": "1.35.0", "isPreview": False}]}
FOURTH_MONDAY = {"relativeMonthly": {"weekIndex": "Fourth", "dayOfWeek": "Monday", "intervalMonths": 2}}
FREEZE = [{"start": "2026-12-24", "end": "2027-01-05"}]
WINDOWS = [
    configuration("aksManagedAutoUpgradeSchedule"),
    configuration(
        "aksManagedNodeOSUpgradeSchedule", schedule=FOURTH_MONDAY, startDate="2026-09-01", notAllowedDates=FREEZE
    ),
    weekly_releases("Monday", 10),
]
ESSENTIALS = {"targetResource": f"{SUBSCRIPTION}/other", "severity": "Sev1", "alertState": "New"}
HEALTHY: dict[str, Any] = {
    ID: cluster_body(pool_body(vnetSubnetID=SUBNET)),
    f"{ID}/maintenanceConfigurations": {"value": WINDOWS},
    f"{ID}/upgradeProfiles/default": {"properties": {"controlPlaneProfile": PROFILE}},
    f"{ID}/providers/Microsoft.ResourceHealth/availabilityStatuses/current": {
        "properties": {"availabilityState": "Available"}
    },
    f"{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts": {
        "value": [{"name": "a", "properties": {"essentials": ESSENTIALS}}]
    },
    f"{COMPUTE}/skus": {"value": [size()]},
    f"{COMPUTE}/locations/westus/usages": {"value": [usage("cores", 0, 99), usage("standardDSv5Family", 0, 99)]},
    f"{NETWORK}/usages": {"value": [{"id": SUBNET, **usage("SubnetSpace", 0, 99)}]},
    f"{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/westus/kubernetesVersions": {"values": []},
}
CLUSTER = FakeCluster(THREE)

odd = st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(["", "x", "Succeeded", "10%", ID])
odder = st.recursive(odd, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner))


async def judge(check: ClusterCheck, answers: Mapping[str, Any]) -> Finding | CouldNotLook:
    """The finding, or that it could not look; anything else that is raised is a fault of the check."""
    try:
        return await ask(check, CLUSTER, TARGET, tools=Tools(azure=FakeAzure(answers)))
    except CouldNotLook as error:
        return error


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all that stands in JSON."""
    yield path
    inside: Sequence[Any] = ()
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for key, each in inside:
        yield from places(each, (*path, key))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_the_healthy_answers_pass(check: ClusterCheck) -> None:
    finding = await judge(check, HEALTHY)

    assert isinstance(finding, Finding)
    assert finding.outcome is Outcome.PASSED, finding


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@settings(max_examples=150, deadline=None)
@given(st.data())
async def test_one_odd_value_never_breaks_a_check(check: ClusterCheck, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(HEALTHY)))
    *way, last = data.draw(st.sampled_from([place for place in places(HEALTHY[path]) if place]))
    answers = deepcopy(HEALTHY)
    inside = answers[path]
    for key in way:
        inside = inside[key]
    inside[last] = data.draw(odder)
    if "value" in (last, *way[-1:]):
        return  # that a page has a list, and its entries are objects, is the reader's matter

    await judge(check, answers)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@settings(max_examples=80)
@given(st.dictionaries(st.sampled_from(["id", "location", "properties", "value", "name"]), odder, max_size=4))
async def test_answers_of_another_shape_never_pass(check: ClusterCheck, body: dict[str, Any]) -> None:
    finding = await judge(check, {path: {"value": [], **body, "id": 1} for path in HEALTHY})

    assert isinstance(finding, CouldNotLook) or finding.outcome is not Outcome.PASSED


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@pytest.mark.parametrize("path", HEALTHY)
async def test_what_azure_does_not_answer_never_passes_where_it_was_asked(check: ClusterCheck, path: str) -> None:
    azure = FakeAzure({other: answer for other, answer in HEALTHY.items() if other != path})
    try:
        finding = await check.run(context(CLUSTER, TARGET, tools=Tools(azure=azure)))
    except CouldNotLook:
        return

    asked = {asked.lower() for asked, _, _ in azure.asked}
    assert path.lower() not in asked or finding.outcome is not Outcome.PASSED


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_a_check_by_hand_has_no_azure_and_says_so(check: ClusterCheck) -> None:
    with pytest.raises(CouldNotLook, match="Azure cannot be asked here"):
        await check.run(context(CLUSTER, TARGET))
