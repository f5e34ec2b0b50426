"""Moves an update run through its stages, groups, members, waits and gates, as Microsoft documents it.

Pure: time comes in as an argument, what happens outside goes through the `Host`. A long jump of the
clock is walked event by event, so every timestamp is the moment at which the thing would have happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gatekeeper.emulator.fleet.states import Gate, Group, MemberUpdate, Run, Stage, State


@dataclass(frozen=True, slots=True)
class Plan:
    """How the update of one member will go: its length in seconds, and its failure if it is to fail."""

    seconds: float
    failure: str | None = None
    tolerated: bool = False


class Host(Protocol):
    """What a run needs from the fleet that it runs in."""

    def new_guid(self) -> str:
        """Name a gate or an operation."""
        ...

    def member_started(self, run: Run, member: MemberUpdate) -> Plan:
        """Plan the update of a member that begins now."""
        ...

    def member_ended(self, run: Run, member: MemberUpdate) -> None:
        """Hear that the update of a member is Completed or Failed."""
        ...


class Engine:
    """Steps runs forward; every public method leaves the run settled at the time given."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def advance(self, run: Run, now: datetime) -> None:
        """Let everything happen that is due by `now`, in order."""
        while run.active and (due := _next_due(run)) is not None and due <= now:
            self._finish_due(run, due)
            self.settle(run, due)

    def complete_gate(self, run: Run, gate: Gate, at: datetime) -> None:
        """Approve a gate, or start a scheduled one early; a stopped run keeps the answer and does not move."""
        gate.status.end(State.COMPLETED, at)
        gate.approved = at
        self.settle(run, at)

    def settle(self, run: Run, at: datetime) -> None:
        """Take every step that is possible without more time passing."""
        if not run.active:
            return
        if run.status.state is State.STOPPING or any(member.broken for member in run.members()):
            # A stop and a failure alike: nothing new begins, what is under way is not interrupted.
            if not run.updating:
                _halt(run, at)
            return
        for stage in run.stages:
            if not stage.status.ended:
                self._step_stage(stage, run, at)
            if not stage.status.ended:
                run.status.state = stage.status.state
                return
        skipped = all(stage.status.state is State.SKIPPED for stage in run.stages)
        run.status.end(State.SKIPPED if skipped else State.COMPLETED, at)

    def _step_stage(self, stage: Stage, run: Run, at: datetime) -> None:
        status = stage.status
        if not self._passed(stage.before, at):
            status.state = State.PENDING
            return
        status.begin(at)
        for group in stage.groups:
            if not group.status.ended:
                self._step_group(group, stage, run, at)
        if not all(group.status.ended for group in stage.groups):
            if not any(group.status.state is State.RUNNING for group in stage.groups):
                status.state = State.PENDING
            return
        # The wait and the gates after a stage run at the same time.
        approved, waited = self._passed(stage.after, at), _waited(stage, at)
        if approved and waited:
            status.end(State.COMPLETED, at)
        elif waited:
            status.state = State.PENDING

    def _step_group(self, group: Group, stage: Stage, run: Run, at: datetime) -> None:
        if not self._passed(group.before, at):
            group.status.state = State.PENDING
            return
        group.status.begin(at)
        self._start_members(group, stage, run, at)
        if all(member.status.ended for member in group.members):
            if self._passed(group.after, at):
                group.status.end(State.COMPLETED, at)
            else:
                group.status.state = State.PENDING

    def _start_members(self, group: Group, stage: Stage, run: Run, at: datetime) -> None:
        room = min(group.limit - _running(group.members), stage.limit - _running(list(stage.members())))
        waiting = [member for member in group.members if member.status.state is State.NOT_STARTED]
        for member in waiting[: max(room, 0)]:
            member.status.begin(at)
            member.operation = self._host.new_guid()
            plan = self._host.member_started(run, member)
            member.due = at + timedelta(seconds=plan.seconds)
            member.failure, member.tolerated = plan.failure, plan.tolerated

    def _passed(self, gates: list[Gate], at: datetime) -> bool:
        """Open the gates that the run has just reached; tell whether all are behind it."""
        for gate in gates:
            if gate.status.state is State.NOT_STARTED:
                gate.name, gate.created, gate.status.state = self._host.new_guid(), at, State.PENDING
                if gate.completes_after is not None:
                    gate.due = at + timedelta(seconds=gate.completes_after)
        return all(gate.status.ended for gate in gates)

    def _finish_due(self, run: Run, at: datetime) -> None:
        for member in run.members():
            if member.status.state is State.RUNNING and member.due is not None and member.due <= at:
                member.status.end(State.FAILED if member.failure else State.COMPLETED, at)
                member.status.error = member.failure
                self._host.member_ended(run, member)
        for stage in run.stages:
            if stage.wait.state is State.RUNNING and stage.wait_due is not None and stage.wait_due <= at:
                stage.wait.end(State.COMPLETED, at)
        for gate in run.gates():
            if gate.status.state is State.PENDING and gate.due is not None and gate.due <= at:
                gate.status.end(State.COMPLETED, at)


def _next_due(run: Run) -> datetime | None:
    due = [member.due for member in run.members() if member.status.state is State.RUNNING]
    due += [stage.wait_due for stage in run.stages if stage.wait.state is State.RUNNING]
    due += [gate.due for gate in run.gates() if gate.status.state is State.PENDING]
    return min((moment for moment in due if moment is not None), default=None)


def _running(members: list[MemberUpdate]) -> int:
    return sum(member.status.state is State.RUNNING for member in members)


def _waited(stage: Stage, at: datetime) -> bool:
    if not stage.wait_seconds:
        return True
    if stage.wait.state is State.NOT_STARTED:
        stage.wait.begin(at)
        stage.wait_due = at + timedelta(seconds=stage.wait_seconds)
    return stage.wait.ended


def _halt(run: Run, at: datetime) -> None:
    """Bring a run to rest; its Pending gates stay Pending and listed, as they do in the real service."""
    for stage in run.stages:
        for group in stage.groups:
            if any(member.broken for member in group.members):
                group.status.end(State.FAILED, at)
            elif not group.status.ended and group.status.state is not State.NOT_STARTED:
                group.status.state = State.STOPPED
        if any(member.broken for member in stage.members()):
            stage.status.end(State.FAILED, at)
        elif not stage.status.ended and stage.status.state is not State.NOT_STARTED:
            stage.status.state = State.STOPPED
    if any(member.broken for member in run.members()):
        run.status.end(State.FAILED, at)
    else:
        run.status.state = State.STOPPED
