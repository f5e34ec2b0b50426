"""From a gate and its run to the clusters whose health is asked: pure, and held when anything does not fit.

A group's gate stands before or after that group, a stage's gate before or after all groups of the stage. A run must
name the gate (by ``gateId``, at that very place, as Pending): gates left over by stopped or deleted runs are listed as
Pending too, and must never be opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gatekeeper.decision import Hold, Reason
from gatekeeper.kit.templates import wants_labels
from gatekeeper.model import COMPLETED, FAILED, PENDING, Gate, GateStatus, Group, Member, Scope, Stage, UpdateRun
from gatekeeper.policy import Policy, ScopeSpec


def resolve(
    gate: Gate, run: UpdateRun, spec: ScopeSpec, fleet_members: Sequence[Member], first_seen: datetime
) -> Scope | Hold:
    """Find the members that a decision on the gate is about.

    Args:
        gate: the Pending gate.
        run: its update run, as read in this sweep.
        spec: which members the policy asks about.
        fleet_members: all members of the fleet; needed only if ``needs_fleet_members(policy)``.
        first_seen: when Gatekeeper saw the gate first; the run's own word goes before it.
    """
    stage = next((stage for stage in run.stages if stage.name == gate.stage), None)
    if stage is None:
        return _astray(gate, f"run {run.name} has no stage {gate.stage!r}")
    group = next((group for group in stage.groups if group.name == gate.group), None)
    if group is None and gate.group is not None:
        return _astray(gate, f"stage {stage.name} of run {run.name} has no group {gate.group!r}")
    status = _named(gate, group or stage)
    if isinstance(status, Hold):
        return status
    gated = stage.members if group is None else group.members
    members = _narrowed(_asked(gate, run, stage, gated, spec, fleet_members), spec.labels, fleet_members)
    return Scope(gate, run.target, members, gated, run, status.started_at or first_seen)


def needs_fleet_members(policy: Policy) -> bool:
    """Whether ``resolve`` needs the fleet's list of members, which alone has their labels: one more call to Azure per
    sweep. A check needs it for a ``{label.KEY}`` in one of its parameters.
    """
    spec = policy.scope
    return (
        spec.of == "fleet"
        or bool(spec.labels)
        or any(wants_labels(each.check.model_dump_json()) for each in policy.checks)
    )


def _named(gate: Gate, place: Stage | Group) -> GateStatus | Hold:
    """The run's word on the gate, which must agree with the gate itself."""
    status = next((status for status in place.gates if status.gate_id == gate.id), None)
    if status is None:
        return _astray(gate, "the run does not name this gate there; it is probably left over from a stopped run")
    if status.timing != gate.timing:
        return _astray(gate, f"the run names this gate as {status.timing or 'nothing'}, the gate says {gate.timing}")
    if status.state != PENDING:
        return Hold(Reason.NOT_PENDING, f"the gate says Pending, but its run says {status.state} of it")
    return status


def _asked(
    gate: Gate,
    run: UpdateRun,
    stage: Stage,
    gated: Sequence[Member],
    spec: ScopeSpec,
    fleet_members: Sequence[Member],
) -> Sequence[Member]:
    if spec.of == "target":
        return gated
    if spec.of == "updated":
        # A member whose update failed was changed as well, and its health is what the question is about.
        return [member for member in run.members if member.state in (COMPLETED, FAILED)]
    if spec.of == "next":
        following = run.stages[run.stages.index(stage) + 1 :]
        return following[0].members if following else ()
    if spec.of == "fleet":
        in_run = {member.key: member for member in run.members}
        return [in_run.get(member.key, member) for member in fleet_members]
    raise ValueError(f"unknown scope {spec.of!r} for gate {gate.name}")


def _narrowed(
    members: Sequence[Member], labels: Mapping[str, str], fleet_members: Sequence[Member]
) -> tuple[Member, ...]:
    """Only the members that carry all the labels, each cluster once, with the labels that the fleet has for it."""
    known = {member.key: member.labels for member in fleet_members}
    unique = {member.key: replace(member, labels=known.get(member.key, {})) for member in members}
    return tuple(member for member in unique.values() if labels.items() <= member.labels.items())


def _astray(gate: Gate, why: str) -> Hold:
    return Hold(Reason.GATE_NOT_IN_RUN, f"the gate says it stands {gate.where}, but {why}")
