"""Nodes are Ready, their kubelets alive, and no node reports a problem."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

from gatekeeper.check import BadAnswer, ClusterCheck, ClusterContext, Evidence, Finding, Resource, Tolerance

NODES: Final = Resource("", "v1", "nodes")
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases")
_POOL: Final = "kubernetes.azure.com/agentpool"

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
)
_LEASE_LASTS: Final = 40  # seconds; the kubelet's default nodeLeaseDurationSeconds
_CLOCKS_DIFFER: Final = timedelta(seconds=5)  # the Date header has whole seconds, and the answer was on its way
_SHOWN: Final = 20
_DNS_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class _Fault:
    node: str
    words: str
    """For the message: ``is not Ready``."""
    evidence: Evidence
    certain: bool = True


class NodesReady(ClusterCheck):
    """All nodes are Ready, send heartbeats, and report no problem.

    A node counts as not healthy when its condition ``Ready`` is anything but True (missing and Unknown included); when
    a pressure, ``NetworkUnavailable`` or a condition of AKS's node-problem-detector is anything but False; or when its
    Lease in ``kube-node-lease`` is older than it may be: a dead kubelet's last words, ``Ready=True`` among them, stand
    for 40 seconds and more. A node without a Lease while others have one, one whose clock is ahead, or one that is
    being deleted is unclear (inconclusive). In a cluster without any Leases the heartbeat cannot be seen; then
    ``Ready`` has to do, and the message says so. Cordoned nodes are reported, and not judged.

    Example:
        - check: nodes-ready
          maxNotReady: 5%
          pools: [system, user]
          ignoreConditions: [VMEventScheduled]
    """

    name: ClassVar[str] = "nodes-ready"
    claim: ClassVar[str] = "all nodes are Ready, alive and without problems"
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
        everything = {_name(node): node for node in await ctx.cluster.objects(NODES)}
        nodes = {name: node for name, node in everything.items() if not self.pools or _pool(node) in self.pools}
        missing = sorted(set(self.pools) - {_pool(node) for node in nodes.values()})
        if not nodes or missing:
            where = f" in pool {', '.join(missing)}" if missing else ""
            return Finding.inconclusive(f"there is no node{where}, so nothing can be said of its health")
        leases = {_name(lease): lease for lease in await ctx.cluster.objects(LEASES, namespace="kube-node-lease")}
        # Read the clock last: what is older than it seems errs on the careful side.
        now = await ctx.cluster.now()
        faults: list[_Fault] = []
        for name, node in nodes.items():
            faults += self._conditions(name, node)
            faults += _heartbeat(name, leases, now)
            faults += _deletion(name, node)
        cordoned = [_cordoned(name) for name, node in nodes.items() if _at(node, "spec", "unschedulable") is True]
        return self._answer(len(nodes), faults, cordoned, bool(leases))

    def _conditions(self, name: str, node: Mapping[str, Any]) -> Iterator[_Fault]:
        ready = False
        for each in _dicts(_at(node, "status", "conditions")):
            kind, status = str(each.get("type")), each.get("status")
            if kind == "Ready" and status == "True":
                ready = True
            elif kind == "Ready":
                yield _not_ready(name, f"Ready is {status}: {_say(each)}")
                return
            elif status != "False" and self._is_problem(kind):
                hint = f"kubectl describe node {name}"
                evidence = Evidence("NodeProblem", f"Node {name}", f"{kind} is {status}: {_say(each)}", "False", hint)
                yield _Fault(name, f"has {kind}={status}"[:80], evidence)
        if not ready:
            yield _not_ready(name, "it has no condition Ready")

    def _is_problem(self, kind: str) -> bool:
        watched = any(fnmatchcase(kind, pattern) for pattern in (*_PROBLEMS, *self.problem_conditions))
        return watched and not any(fnmatchcase(kind, pattern) for pattern in self.ignore_conditions)

    def _answer(self, total: int, faults: Sequence[_Fault], cordoned: Sequence[Evidence], leases: bool) -> Finding:
        bad = {fault.node for fault in faults if fault.certain}
        unclear = {fault.node for fault in faults} - bad
        allowed = self.max_not_ready.of(total)
        shown = sorted(faults, key=lambda fault: not fault.certain)
        evidence = _bounded([*(fault.evidence for fault in shown), *cordoned])
        notes = f"; {len(cordoned)} cordoned" if cordoned else ""
        notes += "" if leases else "; this cluster shows no Leases, so heartbeats could not be seen"
        if len(bad) > allowed or len(bad) + len(unclear) > allowed:
            judge, count, word = (
                (Finding.failed, len(bad), "not healthy")
                if len(bad) > allowed
                else (Finding.inconclusive, len(bad) + len(unclear), "unclear or not healthy")
            )
            few = ", ".join(f"{fault.node} {fault.words}" for fault in shown[:3])
            more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
            return judge(
                f"{count} of {total} nodes {_are(count)} {word}: {few}{more} ({allowed} allowed){notes}", evidence
            )
        if faults:
            count = len(bad) + len(unclear)
            return Finding.passed(
                f"{count} of {total} nodes {_are(count)} not healthy, {allowed} allowed{notes}", evidence
            )
        return Finding.passed(f"all {total} nodes are Ready, alive and without problems{notes}", evidence)


def _not_ready(name: str, observed: str) -> _Fault:
    hint = f"kubectl describe node {name}; is its virtual machine running?"
    return _Fault(name, "is not Ready", Evidence("NodeNotReady", f"Node {name}", observed, "Ready is True", hint))


def _heartbeat(name: str, leases: Mapping[str, Mapping[str, Any]], now: datetime) -> Iterator[_Fault]:
    if not leases:
        return
    lease = leases.get(name)
    if lease is None:
        observed = "it has no Lease in kube-node-lease, though others do"
        yield _Fault(name, "has no Lease", Evidence("NodeLeaseMissing", f"Node {name}", observed), certain=False)
        return
    renewed, lasts = _time(_at(lease, "spec", "renewTime")), _at(lease, "spec", "leaseDurationSeconds")
    limit = timedelta(seconds=lasts if isinstance(lasts, int) and 0 < lasts <= 600 else _LEASE_LASTS)
    expected = f"renewed within {limit.seconds}s"
    if renewed is None or now - renewed > limit + _CLOCKS_DIFFER:
        age = "never renewed" if renewed is None else f"last renewed {int((now - renewed).total_seconds())}s ago"
        hint = f"the kubelet of {name} is silent: is its virtual machine running, and its clock right?"
        yield _Fault(name, "sends no heartbeat", Evidence("NodeHeartbeatStale", f"Node {name}", age, expected, hint))
    elif renewed - now > limit:
        observed = f"its Lease was renewed {int((renewed - now).total_seconds())}s in the future"
        hint = f"set the clock of {name} right"
        evidence = Evidence("NodeClockAhead", f"Node {name}", observed, expected, hint)
        yield _Fault(name, "has a clock that is ahead", evidence, certain=False)


def _deletion(name: str, node: Mapping[str, Any]) -> Iterator[_Fault]:
    if _at(node, "metadata", "deletionTimestamp") is not None:
        evidence = Evidence("NodeTerminating", f"Node {name}", "it is being deleted")
        yield _Fault(name, "is being deleted", evidence, certain=False)


def _cordoned(name: str) -> Evidence:
    hint = f"left over from a drain? kubectl uncordon {name}"
    return Evidence("NodeCordoned", f"Node {name}", "it takes no new pods", hint=hint)


def _bounded(evidence: list[Evidence]) -> list[Evidence]:
    rest = len(evidence) - _SHOWN
    return evidence if rest <= 0 else [*evidence[:_SHOWN], Evidence("MoreFound", f"{rest} more", "not listed")]


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _pool(node: Mapping[str, Any]) -> str:
    return str(_at(node, "metadata", "labels", _POOL) or "")


def _say(condition: Mapping[str, Any]) -> str:
    words = " ".join(f"{condition.get('reason') or 'no reason'} {condition.get('message') or ''}".split())
    return "".join(filter(str.isprintable, words))[:200]


def _name(item: object) -> str:
    # Names go into commands that people copy, so nothing but a DNS name is taken for one.
    name = _at(item, "metadata", "name")
    if not isinstance(name, str) or not _DNS_NAME.fullmatch(name):
        raise BadAnswer(f"an object of a list has the name {name!r:.100}")
    return name


def _at(value: object, *path: str) -> Any:  # noqa: ANN401 - what a cluster says has any type
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _dicts(value: object) -> Sequence[Mapping[str, Any]]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or not all(isinstance(each, Mapping) for each in value):
        raise BadAnswer("a list of conditions is not a list of objects")
    return value


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
