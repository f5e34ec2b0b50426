"""What pods request still fits into each node pool when some of its nodes are gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from gatekeeper.check import (
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Resource,
    at,
    bounded,
    condition,
    dicts,
    name_of,
    numbered,
    place_of,
    pool_of,
    quantity,
    some,
)

NODES: Final = Resource("", "v1", "nodes")
PODS: Final = Resource("", "v1", "pods")
_UNFINISHED: Final = "status.phase!=Succeeded,status.phase!=Failed"
_OF_A_POD: Final = (
    "metadata.ownerReferences",
    "metadata.deletionTimestamp",
    "spec.nodeName",
    "spec.schedulingGates",
    "spec.resources",
    "spec.overhead",
    "spec.containers.name",
    "spec.containers.resources",
    "spec.initContainers.name",
    "spec.initContainers.resources",
    "spec.initContainers.restartPolicy",
    "status.containerStatuses.name",
    "status.containerStatuses.resources",
    "status.containerStatuses.allocatedResources",
    "status.initContainerStatuses.name",
    "status.initContainerStatuses.resources",
    "status.initContainerStatuses.allocatedResources",
)
_STAY: Final = ("DaemonSet", "Node")  # pods of these owners end with their node; Node owns static pods
_LEAVING: Final = ("ToBeDeletedByClusterAutoscaler", "node.cloudprovider.kubernetes.io/shutdown")
_EVERY_NODE_HAS: Final = ("cpu", "memory", "pods")
_UNITS: Final = {"cpu": ("cores", Decimal(1)), "memory": ("GiB", Decimal(2**30)), "pods": ("pods", Decimal(1))}

Amounts = defaultdict[str, Decimal]
ResourceName = Annotated[str, Field(pattern=r"^[a-z0-9]([A-Za-z0-9./-]{0,98}[A-Za-z0-9])?$")]


@dataclass(slots=True)
class _Node:
    name: str
    allocatable: Mapping[str, Decimal] | None
    """None for a node that takes no new pods: what runs there has to move, and it has no room itself."""
    stays: Amounts = field(default_factory=lambda: defaultdict(Decimal))
    """What ends with the node: requests of DaemonSets' and of static pods."""
    moves: Amounts = field(default_factory=lambda: defaultdict(Decimal))


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

    It is arithmetic, no scheduling: affinities, taints, volumes and scraps too small for a pod are not seen. Pods that
    wait for a node, gated ones aside, are inconclusive, as their pool is not known; so are a cluster without nodes or
    pods and a pool without nodes. With a surge, AKS adds nodes before it takes any: ``nodesGone: 0`` says so.

    No column shows requests, so all unfinished pods are read whole: a thousand of them are some 10 MB (half a megabyte
    compressed), 0.7 s of work and 30 MB of memory while they are looked at. No check is dearer; ask it once, in front
    of an update.

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
        pods = await ctx.cluster.objects(PODS, field_selector=_UNFINISHED, keep=_OF_A_POD)
        pools: dict[str, dict[str, _Node]] = defaultdict(dict)
        for node in await ctx.cluster.objects(NODES):
            name = name_of(node)
            pools[pool_of(node)][name] = _Node(name, _room(node, self.resources))
        wanted = {pool: nodes for pool, nodes in pools.items() if not self.pools or pool in self.pools}
        missing = sorted(set(self.pools) - set(wanted))
        if not wanted or missing or not pods:
            what = f"there is no node in pool {', '.join(missing)}" if missing else "there is no node"
            why = what if not wanted or missing else "there is no pod, which no working cluster is without"
            return Finding.inconclusive(f"{why}, so nothing can be said of its room")
        waiting = _place(pods, {name: node for nodes in pools.values() for name, node in nodes.items()}, self.resources)
        needs = [
            self._need(pool, list(nodes.values()), resource)
            for pool, nodes in sorted(wanted.items())
            for resource in self.resources
        ]
        return self._answer(needs, waiting)

    def _need(self, pool: str, nodes: Sequence[_Node], resource: str) -> _Need:
        """Take those nodes away whose room is the most after what ends with them: no other choice leaves less."""
        limit = Decimal(self.max_used.removesuffix("%")) / 100
        room = {node.name: node.allocatable[resource] for node in nodes if node.allocatable is not None}
        usable = [node for node in nodes if node.name in room]
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


