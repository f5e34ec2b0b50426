"""Gateways, routes and policies of the Gateway API: their conditions stand below listeners, parents and ancestors.

Source: the Gateway API's specification of GatewayConditionType, ListenerConditionType, RouteConditionType and
PolicyConditionType.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from gatekeeper.kit.health.beside import unless_beside
from gatekeeper.kit.health.generic import all_true
from gatekeeper.kit.health.verdict import Conditions, Health, Manifest, Status, healthy, progressing
from gatekeeper.kit.manifest import at, dicts, say

_IF_THERE: Final = ("Programmed", "ResolvedRefs")


def gateway(item: Manifest, _now: datetime | None = None) -> Health:
    """It is accepted and programmed, and so is each of its listeners."""
    verdict = _accepted(item, item, "Accepted", "Programmed")
    told = dicts(at(item, "status", "listeners"), "status.listeners")
    for listener in told:
        if verdict.status is not Status.HEALTHY:
            return verdict
        verdict = _of(_listener(listener), _accepted(item, listener, "Accepted"))
    known = [each.get("name") for each in told]
    silent = [each for each in dicts(at(item, "spec", "listeners"), "spec.listeners") if each.get("name") not in known]
    if verdict.status is Status.HEALTHY and silent:
        return progressing(f"{_listener(silent[0])} is not there yet")
    return verdict


def route(item: Manifest, _now: datetime | None = None) -> Health:
    """Each parent that it names has accepted it, and what it points to was found.

    What a parent says that it no longer names is left over; a parent that says nothing has not seen it, or has no
    controller.
    """
    wanted = dicts(at(item, "spec", "parentRefs"), "spec.parentRefs")
    if not wanted:
        return progressing("it names no parent")
    told = dicts(at(item, "status", "parents"), "status.parents")
    for parent in wanted:
        name = f"parent {say(parent.get('name'), 60)}"
        answers = [each for each in told if _place(item, at(each, "parentRef")) == _place(item, parent)]
        if not answers:
            return progressing(f"{name} has not answered")
        for answer in answers:
            verdict = _accepted(item, answer, "Accepted")
            if verdict.status is not Status.HEALTHY:
                return _of(name, verdict)
    return healthy(f"its {len(wanted)} parents accepted it")


def policy(item: Manifest, _now: datetime | None = None) -> Health:
    """Whatever it reaches has accepted it in its newest generation; what it reaches nobody else can tell."""
    told = dicts(at(item, "status", "ancestors"), "status.ancestors")
    if not told:
        return progressing("no Gateway has answered")
    for answer in told:
        verdict = _accepted(item, answer, "Accepted")
        if verdict.status is not Status.HEALTHY:
            return _of(f"ancestor {say(at(answer, 'ancestorRef', 'name'), 60)}", verdict)
    return healthy(f"its {len(told)} ancestors accepted it")


def _accepted(item: Manifest, teller: Mapping[str, Any], *needed: str) -> Health:
    conditions = at(teller, "status", "conditions") if teller is item else teller.get("conditions")
    # As if these were its own conditions: their generation is still the object's.
    told = {"metadata": item.get("metadata"), "status": {"conditions": conditions}}
    there = [kind for kind in _IF_THERE if kind in Conditions(told) and kind not in needed]
    return unless_beside(told, all_true(told, (*needed, *there)))


def _place(item: Manifest, ref: object) -> Sequence[object]:
    """A reference with what it leaves out: the route's namespace, and a Gateway."""
    keys = ("group", "kind", "namespace", "name", "sectionName", "port")
    rest = ("gateway.networking.k8s.io", "Gateway", at(item, "metadata", "namespace"), None, None, None)
    return [other if at(ref, key) is None else at(ref, key) for key, other in zip(keys, rest, strict=True)]


def _listener(listener: Mapping[str, Any]) -> str:
    return f"listener {say(listener.get('name'), 60)}"


def _of(whom: str, verdict: Health) -> Health:
    return Health(verdict.status, f"{whom}: {verdict.message}")
