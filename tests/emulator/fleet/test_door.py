"""The HTTP front: who is let in, and how answers look on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from gatekeeper.emulator.fleet import Fleet, FleetEmulator

NewRun = Callable[..., dict[str, Any]]
VERSION = "api-version=2026-06-01"
STAGE = {"name": "s", "groups": [{"name": "a", "beforeGates": [{"displayName": "check", "type": "Approval"}]}]}


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer ", "Bearer"])
async def test_nobody_is_let_in_without_a_bearer_token(server: TestServer, fleet: Fleet, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with (
        ClientSession(server.make_url("/"), headers=headers) as http,
        http.get(f"{fleet.id}?{VERSION}") as response,
    ):
        body = await response.json()

    assert response.status == 401
    assert body["error"]["code"] == "AuthenticationFailed"


async def test_only_accepted_tokens_are_let_in(http: ClientSession, fleet: Fleet, emulator: FleetEmulator) -> None:
    url = f"{fleet.id}?{VERSION}"
    emulator.behaviour.accepted_tokens = frozenset({"another"})
    async with http.get(url) as refused:
        pass
    emulator.behaviour.accepted_tokens = frozenset({"another", "a-token"})
    async with http.get(url) as let_in:
        pass

    assert (refused.status, let_in.status) == (401, 200)


async def test_a_request_without_api_version_is_refused(http: ClientSession, fleet: Fleet) -> None:
    async with http.get(fleet.id) as response:
        body = await response.json()

    assert (response.status, body["error"]["code"]) == (400, "MissingApiVersionParameter")


async def test_paths_are_matched_in_any_case(http: ClientSession, fleet: Fleet) -> None:
    async with http.get(f"{fleet.id.upper()}/MEMBERS/A1?{VERSION}") as response:
        body = await response.json()

    assert (response.status, body["id"]) == (200, f"{fleet.id}/members/a1")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nonsense", 404, "InvalidResourceType"),
        ("POST", "/gates", 405, "MethodNotAllowed"),
        ("GET", "/gates?$filter=nonsense", 400, "InvalidFilterInQueryString"),
        ("GET", "/gates?$top=-1", 400, "InvalidTopInQueryString"),
        ("GET", "/gates?$skipToken=*", 400, "InvalidSkipToken"),
        ("PUT", "/updateRuns/r", 400, "InvalidRequestContent"),
    ],
)
async def test_a_wrong_request_is_answered_with_arms_error_shape(
    http: ClientSession, fleet: Fleet, method: str, path: str, status: int, code: str
) -> None:
    url = f"{fleet.id}{path}{'&' if '?' in path else '?'}{VERSION}"
    async with http.request(method, url) as response:
        body = await response.json()

    assert (response.status, body["error"]["code"]) == (status, code)


@pytest.mark.parametrize("body", [None, [], "Completed", {}, {"properties": {}}, {"properties": {"state": "Skipped"}}])
async def test_a_gate_is_changed_to_completed_only(
    http: ClientSession, fleet: Fleet, new_run: NewRun, body: object
) -> None:
    new_run(STAGE)
    gate = fleet.gates()[0]
    async with http.patch(f"{gate['id']}?{VERSION}", json=body) as response:
        pass

    assert response.status == 400
    assert fleet.gate(gate["name"]) == gate


async def test_a_gate_looks_on_the_wire_as_recorded(http: ClientSession, fleet: Fleet, new_run: NewRun) -> None:
    new_run(STAGE)
    name = fleet.gates()[0]["name"]
    async with http.get(f"{fleet.id}/gates/{name}?{VERSION}") as response:
        body = await response.json()

    assert body.pop("eTag") == response.headers["ETag"]
    assert response.headers["ETag"].startswith('"')
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["x-ms-ratelimit-remaining-subscription-global-reads"] == "16499"
    assert body == {
        "id": f"{fleet.id}/gates/{name}",
        "name": name,
        "properties": {
            "displayName": "check",
            "gateType": "Approval",
            "provisioningState": "Succeeded",
            "state": "Pending",
            "target": {
                "id": f"{fleet.id}/updateRuns/run-1",
                "updateRunProperties": {"name": "run-1", "stage": "s", "group": "a", "timing": "Before"},
            },
        },
        "type": "Microsoft.ContainerService/fleets/gates",
    }
