"""What the emulated Azure says around clusters, and how it is told to say otherwise."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from aiohttp import ClientSession
from azure.mgmt.containerservice.aio import ContainerServiceClient

from gatekeeper.emulator.fleet import Fleet, FleetEmulator
from tests.emulator.fleet.conftest import SUBSCRIPTION

VERSION = "api-version=1"
AROUND = f"/subscriptions/{SUBSCRIPTION}/providers"
ALERTS = f"{AROUND}/Microsoft.AlertsManagement/alerts"


@pytest.fixture
def cluster(fleet: Fleet) -> str:
    return fleet.member("a1").ref.cluster_resource_id


async def get(http: ClientSession, path: str, **query: str) -> Any:
    async with http.get(path, params={"api-version": "1", **query}) as response:
        return await response.json() if response.status == 200 else response.status


@pytest.mark.usefixtures("fleet")
async def test_the_official_client_understands_the_offered_versions(aks: ContainerServiceClient) -> None:
    profile = await aks.managed_clusters.get_upgrade_profile("rg-fleet", "a1")
    listed = await aks.managed_clusters.list_kubernetes_versions("westus")

    offered = [each.kubernetes_version for each in profile.control_plane_profile.upgrades or []]
    assert profile.control_plane_profile.kubernetes_version == "1.32.5"
    assert offered[:5] == ["1.32.6", "1.32.7", "1.32.8", "1.32.9", "1.33.0"]
    assert "1.33" in [each.version for each in listed.values_property or []]


@pytest.mark.usefixtures("fleet")
async def test_the_official_client_understands_the_cluster(aks: ContainerServiceClient) -> None:
    shown = await aks.managed_clusters.get("rg-fleet", "a1")

    (pool,) = shown.agent_pool_profiles or []
    assert (pool.count, pool.max_pods, pool.upgrade_settings and pool.upgrade_settings.max_surge) == (3, 250, "10%")
    assert shown.node_resource_group == "MC_rg-fleet_a1_westus"


async def test_health_quota_sizes_and_maintenance_are_shown(http: ClientSession, cluster: str) -> None:
    group = cluster.partition("/providers")[0]
    health = await get(http, f"{cluster}/providers/Microsoft.ResourceHealth/availabilityStatuses/current")
    usages = await get(http, f"{AROUND}/Microsoft.Compute/locations/westus/usages")
    skus = await get(http, f"{AROUND}/Microsoft.Compute/skus", **{"$filter": "location eq 'westus'"})

    assert health["properties"]["availabilityState"] == "Available"
    assert usages["value"][0]["name"]["value"] == "cores"
    assert {"disks", "virtualMachines"} == {each["resourceType"] for each in skus["value"]}
    assert await get(http, f"{cluster}/maintenanceConfigurations") == {"value": []}
    assert await get(http, f"{AROUND}/Microsoft.Compute/skus") == 400
    assert await get(http, f"{cluster}x/upgradeProfiles/default") == 404
    assert await get(http, f"{group}/providers/Microsoft.Network/virtualNetworks/v/usages") == 404


async def test_the_official_client_understands_maintenance_configurations(
    aks: ContainerServiceClient, http: ClientSession, cluster: str
) -> None:
    name, path = "aksManagedAutoUpgradeSchedule", f"{cluster}/maintenanceConfigurations"
    schedule = {"relativeMonthly": {"intervalMonths": 3, "weekIndex": "First", "dayOfWeek": "Monday"}}
    dates = [{"start": "2026-12-23", "end": "2027-01-05"}]
    window = {"schedule": schedule, "durationHours": 4, "startTime": "08:30", "notAllowedDates": dates}
    document = {"value": [{"id": f"{path}/{name}", "name": name, "properties": {"maintenanceWindow": window}}]}
    async with http.put("/_emulator/documents", json={"path": path, "document": document}) as put:
        assert put.status == 200

    listed = aks.maintenance_configurations.list_by_managed_cluster("rg-fleet", "a1")
    (found,) = [each async for each in listed]
    shown: Any = found.properties and found.properties.maintenance_window

    assert (found.name, shown.duration_hours, shown.start_time) == (name, 4, "08:30")
    assert shown.schedule.relative_monthly.week_index == "First"
    assert [each.end for each in shown.not_allowed_dates] == [date(2027, 1, 5)]
    assert await get(http, path) == document
    assert await get(http, f"{cluster}x/maintenanceConfigurations") == 404


async def test_a_document_lies_over_an_answer_until_it_is_taken_off(
    http: ClientSession, emulator: FleetEmulator, cluster: str
) -> None:
    part = {
        "properties": {
            "powerState": {"code": "Stopped"},
            "fqdn": None,
            "agentPoolProfiles": [{"name": "nodepool1", "count": 9}],
        }
    }
    emulator.documents.put(cluster.upper(), part)
    changed = (await get(http, cluster))["properties"]
    emulator.documents.clear(cluster)
    healed = (await get(http, cluster))["properties"]

    assert (changed["powerState"], changed["agentPoolProfiles"][0]["count"]) == ({"code": "Stopped"}, 9)
    assert changed["agentPoolProfiles"][0]["vmSize"] == "Standard_D4ds_v4"
    assert "fqdn" not in changed
    assert (healed["powerState"], healed["agentPoolProfiles"][0]["count"]) == ({"code": "Running"}, 3)


async def test_a_document_can_stand_where_nothing_was(http: ClientSession) -> None:
    path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/usages"
    async with http.put("/_emulator/documents", json={"path": path, "document": {"value": []}}) as put:
        listed = await put.json()

    assert listed == {path.lower(): [{"value": []}]}
    assert await get(http, path) == {"value": []}
    async with http.delete("/_emulator/documents") as deleted:
        assert await deleted.json() == {}
    assert await get(http, path) == 404


@pytest.mark.parametrize("wanted", [{}, [], {"path": 1, "document": {}}, {"path": "/x"}])
async def test_a_document_of_another_shape_is_refused(http: ClientSession, wanted: Any) -> None:
    async with http.put("/_emulator/documents", json=wanted) as response:
        assert response.status == 400


async def test_alerts_are_filtered_and_come_in_pages(
    http: ClientSession, emulator: FleetEmulator, cluster: str
) -> None:
    for number in range(3):
        emulator.documents.fire(cluster, "same name", severity=f"Sev{number}")
    emulator.documents.fire(cluster, "over", monitorCondition="Resolved")
    async with http.post("/_emulator/alerts", json={"target": cluster, "name": "by hand"}) as fired:
        assert fired.status == 200

    first = await get(http, ALERTS, monitorCondition="Fired", pageCount="3")
    async with http.get(first["nextLink"]) as response:
        second = await response.json()

    assert [each["name"] for each in first["value"]] == ["same name"] * 3
    assert [each["name"] for each in second["value"]] == ["by hand"]
    assert "nextLink" not in second
    assert await get(http, ALERTS, pageCount="251") == 400
    assert await get(http, ALERTS.replace(SUBSCRIPTION, "other")) == {"value": []}
