"""Kinds whose Ready tells only that their controller works: how they are stands in their parts.

Source: the API documentation of the GitOps Promoter, of Kyverno and of the OpenTelemetry operator.
"""

from __future__ import annotations

from datetime import datetime

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
from gatekeeper.kit.manifest import at, dicts, say


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
