"""Gates and members as Fleet Manager writes them, and as it hopefully never does."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper.adapters import fleet_wire
from gatekeeper.errors import BadAnswer
from gatekeeper.model import Gate, Member
from tests.adapters.arm_scripts import FLEET_ID, GUID, REF, gate_body, target_body

GATE = Gate(REF, GUID, "check", "Approval", "Pending", "run-1", "stage1", None, "Before", '"e-1"')
OTHER = "6d8270cb-0000-4000-8000-000000000002"


def test_a_gate_is_read_whole() -> None:
    assert fleet_wire.gate(REF, gate_body()) == GATE


def test_a_group_gate_has_its_group() -> None:
    gate = fleet_wire.gate(REF, gate_body(target=target_body(group="g1", timing="After")))

    assert (gate.stage, gate.group, gate.timing) == ("stage1", "g1", "After")


@pytest.mark.parametrize(
    ("property_name", "field", "nothing"),
    [("displayName", "display_name", None), ("gateType", "gate_type", ""), ("state", "state", "")],
)
def test_what_a_gate_does_not_say_is_not_guessed(property_name: str, field: str, nothing: object) -> None:
    absent, null = gate_body(), gate_body()
    del absent["properties"][property_name]
    null["properties"][property_name] = None

    assert getattr(fleet_wire.gate(REF, absent), field) == nothing
    assert getattr(fleet_wire.gate(REF, null), field) == nothing


def test_a_gate_without_etag_stage_and_timing_survives() -> None:
    body = gate_body(target=target_body(stage=None, timing=None))
    del body["eTag"]
    gate = fleet_wire.gate(REF, body)

    assert (gate.etag, gate.stage, gate.timing) == (None, None, "")


@pytest.mark.parametrize("word", ["approval", "APPROVAL", "ScheduledStart", "Approval ", "Zustimmung"])
def test_words_stay_as_they_were_written(word: str) -> None:
    gate = fleet_wire.gate(REF, gate_body(gateType=word, state=word, target=target_body(timing=word)))

    assert (gate.gate_type, gate.state, gate.timing) == (word, word, word)


def test_ids_are_compared_without_regard_to_case() -> None:
    body = gate_body(
        target=target_body() | {"id": f"{FLEET_ID}/UPDATERUNS/RUN-1".replace("resourceGroups", "RESOURCEGROUPS")}
    )
    body["id"] = body["id"].upper()

    assert fleet_wire.gate(REF, body).update_run == "RUN-1"


MALFORMED: list[tuple[object, str]] = [
    (None, "is no JSON object but nothing"),
    ("text", "is no JSON object but text"),
    ([], "is no JSON object but a list"),
    (gate_body() | {"name": None}, "no name"),
    (gate_body() | {"name": 7}, "name is no text but a number"),
    (gate_body("..") | {"id": None}, "unusable name"),
    (gate_body("a/b") | {"id": None}, "unusable name"),
    (gate_body("a?b") | {"id": None}, "unusable name"),
    (gate_body() | {"id": f"{FLEET_ID}/gates/{OTHER}"}, "the id of the gate is"),
    (gate_body() | {"id": gate_body()["id"].replace("/prod/", "/test/")}, "the id of the gate is"),
    (gate_body() | {"properties": {"state": "Pending"}}, "not an update run"),
    (gate_body() | {"eTag": 5}, "eTag is no text"),
    (gate_body(displayName=["x"]), "displayName is no text but a list"),
    (gate_body(displayName="\ud800"), "displayName is not valid text"),
    (gate_body(target={"id": f"{FLEET_ID}/updateRuns/run-1"}), "not an update run"),
    (gate_body(target={"updateRunProperties": {"name": "run-1"}}), "no name"),
    (gate_body(target=target_body("run-1", name="run-2")), "is the run run-1, but is named run-2"),
    (gate_body(target=target_body("run-1") | {"id": f"{FLEET_ID}/members/run-1"}), "the id of its target is"),
    (gate_body(target=target_body("..")), "unusable name"),
    (gate_body(target=target_body(timing=False)), "timing is no text but a boolean"),
    (gate_body(target=[]), "target is no JSON object"),
]


@pytest.mark.parametrize(("body", "words"), MALFORMED)
def test_a_malformed_gate_is_refused_with_its_reason(body: object, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        fleet_wire.gate(REF, body)


@pytest.mark.parametrize("body", [body for body, _ in MALFORMED])
def test_a_malformed_gate_hides_no_other(body: object) -> None:
    found = fleet_wire.pending(REF, [gate_body(OTHER), body])

    assert [gate.name for gate in found.gates] == [OTHER]
    assert len(found.unreadable) == 1


def test_gates_that_are_not_pending_are_left_out() -> None:
    found = fleet_wire.pending(
        REF, [gate_body(), gate_body(OTHER, state="Completed"), gate_body(OTHER, state="Skipped")]
    )

    assert (found.gates, found.unreadable) == ((GATE,), ())


@pytest.mark.parametrize("state", ["pending", "PENDING", "Approved", " Pending", ""])
def test_a_gate_in_a_state_that_is_not_known_is_reported(state: str) -> None:
    found = fleet_wire.pending(REF, [gate_body(state=state)])

    assert found.gates == ()
    assert len(found.unreadable) == 1
    assert found.unreadable[0].startswith(f"gate {GUID}: its state is ")


def test_gates_of_other_types_are_listed_too() -> None:
    found = fleet_wire.pending(REF, [gate_body(gateType="ScheduledStart")])

    assert [gate.gate_type for gate in found.gates] == ["ScheduledStart"]


def test_a_gate_that_is_listed_twice_counts_once() -> None:
    found = fleet_wire.pending(REF, [gate_body(), gate_body()])

    assert (found.gates, found.unreadable) == ((GATE,), ())


def test_a_gate_that_is_listed_twice_and_differently_is_reported_only() -> None:
    found = fleet_wire.pending(REF, [gate_body(), gate_body(displayName="x"), gate_body(), gate_body(OTHER)])

    assert [gate.name for gate in found.gates] == [OTHER]
    assert found.unreadable == (f"gate {GUID}: it is listed twice, and differently",)


def member_body(**properties: Any) -> dict[str, Any]:
    own = {"clusterResourceId": "/subscriptions/s/resourcegroups/r/providers/p/managedClusters/c", "group": "g"}
    return {"name": "m1", "properties": own | properties}


def test_a_member_of_the_fleet_has_its_labels() -> None:
    member = fleet_wire.fleet_member(member_body(labels={"tier": "gold", "empty": None}))

    assert member == Member(
        name="m1",
        cluster_resource_id="/subscriptions/s/resourcegroups/r/providers/p/managedClusters/c",
        group="g",
        labels={"tier": "gold", "empty": ""},
    )


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"name": "m1"},
        member_body() | {"name": ""},
        member_body(clusterResourceId=""),
        member_body(labels=[]),
        member_body(labels={"tier": 5}),
        member_body(group=5),
    ],
)
def test_a_malformed_member_is_refused(body: object) -> None:
    with pytest.raises(BadAnswer):
        fleet_wire.fleet_member(body)
