"""The official SDK client finds and approves gates over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError
from azure.mgmt.containerservicefleet.aio import ContainerServiceFleetMgmtClient
from azure.mgmt.containerservicefleet.models import (
    Gate,
    GatePatch,
    GatePatchProperties,
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


async def test_a_list_is_followed_over_pages(sdk: Sdk, emulator: FleetEmulator, new_run: NewRun) -> None:
    for number in range(5):
        new_run(STAGE, name=f"run-{number}")
    emulator.behaviour.page_size = 3

    gates = await _pending(sdk)

    assert len({gate.name for gate in gates}) == 10
    assert emulator.journal.count("GET", "/gates$") == 4
    assert {each.query["$filter"] for each in emulator.journal.of("GET", "/gates$")} == {"state eq Pending"}


async def test_a_page_that_was_shown_is_not_repeated_when_its_gates_are_approved_meanwhile(
    fleet: Fleet, sdk: Sdk, new_run: NewRun
) -> None:
    for number in range(3):
        new_run(STAGE, name=f"run-{number}")
    seen = []
    async for gate in sdk.gates.list_by_fleet(*AT, filter="state eq Pending", top=2):
        seen.append(gate.name)
        fleet.approve(str(gate.name))

    assert len(seen) == len(set(seen)) == 6


@pytest.mark.parametrize(
    "text", ["state eq Pending", "state eq 'Pending'", "properties/state eq Pending", 'state eq "Pending"']
)
async def test_the_filter_is_understood_in_all_its_spellings(
    fleet: Fleet, sdk: Sdk, new_run: NewRun, text: str
) -> None:
    new_run(STAGE)
    fleet.approve(fleet.gates()[0]["name"])

    found = [gate async for gate in sdk.gates.list_by_fleet(*AT, filter=text)]

    assert [gate.name for gate in found] == [fleet.gates()[1]["name"]]


async def test_an_etag_of_yesterday_is_refused(fleet: Fleet, sdk: Sdk, new_run: NewRun) -> None:
    new_run(STAGE)
    (gate, other) = await _pending(sdk)

    with pytest.raises(ResourceModifiedError):
        await _approve(sdk, gate, str(other.e_tag))

    assert {each["properties"]["state"] for each in fleet.gates()} == {"Pending"}


async def test_if_match_can_be_ignored(sdk: Sdk, emulator: FleetEmulator, new_run: NewRun) -> None:
    emulator.behaviour.enforce_if_match = False
    new_run(STAGE)
    (gate, other) = await _pending(sdk)

    approved = await _approve(sdk, gate, str(other.e_tag))

    assert approved.properties is not None
    assert approved.properties.state == "Completed"
    assert approved.e_tag != gate.e_tag


async def test_a_second_approval_conflicts_or_is_answered_as_the_switch_says(
    sdk: Sdk, emulator: FleetEmulator, new_run: NewRun
) -> None:
    new_run(STAGE)
    gate = (await _pending(sdk))[0]
    await _approve(sdk, gate)
    with pytest.raises(HttpResponseError) as refused:
        await _approve(sdk, gate)
    emulator.behaviour.approve_again = 200
    again = await _approve(sdk, gate)

    assert refused.value.status_code == 409
    assert again.properties is not None
    assert again.properties.state == "Completed"


@pytest.mark.parametrize("headers", [("Azure-AsyncOperation",), ("Location",), ("Azure-AsyncOperation", "Location")])
async def test_an_approval_may_be_a_long_running_operation(
    fleet: Fleet, sdk: Sdk, emulator: FleetEmulator, new_run: NewRun, headers: tuple[str, ...]
) -> None:
    emulator.behaviour.approve_status = 202
    emulator.behaviour.operation_headers = headers
    emulator.behaviour.retry_after = 0
    new_run(STAGE)
    gate = (await _pending(sdk))[0]
    poller = await sdk.gates.begin_update(*AT, str(gate.name), COMPLETED)
    meanwhile = fleet.gate(str(gate.name))["properties"]["state"]
    approved = await poller.result()

    assert meanwhile == "Pending"
    assert approved.properties is not None
    assert approved.properties.state == "Completed"
    assert emulator.journal.count("PATCH") == 1


async def test_an_operation_whose_polling_is_forbidden_ends_all_the_same(
    fleet: Fleet, sdk: Sdk, emulator: FleetEmulator, clock: DrivenClock, new_run: NewRun
) -> None:
    emulator.behaviour.approve_status = 202
    emulator.behaviour.operations_forbidden = True
    emulator.behaviour.operation_polls = None
    emulator.behaviour.retry_after = 0
    new_run(STAGE)
    gate = (await _pending(sdk))[0]
    with pytest.raises(HttpResponseError) as refused:
        await _approve(sdk, gate)
    clock.advance(5)
    after = await sdk.gates.get(*AT, str(gate.name))

    assert refused.value.status_code == 403
    assert after.properties is not None
    assert after.properties.state == "Completed"
    assert fleet.run("run-1")["properties"]["status"]["status"]["state"] == "Running"
