"""Nodes are Ready, their kubelets alive, and no node reports a problem."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

from gatekeeper.check import (
    NODES,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Resource,
    Tolerance,
    at,
    bounded,
    dicts,
    is_virtual,
    name_of,
    node_subject,
    pool_of,
    say,
    some,
    time_of,
)

LEASES: Final = Resource("coordination.k8s.io", "v1", "leases")

_PROBLEMS: Final = (
    # set by the kubelet and the cloud's node controller
    "MemoryPressure",
    "DiskPressure",
    "PIDPressure",
    "NetworkUnavailable",
    # set by AKS's node-problem-detector
    "KubeletProblem",
    "ContainerRuntimeProblem",
    "FilesystemCorruptionProblem",
    "ReadonlyFilesystem",
    "KernelDeadlock",
    "VMEventScheduled",
    "Frequent*",  # FrequentKubeletRestart, FrequentContainerdRestart, FrequentUnregisterNetDevice ...
    # and by the same on nodes with GPUs
    "GPUMissing",
    "NVLinkStatusInactive",
    "XIDErrors",
    "IBLinkFlapping",
    "UnhealthyNvidia*",  # UnhealthyNvidiaDevicePlugin, UnhealthyNvidiaDCGMServices
)
_LEASE_LASTS: Final = 40  # seconds; the kubelet's default nodeLeaseDurationSeconds
_CLOCKS_DIFFER: Final = timedelta(seconds=5)  # the Date header has whole seconds, and the answer was on its way


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    pool: str
    manifest: Mapping[str, Any]

    def evidence(self, code: str, observed: str, expected: str = "", hint: str = "") -> Evidence:
        return Evidence(code, node_subject(self.name, self.pool), observed, expected, hint)


@dataclass(frozen=True, slots=True)
class _Fault:
    node: _Node
    words: str
    """For the message: ``is not Ready``."""
    evidence: Evidence
    certain: bool = True


class NodesReady(ClusterCheck):
    """All nodes are Ready, send heartbeats, and report no problem.

    A node counts as not healthy when its condition ``Ready`` is anything but True (missing and Unknown included); when
    a pressure, ``NetworkUnavailable`` or a condition of AKS's node-problem-detector, those for GPUs among them, is
    anything but False; or when its Lease in ``kube-node-lease`` is older than it may be: a dead kubelet's last words,
    ``Ready=True`` among them, stand for 40 seconds and more. A node without a Lease while others have one, one whose
    clock is ahead, or one that is being deleted is unclear (inconclusive). In a cluster without any Leases the
    heartbeat cannot be seen; then ``Ready`` has to do, and the message says so. It also has to for a virtual node
    (label ``type: virtual-kubelet``, in no pool) without a Lease, since virtual kubelets need not keep one. Cordoned
    nodes are reported, and not judged.

    Example:
        - check: nodes-ready
          maxNotReady: 5%
          pools: [system, user]
          ignoreConditions: [VMEventScheduled]
    """

    name: ClassVar[str] = "nodes-ready"
    claim: ClassVar[str] = "all nodes are Ready, alive and without problems"
    area: ClassVar[str] = "Nodes"
    reads: ClassVar[tuple[Resource, ...]] = (NODES, LEASES)

    max_not_ready: Tolerance = Tolerance(count=0)
    """So many of the nodes may be not healthy: a count, or a percentage that is rounded down."""
    pools: tuple[str, ...] = Field(default=(), min_length=1)
    """Only the nodes of these AKS node pools; all nodes unless given. Each must have a node."""
    problem_conditions: tuple[str, ...] = Field(default=(), min_length=1)
    """More conditions that are bad unless False; may hold ``*``."""
    ignore_conditions: tuple[str, ...] = Field(default=(), min_length=1)
    """Conditions that do not count; may hold ``*``. Ready always counts."""

    @field_validator("ignore_conditions")
    @classmethod
    def _ready_counts(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        if any(fnmatchcase("Ready", pattern) for pattern in patterns):
            raise ValueError("the condition Ready cannot be ignored; allow for some nodes with maxNotReady")
        return patterns

    async def run(self, ctx: ClusterContext) -> Finding:
        """Judge every node; what is unclear counts against the tolerance too."""
        everything = [_Node(name_of(node), pool_of(node), node) for node in await ctx.cluster.objects(NODES)]
        nodes = [node for node in everything if not self.pools or node.pool in self.pools]
        missing = sorted(set(self.pools) - {node.pool for node in nodes})
        if not nodes or missing:
            where = f" in pool {', '.join(missing)}" if missing else ""
            return Finding.inconclusive(f"there is no node{where}, so nothing can be said of its health")
        leases = {name_of(lease): lease for lease in await ctx.cluster.objects(LEASES, namespace="kube-node-lease")}
        # Read the clock last: what is older than it seems errs on the careful side.
        now = await ctx.cluster.now()
        faults: list[_Fault] = []
        for node in nodes:
            faults += self._conditions(node)
            faults += _heartbeat(node, leases, now)
            faults += _deletion(node)
        return self._answer(nodes, faults, bool(leases))

    def _conditions(self, node: _Node) -> Iterator[_Fault]:
        said = dicts(at(node.manifest, "status", "conditions"), "status.conditions")
        ready = [each for each in said if each.get("type") == "Ready"]
        off = next((each for each in ready if each.get("status") != "True"), None)
        if off is not None or not ready:
            # What else it says is as old: the node controller makes all of a lost node's conditions Unknown.
            yield _not_ready(node, f"Ready is {_words(off)}" if off is not None else "it has no condition Ready")
            return
        for each in said:
            kind, status = str(each.get("type")), each.get("status")
            if kind != "Ready" and status != "False" and self._is_problem(kind):
                hint = f"kubectl describe node {node.name}"
                evidence = node.evidence("NodeProblem", f"{say(kind, 80)} is {_words(each)}", "False", hint)
                yield _Fault(node, f"has {say(kind, 60)}={say(status, 20)}", evidence)

    def _is_problem(self, kind: str) -> bool:
        watched = any(fnmatchcase(kind, pattern) for pattern in (*_PROBLEMS, *self.problem_conditions))
        return watched and not any(fnmatchcase(kind, pattern) for pattern in self.ignore_conditions)

    def _answer(self, nodes: Sequence[_Node], faults: Sequence[_Fault], leases: bool) -> Finding:
        bad = {fault.node.name for fault in faults if fault.certain}
        off, total = {fault.node.name for fault in faults}, len(nodes)
        allowed = self.max_not_ready.of(total)
        shown = sorted(faults, key=lambda fault: not fault.certain)
        cordoned = [_cordoned(node) for node in nodes if at(node.manifest, "spec", "unschedulable") is True]
        evidence = bounded([*(fault.evidence for fault in shown), *cordoned])
        notes = f"; {len(cordoned)} cordoned" if cordoned else ""
        notes += "" if leases else "; this cluster shows no Leases, so heartbeats could not be seen"
        if not faults:
            return Finding.passed(f"all {total} nodes are Ready, alive and without problems{notes}", evidence)
        few = some(_by_node(shown))
        notes = f"{_by_pool(nodes, off)}{notes}"
        if len(bad) > allowed:
            said = f"{len(bad)} of {total} nodes {_are(len(bad))} not healthy: {few} ({allowed} allowed){notes}"
            return Finding.failed(said, evidence)
        said = f"{len(off)} of {total} nodes {_are(len(off))}"
        if len(off) > allowed:
            return Finding.inconclusive(f"{said} unclear or not healthy: {few} ({allowed} allowed){notes}", evidence)
        return Finding.passed(f"{said} not healthy, {allowed} allowed{notes}", evidence)


def _not_ready(node: _Node, observed: str) -> _Fault:
    hint = f"kubectl describe node {node.name}; is its virtual machine running?"
    return _Fault(node, "is not Ready", node.evidence("NodeNotReady", observed, "Ready is True", hint))


def _heartbeat(node: _Node, leases: Mapping[str, Mapping[str, Any]], now: datetime) -> Iterator[_Fault]:
    if not leases:
        return
    lease = leases.get(node.name)
    if lease is None and is_virtual(node.manifest):
        return
    if lease is None:
        observed = "it has no Lease in kube-node-lease, though others do"
        hint = f"has it just joined? kubectl -n kube-node-lease get lease {node.name}"
        yield _Fault(node, "has no Lease", node.evidence("NodeLeaseMissing", observed, hint=hint), certain=False)
        return
    renewed, lasts = time_of(at(lease, "spec", "renewTime")), at(lease, "spec", "leaseDurationSeconds")
    limit = timedelta(seconds=lasts if isinstance(lasts, int) and 0 < lasts <= 600 else _LEASE_LASTS)
    expected = f"renewed within {limit.seconds}s"
    if renewed is None or now - renewed > limit + _CLOCKS_DIFFER:
        age = "never renewed" if renewed is None else f"last renewed {int((now - renewed).total_seconds())}s ago"
        hint = f"the kubelet of {node.name} is silent: is its virtual machine running, and its clock right?"
        yield _Fault(node, "sends no heartbeat", node.evidence("NodeHeartbeatStale", age, expected, hint))
    elif renewed - now > limit:
        observed = f"its Lease was renewed {int((renewed - now).total_seconds())}s in the future"
        hint = f"set the clock of {node.name} right"
        evidence = node.evidence("NodeClockAhead", observed, expected, hint)
        yield _Fault(node, "has a clock that is ahead", evidence, certain=False)


def _deletion(node: _Node) -> Iterator[_Fault]:
    if at(node.manifest, "metadata", "deletionTimestamp") is not None:
        hint = f"wait until it is gone; if it stays: kubectl get node {node.name} -o yaml"
        evidence = node.evidence("NodeTerminating", "it is being deleted", hint=hint)
        yield _Fault(node, "is being deleted", evidence, certain=False)


def _cordoned(node: _Node) -> Evidence:
    hint = f"left over from a drain? kubectl uncordon {node.name}"
    return node.evidence("NodeCordoned", "it takes no new pods", hint=hint)


def _by_node(faults: Sequence[_Fault]) -> list[str]:
    """Each node once, with the first of its faults: ``n1 has DiskPressure=True (and 2 more)``."""
    first: dict[str, str] = {}
    number = Counter(fault.node.name for fault in faults)
    for fault in faults:
        first.setdefault(fault.node.name, fault.words)
    more = {name: f" (and {number[name] - 1} more)" if number[name] > 1 else "" for name in first}
    return [f"{name} {words}{more[name]}" for name, words in first.items()]


def _by_pool(nodes: Sequence[_Node], off: set[str]) -> str:
    """How many of each pool: ``; by pool: system 1 of 3, user 2 of 9``."""
    total = Counter(node.pool for node in nodes)
    found = Counter(node.pool for node in nodes if node.name in off)
    shown = some([f"{pool or 'none'} {number} of {total[pool]}" for pool, number in sorted(found.items())], 5)
    return f"; by pool: {shown}" if any(total) else ""


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _words(condition: Mapping[str, Any]) -> str:
    reason, message = condition.get("reason") or "no reason", condition.get("message") or ""
    return f"{say(condition.get('status'), 20)}: {say(f'{reason} {message}')}"
