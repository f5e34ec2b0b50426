"""Autoscalers can read their metrics and scale their targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal

from gatekeeper.check import (
    NODES,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Namespaces,
    Resource,
    Tolerance,
    at,
    bounded,
    conditions,
    has_nodes,
    numbered,
    place_of,
    say,
    some,
)

AUTOSCALERS: Final = Resource("autoscaling", "v2", "horizontalpodautoscalers")


@dataclass(frozen=True, slots=True)
class _Fault:
    code: str
    words: str
    certain: bool = True


class AutoscalersActive(ClusterCheck):
    """Every HorizontalPodAutoscaler is at work: ``AbleToScale`` and ``ScalingActive`` are True.

    ``ScalingActive=False`` mostly means that no metrics come, as after an update that broke metrics-server; with the
    reason ``ScalingDisabled`` (the target wants no replicas) it is well, and counted in the message.
    ``AbleToScale=False`` means that the target cannot be found or changed. A condition that is missing or Unknown, a
    status older than the spec (``observedGeneration``, where a server keeps it) and an autoscaler that is being deleted
    are inconclusive. An autoscaler that would go beyond its ``maxReplicas`` (``ScalingLimited``, ``TooManyReplicas``)
    is reported, and fails if ``atMaximum: failed``. Without any autoscaler the check passes, unless the cluster has no
    nodes either. Rules: k8s.io/kubernetes, pkg/controller/podautoscaler/horizontal.go.

    Example:
        - check: autoscalers-active
          atMaximum: failed
          allow: [shop/batch-*]
    """

    name: ClassVar[str] = "autoscalers-active"
    claim: ClassVar[str] = "all autoscalers are active"
    area: ClassVar[str] = "Workloads"
    reads: ClassVar[tuple[Resource, ...]] = (AUTOSCALERS, NODES, Resource("", "v1", "namespaces"))

    namespaces: Namespaces = Namespaces()
    """Whose autoscalers; those of all namespaces unless given."""
    allow: tuple[str, ...] = ()
    """Autoscalers that need not be active, as ``namespace/name``; may hold ``*`` and ``?``."""
    at_maximum: Literal["reported", "failed"] = "reported"
    """What an autoscaler comes to that is at its ``maxReplicas`` and wants more."""
    max_inactive: Tolerance = Tolerance(count=0)
    """So many of the autoscalers may be not active: a count, or a percentage that is rounded down."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """List whole autoscalers, which are few: their rows do not show conditions."""
        found: list[Mapping[str, Any]] = []
        for namespace, selector in await self.namespaces.queries(ctx.cluster):
            found += await ctx.cluster.objects(AUTOSCALERS, namespace=namespace, field_selector=selector)
        if not found and not await has_nodes(ctx.cluster):
            return Finding.inconclusive("there is no autoscaler, and no node either")
        judged = {place_of(each, "an autoscaler"): each for each in found}
        wanted = {place: each for place, each in judged.items() if not self._allows(place)}
        faults = {place: fault for place, each in wanted.items() if (fault := _judge(each)) is not None}
        full = [place for place, each in wanted.items() if place not in faults and _wants_more(each)]
        disabled = sum(_is_disabled(conditions(each).get("ScalingActive", {})) for each in wanted.values())
        if self.at_maximum == "failed":
            faults |= {place: _at_maximum(wanted[place]) for place in full}
        return self._answer(len(wanted), faults, full, wanted, disabled)

    def _allows(self, place: str) -> bool:
        return any(fnmatchcase(place, pattern) for pattern in self.allow)

    def _answer(
        self,
        total: int,
        faults: Mapping[str, _Fault],
        full: list[str],
        bodies: Mapping[str, Mapping[str, Any]],
        disabled: int,
    ) -> Finding:
        allowed, bad = self.max_inactive.of(total), sum(fault.certain for fault in faults.values())
        shown = dict(sorted(faults.items(), key=lambda item: not item[1].certain))
        shown |= {place: _at_maximum(bodies[place]) for place in full}
        evidence = bounded(_evidence(place, fault) for place, fault in shown.items())
        notes = f"; {disabled} disabled, since their targets want no replicas" if disabled else ""
        notes += f"; {len(full)} at their maximum" if full and self.at_maximum == "reported" else ""
        unclear = f", {len(faults) - bad} unclear" if len(faults) > bad else ""
        said = f"{bad} of {numbered(total, 'autoscaler')} {'is' if bad == 1 else 'are'} not active{unclear}"
        who = some([f"{place} {fault.words}" for place, fault in shown.items() if place in faults])
        if bad > allowed:
            return Finding.failed(f"{said}, {allowed} allowed: {who}{notes}", evidence)
        if len(faults) > allowed:
            return Finding.inconclusive(f"{said}, {allowed} allowed: {who}{notes}", evidence)
        if faults:
            return Finding.passed(f"{said}, {allowed} allowed{notes}", evidence)
        all_well = f"all {numbered(total, 'autoscaler')} are active" if total else "there is no autoscaler to look at"
        return Finding.passed(f"{all_well}{notes}", evidence)


def _judge(body: Mapping[str, Any]) -> _Fault | None:
    if at(body, "metadata", "deletionTimestamp") is not None:
        return _Fault("AutoscalerTerminating", "is being deleted", certain=False)
    generation, observed = at(body, "metadata", "generation"), at(body, "status", "observedGeneration")
    # Most servers keep neither (kubernetes/kubernetes#138228); one without the other proves nothing.
    if generation is not None and observed is not None and generation != observed:
        words = f"has a stale status (generation {say(generation, 20)}, observed {say(observed, 20)})"
        return _Fault("StaleStatus", words, certain=False)
    said = conditions(body)
    for kind, code in (("AbleToScale", "AutoscalerNotAble"), ("ScalingActive", "AutoscalerNotActive")):
        each = said.get(kind)
        if each is None:
            return _Fault("AutoscalerNotObserved", f"has no condition {kind}", certain=False)
        if each.get("status") == "True" or (kind == "ScalingActive" and _is_disabled(each)):
            continue
        words = f"{kind} is {say(each.get('status'), 20)}: {say(each.get('reason'), 60)} {say(each.get('message'))}"
        return _Fault(code, words.rstrip(), certain=each.get("status") == "False")
    return None


def _is_disabled(active: Mapping[str, Any]) -> bool:
    return active.get("status") == "False" and active.get("reason") == "ScalingDisabled"


def _wants_more(body: Mapping[str, Any]) -> bool:
    limited = conditions(body).get("ScalingLimited", {})
    return limited.get("status") == "True" and limited.get("reason") == "TooManyReplicas"


def _at_maximum(body: Mapping[str, Any]) -> _Fault:
    most = say(at(body, "spec", "maxReplicas"), 20)
    return _Fault("AutoscalerAtMaximum", f"is at its maximum of {most} replicas and wants more")


def _evidence(place: str, fault: _Fault) -> Evidence:
    namespace, _, name = place.partition("/")
    hint = f"kubectl -n {namespace} describe hpa {name}"
    if fault.code == "AutoscalerNotActive":
        hint += "; kubectl top pods; is metrics-server (or the adapter of its metrics) well?"
    return Evidence(fault.code, f"HorizontalPodAutoscaler {place}", fault.words, "able and active", hint)
