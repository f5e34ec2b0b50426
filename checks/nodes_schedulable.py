"""Nodes take new pods: no cordon and no taint of a drain, a scale-down or a fault was left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Self

from pydantic import Field, model_validator

from gatekeeper.check import (
    NODES,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Resource,
    Tolerance,
    at,
    bounded,
    conditions,
    dicts,
    format_duration,
    name_of,
    node_subject,
    pool_of,
    say,
    some,
    time_of,
)

_CORDON: Final = "node.kubernetes.io/unschedulable"
_SCALE_DOWN: Final = "ToBeDeletedByClusterAutoscaler"
_UPGRADE_STATUS: Final = "kubernetes.azure.com/upgrade-status"
_LEFTOVERS: Final = (
    "node.kubernetes.io/*",  # out-of-service, and what else Kubernetes itself may come to add
    "node.cloudprovider.kubernetes.io/*",  # the cloud's node controller: uninitialized, shutdown
    _SCALE_DOWN,
    "startup-taint.cluster-autoscaler.kubernetes.io/*",
    "ignore-taint.cluster-autoscaler.kubernetes.io/*",
    "node.cilium.io/*",  # agent-not-ready: AKS with Azure CNI powered by Cilium
    "karpenter.sh/*",  # node auto-provisioning: disrupted, unregistered
    "remediator.aks.microsoft.com/*",  # AKS's node auto-repair and auto-drain: unschedulable
    "remediator.kubernetes.azure.com/*",  # the same under its newer name
)
_OF_CONDITIONS: Final = {
    "node.kubernetes.io/not-ready": ("Ready", "True"),
    "node.kubernetes.io/unreachable": ("Ready", "True"),
    "node.kubernetes.io/memory-pressure": ("MemoryPressure", "False"),
    "node.kubernetes.io/disk-pressure": ("DiskPressure", "False"),
    "node.kubernetes.io/pid-pressure": ("PIDPressure", "False"),
    "node.kubernetes.io/network-unavailable": ("NetworkUnavailable", "False"),
}
"""The node lifecycle controller derives these taints from the node's conditions, which nodes-ready judges; and the
condition with which a taint should have gone."""


@dataclass(frozen=True, slots=True)
class _Fault:
    node: str
    pool: str
    code: str
    words: str
    hint: str
    certain: bool

    def evidence(self) -> Evidence:
        return Evidence(self.code, node_subject(self.node, self.pool), self.words, "it takes new pods", self.hint)


class NodesSchedulable(ClusterCheck):
    """Every node takes new pods: none is cordoned, and none has a taint that says it is about to leave or to start.

    Failed are nodes that have been cordoned (``spec.unschedulable``) for longer than ``gracePeriod``, or that carry for
    longer than this, with the effect NoSchedule or NoExecute, a taint of Kubernetes itself
    (``node.kubernetes.io/*``, ``node.cloudprovider.kubernetes.io/*``: out-of-service, shutdown, uninitialized ...), of
    the cluster autoscaler (``ToBeDeletedByClusterAutoscaler``, startup taints), of AKS's node auto-repair and
    auto-drain (``remediator.*``), of Cilium's or of Karpenter's. Nodes that AKS cordoned as not drainable (label
    ``kubernetes.azure.com/upgrade-status: Quarantined``) fail at once. A pool's own taints, such as
    ``CriticalAddonsOnly`` or those for spot nodes, are meant to be there and do not count; nor do those that only
    repeat a condition (not-ready, unreachable, pressures), which ``nodes-ready`` judges, as long as it lasts.

    Since when is told by the taint: the node lifecycle controller answers a cordon with the taint
    ``node.kubernetes.io/unschedulable`` and writes its ``timeAdded``; the cluster autoscaler writes the time as the
    taint's value. Within the grace period a drain or a scale-down may be running, and where the time is not told
    nobody knows: both are inconclusive, as is a cluster without nodes.

    Example:
        - check: nodes-schedulable
          maxUnschedulable: 1
          gracePeriod: 1h
          ignoreTaints: [node.cilium.io/*]
    """

    name: ClassVar[str] = "nodes-schedulable"
    claim: ClassVar[str] = "all nodes take new pods"
    area: ClassVar[str] = "Nodes"
    reads: ClassVar[tuple[Resource, ...]] = (NODES,)

    max_unschedulable: Tolerance = Tolerance(count=0)
    """So many of the nodes may take no new pods: a count, or a percentage that is rounded down."""
    grace_period: Duration = timedelta(minutes=30)
    """A cordon or taint may be so old without being a leftover; AKS drains a node for up to 30 minutes by default."""
    pools: tuple[str, ...] = Field(default=(), min_length=1)
    """Only the nodes of these AKS node pools; all nodes unless given. Each must have a node."""
    taints: tuple[str, ...] = Field(default=(), min_length=1)
    """Keys of more taints that should not be there; may hold ``*``."""
    ignore_taints: tuple[str, ...] = Field(default=(), min_length=1)
    """Keys of taints that do not count; may hold ``*``. A cordon always counts."""

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if both := set(self.taints) & set(self.ignore_taints):
            raise ValueError(f"{some(sorted(both))} stands both in taints and in ignoreTaints; leave it in one of them")
        return self

    async def run(self, ctx: ClusterContext) -> Finding:
        """Judge every node; what is unclear counts against the tolerance too."""
        everything = await ctx.cluster.objects(NODES)
        nodes = [node for node in everything if not self.pools or pool_of(node) in self.pools]
        missing = sorted(set(self.pools) - {pool_of(node) for node in nodes})
        if not nodes or missing:
            where = f" in pool {', '.join(missing)}" if missing else ""
            return Finding.inconclusive(f"there is no node{where}, so nothing can be said of it")
        now = await ctx.cluster.now()
        faults = [fault for node in nodes for fault in self._faults(node, now)]
        return self._answer(len(nodes), sorted(faults, key=lambda fault: not fault.certain))

    def _faults(self, node: Mapping[str, Any], now: datetime) -> Iterator[_Fault]:
        name, pool = name_of(node), pool_of(node)
        taints = dicts(at(node, "spec", "taints"), "spec.taints")
        if at(node, "spec", "unschedulable") not in (None, False):
            mark = next((taint for taint in taints if taint.get("key") == _CORDON), {})
            age, certain = self._age(mark, now)
            if at(node, "metadata", "labels", _UPGRADE_STATUS) == "Quarantined":
                hint = f"AKS could not drain it: find what blocks it (kubectl get pdb -A), then delete node {name}"
                yield _Fault(name, pool, "NodeQuarantined", f"quarantined by AKS, cordoned {age}", hint, certain=True)
            else:
                hint = f"left over from a drain? kubectl uncordon {name}"
                yield _Fault(name, pool, "NodeCordoned", f"cordoned {age}", hint, certain)
            taints = [taint for taint in taints if taint.get("key") != _CORDON]
        said = conditions(node)
        for taint in taints:
            key, effect = str(taint.get("key")), taint.get("effect")
            if effect != "PreferNoSchedule" and self._is_leftover(key, said):
                age, certain = self._age(taint, now)
                words = f"tainted {say(key, 100)}:{say(effect, 20)} {age}"
                hint = f"kubectl describe node {name}; if it is meant to be there, put its key into ignoreTaints"
                yield _Fault(name, pool, "NodeTainted", words, hint, certain)

    def _is_leftover(self, key: str, said: Mapping[str, Mapping[str, Any]]) -> bool:
        kind, over = _OF_CONDITIONS.get(key, ("", ""))
        stale = not kind or said.get(kind, {}).get("status") == over
        known = stale and any(fnmatchcase(key, pattern) for pattern in _LEFTOVERS)
        watched = known or any(fnmatchcase(key, pattern) for pattern in self.taints)
        return watched and not any(fnmatchcase(key, pattern) for pattern in self.ignore_taints)

    def _age(self, taint: Mapping[str, Any], now: datetime) -> tuple[str, bool]:
        """How old a taint is, in words; and whether it is certainly older than the grace period."""
        since = time_of(taint.get("timeAdded"))
        value = str(taint.get("value"))
        if since is None and taint.get("key") == _SCALE_DOWN and value.isascii() and value.isdecimal():
            since = datetime.fromtimestamp(min(int(value[:11]), 2**33), UTC)
        if since is None:
            return "for an unknown time", False
        return f"for {format_duration(max(now - since, timedelta(0)))}", now - since > self.grace_period

    def _answer(self, total: int, faults: Sequence[_Fault]) -> Finding:
        bad, off = {fault.node for fault in faults if fault.certain}, {fault.node for fault in faults}
        if not faults:
            return Finding.passed(f"all {total} nodes take new pods")
        allowed, evidence = self.max_unschedulable.of(total), bounded([fault.evidence() for fault in faults])
        few, are = some([f"{fault.node} {fault.words}" for fault in faults]), "takes" if len(off) == 1 else "take"
        young = len(off) - len(bad)
        grace = f"; {young} of them for less than {format_duration(self.grace_period)}, or an unknown time"
        message = f"{len(off)} of {total} nodes {are} no new pods, {allowed} allowed: {few}{grace if young else ''}"
        if len(bad) > allowed:
            return Finding.failed(message, evidence)
        return (Finding.inconclusive if len(off) > allowed else Finding.passed)(message, evidence)
