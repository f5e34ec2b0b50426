"""What every cluster leans on runs: the critical pods of kube-system, and each component that is expected there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

from gatekeeper.check import (
    NODES,
    Cluster,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Resource,
    Table,
    Tolerance,
    at,
    bounded,
    cells,
    conditions,
    controller_of,
    dicts,
    dns_name,
    format_duration,
    name_of,
    nodes_ready,
    numbered,
    place_of,
    pods_named,
    say,
    some,
    time_of,
)

PODS: Final = Resource("", "v1", "pods")
_UNFINISHED: Final = "status.phase!=Succeeded,status.phase!=Failed"
_CRITICAL: Final = frozenset({"system-node-critical", "system-cluster-critical"})
_ALL_READY: Final = frozenset(f"{n}/{n}" for n in range(1, 33))  # pods of more containers are read whole
_NO_GATE_UNMET: Final = _ALL_READY | {"<none>"}
_READ_WHOLE: Final = 50
_COMPONENTS: Final[Mapping[str, str]] = {
    # as AKS labels their pods
    "coredns": "k8s-app=kube-dns",
    "konnectivity-agent": "app=konnectivity-agent",
    "metrics-server": "k8s-app=metrics-server",
    "kube-proxy": "component=kube-proxy",
    "cloud-node-manager": "k8s-app=cloud-node-manager",
    "csi-azuredisk-node": "app=csi-azuredisk-node",
    "csi-azurefile-node": "app=csi-azurefile-node",
    "azure-cns": "k8s-app=azure-cns",
    "azure-ip-masq-agent": "k8s-app=azure-ip-masq-agent",
    "cilium": "k8s-app=cilium",
    "coredns-autoscaler": "k8s-app=coredns-autoscaler",
}


@dataclass(slots=True)
class _Seen:
    """What was seen so far."""

    pods: int = 0
    sound: int = 0
    parts: set[str] = field(default_factory=set)
    """Pods of the expected components."""
    unread: int = 0
    others: int = 0
    """Pods that are not well, and not critical either."""
    down: list[Evidence] = field(default_factory=list)
    sick: list[Evidence] = field(default_factory=list)
    starting: list[Evidence] = field(default_factory=list)


class SystemPodsHealthy(ClusterCheck):
    """The critical pods of the system's namespaces are ready, and every expected component has a ready pod.

    Critical are the pods of the priority classes ``system-node-critical`` and ``system-cluster-critical``, and those of
    the expected components, which are found by the labels that AKS gives them. A component without a pod, or without
    any that is ready, fails. A critical pod that is not ready, or outlives its deletion, fails after ``gracePeriod``,
    and is inconclusive within it. Other pods there that are not well are counted in the message, and left to
    ``pods-healthy``. A namespace without any pod is inconclusive. That a DaemonSet has a pod on *every* node is seen by
    ``workloads-rolled-out``.

    All pods are screened as rows; only those that a row does not prove to be sound are read whole, 50 at most, and
    what is beyond counts as not settled, and so does one that is gone when it is read and was not leaving: another may
    have come in its place. The row of a pod on a node that is not Ready, or gone, proves nothing.

    Example:
        - check: system-pods-healthy
          components: [coredns, konnectivity-agent, metrics-server, kube-proxy, k8s-app=azure-npm]
          namespaces: [kube-system, gatekeeper-system]
    """

    name: ClassVar[str] = "system-pods-healthy"
    claim: ClassVar[str] = "the critical system pods are ready"
    area: ClassVar[str] = "Workloads"
    reads: ClassVar[tuple[Resource, ...]] = (PODS, NODES)

    namespaces: tuple[str, ...] = Field(default=("kube-system",), min_length=1)
    """The system's namespaces, by their exact names."""
    components: tuple[str, ...] = ("coredns", "konnectivity-agent", "metrics-server")
    """What must have a ready pod in one of them: ``coredns``, ``konnectivity-agent``, ``metrics-server``,
    ``kube-proxy``, ``cloud-node-manager``, ``csi-azuredisk-node``, ``csi-azurefile-node``, ``azure-cns``,
    ``azure-ip-masq-agent``, ``cilium``, ``coredns-autoscaler``, or a label such as ``app=my-agent``."""
    grace_period: Duration = timedelta(minutes=5)
    """A critical pod may be unready or terminating for so long."""
    max_unhealthy: Tolerance = Tolerance(count=0)
    """So many of the pods may be critical and not ready: a count, or a percentage that is rounded down. A component
    without any ready pod is never tolerated."""

    @field_validator("components")
    @classmethod
    def _known(cls, components: tuple[str, ...]) -> tuple[str, ...]:
        for each in components:
            if each not in _COMPONENTS and "=" not in each:
                known = ", ".join(_COMPONENTS)
                raise ValueError(f"the component {each!r} is not known; give a label key=value, or one of {known}")
        return components

    async def run(self, ctx: ClusterContext) -> Finding:
        """Look for the components first, then judge whatever is not proven to be sound."""
        seen = _Seen()
        alive = await nodes_ready(ctx.cluster)
        for component in dict.fromkeys(self.components):
            await self._look_for(ctx.cluster, component, alive, seen)
        empty = [
            each for each in dict.fromkeys(self.namespaces) if not await self._screen(ctx.cluster, each, alive, seen)
        ]
        if empty and not seen.down:
            return Finding.inconclusive(f"there is no pod to look at in {' and '.join(empty)}")
        return self._answer(seen)

    async def _look_for(self, cluster: Cluster, component: str, alive: frozenset[str], seen: _Seen) -> None:
        label, total, sound = _COMPONENTS.get(component, component), 0, 0
        for namespace in self.namespaces:
            table = await cluster.table(PODS, namespace=namespace, label_selector=label, field_selector=_UNFINISHED)
            for name, _, is_sound in _rows(table, alive):
                seen.parts.add(f"{namespace}/{name}")
                total, sound = total + 1, sound + is_sound
        if not sound:
            observed = f"none of its {total} pods is ready" if total else "it has no pod"
            code = "ComponentDown" if total else "ComponentMissing"
            hint = f"kubectl -n {self.namespaces[0]} get pods -l {label}"
            hint += "" if total else "; if this cluster needs none, leave it out of components"
            seen.down.append(Evidence(code, f"Component {component}", observed, "a ready pod", hint))

    async def _screen(self, cluster: Cluster, namespace: str, alive: frozenset[str], seen: _Seen) -> int:
        table = await cluster.table(PODS, namespace=namespace, field_selector=_UNFINISHED)
        now = await cluster.now()
        suspects: dict[str, str] = {}
        for name, status, is_sound in _rows(table, alive):
            seen.sound += is_sound
            suspects |= {} if is_sound else {name: status}
        seen.pods += len(table.rows)
        names = list(suspects)
        gone = dict.fromkeys(names[:_READ_WHOLE])
        seen.unread += len(names[_READ_WHOLE:])
        async for pod in pods_named(cluster, list(gone), namespace, _UNFINISHED):
            gone.pop(name_of(pod, "a pod"), None)
            self._judge(pod, now, seen)
        seen.starting += [_gone(namespace, name, suspects[name]) for name in gone if suspects[name] != "Terminating"]
        return len(table.rows)

    def _judge(self, pod: Mapping[str, Any], now: datetime, seen: _Seen) -> None:
        """Ready is what the node controller makes false too when a node is lost."""
        place, ready = place_of(pod, "a pod"), conditions(pod).get("Ready", {})
        deletion = at(pod, "metadata", "deletionTimestamp")
        if deletion is None and at(pod, "status", "phase") == "Running" and ready.get("status") == "True":
            seen.sound += 1
        elif str(at(pod, "spec", "priorityClassName")) not in _CRITICAL and place not in seen.parts:
            seen.others += 1
        else:
            begun = (
                (deletion,) if deletion else (at(pod, "metadata", "creationTimestamp"), ready.get("lastTransitionTime"))
            )
            moments = [time_of(each) for each in begun]
            young = any(moment is not None and now - moment <= self.grace_period for moment in moments)
            if not (deletion and young):
                (seen.starting if young else seen.sick).append(_evidence(pod, place, ready))

    def _answer(self, seen: _Seen) -> Finding:
        bad, unclear = len(seen.sick), len(seen.starting) + seen.unread
        allowed = self.max_unhealthy.of(seen.pods)
        evidence = bounded([*seen.down, *seen.sick, *seen.starting])
        are = "other is" if seen.others == 1 else "others are"
        others = f"; {seen.others} {are} not well, and not critical" if seen.others else ""
        down = [f"{each.subject}: {each.observed}" for each in seen.down]
        who = some([*down, *(f"{each.subject} {each.observed}" for each in (*seen.sick, *seen.starting))])
        said = f"{bad} of {seen.pods} system pods are critical and not ready, {allowed} allowed"
        why = f"less than {format_duration(self.grace_period)}, or not proven"
        said += f", {unclear} more not settled ({why})" if unclear else ""
        if seen.down:
            number, have = len(down), "has" if len(down) == 1 else "have"
            parts = f"{number} of {numbered(len(set(self.components)), 'component')} {have} no ready pod"
            return Finding.failed(f"{parts}; {said}: {who}{others}", evidence)
        if bad > allowed:
            return Finding.failed(f"{said}: {who}{others}", evidence)
        if bad + unclear > allowed or not seen.sound:
            return Finding.inconclusive(f"{said}: {who}{others}" if who else f"{said}{others}", evidence)
        if evidence:
            return Finding.passed(f"{said}{others}", evidence)
        among = f", {some(self.components, 12)} among them" if self.components else ""
        return Finding.passed(f"all critical of the {seen.pods} system pods are ready{among}{others}")


