"""Kinds whose Ready tells only that their controller works: how they are stands in their parts.

Source: the API documentation of the GitOps Promoter, of Kyverno, OPA Gatekeeper, KubeFleet, and the OpenTelemetry
operator.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gatekeeper.kit.health.beside import unless_beside
from gatekeeper.kit.health.generic import all_true, ready
from gatekeeper.kit.health.verdict import (
    Conditions,
    Health,
    Manifest,
    Rule,
    Status,
    degraded,
    healthy,
    progressing,
    unknown,
)
from gatekeeper.kit.manifest import at, dicts, say, time_of

_SILENT_FOR: Final = timedelta(minutes=5)
"""From then on the scheduler of KubeFleet holds a cluster for lost (its defaultClusterHeartbeatCheckTimeout)."""


def promotion(item: Manifest, now: datetime | None = None) -> Health:
    """Each environment runs the commit that is proposed for it; what has no list of them is one itself."""
    verdict, status = ready(item, now), at(item, "status")
    stages = dicts(at(status, "environments"), "status.environments")
    if verdict.status is not Status.HEALTHY:
        return verdict
    if at(status, "environments") is not None and not stages:
        return progressing("it has no environment")
    for stage in stages or (status,):
        active, proposed = (at(stage, key, "dry", "sha") for key in ("active", "proposed"))
        if not active or active != proposed:
            commits = f"{say(active, 12) or 'nothing'}, and {say(proposed, 12) or 'nothing'} is proposed"
            return progressing(f"{_name(stage)} runs {commits}")
    return verdict


def all_succeeded(place: str, *, needed: bool = False) -> Rule:
    """Each entry of a list of its status has the phase ``success``.

    Args:
        place: the key of the list.
        needed: an empty one is not enough.
    """

    def rule(item: Manifest, now: datetime | None = None) -> Health:
        verdict = ready(item, now)
        entries = dicts(at(item, "status", place), f"status.{place}")
        if verdict.status is not Status.HEALTHY:
            return verdict
        if needed and not entries:
            return progressing(f"its {place} are none")
        waits = [each for each in entries if each.get("phase") != "success"]
        failed = [each for each in waits if each.get("phase") == "failure"]
        for each in failed or waits:
            tell = degraded if failed else progressing
            return tell(f"{_name(each)} has the phase {say(each.get('phase'), 60) or 'pending'}")
        return verdict

    return rule


def kyverno(item: Manifest, _now: datetime | None = None) -> Health:
    """A summary, made of conditions that may be about an older generation."""
    told = at(item, "status", "conditionStatus")
    # As if these were its own conditions: their generation is still the object's.
    below = {**item, "status": {"conditions": at(told, "conditions")}}
    kinds = tuple(Conditions(below))
    verdict = unless_beside(below, all_true(below, kinds) if kinds else healthy("it says so itself"))
    if at(told, "ready") is True or verdict.status is Status.DEGRADED:
        return verdict
    return progressing(f"its conditionStatus.ready is {say(at(told, 'ready'), 20) or 'not told yet'}")


def template(item: Manifest, _now: datetime | None = None) -> Health:
    """A ConstraintTemplate of OPA Gatekeeper: its kind was created, and each pod has taken it without an error."""
    if bad := _in_a_pod(item):
        return bad
    created = at(item, "status", "created") is True
    return healthy("its kind is there, and each pod took it") if created else progressing("its kind is not there yet")


def constraint(item: Manifest, _now: datetime | None = None) -> Health:
    """A constraint or mutator of OPA Gatekeeper: each pod enforces it. What violates it is not its trouble."""
    if bad := _in_a_pod(item):
        return bad
    for each in dicts(at(item, "status", "byPod"), "status.byPod"):
        if each.get("enforced") is not True:
            return progressing(f"pod {say(each.get('id'), 60)} does not enforce it yet")
    return healthy("each pod enforces it")


def _in_a_pod(item: Manifest) -> Health | None:
    pods = dicts(at(item, "status", "byPod"), "status.byPod")
    for each in pods:
        for error in dicts(each.get("errors"), "status.byPod.errors"):
            return degraded(f"pod {say(each.get('id'), 60)}: {say(error.get('message')) or 'an error'}")
    for each in pods:
        if each.get("observedGeneration") != at(item, "metadata", "generation"):
            return progressing(f"pod {say(each.get('id'), 60)} has not seen its newest generation")
    return None if pods else progressing("no pod has told of it")


def member_cluster(item: Manifest, now: datetime | None = None) -> Health:
    """A cluster of a fleet has joined it, its agents are well, and were heard of not long ago."""
    verdict = unless_beside(item, all_true(item, ("Joined",)))
    agents = dicts(at(item, "status", "agentStatus"), "status.agentStatus")
    if verdict.status is Status.HEALTHY and not agents:
        return progressing("none of its agents has told of itself")
    for agent in agents:
        if verdict.status is not Status.HEALTHY:
            return verdict
        # Without a generation: theirs is that of another object.
        told = {"status": {"conditions": agent.get("conditions")}}
        name, heard = say(agent.get("type"), 60), time_of(agent.get("lastReceivedHeartbeat"))
        kinds = [kind for kind in ("Joined", "Healthy") if kind in Conditions(told)]
        about = all_true(told, kinds) if kinds else progressing("it does not say how it is")
        if about.status is not Status.HEALTHY:
            return Health(about.status, f"{name}: {about.message}")
        if now is not None and (heard is None or now - heard > _SILENT_FOR):
            return unknown(f"its {name} was not heard of since {say(agent.get('lastReceivedHeartbeat'), 40) or 'ever'}")
    return verdict


def collector(item: Manifest, _now: datetime | None = None) -> Health:
    """``2/2``: all of its pods are ready. As a sidecar it has none of its own."""
    told = say(at(item, "status", "scale", "statusReplicas"), 20)
    have, _, wanted = told.partition("/")
    if not (have.isdecimal() and wanted.isdecimal()):
        return unknown("it does not say how many of its replicas are ready")
    if int(have) != int(wanted):
        return progressing(f"has {told} replicas ready")
    if int(wanted) == 0 and at(item, "spec", "mode") != "daemonset":
        return progressing("has no replicas yet")
    return unless_beside(item, healthy(f"has {told} replicas ready"))


def _name(part: Manifest) -> str:
    return say(part.get("branch") or part.get("name"), 60) or "it"
