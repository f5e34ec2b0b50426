"""The storage drivers are registered on every node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from pydantic import Field

from gatekeeper.check import (
    NODES,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Resource,
    Tolerance,
    at,
    bounded,
    dicts,
    format_duration,
    name_of,
    node_subject,
    numbered,
    pool_of,
    say,
    some,
    time_of,
)

DRIVERS: Final = Resource("storage.k8s.io", "v1", "csidrivers")
CSI_NODES: Final = Resource("storage.k8s.io", "v1", "csinodes")
_SWITCHES: Final = {
    "disk.csi.azure.com": "--enable-disk-driver",
    "file.csi.azure.com": "--enable-file-driver",
    "blob.csi.azure.com": "--enable-blob-driver",
}


@dataclass(frozen=True, slots=True)
class _Fault:
    node: str
    words: str
    evidence: Evidence
    certain: bool


class CsiDrivers(ClusterCheck):
    """Every node has registered the CSI drivers, and the drivers are known to the cluster.

    The kubelet lists in ``CSINode.spec.drivers`` the drivers whose node plugin answers on that node (Kubernetes API,
    CSINode); without it no pod with such a volume can start there. AKS installs the disk and the file driver on Linux
    and on Windows nodes. A node where one is missing fails the check, or is inconclusive while the node is younger than
    ``gracePeriod``; so is one whose CSINode belongs to an older node of the same name. A driver without a ``CSIDriver``
    object fails it too. No nodes at all are inconclusive. Virtual nodes take no volumes and are left out.

    Example:
        - check: csi-drivers
          drivers: [disk.csi.azure.com]
          nodeSelector: kubernetes.azure.com/mode=user,type!=virtual-kubelet
          maxMissing: 5%
    """

    name: ClassVar[str] = "csi-drivers"
    claim: ClassVar[str] = "the storage drivers are registered on every node"
    area: ClassVar[str] = "Storage"
    reads: ClassVar[tuple[Resource, ...]] = (DRIVERS, CSI_NODES, NODES)

    drivers: tuple[str, ...] = Field(default=("disk.csi.azure.com", "file.csi.azure.com"), min_length=1)
    """Which drivers; those that AKS installs by itself unless given."""
    node_selector: str = "type!=virtual-kubelet"
    """Which nodes must have them, as a label selector: ``kubernetes.io/os=linux``."""
    grace_period: Duration = timedelta(minutes=5)
    """A node may be so young and without a driver."""
    max_missing: Tolerance = Tolerance(count=0)
    """So many nodes may lack a driver: a count, or a percentage that is rounded down."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Read nodes as rows with their metadata; CSINodes and CSIDrivers are small."""
        table = await ctx.cluster.table(NODES, label_selector=self.node_selector, metadata=True)
        if len(table.metadata) != len(table.rows):
            raise BadAnswer("the table of nodes has rows without metadata")
        nodes: list[Mapping[str, Any]] = [{"metadata": metadata} for metadata in table.metadata]
        if not nodes:
            return Finding.inconclusive(
                "there is no node" + (f" with {self.node_selector}" if self.node_selector else "")
            )
        known = {name_of(each): each for each in await ctx.cluster.objects(CSI_NODES)}
        names = {name_of(each) for each in await ctx.cluster.objects(DRIVERS)}
        now = await ctx.cluster.now()
        unknown = [driver for driver in dict.fromkeys(self.drivers) if driver not in names]
        faults = [fault for node in nodes for fault in self._judge(node, known, now)]
        return self._answer(len(nodes), unknown, faults)

    def _judge(
        self, node: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], now: datetime
    ) -> Iterator[_Fault]:
        name = name_of(node, "a node")
        created, uid = time_of(at(node, "metadata", "creationTimestamp")), at(node, "metadata", "uid")
        csi = known.get(name)
        owners = dicts(at(csi, "metadata", "ownerReferences"), "metadata.ownerReferences")
        stale = any(owner.get("uid") != uid for owner in owners if owner.get("kind") == "Node")
        has = {str(each.get("name")) for each in dicts(at(csi, "spec", "drivers"), "spec.drivers")}
        missing = [driver for driver in dict.fromkeys(self.drivers) if driver not in has]
        if csi is None:
            words, code = "has no CSINode", "CsiNodeMissing"
        elif missing:
            words, code = f"lacks {', '.join(say(driver, 80) for driver in missing)}", "CsiDriverMissing"
        elif stale:
            words, code = "has the CSINode of an older node of its name", "CsiNodeStale"
        else:
            return
        young = created is not None and now - created <= self.grace_period
        age = f", {format_duration(now - created)} old" if created else ""
        hint = f"kubectl -n kube-system get pods -o wide --field-selector spec.nodeName={name} | grep csi"
        subject = node_subject(name, pool_of(node))
        evidence = Evidence(code, subject, f"{words}{age}", f"registered: {', '.join(self.drivers)}", hint)
        yield _Fault(name, words, evidence, certain=not young and code != "CsiNodeStale")

    def _answer(self, total: int, unknown: list[str], faults: list[_Fault]) -> Finding:
        faults.sort(key=lambda fault: not fault.certain)
        evidence = bounded([*map(_unknown, unknown), *(fault.evidence for fault in faults)])
        bad, allowed = sum(fault.certain for fault in faults), self.max_missing.of(total)
        of, few = f"of {numbered(total, 'node')}", some([f"{fault.node} {fault.words}" for fault in faults])
        if unknown:
            return Finding.failed(f"the cluster knows no driver {', '.join(unknown)}; missing on {bad} {of}", evidence)
        if bad > allowed:
            return Finding.failed(f"drivers are missing on {bad} {of}, {allowed} allowed: {few}", evidence)
        if len(faults) > allowed:
            words = f"drivers are not there yet, or unclear, on {len(faults)} {of}, {allowed} allowed: {few}"
            return Finding.inconclusive(words, evidence)
        if faults:
            return Finding.passed(f"drivers are missing on {len(faults)} {of}, {allowed} allowed", evidence)
        drivers = numbered(len(set(self.drivers)), "driver")
        return Finding.passed(f"{drivers} registered on all {numbered(total, 'node')}")


def _unknown(driver: str) -> Evidence:
    switch = _SWITCHES.get(driver)
    hint = f"switch it on: az aks update {switch}; or" if switch else "install it, or"
    hint += " name in `drivers` what the cluster has: kubectl get csidrivers"
    return Evidence("CsiDriverUnknown", f"CSIDriver {driver}", "does not exist", "exists", hint)
