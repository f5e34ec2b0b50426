"""From the JSON of an update run to the noun: every word as the service wrote it, nothing guessed."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.adapters.fleet_json import (
    Body,
    agree,
    items,
    last_segment,
    mapping,
    moment,
    part,
    required,
    safe_name,
    state,
    text,
    unique,
)
from gatekeeper.adapters.kube_errors import clean
from gatekeeper.errors import BadAnswer
from gatekeeper.model import AFTER, BEFORE, FleetRef, GateStatus, Group, Member, Stage, Target, UpdateRun

_LONGEST_MESSAGE = 2000  # characters of a member's message: it is shown, never decided on


def update_run(fleet: FleetRef, name: str, answer: object) -> UpdateRun:
    """The run that was asked for by its name.

    Raises:
        BadAnswer: it is another run, or a part that decisions rest on has another shape.
    """
    body = mapping(answer, "the update run")
    found = safe_name(text(body, "name"), "the update run")
    if found.lower() != name.lower():
        raise BadAnswer(f"update run {name} was asked for, but {found} was answered")
    agree(text(body, "id"), f"{fleet.id}/updateruns/{name}", "the update run")
    properties = part(body, "properties")
    status = part(properties, "status")
    profile = text(properties, "autoUpgradeProfileId")
    stages = tuple(_stage(mapping(stage, "a stage")) for stage in items(status, "stages"))
    unique((stage.name for stage in stages), "stage")
    return UpdateRun(
        fleet=fleet,
        name=found,
        state=state(status),
        target=_target(properties, status),
        stages=stages,
        auto_upgrade_profile=last_segment(profile) if profile else None,
    )


def _target(properties: Body, status: Body) -> Target:
    update = part(properties, "managedClusterUpdate")
    upgrade, selection = part(update, "upgrade"), part(update, "nodeImageSelection")
    # Custom images are chosen in the request; the service may repeat them in the status.
    chosen = items(selection, "customNodeImageVersions") or items(
        part(status, "nodeImageSelection"), "selectedNodeImageVersions"
    )
    images = [text(mapping(image, "a node image"), "version") for image in chosen]
    return Target(
        upgrade_type=text(upgrade, "type"),
        kubernetes_version=text(upgrade, "kubernetesVersion"),
        node_image_selection=text(selection, "type"),
        node_images=tuple(image for image in images if image),
    )


def _stage(body: Body) -> Stage:
    name = required(body, "name", "a stage")
    groups = tuple(_group(name, mapping(group, "a group")) for group in items(body, "groups"))
    unique((group.name for group in groups), f"stage {clean(name)}: group")
    return Stage(name=name, state=state(body), groups=groups, gates=_gates(body))


def _group(stage: str, body: Body) -> Group:
    name = required(body, "name", "a group")
    members = tuple(_member(stage, name, mapping(member, "a member")) for member in items(body, "members"))
    return Group(name=name, state=state(body), members=members, gates=_gates(body))


def _member(stage: str, group: str, body: Body) -> Member:
    status = part(body, "status")
    return Member(
        name=required(body, "name", "a member"),
        cluster_resource_id=required(body, "clusterResourceId", "a member"),
        stage=stage,
        group=group,
        state=state(body),
        message=_message(status),
        started_at=moment(status, "startTime"),
        completed_at=moment(status, "completedTime"),
    )


def _message(status: Body) -> str | None:
    error = status.get("error")
    told = [status.get("message"), error.get("message") if isinstance(error, Mapping) else error]
    said = dict.fromkeys(part[:_LONGEST_MESSAGE] for part in told if isinstance(part, str) and part)
    return "; ".join(said)[:_LONGEST_MESSAGE] or None


def _gates(body: Body) -> tuple[GateStatus, ...]:
    return tuple(
        _gate_status(mapping(gate, "a gate's status"), timing)
        for key, timing in (("beforeGates", BEFORE), ("afterGates", AFTER))
        for gate in items(body, key)
    )


def _gate_status(body: Body, timing: str) -> GateStatus:
    gate_id = text(body, "gateId")
    return GateStatus(
        display_name=text(body, "displayName"),
        gate_id=gate_id.lower() if gate_id else None,
        state=state(body),
        started_at=moment(part(body, "status"), "startTime"),
        timing=timing,
    )
