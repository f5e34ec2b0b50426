"""The checks that ask Azure, through the real door, in front of the emulated world."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from checks.azure_monitor_alerts import AzureMonitorAlerts
from checks.clusters_operable import ClustersOperable
from checks.maintenance_window import MaintenanceWindow
from checks.members_updated import MembersUpdated
from checks.quota_headroom import QuotaHeadroom
from checks.resource_health import ResourceHealth
from checks.target_version_available import TargetVersionAvailable
from gatekeeper.adapters.azure import AzureReader
from gatekeeper.check import ClusterCheck, ClusterContext, Finding, Member, NotFound, Target, Tools
from gatekeeper.emulator.kube import aks_cluster
from gatekeeper.emulator.server import Emulator
from gatekeeper.testing import FakeCluster, assert_finding, scope
from tests.adapters.arm_scripts import SUBSCRIPTION, door_at
from tests.checks.test_maintenance_window import configuration

VERSION = "1.33.5"
TARGET = Target("Full", VERSION, "Latest")


class World:
    """One member in the emulator, asked through the door."""

    def __init__(self, emulator: Emulator, azure: AzureReader) -> None:
        self.emulator = emulator
        self.documents = emulator.arm.documents
        self._azure = azure
        fleet = emulator.arm.put_fleet(SUBSCRIPTION, "rg-fleet", "prod")
        cluster = aks_cluster("a1", VERSION)
        emulator.add_member(fleet, cluster)
        self.id = fleet.member("a1").ref.cluster_resource_id
        self._nodes = FakeCluster(cluster.all_of("Node"))

    async def ask(self, check: ClusterCheck, target: Target = TARGET) -> Finding:
        here = Member("a1", self.id, "s1", "g1", "Completed")
        return await check.run(
            ClusterContext(self._nodes, here, scope(target, members=[here]), Tools(azure=self._azure))
        )


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with Emulator() as emulator, door_at(emulator.arm_url) as door:
        reader = AzureReader(door.arm, lambda: 0.0)
        yield World(emulator, reader)
        await reader.close()


async def test_all_is_well_from_the_start(world: World) -> None:
    checks: list[ClusterCheck] = [
        ClustersOperable(),
        MaintenanceWindow(),
        ResourceHealth(),
        AzureMonitorAlerts(),
        MembersUpdated(),
        QuotaHeadroom(),
        TargetVersionAvailable(version="1.34"),
    ]

    for check in checks:
        assert_finding(await world.ask(check), "passed")


async def test_a_stopped_cluster_is_seen(world: World) -> None:
    world.documents.put(world.id, {"properties": {"powerState": {"code": "Stopped"}}})

    assert_finding(await world.ask(ClustersOperable()), "failed", "cluster a1 is Stopped")


async def test_an_outage_is_seen(world: World) -> None:
    status = f"{world.id}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
    world.documents.put(status, {"properties": {"availabilityState": "Unavailable"}})

    assert_finding(await world.ask(ResourceHealth()), "failed")


async def test_a_firing_alert_is_seen_behind_many_others(world: World) -> None:
    for number in range(300):
        world.documents.fire(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other/x/y/{number}", "noise")
    world.documents.fire(world.id, "node cpu")

    assert_finding(await world.ask(AzureMonitorAlerts()), "failed", "node cpu (Sev2)")


async def test_a_pool_that_azure_left_behind_is_seen(world: World) -> None:
    old = [{"name": "user", "currentOrchestratorVersion": "1.32.0"}]
    world.documents.put(world.id, {"properties": {"agentPoolProfiles": old}})

    assert_finding(await world.ask(MembersUpdated()), "failed", "Azure shows node pool user at 1.32.0")


async def test_a_quota_that_is_used_up_is_seen(world: World) -> None:
    usages = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westus/usages"
    full = {"name": {"value": "cores"}, "currentValue": 350, "limit": 350}
    world.documents.put(usages, {"value": [full]})

    assert_finding(await world.ask(QuotaHeadroom()), "failed", "quota cores in westus")


async def test_a_version_that_the_region_lacks_is_seen(world: World) -> None:
    assert_finding(await world.ask(TargetVersionAvailable(version="1.34.99")), "failed", "not in that region yet")


async def test_a_closed_maintenance_window_is_seen_by_the_runs_that_go_by_it(world: World) -> None:
    path = f"{world.id}/maintenanceConfigurations"
    # The fakes' clock is a Monday.
    world.documents.put(path, {"value": [configuration("aksManagedNodeOSUpgradeSchedule", "Friday")]})

    assert_finding(await world.ask(MaintenanceWindow(), Target("NodeImageOnly")), "failed", "a1 is closed; it opens")
    assert_finding(await world.ask(MaintenanceWindow()), "passed", "has no maintenance window")


async def test_an_open_maintenance_window_is_seen(world: World) -> None:
    path = f"{world.id}/maintenanceConfigurations"
    world.documents.put(path, {"value": [configuration("aksManagedAutoUpgradeSchedule", "Monday")]})

    assert_finding(await world.ask(MaintenanceWindow()), "passed", "is open until Mon 2026-11-23 12:00Z")


async def test_a_cluster_that_is_gone_is_none_without_a_maintenance_window(world: World) -> None:
    world.id += "x"

    with pytest.raises(NotFound):
        await world.ask(MaintenanceWindow())
