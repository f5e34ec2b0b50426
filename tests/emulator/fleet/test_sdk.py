"""The official SDK clients read and change fleets, members, runs and clusters over real HTTP."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservicefleet.aio import ContainerServiceFleetMgmtClient
from azure.mgmt.containerservicefleet.models import (
    FleetMember,
    FleetMemberProperties,
    Gate,
    GateConfiguration,
    GatePatch,
    GatePatchProperties,
    ManagedClusterUpdate,
    ManagedClusterUpgradeSpec,
    SkipProperties,
    SkipTarget,
    UpdateGroup,
    UpdateRun,
    UpdateRunProperties,
    UpdateRunStrategy,
    UpdateStage,
)

from gatekeeper.emulator.clock import DrivenClock
from gatekeeper.emulator.fleet import Fleet, FleetEmulator

Sdk = ContainerServiceFleetMgmtClient
NewRun = Callable[..., dict[str, Any]]
AT = ("rg-fleet", "prod")
COMPLETED = GatePatch(properties=GatePatchProperties(state="Completed"))
GATE = {"displayName": "check", "type": "Approval"}
STAGE = {"name": "s", "groups": [{"name": "a", "beforeGates": [GATE]}, {"name": "b", "beforeGates": [GATE]}]}


async def _pending(sdk: Sdk, **options: Any) -> list[Gate]:
    return [gate async for gate in sdk.gates.list_by_fleet(*AT, filter="state eq Pending", **options)]


async def _approve(sdk: Sdk, gate: Gate, etag: str | None = None) -> Gate:
    condition = MatchConditions.IfNotModified if etag else None
    poller = await sdk.gates.begin_update(*AT, str(gate.name), COMPLETED, etag=etag, match_condition=condition)
    approved: Gate = await poller.result()
    return approved


async def test_a_whole_run_is_created_started_approved_and_completed(
    fleet: Fleet, sdk: Sdk, clock: DrivenClock
) -> None:
    gates = [GateConfiguration(display_name="go", type="Approval")]
    stage = UpdateStage(name="s", groups=[UpdateGroup(name="a")], before_gates=gates)
    update = ManagedClusterUpdate(upgrade=ManagedClusterUpgradeSpec(type="Full", kubernetes_version="1.33.0"))
    wanted = UpdateRun(
        properties=UpdateRunProperties(strategy=UpdateRunStrategy(stages=[stage]), managed_cluster_update=update)
    )
    await (await sdk.update_runs.begin_create_or_update(*AT, "run-1", wanted)).result()
    before = await (await sdk.update_runs.begin_start(*AT, "run-1")).result()
    (gate,) = await _pending(sdk)
    approved = await _approve(sdk, gate, str(gate.e_tag))
    clock.advance(10)
    run = await sdk.update_runs.get(*AT, "run-1")

    assert before.properties is not None
    assert before.properties.status is not None
    assert before.properties.status.status is not None
    assert before.properties.status.status.state == "NotStarted", "the answer shows the run as it was (recorded)"
    assert gate.properties is not None
    assert gate.properties.target.update_run_properties is not None
    assert gate.properties.target.update_run_properties.timing == "Before"
    assert approved.properties is not None
    assert approved.properties.state == "Completed"
    assert run.properties is not None
    assert run.properties.status is not None
    assert run.properties.status.status is not None
    assert run.properties.status.status.state == "Completed"
    assert run.properties.status.status.completed_time is not None
    assert fleet.gates()[0]["systemData"]["lastModifiedAt"] == "2026-07-01T12:00:00Z"


async def test_members_join_by_an_operation_and_are_listed_over_pages(
    fleet: Fleet, sdk: Sdk, emulator: FleetEmulator
) -> None:
    emulator.behaviour.retry_after = 0
    emulator.behaviour.page_size = 2
    cluster = fleet.member("a1").ref.cluster_resource_id.replace("a1", "d1")
    wanted = FleetMember(properties=FleetMemberProperties(cluster_resource_id=cluster, group="d", labels={"x": "y"}))
    poller = await sdk.fleet_members.begin_create(*AT, "d1", wanted)
    joining = fleet.show_member("d1")["properties"]["provisioningState"]
    member = await poller.result()
    listed = [each.name async for each in sdk.fleet_members.list_by_fleet(*AT)]
    await (await sdk.fleet_members.begin_delete(*AT, "d1")).result()

    assert joining == "Joining"
    assert member.properties is not None
    assert (member.properties.provisioning_state, member.properties.group) == ("Succeeded", "d")
    assert "resourcegroups" in str(member.properties.cluster_resource_id)
    assert listed == ["a1", "a2", "b1", "c1", "d1"]
    assert "d1" not in fleet.members


async def test_runs_are_stopped_skipped_listed_and_deleted(fleet: Fleet, sdk: Sdk, new_run: NewRun) -> None:
    new_run(STAGE)
    target = SkipProperties(targets=[SkipTarget(type="Group", name="b")])
    await (await sdk.update_runs.begin_skip(*AT, "run-1", target)).result()
    await (await sdk.update_runs.begin_stop(*AT, "run-1")).result()
    states = {gate["properties"]["state"] for gate in fleet.gates()}
    listed = [run async for run in sdk.update_runs.list_by_fleet(*AT)]
    await (await sdk.update_runs.begin_delete(*AT, "run-1")).result()

    assert states == {"Pending", "Skipped"}
    assert listed[0].properties is not None
    assert listed[0].properties.status is not None
    assert listed[0].properties.status.status is not None
    assert listed[0].properties.status.status.state == "Stopped"
    assert [gate async for gate in sdk.gates.list_by_fleet(*AT)] == []


async def test_a_strategy_is_a_snapshot_in_its_runs(fleet: Fleet, sdk: Sdk) -> None:
    fleet.put_strategy("plan", {"stages": [STAGE]})
    update = ManagedClusterUpdate(upgrade=ManagedClusterUpgradeSpec(type="NodeImageOnly"))
    strategy = await sdk.fleet_update_strategies.get(*AT, "plan")
    wanted = UpdateRun(properties=UpdateRunProperties(update_strategy_id=strategy.id, managed_cluster_update=update))
    run = await (await sdk.update_runs.begin_create_or_update(*AT, "run-1", wanted)).result()
    await (await sdk.fleet_update_strategies.begin_delete(*AT, "plan")).result()

    assert run.properties is not None
    assert run.properties.strategy is not None
    assert [stage.name for stage in run.properties.strategy.stages] == ["s"]
    assert fleet.run("run-1")["properties"]["strategy"] == {"stages": [STAGE]}


async def test_fleets_of_several_groups_are_apart(sdk: Sdk, fleet: Fleet, emulator: FleetEmulator) -> None:
    emulator.put_fleet(fleet.subscription, "rg-other", "prod")
    emulator.put_fleet("00000000-0000-0000-0000-000000000002", "rg-fleet", "prod")

    everything = [each.id async for each in sdk.fleets.list_by_subscription()]
    here = [each.id async for each in sdk.fleets.list_by_resource_group("RG-Fleet")]

    assert len(everything) == 2
    assert here == [fleet.id]
    assert [each async for each in sdk.fleet_members.list_by_fleet("rg-other", "prod")] == []


async def test_what_is_not_there_is_not_found(sdk: Sdk, fleet: Fleet) -> None:
    with pytest.raises(ResourceNotFoundError, match=f"fleets/{fleet.name}/gates/nope"):
        await sdk.gates.get(*AT, "nope")
    with pytest.raises(ResourceNotFoundError, match="fleets/nope"):
        await sdk.fleets.get("rg-fleet", "nope")


async def test_a_cluster_and_its_kubeconfig_are_found_by_the_members_resource_id(
    aks: ContainerServiceClient, fleet: Fleet
) -> None:
    cluster = await aks.managed_clusters.get("rg-fleet", "a1")
    answer = await aks.managed_clusters.list_cluster_user_credentials("rg-fleet", "a1", format="exec")

    assert (cluster.id, cluster.type) == (
        fleet.member("a1").ref.cluster_resource_id,
        "Microsoft.ContainerService/ManagedClusters",
    )
    assert cluster.properties is not None
    assert cluster.properties.current_kubernetes_version == "1.32.5"
    assert answer.kubeconfigs is not None
    assert answer.kubeconfigs[0].name == "clusterUser"
    assert bytes(answer.kubeconfigs[0].value or b"") == b"# kubeconfig of a1"


async def test_credentials_are_throttled_by_a_bucket_when_asked_for(
    http: ClientSession, fleet: Fleet, emulator: FleetEmulator, clock: DrivenClock
) -> None:
    emulator.behaviour.credential_throttle = True
    url = f"{fleet.member('a1').ref.cluster_resource_id}/listClusterUserCredential?api-version=2026-01-01&format=exec"
    statuses = []
    for _ in range(62):
        async with http.post(url) as response:
            statuses.append((response.status, response.headers.get("Retry-After")))
    clock.advance(1)
    async with http.post(url) as response:
        value = (await response.json())["kubeconfigs"][0]["value"]

    assert statuses == [(200, None)] * 60 + [(429, "1")] * 2
    assert base64.b64decode(value) == b"# kubeconfig of a1"
