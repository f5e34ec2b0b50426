"""Whatever the strategy and in whatever order gates are approved: no member updates before its gates are open."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.emulator.clock import DrivenClock
from gatekeeper.emulator.fleet import Fleet, FleetEmulator, MemberRef, Target

GATES = st.lists(st.just({"displayName": "check", "type": "Approval"}), max_size=2)
LIMIT = st.sampled_from([None, "1", "2", "50%"])
PARTS = st.fixed_dictionaries({"beforeGates": GATES, "afterGates": GATES, "maxConcurrency": LIMIT})


@st.composite
def _strategies(draw: st.DrawFn) -> dict[str, Any]:
    stages = []
    for stage in range(draw(st.integers(1, 3))):
        groups = [{"name": f"g{stage}{group}", **draw(PARTS)} for group in range(draw(st.integers(1, 3)))]
        wait = draw(st.sampled_from([None, 30]))
        stages.append({"name": f"s{stage}", "groups": groups, "afterStageWaitInSeconds": wait, **draw(PARTS)})
    return {"stages": stages}


def _fleet(strategy: dict[str, Any], sizes: list[int]) -> tuple[FleetEmulator, Fleet, DrivenClock]:
    clock = DrivenClock(datetime(2026, 7, 1, tzinfo=UTC))
    emulator = FleetEmulator(clock, lambda member: member.name)
    fleet = emulator.put_fleet("sub", "rg", "fleet")
    groups = [group["name"] for stage in strategy["stages"] for group in stage["groups"]]
    for index, group in enumerate(groups):
        for number in range(sizes[index % len(sizes)]):
            fleet.put_member(f"{group}-{number}", group=group)
    fleet.create_run("run", {"managedClusterUpdate": {"upgrade": {"type": "NodeImageOnly"}}, "strategy": strategy})
    return emulator, fleet, clock


def _open_gates_before(fleet: Fleet, member: str) -> list[str]:
    """Name what should be behind the run and is not, when this member starts."""
    missing: list[str] = []
    for stage in fleet.runs.find("run").run.stages:
        mine = [group for group in stage.groups if member in [each.name for each in group.members]]
        if not mine:
            missing += [stage.name] if not stage.status.ended else []
            continue
        gates = [*stage.before, *mine[0].before]
        return missing + [f"{gate.stage}/{gate.group}" for gate in gates if gate.status.state != "Completed"]
    return missing


@settings(deadline=None, max_examples=60)  # a busy machine is no failure
@given(strategy=_strategies(), sizes=st.lists(st.integers(0, 3), min_size=1, max_size=5), data=st.data())
def test_members_never_update_before_their_gates_are_completed(
    strategy: dict[str, Any], sizes: list[int], data: st.DataObject
) -> None:
    emulator, fleet, clock = _fleet(strategy, sizes)
    started: list[str] = []
    wrong: list[str] = []

    def check(member: MemberRef, _target: Target) -> None:
        started.append(member.name)
        wrong.extend(_open_gates_before(fleet, member.name))

    emulator.hooks.on_member_started = check
    fleet.runs.start("run")
    for _ in range(200):
        pending = [gate["name"] for gate in fleet.gates() if gate["properties"]["state"] == "Pending"]
        approve: bool = data.draw(st.booleans())
        if pending and approve:
            fleet.approve(data.draw(st.sampled_from(pending)))
        else:
            clock.advance(data.draw(st.sampled_from([1.0, 5.0, 40.0])))
            fleet.advance()
        if fleet.runs.find("run").run.status.ended:
            break

    assert wrong == []
    assert len(started) == len(set(started)), "no member is updated twice"


@settings(deadline=None, max_examples=60)  # a busy machine is no failure
@given(strategy=_strategies(), sizes=st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_a_run_whose_gates_are_all_approved_ends_with_every_member_updated(
    strategy: dict[str, Any], sizes: list[int]
) -> None:
    _, fleet, clock = _fleet(strategy, sizes)
    fleet.runs.start("run")
    for _ in range(100):
        clock.advance(40)
        for gate in fleet.gates():
            fleet.approve(gate["name"])
        if fleet.runs.find("run").run.status.ended:
            break

    run = fleet.runs.find("run").run
    assert run.status.state == ("Completed" if list(run.members()) else "Skipped")
    assert {str(member.status.state) for member in run.members()} <= {"Completed"}
