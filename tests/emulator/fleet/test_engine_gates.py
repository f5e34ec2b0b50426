"""Gates and waits in a run: when they appear, and what they hold back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gatekeeper.emulator.clock import DrivenClock
from gatekeeper.emulator.fleet import Fleet, FleetEmulator

Run = dict[str, Any]
NewRun = Callable[..., Run]


def _gate(name: str, kind: str = "Approval", **more: Any) -> dict[str, Any]:
    return {"displayName": name, "type": kind, **more}


def _states(run: Run) -> dict[str, str]:
    """Flatten a run's status: `stage`, `group` and `member` names to their states."""
    status = run["properties"]["status"]
    found = {"run": status["status"]["state"]}
    for stage in status["stages"]:
        found[stage["name"]] = stage["status"]["state"]
        for group in stage["groups"]:
            found[group["name"]] = group["status"]["state"]
            found |= {member["name"]: member["status"]["state"] for member in group.get("members", [])}
    return found


def _pending(fleet: Fleet) -> list[str]:
    return [gate["properties"]["displayName"] for gate in fleet.gates() if gate["properties"]["state"] == "Pending"]


def _approve(fleet: Fleet, display_name: str) -> None:
    for gate in fleet.gates():
        if gate["properties"]["displayName"] == display_name and gate["properties"]["state"] == "Pending":
            fleet.approve(gate["name"])


def test_a_run_that_was_not_started_has_no_gates(fleet: Fleet, new_run: NewRun) -> None:
    run = new_run({"name": "s", "groups": [{"name": "a"}], "beforeGates": [_gate("go")]}, start=False)

    assert fleet.gates() == []
    assert run["properties"]["status"]["stages"][0]["beforeGates"] == [
        {"displayName": "go", "status": {"state": "NotStarted"}}
    ]
    assert _states(run) == {
        "run": "NotStarted",
        "s": "NotStarted",
        "a": "NotStarted",
        "a1": "NotStarted",
        "a2": "NotStarted",
    }


def test_a_run_waits_at_the_gate_before_its_first_stage(fleet: Fleet, clock: DrivenClock, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a"}], "beforeGates": [_gate("go")]})
    clock.advance(3600)

    assert _states(fleet.run("run-1")) == {
        "run": "Pending", "s": "Pending", "a": "NotStarted", "a1": "NotStarted", "a2": "NotStarted",
    }  # fmt: skip
    assert _pending(fleet) == ["go"]


def test_gates_stand_in_all_four_places_in_order(fleet: Fleet, clock: DrivenClock, new_run: NewRun) -> None:
    group = {"name": "b", "beforeGates": [_gate("group before")], "afterGates": [_gate("group after")]}
    new_run(
        {
            "name": "s",
            "groups": [group],
            "beforeGates": [_gate("stage before")],
            "afterGates": [_gate("stage after")],
        }
    )
    order = []
    while pending := _pending(fleet):
        order += pending
        _approve(fleet, pending[0])
        clock.advance(5)

    assert order == ["stage before", "group before", "group after", "stage after"]
    assert _states(fleet.run("run-1"))["run"] == "Completed"


def test_two_gates_of_one_name_are_pending_side_by_side_and_independent(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": name, "beforeGates": [_gate("check")]} for name in "ab"]})
    first, second = fleet.gates()

    fleet.approve(first["name"])

    assert first["properties"]["displayName"] == second["properties"]["displayName"]
    assert fleet.gate(second["name"])["properties"]["state"] == "Pending"
    states = _states(fleet.run("run-1"))
    assert (states["a"], states["b"], states["s"], states["run"]) == ("Running", "Pending", "Running", "Running")


def test_the_wait_after_a_stage_and_its_gate_run_at_the_same_time(
    fleet: Fleet, clock: DrivenClock, new_run: NewRun
) -> None:
    stage = {"groups": [{"name": "b"}], "afterStageWaitInSeconds": 60, "afterGates": [_gate("done")]}
    new_run({"name": "s", **stage}, {"name": "t", "groups": [{"name": "c"}]})
    clock.advance(5)
    waiting = fleet.run("run-1")["properties"]["status"]["stages"][0]["afterStageWaitStatus"]
    pending = _pending(fleet)
    clock.advance(60)
    before = _states(fleet.run("run-1"))
    _approve(fleet, "done")

    assert waiting["status"]["state"] == "Running"
    assert pending == ["done"]
    assert (before["s"], before["c1"]) == ("Pending", "NotStarted")
    assert _states(fleet.run("run-1"))["c1"] == "Running"


def test_an_approved_gate_does_not_shorten_the_wait(fleet: Fleet, clock: DrivenClock, new_run: NewRun) -> None:
    stage = {"groups": [{"name": "b"}], "afterStageWaitInSeconds": 60, "afterGates": [_gate("done")]}
    new_run({"name": "s", **stage}, {"name": "t", "groups": [{"name": "c"}]})
    clock.advance(5)
    _approve(fleet, "done")
    clock.advance(59)
    before = _states(fleet.run("run-1"))["c1"]
    clock.advance(1)

    assert before == "NotStarted"
    assert _states(fleet.run("run-1"))["c1"] == "Running"


def test_a_scheduled_gate_opens_itself_in_time(fleet: Fleet, clock: DrivenClock, new_run: NewRun) -> None:
    gate = _gate("tonight", "ScheduledStart", completesAfterSeconds=600)
    new_run({"name": "s", "groups": [{"name": "b"}], "beforeGates": [gate]})
    clock.advance(599)
    listed = fleet.gates()[0]["properties"]
    clock.advance(1)

    assert (listed["gateType"], listed["state"]) == ("ScheduledStart", "Pending")
    assert _states(fleet.run("run-1"))["b1"] == "Running"


def test_completing_a_scheduled_gate_starts_the_upgrade_early(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "b"}], "beforeGates": [_gate("tonight", "ScheduledStart")]})

    _approve(fleet, "tonight")

    assert _states(fleet.run("run-1"))["b1"] == "Running"


def test_a_gate_may_tell_when_it_was_reached(emulator: FleetEmulator, fleet: Fleet, new_run: NewRun) -> None:
    emulator.behaviour.gate_start_times = True
    run = new_run({"name": "s", "groups": [{"name": "a", "afterGates": [_gate("done")]}], "beforeGates": [_gate("go")]})

    stage = run["properties"]["status"]["stages"][0]
    assert stage["beforeGates"][0]["status"] == {"state": "Pending", "startTime": "2026-07-01T12:00:00Z"}
    assert stage["groups"][0]["afterGates"][0]["status"] == {"state": "NotStarted"}
    assert fleet.gates()[0]["properties"]["state"] == "Pending"
