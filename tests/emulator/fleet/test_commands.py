"""Start, stop, skip, failure and deletion of runs, and what they leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper.emulator.clock import DrivenClock
from gatekeeper.emulator.fleet import Fleet
from gatekeeper.emulator.fleet.answers import ArmError

Run = dict[str, Any]
NewRun = Callable[..., Run]
GATE = {"displayName": "check", "type": "Approval"}
TOO_LONG = {"displayName": "x" * 101, "type": "Approval"}


def _status(fleet: Fleet) -> dict[str, Any]:
    found: dict[str, Any] = fleet.run("run-1")["properties"]["status"]
    return found


def _state(fleet: Fleet) -> str:
    return str(_status(fleet)["status"]["state"])


def _group(fleet: Fleet, index: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = _status(fleet)["stages"][0]["groups"][index]
    return found


def _member_states(fleet: Fleet, index: int = 0) -> list[str]:
    return [member["status"]["state"] for member in _group(fleet, index)["members"]]


def test_a_stopped_run_lets_the_update_under_way_end_first(fleet: Fleet, clock: DrivenClock, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a"}]})
    fleet.runs.stop("run-1")
    stopping = _state(fleet), _member_states(fleet)
    clock.advance(5)

    assert stopping == ("Stopping", ["Running", "NotStarted"])
    assert (_state(fleet), _member_states(fleet)) == ("Stopped", ["Completed", "NotStarted"])


def test_a_stopped_run_leaves_its_pending_gate_listed(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a", "beforeGates": [GATE]}]})
    fleet.runs.stop("run-1")

    (gate,) = fleet.gates()
    assert (_state(fleet), gate["properties"]["state"]) == ("Stopped", "Pending")


def test_approving_a_leftover_gate_moves_nothing_until_the_run_is_resumed(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a", "beforeGates": [GATE]}]})
    fleet.runs.stop("run-1")
    fleet.approve(fleet.gates()[0]["name"])
    stopped = _state(fleet), _member_states(fleet)
    fleet.runs.start("run-1")

    assert stopped == ("Stopped", ["NotStarted", "NotStarted"])
    assert (_state(fleet), _member_states(fleet)) == ("Running", ["Running", "NotStarted"])


def test_a_resumed_run_waits_at_the_same_gate_again(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a", "beforeGates": [GATE]}]})
    before = [gate["name"] for gate in fleet.gates()]
    fleet.runs.stop("run-1")
    fleet.runs.start("run-1")

    assert [gate["name"] for gate in fleet.gates()] == before
    assert _state(fleet) == "Pending"


def test_a_failed_member_fails_its_group_and_the_run_and_nothing_new_begins(
    fleet: Fleet, clock: DrivenClock, new_run: NewRun
) -> None:
    fleet.fail_member("a1", "drain timed out")
    new_run({"name": "s", "groups": [{"name": "a"}, {"name": "b", "beforeGates": [GATE]}]})
    clock.advance(5)

    assert _state(fleet) == "Failed"
    assert _member_states(fleet) == ["Failed", "NotStarted"]
    assert _group(fleet)["members"][0]["status"]["error"]["message"] == "drain timed out"
    assert (_group(fleet)["status"]["state"], _group(fleet, 1)["status"]["state"]) == ("Failed", "Stopped")
    assert fleet.gates()[0]["properties"]["state"] == "Pending", "a leftover of a failed run"


def test_a_failed_run_that_is_started_again_tries_the_member_again(
    fleet: Fleet, clock: DrivenClock, new_run: NewRun
) -> None:
    fleet.fail_member("a1", "drain timed out")
    new_run({"name": "s", "groups": [{"name": "a"}]})
    clock.advance(5)
    failed = _state(fleet)
    fleet.runs.start("run-1")
    clock.advance(10)

    assert (failed, _state(fleet), _member_states(fleet)) == ("Failed", "Completed", ["Completed", "Completed"])


def test_a_tolerated_failure_leaves_a_completed_group_with_a_failed_member(
    fleet: Fleet, clock: DrivenClock, new_run: NewRun
) -> None:
    fleet.fail_member("a1", "drain timed out", tolerated=True)
    new_run({"name": "s", "groups": [{"name": "a"}]})
    clock.advance(10)

    assert (_state(fleet), _group(fleet)["status"]["state"]) == ("Completed", "Completed")
    assert _member_states(fleet) == ["Failed", "Completed"]


def test_a_skipped_group_looks_as_recorded(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "b", "beforeGates": [GATE]}, {"name": "a"}]}, start=False)
    fleet.runs.skip("run-1", ("Group", "b"))

    skipped = {"state": "Skipped", "completedTime": "2026-07-01T12:00:00Z"}
    group = _group(fleet)
    assert group["status"] == skipped
    assert group["beforeGates"] == [{"displayName": "check", "status": skipped}]
    assert (group["members"][0]["status"], group["members"][0]["message"]) == (skipped, "skipped by request.")
    assert _status(fleet)["stages"][0]["status"] == {"state": "NotStarted"}


def test_skipping_a_group_moves_its_pending_gate_to_skipped(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "b", "beforeGates": [GATE]}, {"name": "a"}]})
    fleet.runs.skip("run-1", ("Group", "b"))

    assert [gate["properties"]["state"] for gate in fleet.gates()] == ["Skipped"]


@pytest.mark.parametrize("target", [("Stage", "s"), ("Group", "b"), ("Member", "b1")])
def test_an_update_under_way_is_not_skipped(
    fleet: Fleet, clock: DrivenClock, new_run: NewRun, target: tuple[str, str]
) -> None:
    new_run({"name": "s", "groups": [{"name": "b", "afterGates": [{"displayName": "x", "type": "Approval"}]}]})
    fleet.runs.skip("run-1", target)
    clock.advance(5)

    assert _member_states(fleet) == ["Completed"]


def test_a_skipped_stage_lets_the_next_one_begin(fleet: Fleet, new_run: NewRun) -> None:
    first = {"name": "s", "groups": [{"name": "b"}], "beforeGates": [GATE], "afterStageWaitInSeconds": 60}
    new_run(first, {"name": "t", "groups": [{"name": "c"}]})
    fleet.runs.skip("run-1", ("Stage", "s"))

    states = [stage["status"]["state"] for stage in _status(fleet)["stages"]]
    assert states == ["Skipped", "Running"]
    assert fleet.gates()[0]["properties"]["state"] == "Skipped"


def test_a_skipped_wait_lets_the_next_stage_begin(fleet: Fleet, clock: DrivenClock, new_run: NewRun) -> None:
    first = {"name": "s", "groups": [{"name": "b"}], "afterStageWaitInSeconds": 3600}
    new_run(first, {"name": "t", "groups": [{"name": "c"}]})
    clock.advance(5)
    fleet.runs.skip("run-1", ("AfterStageWait", "s"))

    assert [stage["status"]["state"] for stage in _status(fleet)["stages"]] == ["Completed", "Running"]


def test_an_unknown_skip_target_is_refused_and_nothing_is_skipped(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a"}]}, start=False)

    with pytest.raises(ArmError, match="has no Group 'zzz'") as refused:
        fleet.runs.skip("run-1", ("Member", "a1"), ("Group", "zzz"))

    assert refused.value.status == 400
    assert _member_states(fleet) == ["NotStarted", "NotStarted"]


def test_deleting_a_run_deletes_its_gates(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a", "beforeGates": [GATE]}]})
    fleet.runs.delete("run-1")

    assert fleet.gates() == []


def test_a_running_run_cannot_be_started_twice_and_an_idle_one_cannot_be_stopped(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a"}]}, start=False)
    with pytest.raises(ArmError, match="cannot be stopped"):
        fleet.runs.stop("run-1")
    fleet.runs.start("run-1")

    with pytest.raises(ArmError, match="cannot be started"):
        fleet.runs.start("run-1")


def test_time_that_passes_while_a_run_is_stopped_is_not_made_up(
    fleet: Fleet, clock: DrivenClock, new_run: NewRun
) -> None:
    first = {"name": "s", "groups": [{"name": "b"}], "afterStageWaitInSeconds": 60}
    new_run(first, {"name": "t", "groups": [{"name": "c"}]})
    clock.advance(5)
    fleet.runs.stop("run-1")
    clock.advance(3600)
    fleet.runs.start("run-1")

    c1 = _status(fleet)["stages"][1]["groups"][0]["members"][0]["status"]
    assert c1 == {"state": "Running", "startTime": "2026-07-01T13:00:05Z"}


@pytest.mark.parametrize(
    ("strategy", "complaint"),
    [
        ({}, "at least one stage"),
        ({"stages": [{"name": "s", "groups": []}]}, "1 to 50 groups"),
        ({"stages": [{"name": "s", "groups": [{}]}]}, "needs a name"),
        ({"stages": [{"name": "s", "groups": [{"name": "a"}, {"name": "a"}]}]}, "group name 'a' occurs 2 times"),
        ({"stages": [{"name": "s", "groups": [{"name": n}]} for n in "ab"]}, "stage name 's' occurs 2 times"),
        ({"stages": [{"name": "s", "groups": [{"name": "a", "beforeGates": [{}]}]}]}, "has no type"),
        ({"stages": [{"name": "s", "groups": [{"name": "a", "maxConcurrency": "no"}]}]}, "a count or a percentage"),
        ({"stages": [{"name": "s", "groups": [{"name": "a", "afterGates": [TOO_LONG]}]}]}, "1 to 100 characters"),
    ],
)
def test_a_strategy_that_the_service_refuses_is_refused(fleet: Fleet, strategy: Run, complaint: str) -> None:
    with pytest.raises(ArmError, match=complaint):
        fleet.put_strategy("bad", strategy)
