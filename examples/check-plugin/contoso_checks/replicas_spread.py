"""The replicas of a workload do not all run in one place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Namespaces,
    Resource,
    at,
    bounded,
    controller_of,
    dns_name,
    name_of,
    numbered,
    some,
)

NODES: Final = Resource("", "v1", "nodes")
PODS: Final = Resource("", "v1", "pods")
NAMESPACES: Final = Resource("", "v1", "namespaces")

_LABELS: Final = {"node": "kubernetes.io/hostname", "zone": "topology.kubernetes.io/zone"}
_JUDGED: Final = frozenset({"Deployment", "ReplicaSet", "StatefulSet"})
_KEEP: Final = ("metadata.labels", "metadata.ownerReferences", "metadata.deletionTimestamp", "spec.nodeName")


class ReplicasSpread(ClusterCheck):
    """The replicas of every workload run in several places.

    Nodes are drained one after another, and pods move to where there is room: after an update all replicas of a
    workload may stand on the first new node, and the next failure takes them all. Kubernetes does not mend that by
    itself: topology spread constraints count when a pod is scheduled, and never again
    (https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/).

    Judged are the running pods of Deployments, ReplicaSets and StatefulSets with two replicas or more; those of
    DaemonSets and Jobs are where they must be. A cluster without such workloads is inconclusive: nothing was seen.

    Example:
        - check: replicas-spread
          over: zone
          minPlaces: 3
          namespaces: {include: [shop-*]}
    """

    name: ClassVar[str] = "replicas-spread"
    claim: ClassVar[str] = "the replicas of every workload run in several places"
    reads: ClassVar[tuple[Resource, ...]] = (NODES, PODS, NAMESPACES)

    over: Literal["node", "zone"] = "node"
    """What a place is: a node, or an availability zone."""
    min_places: int = Field(default=2, ge=2)
    """In so many places the replicas must run, or in as many as there are replicas if these are fewer."""
    namespaces: Namespaces = Namespaces()
    """Only the workloads of these namespaces."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Put every replica in its place, and count the places of each workload."""
        nodes = {name_of(node): node for node in await ctx.cluster.objects(NODES)}
        if not nodes:
            return Finding.inconclusive("there is no node, so nothing can be said of the replicas")
        found: defaultdict[str, list[str]] = defaultdict(list)
        for namespace, elsewhere in await self.namespaces.queries(ctx.cluster):
            selector = ",".join(filter(None, ("status.phase=Running", elsewhere)))
            pods = await ctx.cluster.objects(PODS, namespace=namespace, field_selector=selector, keep=_KEEP)
            for workload, pod in _replicas(pods):
                found[workload].append(self._place(pod, nodes))
        return self._answer({workload: places for workload, places in found.items() if len(places) > 1})

    def _place(self, pod: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> str:
        node = dns_name(at(pod, "spec", "nodeName"), "the node of a pod")
        place = node if self.over == "node" else at(nodes.get(node), "metadata", "labels", _LABELS[self.over])
        if not isinstance(place, str) or not place:
            raise BadAnswer(f"node {node} has no label {_LABELS[self.over]}, so its {self.over} is not known")
        return place

    def _answer(self, found: Mapping[str, Sequence[str]]) -> Finding:
        if not found:
            return Finding.inconclusive("there is no workload with several replicas, so nothing could be judged")
        clumped = [
            _evidence(workload, places, wanted, self.over)
            for workload, places in sorted(found.items())
            if len(set(places)) < (wanted := min(self.min_places, len(places)))
        ]
        everything = numbered(len(found), "workload")
        if clumped:
            verb = "runs" if len(clumped) == 1 else "run"
            return Finding.failed(f"{len(clumped)} of {everything} {verb} in too few {self.over}s", bounded(clumped))
        return Finding.passed(f"{everything}, each in {self.min_places} {self.over}s or as many as it has replicas")


def _replicas(pods: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Each pod that stays, with its workload, such as ``Deployment shop/web``."""
    for pod in pods:
        workload = controller_of(pod)
        if workload.partition(" ")[0] in _JUDGED and at(pod, "metadata", "deletionTimestamp") is None:
            yield workload, pod


def _evidence(workload: str, places: Sequence[str], wanted: int, over: str) -> Evidence:
    kind, _, path = workload.partition(" ")
    namespace, _, name = path.partition("/")
    return Evidence(
        "ReplicasTogether",
        workload,
        f"{len(places)} replicas on {some(sorted(set(places)))}",
        f"at least {numbered(wanted, over)}",
        f"kubectl -n {namespace} rollout restart {kind.lower()}/{name}",
    )
