"""Every node can be drained: what an update does to each of them, tried in thought first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import ceil
from typing import Any, ClassVar, Final, Literal, TypeAlias

from pydantic import Field

from gatekeeper.check import (
    BadAnswer,
    Cluster,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    NotFound,
    Resource,
    Tolerance,
    Workbench,
    at,
    bounded,
    condition,
    controller_of,
    dicts,
    name_of,
    node_subject,
    numbered,
    place_of,
    pod_requests,
    pool_of,
    quantity,
    say,
    selects,
    some,
)

NODES: Final = Resource("", "v1", "nodes")
PODS: Final = Resource("", "v1", "pods")
BUDGETS: Final = Resource("policy", "v1", "poddisruptionbudgets")
VOLUMES: Final = Resource("", "v1", "persistentvolumes")
_UNFINISHED: Final = "status.phase!=Succeeded,status.phase!=Failed"
_OF_A_POD: Final = (
    "metadata.labels",
    "metadata.annotations",
    "metadata.ownerReferences",
    "metadata.deletionTimestamp",
    "spec.nodeName",
    "spec.nodeSelector",
    "spec.volumes",
    "spec.resources",
    "spec.overhead",
    "spec.containers.name",
    "spec.containers.resources",
    "spec.initContainers.name",
    "spec.initContainers.resources",
    "spec.initContainers.restartPolicy",
    "status.phase",
    "status.conditions",
    "status.containerStatuses.name",
    "status.containerStatuses.resources",
    "status.containerStatuses.allocatedResources",
    "status.initContainerStatuses.name",
    "status.initContainerStatuses.resources",
    "status.initContainerStatuses.allocatedResources",
)
_OF_A_VOLUME: Final = ("spec.claimRef", "spec.local", "spec.hostPath")
_MIRROR: Final = "kubernetes.io/config.mirror"
_SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"
_GENERATIONS: Final = (("metadata", "generation"), ("status", "observedGeneration"))
_HOSTNAME: Final = "kubernetes.io/hostname"

Room: TypeAlias = dict[str, int]
"""Thousandths of cores, bytes and pieces, by resource."""
Weight = Literal["failed", "unclear", "reported"]
_WEIGHTS: Final[Mapping[Weight, int]] = {"failed": 0, "unclear": 1, "reported": 2}


@dataclass(frozen=True, slots=True)
class _Pod:
    place: str
    body: Mapping[str, Any] = field(compare=False, repr=False)
    moves: bool = field(compare=False)
    """Whether a drain evicts it."""
    needs: Room = field(compare=False, repr=False)
    """What it requests."""

    @property
    def namespace(self) -> str:
        return self.place.partition("/")[0]

    @property
    def name(self) -> str:
        return self.place.partition("/")[2]

    @property
    def is_ready(self) -> bool:
        return bool(at(condition(self.body, "Ready"), "status") == "True")

    @property
    def selected(self) -> Mapping[str, Any]:
        """Its node selector."""
        chosen = at(self.body, "spec", "nodeSelector")
        return chosen if isinstance(chosen, Mapping) else {}


@dataclass(slots=True)
class _Node:
    name: str
    pool: str
    labels: Mapping[str, Any]
    takes_pods: bool
    room: Room
    """Allocatable."""
    pods: list[_Pod] = field(default_factory=list)
    left: Room = field(default_factory=dict)
    """Of its room, after all of its pods."""
    kept: Room = field(default_factory=dict)
    """Of its room, after those pods that stay in a drain: what an extra node like it has for others."""

    def add(self, pod: _Pod) -> None:
        self.pods.append(pod)
        for rooms in (self.left,) if pod.moves else (self.left, self.kept):
            _take(rooms, pod)


@dataclass(frozen=True, slots=True)
class _Fact:
    """Something that a drain of a node meets; those of a code and a subject become one evidence."""

    weight: Weight
    code: str
    subject: str
    words: str
    hint: str
    node: _Node
    pod: str = ""


@dataclass(frozen=True, slots=True)
class _Budget:
    place: str
    takes: Callable[[object], bool] = field(compare=False, repr=False)
    """Whether it is for pods with these labels."""
    body: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        return self.place.partition("/")[2]

    @property
    def subject(self) -> str:
        return f"PodDisruptionBudget {self.place}"

    def status(self, key: str) -> int:
        value = at(self.body, "status", key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadAnswer(f"status.{key} of {self.subject} is {value!r:.50}, which is no count")
        return value

    def refusal(self, pod: _Pod, node: _Node) -> _Fact | None:
        """Why the eviction API would not let a pod go now, if so."""
        healthy, desired = self.status("currentHealthy"), self.status("desiredHealthy")
        allowed, expected = self.status("disruptionsAllowed"), self.status("expectedPods")
        always = at(self.body, "spec", "unhealthyPodEvictionPolicy") == "AlwaysAllow"
        if not pod.is_ready and (always or healthy >= desired > 0):
            return None
        generation, observed = (at(self.body, *path) for path in _GENERATIONS)
        if generation is None or generation != observed:
            words, hint = "has a status that is older than its spec", "is kube-controller-manager running?"
            return _Fact("unclear", "BudgetStale", self.subject, words, hint, node, pod.place)
        if allowed > 0:
            return None
        words = f"allows no disruption: {healthy} of {expected} pods are healthy, {desired} must stay so"
        never = "run one more replica than must be available, or set maxUnavailable: 1"
        hint = (
            f"{never if desired >= expected else 'mend its pods'}; kubectl -n {pod.namespace} describe pdb {self.name}"
        )
        return _Fact("failed", "DrainBlocked", self.subject, words, hint, node, pod.place)


class Drainable(ClusterCheck):
    """Each node of the pools can be drained, as an update does: its pods may be evicted, and find room elsewhere.

    Each node is drained in thought from what is there now, cordoned ones too; an update comes to them all. Static pods,
    those of DaemonSets and those already leaving are not evicted. Then these are

    - failed: a pod whose PodDisruptionBudget allows no disruption (an unready pod may go if the budget says
      ``AlwaysAllow`` or enough others are healthy; a pending one always), or that has two budgets, which the eviction
      API answers with 500; a pod without a controller, which nobody makes anew; a pod with a volume on the node's own
      disk (``local`` or ``hostPath`` PersistentVolume); pods that find no room;
    - inconclusive: a budget whose status is older than its spec;
    - reported: more pods of a budget on one node than it lets go at once (they wait for each other), pods that mount
      the node's files (hostPath), that are tied to the node by its hostname, or ask not to be evicted
      (``safe-to-evict: "false"``); and how many lose an emptyDir.

    *Room* is on the other Ready, uncordoned nodes of the pool and on ``surge`` extra ones like the drained, by requests
    against allocatable, first fit, the largest first. Node selectors count; affinities, taints, spread, ports and zones
    of volumes do not: it is rough. With a surge of one and more it seldom fails, with 0 often.

    ``askServer`` asks the API server itself, by evictions with ``dryRun=All`` of some pods that nothing is known
    against; this also finds webhooks that are against it, and needs create on pods/eviction. Rules: k8s.io/kubernetes,
    pkg/registry/core/pod/storage/eviction.go; kubectl's drain filters. All unfinished pods are read, some 10 kB each.

    Example:
        - check: drainable
          pools: [system, user]
          surge: 33%
          withoutController: reported
          ignore: [build/*]
          timeout: 60s

        - check: drainable
          surge: 0
          askServer: true
          sample: 10
    """

    name: ClassVar[str] = "drainable"
    claim: ClassVar[str] = "every node can be drained"
    area: ClassVar[str] = "Before an update"
    reads: ClassVar[tuple[Resource, ...]] = (NODES, PODS, BUDGETS, VOLUMES)
    writes: ClassVar[tuple[tuple[str, Resource], ...]] = (("create", Resource("", "v1", "pods/eviction")),)

    pools: tuple[str, ...] = Field(default=(), min_length=1)
    """Only these AKS node pools; all unless given. Each must have a node."""
    surge: Tolerance = Tolerance(count=1)
    """So many nodes are added to a pool before any is drained (maxSurge): a count, or a percentage of the pool that is
    rounded up, as AKS does."""
    without_controller: Literal["failed", "reported"] = "failed"
    """What a pod comes to that nobody makes anew."""
    local_volumes: Literal["failed", "reported"] = "failed"
    """What a pod comes to whose PersistentVolume is a part of the node."""
    ignore: tuple[str, ...] = Field(default=(), min_length=1)
    """Pods that may block, as ``namespace/name``; may hold ``*``. They want room like others."""
    ask_server: bool = False
    """Also ask the API server, by evictions that are not carried out."""
    sample: int = Field(default=20, ge=1, le=200)
    """So many pods are asked about at most: one of each controller, those with a budget first."""

    def writes_in(self) -> tuple[str, ...]:
        """Evictions are asked for in all namespaces, and only if ``askServer`` says so."""
        return ("",) if self.ask_server else ()

    async def run(self, ctx: ClusterContext) -> Finding:
        """Read it all, then drain each node in thought."""
        pods = await ctx.cluster.objects(PODS, field_selector=_UNFINISHED, keep=_OF_A_POD)
        everything = [_node(each) for each in await ctx.cluster.objects(NODES) if not _is_virtual(each)]
        nodes = [node for node in everything if not self.pools or node.pool in self.pools]
        missing = sorted(set(self.pools) - {node.pool for node in nodes})
        if not nodes or missing or not pods:
            where = f" in pool {', '.join(missing)}" if missing else ""
            what = "pod" if nodes and not missing else f"node{where}"
            return Finding.inconclusive(f"there is no {what}, so nothing can be said of a drain")
        _settle(pods, nodes)
        budgets = await _budgets(ctx.cluster)
        local = await _local_claims(ctx.cluster, nodes)
        facts: list[_Fact] = []
        for node in nodes:
            facts += _budget_facts(node, budgets)
            for pod in node.pods:
                facts += self._pod_facts(node, pod, local)
            facts += self._room_facts(node, [each for each in nodes if each.pool == node.pool])
        facts = [fact for fact in facts if not (fact.pod and self._ignores(fact.pod))]
        if self.ask_server:
            known = {fact.pod for fact in facts if fact.weight == "failed"}
            facts += await self._asked(ctx.workbench, nodes, budgets, known)
        return _answer(nodes, facts)

    def _ignores(self, place: str) -> bool:
        return any(fnmatchcase(place, pattern) for pattern in self.ignore)

    def _pod_facts(self, node: _Node, pod: _Pod, local: frozenset[str]) -> Iterator[_Fact]:
        if not pod.moves:
            return
        owner, see = controller_of(pod.body), f"kubectl -n {pod.namespace} describe pod {pod.name}"
        if not any(each.get("controller") is True for each in _owners(pod.body)):
            hint = "put it under a Deployment or StatefulSet, or delete it"
            words = "has no controller: when it is evicted, nobody makes it anew"
            yield _Fact(self.without_controller, "PodWithoutController", owner, words, hint, node, pod.place)
        if local & set(_claims(pod)):
            hint = "move its data to a disk that can follow it, or scale it down for the update"
            words = "keeps data in a PersistentVolume on the node's own disk"
            yield _Fact(self.local_volumes, "LocalVolume", owner, words, hint, node, pod.place)
        if any(at(each, "hostPath") is not None for each in _volumes(pod)):
            yield _Fact(
                "reported", "HostPathMounted", owner, "mounts files of the node (hostPath)", see, node, pod.place
            )
        if _HOSTNAME in pod.selected:
            yield _Fact("reported", "PodTiedToNode", owner, "is tied to the node by its hostname", see, node, pod.place)
        if at(pod.body, "metadata", "annotations", _SAFE_TO_EVICT) == "false":
            words = 'asks not to be evicted (safe-to-evict: "false"), which a drain does not heed'
            yield _Fact("reported", "NotSafeToEvict", owner, words, see, node, pod.place)

    def _room_facts(self, node: _Node, pool: Sequence[_Node]) -> Iterator[_Fact]:
        extra = self.surge.count if self.surge.count is not None else -(-len(pool) * (self.surge.percent or 0) // 100)
        labels = {key: value for key, value in node.labels.items() if key != _HOSTNAME}
        surged = [(node.kept, labels) for _ in range(min(extra, len(node.pods)))]
        moving = [pod for pod in node.pods if pod.moves and _HOSTNAME not in pod.selected]
        if not _homeless(moving, surged):
            return
        others = [(each.left, each.labels) for each in pool if each is not node and each.takes_pods]
        if homeless := _homeless(moving, [*others, *surged]):
            few = some([f"{pod.place} ({_amounts(pod)})" for pod in homeless])
            where = f"{numbered(len(others), 'other node')} of the pool and {extra} extra"
            words = f"{len(homeless)} of {numbered(len(moving), 'pod')} would find no room on {where}: {few}"
            hint = f"add nodes, or let the update surge: az aks nodepool update -n {node.pool or 'POOL'} --max-surge 1"
            yield _Fact("failed", "NoRoom", node_subject(node.name, node.pool), words, hint, node)

    async def _asked(
        self, workbench: Workbench, nodes: Sequence[_Node], budgets: Mapping[str, Sequence[_Budget]], known: set[str]
    ) -> list[_Fact]:
        """The server's own words to the eviction of one pod of each controller."""
        one: dict[str, tuple[_Node, _Pod]] = {}
        for node in nodes:
            for pod in node.pods:
                if pod.moves and pod.place not in known and not self._ignores(pod.place):
                    one.setdefault(controller_of(pod.body), (node, pod))
        order = sorted(one.items(), key=lambda each: (not _of(each[1][1], budgets), each[0]))
        facts = []
        for owner, (node, pod) in order[: self.sample]:
            try:
                said = await workbench.would_evict(pod.namespace, pod.name)
            except NotFound:
                continue  # it has gone meanwhile
            if not said.allowed:
                words = f"its eviction is refused by the API server with {said.status}: {say(said.message)}"
                hint = f"kubectl drain {node.name} --dry-run=server --ignore-daemonsets --delete-emptydir-data"
                facts.append(_Fact("failed", "EvictionRefused", owner, words, hint, node, pod.place))
        return facts


def _is_virtual(node: Mapping[str, Any]) -> bool:
    """Virtual nodes are no machines, and no update comes to them."""
    return bool(at(node, "metadata", "labels", "type") == "virtual-kubelet")


def _node(body: Mapping[str, Any]) -> _Node:
    name, labels, room = name_of(body, "a node"), at(body, "metadata", "labels"), at(body, "status", "allocatable")
    if not isinstance(room, Mapping) or not {"cpu", "memory", "pods"} <= room.keys():
        raise BadAnswer(f"node {name} does not say what is allocatable")
    # What has a slash is a device, such as nvidia.com/gpu.
    counted = [key for key in room if key in ("cpu", "memory", "pods") or "/" in key]
    amounts = {key: int(quantity(room[key], f"allocatable {key}") * 1000) for key in counted}
    ready = at(condition(body, "Ready"), "status") == "True" and at(body, "metadata", "deletionTimestamp") is None
    takes_pods = ready and at(body, "spec", "unschedulable") in (None, False)
    known = labels if isinstance(labels, Mapping) else {}
    return _Node(name, pool_of(body), known, takes_pods, amounts, left=dict(amounts), kept=dict(amounts))


def _settle(pods: Sequence[Mapping[str, Any]], nodes: Sequence[_Node]) -> None:
    """Put each pod on its node."""
    by_name = {node.name: node for node in nodes}
    resources = {resource for node in nodes for resource in node.room}
    for body in pods:
        name, place = at(body, "spec", "nodeName"), place_of(body, "a pod")
        if isinstance(name, str) and name in by_name:
            amounts = pod_requests(body, resources)
            needs = {resource: ceil(amount * 1000) for resource, amount in sorted(amounts.items()) if amount}
            by_name[name].add(_Pod(place, body, _moves(body), needs))


def _moves(pod: Mapping[str, Any]) -> bool:
    """Not a static pod, nor one of a DaemonSet, nor one that is leaving by itself."""
    of_a_daemon_set = any(each.get("controller") is True and each.get("kind") == "DaemonSet" for each in _owners(pod))
    is_static = at(pod, "metadata", "annotations", _MIRROR) is not None
    return not (of_a_daemon_set or is_static or at(pod, "metadata", "deletionTimestamp") is not None)


def _owners(pod: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return dicts(at(pod, "metadata", "ownerReferences"), "ownerReferences")


def _volumes(pod: _Pod) -> Sequence[Mapping[str, Any]]:
    return dicts(at(pod.body, "spec", "volumes"), "the volumes of a pod")


def _claims(pod: _Pod) -> Iterator[str]:
    for volume in _volumes(pod):
        claim = at(volume, "persistentVolumeClaim", "claimName")
        if claim is None and at(volume, "ephemeral") is not None:
            claim = f"{pod.name}-{volume.get('name')}"
        if claim is not None:
            yield f"{pod.namespace}/{claim}"


async def _local_claims(cluster: Cluster, nodes: Sequence[_Node]) -> frozenset[str]:
    """The claims, as ``namespace/name``, whose volume is a part of a node; asked only if a pod that moves has one."""
    if not any(True for node in nodes for pod in node.pods if pod.moves for _ in _claims(pod)):
        return frozenset()
    volumes = await cluster.objects(VOLUMES, keep=_OF_A_VOLUME)
    own = [each for each in volumes if any(at(each, "spec", kind) is not None for kind in ("local", "hostPath"))]
    claims = [at(each, "spec", "claimRef") for each in own]
    return frozenset(f"{at(claim, 'namespace')}/{at(claim, 'name')}" for claim in claims)


def _homeless(pods: Sequence[_Pod], places: Sequence[tuple[Room, Mapping[str, Any]]]) -> list[_Pod]:
    """First fit, the largest first; the places are not changed."""
    rooms = [(dict(room), labels) for room, labels in places]
    homeless = []
    tried: Counter[tuple[object, ...]] = Counter()
    for pod in sorted(pods, key=_size, reverse=True):
        # Rooms only fill: what refused a pod refuses all that are like it.
        alike = (*pod.needs.items(), None, *pod.selected.items())
        while tried[alike] < len(rooms) and not _fits(pod, *rooms[tried[alike]]):
            tried[alike] += 1
        if tried[alike] == len(rooms):
            homeless.append(pod)
        else:
            _take(rooms[tried[alike]][0], pod)
    return homeless


def _size(pod: _Pod) -> tuple[int, int]:
    return pod.needs.get("memory", 0), pod.needs.get("cpu", 0)


def _fits(pod: _Pod, room: Room, labels: Mapping[str, Any]) -> bool:
    roomy = all(need <= room.get(resource, 0) for resource, need in pod.needs.items())
    return roomy and all(labels.get(key) == value for key, value in pod.selected.items())


def _take(room: Room, pod: _Pod) -> None:
    for resource, need in pod.needs.items():
        room[resource] = room.get(resource, 0) - need


def _amounts(pod: _Pod) -> str:
    memory, cpu = _size(pod)
    return f"{cpu / 1000:.2f} cores, {memory / 1000 / 2**30:.1f} GiB"


async def _budgets(cluster: Cluster) -> Mapping[str, Sequence[_Budget]]:
    """All budgets, by namespace."""
    found: dict[str, list[_Budget]] = defaultdict(list)
    for body in await cluster.objects(BUDGETS):
        place = place_of(body, "a PodDisruptionBudget")
        takes = selects(at(body, "spec", "selector"), f"PodDisruptionBudget {place}")
        found[place.partition("/")[0]].append(_Budget(place, takes, body))
    return found


def _of(pod: _Pod, budgets: Mapping[str, Sequence[_Budget]]) -> list[_Budget]:
    labels = at(pod.body, "metadata", "labels")
    return [budget for budget in budgets.get(pod.namespace, ()) if budget.takes(labels)]


def _budget_facts(node: _Node, budgets: Mapping[str, Sequence[_Budget]]) -> Iterator[_Fact]:
    """What the eviction API would say to the pods of a node."""
    asked: Counter[_Budget] = Counter()
    for pod in node.pods:
        # The eviction API lets pending pods go without asking any budget.
        if not pod.moves or at(pod.body, "status", "phase") == "Pending":
            continue
        mine = _of(pod, budgets)
        if len(mine) > 1:
            names = " and ".join(each.name for each in mine)
            words = f"budgets {names} both match its pods, so evicting them answers 500"
            hint = "narrow their selectors: a pod may have one budget only"
            yield _Fact("failed", "BudgetsOverlap", controller_of(pod.body), words, hint, node, pod.place)
        elif mine and (fact := mine[0].refusal(pod, node)) is not None:
            yield fact
        elif mine:
            asked[mine[0]] += 1
    for budget, pods in asked.items():
        allowed = budget.status("disruptionsAllowed")
        if 0 < allowed < pods:
            words = f"lets {allowed} of its {pods} pods on one node go at a time, so that its drain waits"
            hint = "spread its pods over nodes (topologySpreadConstraints)"
            yield _Fact("reported", "DrainWaits", budget.subject, words, hint, node)


def _answer(nodes: Sequence[_Node], facts: Sequence[_Fact]) -> Finding:
    groups: dict[tuple[str, str], list[_Fact]] = defaultdict(list)
    for fact in facts:
        groups[fact.code, fact.subject].append(fact)
    several = sorted(groups.values(), key=lambda each: (_WEIGHTS[each[0].weight], -len(each), each[0].subject))
    evidence = bounded(_evidence(each) for each in several)
    for weight, judge, word in (
        ("failed", Finding.failed, "cannot be drained"),
        ("unclear", Finding.inconclusive, "may not be drained, for all that is known"),
    ):
        those = [each for each in several if each[0].weight == weight]
        if those:
            count = len({fact.node.name for each in those for fact in each})
            few = some([f"{each[0].subject} {each[0].words}" for each in those], 2)
            return judge(f"{count} of {numbered(len(nodes), 'node')} {word}: {few}", evidence)
    moving = [pod for node in nodes for pod in node.pods if pod.moves]
    lost = sum(any(at(volume, "emptyDir") is not None for volume in _volumes(pod)) for pod in moving)
    notes = f", of which {lost} lose an emptyDir" if lost else ""
    notes += f"; {numbered(len(several), 'note')}" if several else ""
    return Finding.passed(
        f"all {numbered(len(nodes), 'node')} can be drained: {len(moving)} pods move{notes}", evidence
    )


def _evidence(facts: Sequence[_Fact]) -> Evidence:
    first = facts[0]
    nodes = list(dict.fromkeys(fact.node.name for fact in facts))
    pools = sorted({fact.node.pool for fact in facts} - {""})
    pods = [fact.pod for fact in facts if fact.pod]
    where = f"; on {some(nodes)}" + (f" (pool {', '.join(pools)})" if pools else "")
    which = f"; {numbered(len(pods), 'pod')}: {some(pods)}" if pods else ""
    observed = first.words if first.code == "NoRoom" else f"{first.words}{which}{where}"
    return Evidence(first.code, first.subject, observed, "it can be evicted, and runs elsewhere", first.hint)