def _room(node: Mapping[str, Any], resources: Iterable[str]) -> Mapping[str, Decimal] | None:
    """What is allocatable of a node, or None when it takes no new pods."""
    taints = dicts(at(node, "spec", "taints"), "spec.taints")
    ready = at(condition(node, "Ready"), "status") == "True" and at(node, "metadata", "deletionTimestamp") is None
    cordoned = at(node, "spec", "unschedulable") not in (None, False)
    if not ready or cordoned or any(taint.get("key") in _LEAVING for taint in taints):
        return None
    room = at(node, "status", "allocatable")
    return {
        each: quantity(at(room, each), f"allocatable {each} of a node")
        if each in _EVERY_NODE_HAS or at(room, each) is not None
        else Decimal()
        for each in resources
    }


def _place(pods: Iterable[Mapping[str, Any]], nodes: Mapping[str, _Node], resources: Sequence[str]) -> list[str]:
    """Add each pod's requests to its node; those that have none, or one that is gone, are returned by name."""
    waiting = []
    for pod in pods:
        name, place = at(pod, "spec", "nodeName"), place_of(pod, "a pod")
        node = nodes.get(name) if isinstance(name, str) else None
        if node is None:
            if not at(pod, "spec", "schedulingGates") and at(pod, "metadata", "deletionTimestamp") is None:
                waiting.append(place)
            continue
        owners = dicts(at(pod, "metadata", "ownerReferences"), "ownerReferences")
        stays = any(owner.get("controller") is True and owner.get("kind") in _STAY for owner in owners)
        sums = node.stays if stays else node.moves
        for resource, amount in _requests(pod, resources):
            sums[resource] += amount
    return waiting


def _requests(pod: Mapping[str, Any], resources: Iterable[str]) -> Iterator[tuple[str, Decimal]]:
    """What the scheduler reserves for a pod."""
    spec, status = at(pod, "spec"), at(pod, "status")
    keys = ("containerStatuses", "initContainerStatuses")
    statuses = {each.get("name"): each for key in keys for each in dicts(at(status, key), key)}
    main = [_lists(each, statuses) for each in dicts(at(spec, "containers"), "containers")]
    inits = dicts(at(spec, "initContainers"), "initContainers")
    first = [(_lists(each, statuses), each.get("restartPolicy") == "Always") for each in inits]
    own, overhead = at(spec, "resources", "requests"), at(spec, "overhead")
    for resource in resources:
        if resource == "pods":
            yield resource, Decimal(1)
            continue
        running = sum((_most(lists, resource) for lists in main), Decimal())
        sidecars = peak = Decimal()
        for lists, is_sidecar in first:
            amount = sidecars + _most(lists, resource)
            peak, sidecars = max(peak, amount), amount if is_sidecar else sidecars
        whole = _number(at(own, resource))
        total = max(running + sidecars, peak) if whole is None else whole
        yield resource, total + (_number(at(overhead, resource)) or 0)


def _lists(container: Mapping[str, Any], statuses: Mapping[Any, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The requests of a container: as asked for, as allocated, and as in force; they differ during a resize only."""
    status = statuses.get(container.get("name"), {})
    found = [
        at(container, "resources", "requests"),
        at(status, "resources", "requests"),
        status.get("allocatedResources"),
    ]
    lists = [each for number, each in enumerate(found) if each is not None and each not in found[:number]]
    if not all(isinstance(each, Mapping) for each in lists):
        raise BadAnswer("the requests of a container are no list of resources")
    return lists


def _most(lists: Sequence[Mapping[str, Any]], resource: str) -> Decimal:
    numbers = [_number(each[resource]) or Decimal() for each in lists if resource in each]
    return max(numbers) if numbers else Decimal()


def _number(value: object) -> Decimal | None:
    return None if value is None else _parsed(value) if isinstance(value, str) else quantity(value, "a request")


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Decimal:
    """Ten thousand pods share a few hundred quantities."""
    return quantity(text, "a request")
