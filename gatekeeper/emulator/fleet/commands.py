"""What a person may ask of an update run: start it, stop it, skip parts of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gatekeeper.emulator.fleet.engine import Engine
from gatekeeper.emulator.fleet.states import Gate, Group, MemberUpdate, Run, Stage, State, Status

SKIP_MESSAGE = "skipped by request."


class NotAllowedError(Exception):
    """The run's state does not permit the command."""


class UnknownTargetError(Exception):
    """A skip target names nothing in the run."""


def start(engine: Engine, run: Run, at: datetime) -> None:
    """Start a run, or resume one that was stopped or has failed; members that failed are tried again."""
    if run.active or run.status.state in (State.COMPLETED, State.SKIPPED):
        raise NotAllowedError(f"update run '{run.name}' is {run.status.state} and cannot be started")
    if run.status.state is State.NOT_STARTED:
        _skip_empty(run, at)
    for member in run.members():
        if member.broken:
            member.status, member.failure, member.message = Status(), None, None
    for part in _parts(run):
        if part.status.state in (State.STOPPED, State.FAILED):
            part.status.state = State.RUNNING if part.status.started else State.NOT_STARTED
            part.status.completed = None
    for stage in run.stages:
        # Time that went by while the run stood still is not made up in the past.
        stage.wait_due = max(stage.wait_due, at) if stage.wait_due else None
    for gate in run.gates():
        gate.due = max(gate.due, at) if gate.due else None
    run.status.begin(at)
    engine.settle(run, at)


def stop(engine: Engine, run: Run, at: datetime) -> None:
    """Begin nothing new; the run is Stopping until the members under way have ended, then Stopped."""
    if not run.active:
        raise NotAllowedError(f"update run '{run.name}' is {run.status.state} and cannot be stopped")
    run.status.state = State.STOPPING
    for part in _parts(run):
        if part.status.state in (State.RUNNING, State.PENDING):
            part.status.state = State.STOPPING
    engine.settle(run, at)


def skip(engine: Engine, run: Run, targets: Iterable[tuple[str, str]], at: datetime) -> None:
    """Skip `(type, name)` targets; updates under way are not interrupted. Nothing is skipped if one is unknown."""
    if run.status.ended:
        raise NotAllowedError(f"update run '{run.name}' is {run.status.state} and nothing of it can be skipped")
    found = [_find(run, kind, name) for kind, name in targets]
    for part in found:
        if isinstance(part, Stage):
            _skip_stage(part, at)
        elif isinstance(part, Group):
            _skip_group(part, at)
        elif isinstance(part, MemberUpdate):
            _skip_member(part, at)
        else:
            _skip_status(part, at)
    engine.settle(run, at)


def _find(run: Run, kind: str, name: str) -> Stage | Group | MemberUpdate | Status:
    for stage in run.stages:
        if kind == "Stage" and stage.name == name:
            return stage
        if kind == "AfterStageWait" and stage.name == name and stage.wait_seconds:
            return stage.wait
        for group in stage.groups:
            if kind == "Group" and group.name == name:
                return group
        for member in stage.members():
            if kind == "Member" and member.name == name:
                return member
    raise UnknownTargetError(f"update run '{run.name}' has no {kind} '{name}'")


def _skip_empty(run: Run, at: datetime) -> None:
    """Skip groups without members when the run starts; their gates stay NotStarted (recorded)."""
    for stage in run.stages:
        for group in stage.groups:
            if not group.members and not group.status.ended:
                group.status.end(State.SKIPPED, at)
        if not any(stage.members()) and not stage.status.ended:
            stage.status.end(State.SKIPPED, at)


def _skip_stage(stage: Stage, at: datetime) -> None:
    for group in stage.groups:
        _skip_group(group, at)
    _skip_gates([*stage.before, *stage.after], at)
    _skip_status(stage.wait, at)
    if _untouched(stage.members()):
        _skip_status(stage.status, at)


def _skip_group(group: Group, at: datetime) -> None:
    for member in group.members:
        _skip_member(member, at)
    _skip_gates([*group.before, *group.after], at)
    if _untouched(group.members):
        _skip_status(group.status, at)


def _skip_member(member: MemberUpdate, at: datetime) -> None:
    if member.status.state is State.NOT_STARTED:
        member.status.end(State.SKIPPED, at)
        member.message = SKIP_MESSAGE


def _skip_gates(gates: Iterable[Gate], at: datetime) -> None:
    for gate in gates:
        _skip_status(gate.status, at)


def _skip_status(status: Status, at: datetime) -> None:
    if not status.ended:
        status.end(State.SKIPPED, at)


def _untouched(members: Iterable[MemberUpdate]) -> bool:
    return all(member.status.state is State.SKIPPED for member in members)


def _parts(run: Run) -> list[Stage | Group]:
    return [*run.stages, *(group for stage in run.stages for group in stage.groups)]
