"""The update runs of one fleet: creates them, moves them, and tells members and clusters what happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from gatekeeper.emulator.fleet import commands, strategy
from gatekeeper.emulator.fleet.answers import ArmError, not_found
from gatekeeper.emulator.fleet.engine import Engine, Plan
from gatekeeper.emulator.fleet.resources import Member, MemberRef, RunRecord
from gatekeeper.emulator.fleet.states import Gate, MemberUpdate, Run, State
from gatekeeper.emulator.fleet.world import World


class Runs:
    """All runs of a fleet; it is the `Host` of their engine."""

    def __init__(self, world: World, fleet: str, members: Mapping[str, Member]) -> None:
        self._world = world
        self._fleet = fleet
        self._members = members
        self._runs: dict[str, RunRecord] = {}
        self._engine = Engine(self)

    def all(self) -> list[RunRecord]:
        """Return all runs in the order of their creation."""
        return list(self._runs.values())

    def find(self, name: str) -> RunRecord:
        """Return a run by its name in any case; raises ArmError 404."""
        found = self._runs.get(name.lower())
        if found is None:
            raise self._not_found("updateRuns", name)
        return found

    def gate(self, name: str) -> tuple[RunRecord, Gate]:
        """Return a gate that a run has reached, and its run; raises ArmError 404."""
        for record in self._runs.values():
            for gate in record.run.gates():
                if gate.name == name.lower():
                    return record, gate
        raise self._not_found("gates", name)

    def create(self, name: str, properties: Mapping[str, Any], chosen: dict[str, Any] | None) -> RunRecord:
        """Lay out a run by a checked strategy, a snapshot of it; None updates all members one by one."""
        known = self._runs.get(name.lower())
        if known and known.run.status.state is not State.NOT_STARTED:
            raise ArmError(409, "Conflict", f"The update run '{name}' was started and cannot be changed.")
        plan = deepcopy(chosen) if chosen else strategy.default_strategy()
        run = strategy.lay_out(name, plan, self._grouped(everything=chosen is None))
        now = self._world.clock.now()
        created = known.created if known else now
        selection = (properties["managedClusterUpdate"].get("nodeImageSelection") or {}).get("type")
        latest = self._world.behaviour.node_image
        record = RunRecord(
            run=run,
            properties=deepcopy(dict(properties)),
            strategy=plan if chosen else None,
            node_images=(latest,) if selection == "Consistent" else (),
            latest=latest,
            created=created,
            modified=now,
        )
        self._runs[name.lower()] = record
        return record

    def delete(self, name: str) -> None:
        """Delete a run, and with it its gates; raises ArmError 404."""
        del self._runs[self.find(name).run.name.lower()]

    def start(self, name: str) -> None:
        """Start or resume a run; raises ArmError 404 and 409."""
        run, now = self._moved(name)
        _allowed(lambda: commands.start(self._engine, run, now))

    def stop(self, name: str) -> None:
        """Stop a run; raises ArmError 404 and 409."""
        run, now = self._moved(name)
        _allowed(lambda: commands.stop(self._engine, run, now))

    def skip(self, name: str, *targets: tuple[str, str]) -> None:
        """Skip `(type, name)` targets of a run; raises ArmError 400, 404 and 409."""
        run, now = self._moved(name)
        _allowed(lambda: commands.skip(self._engine, run, targets, now))

    def complete_gate(self, record: RunRecord, gate: Gate, at: datetime) -> None:
        """Complete a Pending gate; one that is not Pending any more is left as it is."""
        if gate.status.state is State.PENDING:
            self._engine.complete_gate(record.run, gate, at)

    def advance(self, now: datetime) -> None:
        """Let everything happen in all runs that is due by `now`."""
        for record in self._runs.values():
            self._engine.advance(record.run, now)

    def new_guid(self) -> str:
        """Name a gate or an operation (Host)."""
        return self._world.guids.new()

    def member_started(self, run: Run, member: MemberUpdate) -> Plan:
        """Plan a member's update and tell the scenario of it (Host)."""
        known, target = self._members.get(member.name.lower()), self.find(run.name).target
        if known is None:
            return Plan(0, "the member has left the fleet")
        message, tolerated = known.failures.pop(0) if known.failures else (None, False)
        seconds = self._world.behaviour.member_seconds if known.seconds is None else known.seconds
        self._world.clusters.begin_update(member.cluster_resource_id)
        self._world.hooks.on_member_started(known.ref, target)
        return Plan(seconds, message, tolerated)

    def member_ended(self, run: Run, member: MemberUpdate) -> None:
        """Bring the member's cluster to where the update left it and tell the scenario of it (Host)."""
        ref, target = MemberRef(self._fleet, member.name, member.cluster_resource_id), self.find(run.name).target
        completed = member.status.state is State.COMPLETED
        self._world.clusters.end_update(member.cluster_resource_id, target if completed else None)
        hooks = self._world.hooks
        (hooks.on_member_completed if completed else hooks.on_member_failed)(ref, target)

    def _moved(self, name: str) -> tuple[Run, datetime]:
        run, now = self.find(name).run, self._world.clock.now()
        self._engine.advance(run, now)
        return run, now

    def _grouped(self, *, everything: bool) -> dict[str, list[MemberUpdate]]:
        groups: dict[str, list[MemberUpdate]] = {}
        for member in self._members.values():
            group = "default" if everything else member.group
            if group is not None:
                update = MemberUpdate(member.ref.name, member.ref.cluster_resource_id)
                groups.setdefault(group, []).append(update)
        return groups

    def _not_found(self, kind: str, name: str) -> ArmError:
        parts = self._fleet.split("/")
        return not_found("fleets", f"{parts[-1]}/{kind}/{name}", parts[4])


def _allowed(command: Callable[[], None]) -> None:
    try:
        command()
    except commands.NotAllowedError as error:
        raise ArmError(409, "OperationNotAllowed", f"{error}.") from error
    except commands.UnknownTargetError as error:
        raise ArmError(400, "InvalidParameter", f"{error}.") from error