def _rows(table: Table, alive: frozenset[str]) -> Iterator[tuple[str, str, bool]]:
    """Each pod's name and Status, and whether its row proves it to be sound."""
    for name, ready, status, gates, node in cells(table, "Name", "Ready", "Status", "Readiness Gates", "Node"):
        well = status == "Running" and str(ready) in _ALL_READY and str(gates) in _NO_GATE_UNMET
        yield dns_name(name, "a pod"), str(status), well and str(node) in alive


def _gone(namespace: str, name: str, status: str) -> Evidence:
    """A suspect that nobody deleted by its row and that is not there any more: another may have come in its place."""
    observed = f"its row read {say(status, 60)}, and it has gone since; what came in its place was not seen"
    hint = f"kubectl -n {namespace} get pods"
    return Evidence("SystemPodGone", f"Pod {namespace}/{name}", observed, "running and ready", hint)


def _evidence(pod: Mapping[str, Any], place: str, ready: Mapping[str, Any]) -> Evidence:
    namespace, _, name = place.partition("/")
    statuses = [*dicts(at(pod, "status", "initContainerStatuses")), *dicts(at(pod, "status", "containerStatuses"))]
    reasons = Counter(say(at(each, "state", "waiting", "reason"), 60) for each in statuses)
    words = ", ".join(filter(None, reasons)) or say(ready.get("reason") or at(pod, "status", "phase"), 60)
    deletion = at(pod, "metadata", "deletionTimestamp")
    observed = f"was to be gone at {say(deletion, 40)}" if deletion else f"is not ready: {words}"
    node = say(at(pod, "spec", "nodeName"), 63)
    observed += f" (pod {name} on {node})" if node else f" (pod {name}, on no node)"
    code = "SystemPodStuckTerminating" if deletion else "SystemPodNotReady"
    hint = f"kubectl -n {namespace} describe pod {name}"
    return Evidence(code, controller_of(pod), observed, "running and ready", hint)
