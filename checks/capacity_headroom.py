"""What pods request still fits into each node pool when some of its nodes are gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from gatekeeper.check import (
    NODES,
    Alike,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Resource,
    amount,
    at,
    bounded,
    dicts,
    is_virtual,
    name_of,
    numbered,
    place_of,
    pool_of,
    rooms,
    some,
)

PODS: Final = Resource("", "v1", "pods")
_STAY: Final = ("DaemonSet", "Node")  # pods of these owners end with their node; Node owns static pods
_EVERY_NODE_HAS: Final = ("cpu", "memory", "pods")
_UNITS: Final = {"cpu": ("cores", Decimal(1)), "memory": ("GiB", Decimal(2**30)), "pods": ("pods", Decimal(1))}

Amounts = dict[str, Decimal]
ResourceName = Annotated[str, Field(pattern=r"^[a-z0-9]([A-Za-z0-9./-]{0,98}[A-Za-z0-9])?$")]


@dataclass(slots=True)
class _Node:
    name: str
    pool: str
    taints: tuple[rooms.Taint, ...]
    offered: Mapping[str, Any]
    """What it calls allocatable."""
    takes_pods: bool
    """If not, what runs there has to move, and it has no room itself."""
    stays: Amounts
    """What ends with the node: requests of DaemonSets' and of static pods."""
    moves: Amounts

    def room(self, resource: str) -> Decimal:
        """How much it has of a resource; none of a device that it does not know."""
        value = self.offered.get(resource)
        unknown = value is None and resource not in _EVERY_NODE_HAS
        return Decimal() if unknown else amount(value, f"allocatable {resource} of node {self.name}")


@dataclass(frozen=True, slots=True)
class _Need:
    """What one pool needs of one resource, with the nodes gone that hurt most."""

    pool: str
    resource: str
    needed: Decimal
    left: Decimal
    words: str
    """``2 of 5 nodes``."""
    fits: bool

    @property
    def percent(self) -> int:
        """How much of what is left is requested, rounded up."""
        return int((100 * self.needed / self.left).to_integral_value(ROUND_CEILING)) if self.left else 0

    def __str__(self) -> str:
        used = f"{self.percent}%" if self.left else "has no room"
        return f"{self.pool or 'none'} {self.resource} {used}"

    def evidence(self, max_used: str) -> Evidence:
        unit, size = _UNITS.get(self.resource, (self.resource, Decimal(1)))
        used = f"{self.percent}%" if self.left else "nothing is left"
        amounts = f"{self.needed / size:.1f} of {self.left / size:.1f} {unit}"
        observed = f"{self.resource}: {amounts} requested ({used}) with {self.words} gone"
        hint = "add nodes (az aks nodepool scale), lower the pods' requests, or let the update surge"
        subject = f"Pool {self.pool}" if self.pool else "Nodes without a pool"
        return Evidence("PoolTooFull", subject, observed, f"at most {max_used}", hint)


