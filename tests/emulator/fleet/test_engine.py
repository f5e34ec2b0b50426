"""How a run moves: stages in sequence, groups side by side, members one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gatekeeper.emulator.clock import DrivenClock
from gatekeeper.emulator.fleet import Fleet, FleetEmulator, MemberRef, Target

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


def test_members_of_a_group_are_updated_one_after_another(fleet: Fleet, clock: DrivenClock, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a"}]})
    seen = []
    for _ in range(3):
        states = _states(fleet.run("run-1"))
        seen.append((states["a1"], states["a2"], states["run"]))
        clock.advance(5)

    assert seen == [
        ("Running", "NotStarted", "Running"),
        ("Completed", "Running", "Running"),
        ("Completed", "Completed", "Completed"),
    ]


def test_groups_of_a_stage_are_updated_side_by_side(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a"}, {"name": "b"}]})

    states = _states(fleet.run("run-1"))

    assert (states["a1"], states["a2"], states["b1"]) == ("Running", "NotStarted", "Running")


def test_the_concurrency_of_a_group_lets_several_members_update_at_once(fleet: Fleet, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a", "maxConcurrency": "100%"}]})

    states = _states(fleet.run("run-1"))

    assert (states["a1"], states["a2"]) == ("Running", "Running")


def test_the_concurrency_of_a_stage_bounds_all_its_groups(fleet: Fleet, clock: DrivenClock, new_run: NewRun) -> None:
    groups = [{"name": "a", "maxConcurrency": "2"}, {"name": "b"}]
    new_run({"name": "s", "maxConcurrency": "1", "groups": groups})
    most = 0
    for _ in range(4):
        states = _states(fleet.run("run-1"))
        most = max(most, [states[name] for name in ("a1", "a2", "b1")].count("Running"))
        clock.advance(5)

    assert most == 1
    assert _states(fleet.run("run-1"))["run"] == "Completed"


def test_a_long_jump_of_the_clock_keeps_every_timestamp(fleet: Fleet, clock: DrivenClock, new_run: NewRun) -> None:
    new_run({"name": "s", "groups": [{"name": "a"}], "afterStageWaitInSeconds": 60})
    clock.advance(7200)

    status = fleet.run("run-1")["properties"]["status"]
    a1, a2 = (member["status"] for member in status["stages"][0]["groups"][0]["members"])
    assert a1 == {"state": "Completed", "startTime": "2026-07-01T12:00:00Z", "completedTime": "2026-07-01T12:00:05Z"}
    assert a2 == {"state": "Completed", "startTime": "2026-07-01T12:00:05Z", "completedTime": "2026-07-01T12:00:10Z"}
    assert status["status"]["completedTime"] == "2026-07-01T12:01:10Z"


def test_a_group_without_members_has_no_members_key_and_is_skipped_at_the_start(fleet: Fleet, new_run: NewRun) -> None:
    groups = [{"name": "nobody", "beforeGates": [_gate("empty")]}, {"name": "b"}]
    new_run({"name": "s", "groups": groups, "beforeGates": [_gate("go")]})

    empty = fleet.run("run-1")["properties"]["status"]["stages"][0]["groups"][0]
    assert empty == {
        "name": "nobody",
        "beforeGates": [{"displayName": "empty", "status": {"state": "NotStarted"}}],
        "status": {"state": "Skipped", "completedTime": "2026-07-01T12:00:00Z"},
    }


def test_a_run_without_a_strategy_updates_all_members_one_by_one(
    fleet: Fleet, clock: DrivenClock, new_run: NewRun
) -> None:
    run = new_run()
    clock.advance(20)

    assert "strategy" not in run["properties"]
    assert _states(run)["a1"] == "Running"
    assert [_states(run)[name] for name in ("a2", "b1", "c1")] == ["NotStarted"] * 3
    assert _states(fleet.run("run-1"))["run"] == "Completed"


def test_the_scenario_hears_of_every_update_and_the_cluster_is_upgraded(
    emulator: FleetEmulator, fleet: Fleet, clock: DrivenClock, new_run: NewRun
) -> None:
    heard: list[tuple[str, str, str | None]] = []

    def started(member: MemberRef, target: Target) -> None:
        heard.append(("started", member.name, target.kubernetes_version))

    def completed(member: MemberRef, target: Target) -> None:
        heard.append(("completed", member.name, target.kubernetes_version))

    emulator.hooks.on_member_started, emulator.hooks.on_member_completed = started, completed
    new_run({"name": "s", "groups": [{"name": "b"}]})
    cluster = emulator.clusters.find(fleet.member("b1").ref.cluster_resource_id)
    during = cluster.provisioning_state
    clock.advance(5)
    fleet.advance()

    assert heard == [("started", "b1", "1.33.0"), ("completed", "b1", "1.33.0")]
    assert (during, cluster.provisioning_state, cluster.kubernetes_version) == ("Updating", "Succeeded", "1.33.0")


def test_a_consistent_selection_shows_its_images_and_brings_the_nodes_there(
    emulator: FleetEmulator, fleet: Fleet, clock: DrivenClock
) -> None:
    update = {"upgrade": {"type": "NodeImageOnly"}, "nodeImageSelection": {"type": "Consistent"}}
    emulator.behaviour.node_image = "AKSUbuntu-2204-202508.01.0"
    fleet.create_run("images", {"managedClusterUpdate": update})
    fleet.runs.start("images")
    clock.advance(60)

    run = fleet.run("images")["properties"]
    assert run["status"]["nodeImageSelection"] == {
        "selectedNodeImageVersions": [{"version": "AKSUbuntu-2204-202508.01.0"}]
    }
    cluster = emulator.clusters.find(fleet.member("b1").ref.cluster_resource_id)
    assert (cluster.kubernetes_version, cluster.node_image) == ("1.32.5", "AKSUbuntu-2204-202508.01.0")


def test_a_control_plane_upgrade_leaves_the_nodes_alone(
    emulator: FleetEmulator, fleet: Fleet, clock: DrivenClock
) -> None:
    update = {"upgrade": {"type": "ControlPlaneOnly", "kubernetesVersion": "1.33"}}
    fleet.create_run("control-plane", {"managedClusterUpdate": update})
    fleet.runs.start("control-plane")
    cluster = emulator.clusters.find(fleet.member("b1").ref.cluster_resource_id)
    before = cluster.node_image
    clock.advance(60)
    fleet.advance()

    assert (cluster.kubernetes_version, cluster.node_image) == ("1.33.0", before)
