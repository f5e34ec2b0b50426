"""A fleet through the official SDK, over real HTTP: against the emulator, and against servers that misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gatekeeper.doors import Answer
from gatekeeper.emulator.clock import DrivenClock
from gatekeeper.emulator.fleet import Fault, Fleet, FleetEmulator
from gatekeeper.errors import BadAnswer, Conflict, NotFound, Unreachable
from gatekeeper.model import FleetRef, Gate
from tests.adapters.arm_scripts import (
    GUID,
    REF,
    SUBSCRIPTION,
    Door,
    answering,
    door_at,
    door_to,
    gate_body,
    target_body,
)

CHECK = [{"displayName": "check", "type": "Approval"}]
STAGE = {"name": "stage1", "groups": [{"name": g, "beforeGates": CHECK, "afterGates": CHECK} for g in ("a", "b")]}
GATE = Gate(REF, GUID, "check", "Approval", "Pending", "run-1", "stage1", None, "Before", '"e-1"')


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock(datetime(2026, 7, 1, 12, tzinfo=UTC))


@pytest.fixture
def emulator(clock: DrivenClock) -> FleetEmulator:
    return FleetEmulator(clock, lambda member: f"# {member.name}")


@pytest.fixture
def fleet(emulator: FleetEmulator) -> Fleet:
    """A fleet with members a1, a2 and b1, whose run stands before its two groups."""
    fleet = emulator.put_fleet(SUBSCRIPTION, "rg-fleet", "prod")
    for name in ("a1", "a2", "b1"):
        fleet.put_member(name, group=name[0], labels={"tier": "gold"})
    start_run(fleet, "run-1", STAGE)
    return fleet


def start_run(fleet: Fleet, name: str, *stages: Mapping[str, Any]) -> None:
    update = {"upgrade": {"type": "Full", "kubernetesVersion": "1.33.2"}, "nodeImageSelection": {"type": "Consistent"}}
    fleet.create_run(name, {"managedClusterUpdate": update, "strategy": {"stages": list(stages)}})
    fleet.runs.start(name)


@pytest.fixture
async def door(emulator: FleetEmulator, fleet: Fleet) -> AsyncIterator[Door]:
    assert fleet.gates()
    server = TestServer(emulator.app())
    await server.start_server()
    async with door_at(str(server.make_url("/"))) as door:
        yield door
    await server.close()


async def test_pending_gates_are_found_in_one_request(door: Door, emulator: FleetEmulator) -> None:
    found = await door.fleet.pending_gates()

    assert sorted(
        (gate.display_name, gate.update_run, gate.stage, gate.group, gate.timing) for gate in found.gates
    ) == [
        ("check", "run-1", "stage1", "a", "Before"),
        ("check", "run-1", "stage1", "b", "Before"),
    ]
    assert found.unreadable == ()
    [request] = emulator.journal.of()
    assert request.query["$filter"] == "state eq Pending"


async def test_all_pages_of_a_list_are_read(door: Door, emulator: FleetEmulator, fleet: Fleet) -> None:
    emulator.behaviour.page_size = 1
    start_run(fleet, "run-2", STAGE)
    found = await door.fleet.pending_gates()
    members = await door.fleet.members()

    assert sorted((gate.update_run, str(gate.group)) for gate in found.gates) == [
        ("run-1", "a"),
        ("run-1", "b"),
        ("run-2", "a"),
        ("run-2", "b"),
    ]
    assert [member.name for member in members] == ["a1", "a2", "b1"]


async def test_a_run_is_read_with_its_members_and_gates(door: Door) -> None:
    gate = next(gate for gate in (await door.fleet.pending_gates()).gates if gate.group == "a")
    run = await door.fleet.update_run(gate.update_run)

    assert (run.state, run.target.kubernetes_version) == ("Pending", "1.33.2")
    assert run.target.node_images
    assert [(member.name, member.group, member.state) for member in run.members] == [
        ("a1", "a", "NotStarted"),
        ("a2", "a", "NotStarted"),
        ("b1", "b", "NotStarted"),
    ]
    assert run.stages[0].groups[0].gates[0].gate_id == gate.id


async def test_members_have_their_labels_and_the_ids_of_the_run(door: Door) -> None:
    members = await door.fleet.members()
    run = await door.fleet.update_run("run-1")

    assert {member.labels["tier"] for member in members} == {"gold"}
    assert {member.key for member in members} == {member.key for member in run.members}


async def test_an_approval_is_one_patch_with_the_etag(door: Door, emulator: FleetEmulator) -> None:
    gate = (await door.fleet.pending_gates()).gates[0]
    answer = await door.fleet.complete_gate(gate)

    assert answer.status == 200
    assert answer.gate is not None
    assert (answer.gate.name, answer.gate.state) == (gate.name, "Completed")
    [patch] = emulator.journal.of("PATCH")
    assert (patch.if_match, patch.body) == (gate.etag, {"properties": {"state": "Completed"}})
    assert await door.fleet.gate(gate.name) == answer.gate


async def test_an_accepted_approval_is_not_polled(door: Door, emulator: FleetEmulator) -> None:
    emulator.behaviour.approve_status = 202
    emulator.behaviour.operations_forbidden = True
    gate = (await door.fleet.pending_gates()).gates[0]
    answer = await door.fleet.complete_gate(gate)

    assert answer.status == 202
    assert [request.method for request in emulator.journal.of()] == ["GET", "PATCH"]


async def test_an_approval_of_a_gate_that_changed_is_a_conflict(door: Door, emulator: FleetEmulator) -> None:
    gate = (await door.fleet.pending_gates()).gates[0]
    with pytest.raises(Conflict, match=r"^gates\.update: HTTP 412"):
        await door.fleet.complete_gate(replace(gate, etag='"old"'))

    assert (await door.fleet.gate(gate.name)).state == "Pending"
    assert emulator.journal.count("PATCH") == 1


async def test_an_approval_whose_answer_is_lost_is_sent_once(door: Door, emulator: FleetEmulator) -> None:
    gate = (await door.fleet.pending_gates()).gates[0]
    emulator.faults.add(Fault("PATCH", when="after", drop=True))
    with pytest.raises(Unreachable):
        await door.fleet.complete_gate(gate)

    assert emulator.journal.count("PATCH") == 1
    assert (await door.fleet.gate(gate.name)).state == "Completed"


async def test_an_approval_whose_answer_cannot_be_read_is_an_answer(door: Door, emulator: FleetEmulator) -> None:
    gate = (await door.fleet.pending_gates()).gates[0]
    emulator.faults.add(Fault("PATCH", when="after", malformed=True))

    assert await door.fleet.complete_gate(gate) == Answer(200)


@pytest.mark.parametrize("missing", ["gate", "run"])
async def test_what_is_gone_is_not_found(door: Door, missing: str) -> None:
    with pytest.raises(NotFound):
        await (door.fleet.gate(GUID) if missing == "gate" else door.fleet.update_run("gone"))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a?b", "a#b", "%2e%2e", "a b"])
async def test_a_name_that_leads_elsewhere_is_never_asked_for(name: str) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({})

    async with door_to(answer) as door:
        for call in (door.fleet.gate, door.fleet.update_run):
            with pytest.raises(BadAnswer, match="name"):
                await call(name)
        with pytest.raises(BadAnswer, match="name"):
            await door.fleet.complete_gate(replace(GATE, name=name))

    assert asked == []


async def test_a_gate_of_another_fleet_is_not_approved_here() -> None:
    async with door_to(answering({})) as door:
        with pytest.raises(ValueError, match="does not belong"):
            await door.fleet.complete_gate(replace(GATE, fleet=FleetRef(SUBSCRIPTION, "rg-fleet", "test")))


async def test_another_gate_than_the_one_asked_for_is_refused() -> None:
    async with door_to(answering(gate_body("other"))) as door:
        with pytest.raises(BadAnswer, match="but other was answered"):
            await door.fleet.gate(GUID)


@pytest.mark.parametrize("body", ["", "OK", None, [], {}, gate_body("other"), gate_body(target=target_body(".."))])
@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_2xx_to_an_approval_is_an_answer_without_a_gate(status: int, body: object) -> None:
    async with door_to(answering(body, status, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")) as door:
        assert await door.fleet.complete_gate(GATE) == Answer(status)


async def test_an_approved_gate_in_an_answer_that_was_cut_off_is_an_answer() -> None:
    async def cut_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"name": ')
        assert request.transport is not None
        request.transport.close()
        return response

    async with door_to(cut_off) as door:
        assert await door.fleet.complete_gate(GATE) == Answer(200)
        assert door.errors == [("gates.update", "unreachable")]


@pytest.mark.parametrize("etag", [None, ""])
async def test_without_an_etag_there_is_no_if_match(etag: str | None) -> None:
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("If-Match"))
        return web.json_response(gate_body(state="Completed"))

    async with door_to(answer) as door:
        answered = await door.fleet.complete_gate(replace(GATE, etag=etag))

    assert answered == Answer(200, replace(GATE, state="Completed"))
    assert seen == [None]


async def test_an_etag_with_a_line_break_is_not_sent() -> None:
    async with door_to(answering(gate_body())) as door:
        with pytest.raises(BadAnswer):
            await door.fleet.complete_gate(replace(GATE, etag='"a\r\nX-Evil: 1"'))


async def test_a_list_that_goes_round_in_circles_is_no_answer() -> None:
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response({"value": [gate_body()], "nextLink": f"{request.url.origin()}/again?page=2"})

    async with door_to(answer) as door:
        with pytest.raises(BadAnswer, match="circles"):
            await door.fleet.pending_gates()

    assert asked == 2


async def test_a_list_without_end_is_no_answer() -> None:
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response({"value": [], "nextLink": f"{request.url.origin()}/more?page={asked}"})

    async with door_to(answer) as door:
        with pytest.raises(BadAnswer, match="more than 100 pages"):
            await door.fleet.pending_gates()

    assert asked == 100


@pytest.mark.parametrize("second", [{}, {"value": None}, {"value": "x"}, {"value": 5}, [], "no JSON"])
async def test_a_list_whose_second_page_cannot_be_read_is_no_answer(second: object) -> None:
    async def answer(request: web.Request) -> web.Response:
        if "page" in request.query:
            return await answering(second)(request)  # type: ignore[return-value]
        return web.json_response({"value": [gate_body()], "nextLink": f"{request.url.origin()}/more?page=2"})

    async with door_to(answer) as door:
        with pytest.raises(BadAnswer, match=r"^gates\.list"):
            await door.fleet.pending_gates()


@pytest.mark.parametrize("link", [5, [], {}, True, "http://[", "/{endpoint}x", "mailto:x"])
async def test_a_next_link_that_is_none_is_no_answer(link: object) -> None:
    async with door_to(answering({"value": [gate_body()], "nextLink": link})) as door:
        with pytest.raises(BadAnswer):
            await door.fleet.pending_gates()


@pytest.mark.parametrize("link", ["", None])
async def test_an_empty_next_link_ends_the_list(link: str | None) -> None:
    async with door_to(answering({"value": [gate_body()], "nextLink": link})) as door:
        assert (await door.fleet.pending_gates()).gates == (GATE,)


async def test_an_empty_list_is_an_empty_list() -> None:
    async with door_to(answering({"value": []})) as door:
        assert (await door.fleet.pending_gates()).gates == ()
        assert await door.fleet.members() == ()


async def test_a_malformed_gate_in_a_list_hides_no_other() -> None:
    async with door_to(
        answering({"value": [None, "x", gate_body(), {"name": "odd"}, gate_body("low", state="pending")]})
    ) as door:
        found = await door.fleet.pending_gates()

    assert found.gates == (GATE,)
    assert [line.split(":")[0] for line in found.unreadable] == [
        "gate without a name",
        "gate without a name",
        "gate odd",
        "gate low",
    ]


async def test_an_answer_that_is_too_deep_is_a_bad_answer() -> None:
    async with door_to(answering("[" * 200_000)) as door:
        with pytest.raises(BadAnswer):
            await door.fleet.update_run("run-1")