class CapacityHeadroom(ClusterCheck):
    """In every node pool, what the pods request fits into what is allocatable when ``nodesGone`` of its nodes are gone.

    For each pool (label ``kubernetes.azure.com/agentpool``) and resource the requests of all its unfinished pods are
    summed, and set against the ``allocatable`` of those of its nodes that are Ready, take pods and stay; of these the
    nodes are taken away that hurt most. Pods of DaemonSets and static pods leave with their node; all others have to
    move, those on cordoned nodes too. A pod requests what the scheduler reserves for it (``PodRequests`` in Kubernetes'
    component-helpers): its containers and sidecars together, or its largest init container with the sidecars before it
    if that is more; requests of the pod itself go before; its overhead comes on top. While a pod is resized in
    place, the larger of its values counts. ``pods`` counts pods against the node's limit of them.

    A node that is short of disk, memory or processes, is not set up yet, or is about to be deleted is tainted so by
    Kubernetes or the cluster autoscaler, and takes no pods; nor does one with a taint that other nodes of its pool do
    not have. Virtual nodes are no machines, and left out with all that runs there.

    It is arithmetic, no scheduling: affinities, tolerations, volumes and scraps too small for a pod are not seen. Pods
    that wait for a node, gated ones aside, are inconclusive, as their pool is not known; so are a cluster without nodes
    or pods, a pool without nodes, and a resource that no node knows, unless it is a device. With a surge, AKS adds
    nodes before it takes any: ``nodesGone: 0`` says so.

    No column shows requests, so all unfinished pods are read whole: a thousand of them are some 10 MB (half a megabyte
    compressed), 0.2 s of work and 2 MB of memory while they are looked at. Ask it once, in front of an update;
    ``drainable`` shares the reading.

    Example:
        - check: capacity-headroom
          nodesGone: 1
          maxUsed: 90%
          pools: [system, user]
          timeout: 60s
    """

    name: ClassVar[str] = "capacity-headroom"
    claim: ClassVar[str] = "each node pool has room for its pods when some of its nodes are gone"
    area: ClassVar[str] = "Nodes"
    reads: ClassVar[tuple[Resource, ...]] = (NODES, PODS)

    nodes_gone: int = Field(default=1, ge=0, le=1000)
    """So many nodes of a pool are gone at once."""
    max_used: str = Field(default="90%", pattern=r"^(100|\d{1,2})%$")
    """So much of what is left may be requested: a percentage."""
    pools: tuple[str, ...] = Field(default=(), min_length=1)
    """Only these AKS node pools; all unless given. Each must have a node."""
    resources: tuple[ResourceName, ...] = Field(default=_EVERY_NODE_HAS, min_length=1)
    """What is summed: ``cpu``, ``memory``, ``pods``, or any other resource such as ``nvidia.com/gpu``."""
    max_waiting: int = Field(default=0, ge=0)
    """So many pods may wait for a node."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Sum by node, then by pool."""
        pods = await ctx.cluster.objects(PODS, field_selector=rooms.UNFINISHED_PODS, keep=rooms.POD_FIELDS)
        every = await ctx.cluster.objects(NODES)
        nodes = {node.name: node for node in (_node(each, self.resources) for each in every if not is_virtual(each))}
        pools: dict[str, list[_Node]] = defaultdict(list)
        for node in nodes.values():
            if not self.pools or node.pool in self.pools:
                pools[node.pool].append(node)
        if why := self._nothing_to_sum(nodes.values(), pools, pods):
            return Finding.inconclusive(f"{why}, so nothing can be said of its room")
        waiting = _place(pods, nodes, {name_of(each) for each in every if is_virtual(each)}, self.resources)
        needs = [self._need(pool, pools[pool], resource) for pool in sorted(pools) for resource in self.resources]
        return self._answer(needs, waiting)

    def _nothing_to_sum(self, nodes: Iterable[_Node], pools: Collection[str], pods: Sized) -> str:
        missing = sorted(set(self.pools) - set(pools))
        if missing or not pools:
            return f"there is no node in pool {', '.join(missing)}" if missing else "there is no node"
        if not pods:
            return "there is no pod, which no working cluster is without"
        # Of a device (nvidia.com/gpu) a cluster may well have none; anything else is misspelled.
        plain = [each for each in self.resources if "/" not in each and each not in _EVERY_NODE_HAS]
        strange = [each for each in plain if not any(each in node.offered for node in nodes)]
        return f"no node knows a resource {', '.join(strange)}" if strange else ""

    def _need(self, pool: str, nodes: Sequence[_Node], resource: str) -> _Need:
        """Take those nodes away whose room is the most after what ends with them: no other choice leaves less."""
        limit = Decimal(self.max_used.removesuffix("%")) / 100
        shared = rooms.taints_of_pool(node.taints for node in nodes)
        usable = [node for node in nodes if node.takes_pods and shared.issuperset(node.taints)]
        room = {node.name: node.room(resource) for node in usable}
        usable.sort(key=lambda node: node.stays[resource] - limit * room[node.name])
        rest = usable[self.nodes_gone :]
        left = sum((room[node.name] for node in rest), Decimal())
        needed = sum((node.moves[resource] for node in nodes), Decimal())
        needed += sum((node.stays[resource] for node in rest), Decimal())
        words = f"{min(self.nodes_gone, len(usable))} of {numbered(len(usable), 'usable node')}"
        return _Need(pool, resource, needed, left, words, fits=needed <= limit * left and bool(usable))

    def _answer(self, needs: Sequence[_Need], waiting: Sequence[str]) -> Finding:
        full = [need for need in needs if not need.fits]
        gone = f"with {numbered(self.nodes_gone, 'node')} of a pool gone"
        if full:
            few = some([str(need) for need in full])
            said = f"{len({need.pool for need in full})} of {len({need.pool for need in needs})} pools"
            message = f"{said} would be more than {self.max_used} requested {gone}: {few}"
            return Finding.failed(message, bounded(need.evidence(self.max_used) for need in full))
        most = max(needs, key=lambda need: need.percent)
        said = f"{gone}, at most {most.percent}% of what is left would be requested (pool {most})"
        if len(waiting) > self.max_waiting:
            hint = "kubectl get pods -A --field-selector=spec.nodeName=,status.phase=Pending"
            evidence = bounded(Evidence("PodWaiting", f"Pod {pod}", "it has no node", hint=hint) for pod in waiting)
            count = numbered(len(waiting), "pod waits", "pods wait")
            return Finding.inconclusive(f"{said}, but {count} for a node: {some(waiting)}", evidence)
        return Finding.passed(f"{said}, {self.max_used} allowed")


def _node(body: Mapping[str, Any], resources: Sequence[str]) -> _Node:
    offered, nothing = at(body, "status", "allocatable"), dict.fromkeys(resources, Decimal())
    known = offered if isinstance(offered, Mapping) else {}
    taints, usable = rooms.taints_of(body), rooms.takes_pods(body)
    return _Node(name_of(body, "a node"), pool_of(body), taints, known, usable, nothing, dict(nothing))


def _place(
    pods: Iterable[Mapping[str, Any]], nodes: Mapping[str, _Node], virtual: Container[str], resources: Sequence[str]
) -> list[str]:
    """Add each pod's requests to its node; those that have none, or one that is gone, are returned by name."""
    waiting = []
    requests_of, stays = rooms.requests(resources), Alike((("metadata", "ownerReferences"),), _stays)
    for pod in pods:
        name = str(at(pod, "spec", "nodeName") or "")
        node = nodes.get(name)
        if node is None:
            leaving = at(pod, "metadata", "deletionTimestamp") is not None
            if not leaving and not at(pod, "spec", "schedulingGates") and name not in virtual:
                waiting.append(place_of(pod, "a pod"))
            continue
        sums, requested = node.stays if stays(pod) else node.moves, requests_of(pod)
        for resource in resources:
            sums[resource] += requested[resource]
    return waiting


def _stays(pod: object) -> bool:
    owners = dicts(at(pod, "metadata", "ownerReferences"), "ownerReferences")
    return any(owner.get("controller") is True and owner.get("kind") in _STAY for owner in owners)
