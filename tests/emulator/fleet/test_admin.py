"""Faults, the journal, and the addresses for another process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession, ServerDisconnectedError

from gatekeeper.emulator.fleet import Fault, Fleet, FleetEmulator

NewRun = Callable[..., dict[str, Any]]
VERSION = "api-version=2026-06-01"
STAGE = {"name": "s", "groups": [{"name": "a", "beforeGates": [{"displayName": "check", "type": "Approval"}]}]}
COMPLETED = {"properties": {"state": "Completed"}}


async def test_an_asked_for_error_strikes_as_often_as_asked(
    http: ClientSession, fleet: Fleet, emulator: FleetEmulator
) -> None:
    fault = Fault("GET", "/fleets/prod$", times=2, status=429, code="TooManyRequests", headers={"Retry-After": "7"})
    emulator.faults.add(fault)
    answers = []
    for _ in range(3):
        async with http.get(f"{fleet.id}?{VERSION}") as response:
            answers.append((response.status, response.headers.get("Retry-After")))

    assert answers == [(429, "7"), (429, "7"), (200, None)]


@pytest.mark.parametrize(("when", "state"), [("before", "Pending"), ("after", "Completed")])
async def test_an_answer_may_be_lost_before_or_after_the_approval(
    http: ClientSession, fleet: Fleet, emulator: FleetEmulator, new_run: NewRun, when: Any, state: str
) -> None:
    new_run(STAGE)
    gate = fleet.gates()[0]
    emulator.faults.add(Fault("PATCH", drop=True, when=when))

    with pytest.raises(ServerDisconnectedError):
        await http.patch(f"{gate['id']}?{VERSION}", json=COMPLETED)

    assert fleet.gate(gate["name"])["properties"]["state"] == state
    assert [entry.status for entry in emulator.journal.of("PATCH")] == [None]


async def test_an_answer_may_be_an_error_although_the_approval_is_made(
    http: ClientSession, fleet: Fleet, emulator: FleetEmulator, new_run: NewRun
) -> None:
    new_run(STAGE)
    gate = fleet.gates()[0]
    emulator.faults.add(Fault("PATCH", status=503, when="after"))
    async with http.patch(f"{gate['id']}?{VERSION}", json=COMPLETED) as response:
        pass

    assert response.status == 503
    assert fleet.gate(gate["name"])["properties"]["state"] == "Completed"


async def test_an_answer_may_be_no_json(http: ClientSession, fleet: Fleet, emulator: FleetEmulator) -> None:
    emulator.faults.add(Fault(malformed=True))
    async with http.get(f"{fleet.id}?{VERSION}") as response:
        text = await response.text()

    assert response.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


async def test_an_answer_may_be_anything_at_all(http: ClientSession, fleet: Fleet, emulator: FleetEmulator) -> None:
    emulator.faults.add(Fault("GET", "/gates$", body='{"value": [{"name": "x"}]}'))
    async with http.get(f"{fleet.id}/gates?{VERSION}") as response:
        body = await response.json()

    assert body == {"value": [{"name": "x"}]}


async def test_a_late_answer_is_the_usual_one(http: ClientSession, fleet: Fleet, emulator: FleetEmulator) -> None:
    emulator.faults.add(Fault(delay=0.01, headers={"x-late": "yes"}))
    async with http.get(f"{fleet.id}?{VERSION}") as response:
        body = await response.json()

    assert (response.headers["x-late"], body["name"]) == ("yes", "prod")


async def test_the_journal_keeps_what_was_sent(
    http: ClientSession, fleet: Fleet, emulator: FleetEmulator, new_run: NewRun
) -> None:
    new_run(STAGE)
    gate = fleet.gates()[0]
    async with http.patch(f"{gate['id']}?{VERSION}", json=COMPLETED, headers={"If-Match": "*"}):
        pass

    (entry,) = emulator.journal.of("PATCH", "/GATES/")
    assert (entry.path, entry.query, entry.status) == (gate["id"], {"api-version": "2026-06-01"}, 200)
    assert (entry.if_match, entry.body) == ("*", COMPLETED)


async def test_another_process_drives_the_clock_and_sees_the_state(
    http: ClientSession, fleet: Fleet, new_run: NewRun
) -> None:
    new_run({"name": "s", "groups": [{"name": "b"}]})
    async with http.post("/_emulator/clock", json={"advance": 5}) as response:
        now = await response.json()
    async with http.get("/_emulator/state") as response:
        state = await response.json()

    assert now == {"now": "2026-07-01T12:00:05Z"}
    assert state[0]["fleet"]["id"] == fleet.id
    assert state[0]["runs"][0]["properties"]["status"]["status"]["state"] == "Completed"
    assert len(state[0]["members"]) == 4


async def test_another_process_sets_faults_and_switches_and_counts_requests(
    http: ClientSession, fleet: Fleet, emulator: FleetEmulator
) -> None:
    async with http.post("/_emulator/faults", json={"method": "GET", "path": "gates", "status": 500}) as response:
        rules = await response.json()
    async with http.patch("/_emulator/behaviour", json={"page_size": 1, "accepted_tokens": ["a-token"]}) as response:
        behaviour = await response.json()
    async with http.get(f"{fleet.id}/gates?{VERSION}") as broken:
        pass
    async with http.get("/_emulator/requests?method=GET&path=/gates") as response:
        requests = await response.json()

    assert rules[0]["status"] == broken.status == 500
    assert (behaviour["page_size"], emulator.behaviour.accepted_tokens) == (1, frozenset({"a-token"}))
    assert (requests["count"], requests["requests"][0]["status"]) == (1, 500)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "clock", {"advance": -1}),
        ("POST", "clock", {}),
        ("POST", "faults", {"nonsense": 1}),
        ("POST", "faults", {"path": "("}),
        ("PATCH", "behaviour", {"nonsense": 1}),
        ("GET", "requests?path=(", None),
    ],
)
async def test_a_wrong_admin_request_is_refused(http: ClientSession, method: str, path: str, body: object) -> None:
    async with http.request(method, f"/_emulator/{path}", json=body) as response:
        pass

    assert response.status == 400
