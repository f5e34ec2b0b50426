"""Runs, strategies and members that are put, changed and refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession

from gatekeeper.emulator.fleet import Fleet

NewRun = Callable[..., dict[str, Any]]
VERSION = "api-version=2026-06-01"
STAGE = {"name": "s", "groups": [{"name": "a", "beforeGates": [{"displayName": "check", "type": "Approval"}]}]}
UPDATE = {"managedClusterUpdate": {"upgrade": {"type": "NodeImageOnly"}}}


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({}, "managedClusterUpdate.upgrade.type is required"),
        ({**UPDATE, "strategy": {"stages": [STAGE]}, "updateStrategyId": "x"}, "Only one of"),
        ({**UPDATE, "updateStrategyId": "/nowhere/updateStrategies/x"}, "was not found"),
        ({**UPDATE, "strategy": {"stages": [{"name": "s"}]}}, "must hold 1 to 50 groups"),
    ],
)
async def test_a_run_that_the_service_refuses_is_refused(
    http: ClientSession, fleet: Fleet, properties: dict[str, Any], complaint: str
) -> None:
    async with http.put(f"{fleet.id}/updateRuns/r?{VERSION}", json={"properties": properties}) as response:
        body = await response.json()

    assert response.status == 400
    assert complaint in body["error"]["message"]


async def test_a_run_is_changed_until_it_is_started(http: ClientSession, fleet: Fleet) -> None:
    url = f"{fleet.id}/updateRuns/r?{VERSION}"
    async with http.put(url, json={"properties": UPDATE}) as created:
        pass
    async with http.put(url, json={"properties": {**UPDATE, "strategy": {"stages": [STAGE]}}}) as changed:
        pass
    fleet.runs.start("r")
    async with http.put(url, json={"properties": UPDATE}) as refused:
        pass

    assert (created.status, changed.status, refused.status) == (201, 200, 409)


async def test_strategies_are_put_changed_listed_and_deleted(http: ClientSession, fleet: Fleet) -> None:
    url = f"{fleet.id}/updateStrategies/plan?{VERSION}"
    body = {"properties": {"strategy": {"stages": [STAGE]}}}
    async with http.put(url, json=body) as created, http.put(url, json=body, headers={"If-Match": '"old"'}) as refused:
        pass
    async with http.put(url, json=body) as changed, http.get(f"{fleet.id}/updateStrategies?{VERSION}") as listed:
        names = [each["name"] for each in (await listed.json())["value"]]
    async with http.delete(url) as deleted, http.delete(url) as gone, http.get(url) as missing:
        pass

    assert (created.status, refused.status, changed.status, names) == (201, 412, 200, ["plan"])
    assert (deleted.status, gone.status, missing.status) == (200, 204, 404)


async def test_a_member_that_leaves_during_a_run_fails_in_it(
    http: ClientSession, fleet: Fleet, new_run: NewRun
) -> None:
    new_run({"name": "s", "groups": [{"name": "b"}], "beforeGates": [{"type": "Approval"}]})
    async with http.delete(f"{fleet.id}/members/b1?{VERSION}"):
        fleet.approve(fleet.gates()[0]["name"])

    assert "displayName" not in fleet.gates()[0]["properties"]
    assert fleet.run("run-1")["properties"]["status"]["status"]["state"] == "Failed"
