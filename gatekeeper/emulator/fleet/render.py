"""Shows fleets, members, strategies, runs and gates as the recorded service does: absent keys, never nulls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gatekeeper.emulator.fleet.ids import PROVIDER, timestamp
from gatekeeper.emulator.fleet.resources import Member, RunRecord, Strategy
from gatekeeper.emulator.fleet.states import Gate, Group, MemberUpdate, Stage, Status

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """How a run is to be shown: in which fleet, with its members' operations where, with or without gate times."""

    fleet: str
    operations: str
    gate_times: bool


def member(fleet: str, it: Member) -> Body:
    """Show a member."""
    properties = {
        "clusterResourceId": it.ref.cluster_resource_id,
        "group": it.group,
        "labels": it.labels,
        "provisioningState": it.provisioning_state,
        "status": {"lastOperationId": it.operation},
    }
    return resource(fleet, "members", it.ref.name, _present(properties), (it.created, it.modified))


def strategy(fleet: str, it: Strategy) -> Body:
    """Show an update strategy."""
    properties = {"provisioningState": "Succeeded", "strategy": it.body}
    return resource(fleet, "updateStrategies", it.name, properties, (it.created, it.modified))


def run(view: View, it: RunRecord) -> Body:
    """Show an update run."""
    properties = {
        "autoUpgradeProfileId": it.properties.get("autoUpgradeProfileId"),
        "managedClusterUpdate": it.properties["managedClusterUpdate"],
        "provisioningState": "Succeeded",
        "status": {
            "nodeImageSelection": (
                {"selectedNodeImageVersions": [{"version": version} for version in it.node_images]}
                if it.node_images
                else {}
            ),
            "stages": [_stage(view, stage) for stage in it.run.stages],
            "status": _status(it.run.status),
        },
        "strategy": it.strategy,
        "updateStrategyId": it.properties.get("updateStrategyId"),
    }
    return resource(view.fleet, "updateRuns", it.run.name, _present(properties), (it.created, it.modified))


def gate(fleet: str, run_name: str, it: Gate) -> Body:
    """Show a gate resource; it has no systemData until somebody has changed it (recorded)."""
    where = {"name": run_name, "stage": it.stage, "group": it.group, "timing": it.timing}
    properties = {
        "displayName": it.display_name,
        "gateType": it.gate_type,
        "provisioningState": "Succeeded",
        "state": str(it.status.state),
        "target": {"id": f"{fleet}/updateRuns/{run_name}", "updateRunProperties": _present(where)},
    }
    times = (it.approved, it.approved) if it.approved else None
    return resource(fleet, "gates", str(it.name), _present(properties), times)


def resource(fleet: str, kind: str, name: str, properties: Body, times: tuple[datetime, datetime] | None) -> Body:
    """Wrap properties in what every resource below a fleet has; `times` are its creation and last change."""
    wrapped = {
        "id": f"{fleet}/{kind}/{name}",
        "name": name,
        "properties": properties,
        "systemData": system_data(*times) if times else None,
        "type": f"{PROVIDER}/fleets/{kind}",
    }
    return _present(wrapped)


def system_data(created: datetime, modified: datetime) -> Body:
    """Show who made and who last changed a resource; here it is always the same user."""
    who = {"By": "user@example.com", "ByType": "User"}
    shown = {f"created{key}": value for key, value in who.items()}
    shown |= {f"lastModified{key}": value for key, value in who.items()}
    return {**shown, "createdAt": timestamp(created), "lastModifiedAt": timestamp(modified)}


def _stage(view: View, it: Stage) -> Body:
    wait = {"status": _status(it.wait), "waitDurationInSeconds": it.wait_seconds} if it.wait_seconds else None
    shown = {
        **_gates(view, it),
        "afterStageWaitStatus": wait,
        "groups": [_group(view, group) for group in it.groups],
        "name": it.name,
        "status": _status(it.status),
    }
    return _present(shown)


def _group(view: View, it: Group) -> Body:
    members = [_member_update(view, member) for member in it.members]
    return _present({**_gates(view, it), "members": members or None, "name": it.name, "status": _status(it.status)})


def _gates(view: View, it: Stage | Group) -> Body:
    lists = {"beforeGates": it.before, "afterGates": it.after}
    return {key: [_gate_status(view, gate) for gate in gates] for key, gates in lists.items() if gates}


def _gate_status(view: View, it: Gate) -> Body:
    gate_id = f"{view.fleet}/gates/{it.name}" if it.name else None
    status = replace(it.status, started=it.created) if view.gate_times else it.status
    return _present({"displayName": it.display_name, "gateId": gate_id, "status": _status(status)})


def _member_update(view: View, it: MemberUpdate) -> Body:
    shown = {
        "clusterResourceId": it.cluster_resource_id,
        "message": it.message,
        "name": it.name,
        "operationId": f"{view.operations}/{it.operation}" if it.operation else None,
        "status": _status(it.status),
    }
    return _present(shown)


def _status(it: Status) -> Body:
    shown = {
        "completedTime": timestamp(it.completed) if it.completed else None,
        "error": {"code": "UpdateFailed", "message": it.error} if it.error else None,
        "startTime": timestamp(it.started) if it.started else None,
        "state": str(it.state),
    }
    return _present(shown)


def _present(shown: Body) -> Body:
    return {key: value for key, value in shown.items() if value is not None}
