"""Every node can be drained: what an update does to each of them, tried in thought first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    NODES,
    BadAnswer,
    Budget,
    Budgets,
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
    dicts,
    drains,
    format_duration,
    is_virtual,
    node_subject,
    numbered,
    rooms,
    say,
    some,
    time_of,
)

PODS: Final = Resource("", "v1", "pods")
BUDGETS: Final = Resource("policy", "v1", "poddisruptionbudgets")
VOLUMES: Final = Resource("", "v1", "persistentvolumes")
_OF_A_VOLUME: Final = ("spec.claimRef", "spec.local", "spec.hostPath", "spec.nodeAffinity")
_SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"
_NODE_KEYS: Final = ("hostname", "node", "nodename")
"""Labels whose name ends so name a node: ``kubernetes.io/hostname``, ``topology.topolvm.io/node``."""
_STUCK: Final = timedelta(minutes=5)
"""So long after its grace has ended a pod that still leaves is stuck."""

Weight = Literal["failed", "unclear", "reported"]
_WEIGHTS: Final[Mapping[Weight, int]] = {"failed": 0, "unclear": 1, "reported": 2}


@dataclass(frozen=True, slots=True)
class _Fact:
    """Something that a drain of a node meets; those of a code and a subject become one evidence."""

    weight: Weight
    code: str
    subject: str
    words: str
    hint: str
    node: drains.Node
    pod: str = ""


class Drainable(ClusterCheck):
    """Each node of the pools can be drained, as an update does: its pods may be evicted, and find room elsewhere.

    Each node is drained in thought from what is there now, cordoned ones too; an update comes to them all. Static pods,
    those of DaemonSets and those already leaving are not evicted. Then these are

    - failed: a pod whose PodDisruptionBudget allows no disruption (an unready pod may go if the budget says
      ``AlwaysAllow`` or enough others are healthy; a pending one always), or that has two budgets, which the eviction
      API answers with 500; a pod without a controller, which nobody makes anew; a pod with a volume on the node's own
      disk (a PersistentVolume that is ``local`` or ``hostPath``, or bound to a node by its name); pods that find no
      room;
    - inconclusive: a budget whose status is older than its spec; a pod that should have been gone for five minutes and
      is still leaving, for which a drain waits;
    - reported: more pods of a budget on one node than it lets go at once (they wait for each other), pods that mount
      the node's files (hostPath), that are tied to the node by its name, or ask not to be evicted
      (``safe-to-evict: "false"``); and how many lose an emptyDir.

    *Room* is on the other nodes of the pool that take pods (Ready, not cordoned, not tainted as sick or about to go)
    and on ``surge`` extra ones like the drained, by requests against allocatable, first fit, the largest first. Node
    selectors, required node affinity, taints and tolerations count; affinities among pods, spread, ports, zones of
    volumes and pods that wait for a node already do not: it is rough. With a surge of one and more it seldom fails,
    with 0 often. Virtual nodes are no machines and are left out.

    ``askServer`` asks the API server itself, by evictions with ``dryRun=All`` of some pods that nothing is known
    against; this also finds webhooks that are against it, and needs create on pods/eviction. Rules: k8s.io/kubernetes,
    pkg/registry/core/pod/storage/eviction.go; kubectl's drain filters; k8s.io/component-helpers, scheduling/corev1. All
    unfinished pods are read whole, some 10 kB each (half a kB compressed); ``capacity-headroom`` shares the reading.

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
        pods = await ctx.cluster.objects(PODS, field_selector=rooms.UNFINISHED_PODS, keep=rooms.POD_FIELDS)
        everything = [drains.Node.of(each) for each in await ctx.cluster.objects(NODES) if not is_virtual(each)]
        nodes = [node for node in everything if not self.pools or node.pool in self.pools]
        missing = sorted(set(self.pools) - {node.pool for node in nodes})
        if not nodes or missing or not pods:
            where = f" in pool {', '.join(missing)}" if missing else ""
            what = "pod" if nodes and not missing else f"node{where}"
            return Finding.inconclusive(f"there is no {what}, so nothing can be said of a drain")
        drains.put_on(nodes, pods)
        budgets = Budgets(map(Budget.of, await ctx.cluster.objects(BUDGETS)))
        local = await _local_claims(ctx.cluster, nodes)
        facts = list(self._facts(nodes, budgets, local, await ctx.cluster.now()))
        facts = [fact for fact in facts if not (fact.pod and self._ignores(fact.pod))]
        if self.ask_server:
            known = {fact.pod for fact in facts if fact.weight == "failed"}
            facts += await self._asked(ctx.workbench, nodes, budgets, known)
        return _answer(nodes, facts)

    def _facts(
        self, nodes: Sequence[drains.Node], budgets: Budgets, local: frozenset[str], now: datetime
    ) -> Iterator[_Fact]:
        """All that the drains of these nodes meet."""
        by_pool: dict[str, list[drains.Node]] = defaultdict(list)
        for node in nodes:
            by_pool[node.pool].append(node)
        pools = {name: drains.Pool.of(those) for name, those in by_pool.items()}
        for node in nodes:
            yield from _budget_facts(node, budgets)
            for pod in node.pods:
                yield from self._pod_facts(node, pod, local) if pod.moves else _stuck(node, pod, now)
            yield from self._room_facts(node, pools[node.pool])

    def _ignores(self, place: str) -> bool:
        return any(fnmatchcase(place, pattern) for pattern in self.ignore)

    def _pod_facts(self, node: drains.Node, pod: drains.Pod, local: frozenset[str]) -> Iterator[_Fact]:
        def fact(weight: Weight, code: str, words: str, hint: str = "") -> _Fact:
            hint = hint or f"kubectl -n {pod.namespace} describe pod {pod.name}"
            return _Fact(weight, code, pod.owner, words, hint, node, pod.place)

        if not pod.is_made_anew:
            words = "has no controller: when it is evicted, nobody makes it anew"
            hint = "put it under a Deployment or StatefulSet, or delete it"
            yield fact(self.without_controller, "PodWithoutController", words, hint)
        if local and _is_local(pod, local):
            words = "keeps data in a PersistentVolume on the node's own disk"
            hint = "move its data to a disk that can follow it, or scale it down for the update"
            yield fact(self.local_volumes, "LocalVolume", words, hint)
        if pod.mounts.host_path:
            yield fact("reported", "HostPathMounted", "mounts files of the node (hostPath)")
        if pod.wish.is_tied:
            yield fact("reported", "PodTiedToNode", "is tied to the node by its hostname")
        if at(pod.body, "metadata", "annotations", _SAFE_TO_EVICT) == "false":
            words = 'asks not to be evicted (safe-to-evict: "false"), which a drain does not heed'
            yield fact("reported", "NotSafeToEvict", words)

    def _room_facts(self, node: drains.Node, pool: drains.Pool) -> Iterator[_Fact]:
        percent = self.surge.percent or 0
        extra = self.surge.count if self.surge.count is not None else -(-len(pool.nodes) * percent // 100)
        labels = {key: value for key, value in node.labels.items() if key != rooms.HOSTNAME}
        surged = [rooms.Place("", labels, pool.taints, node.kept) for _ in range(min(extra, len(node.pods)))]
        moving = [pod for pod in node.moving if not pod.wish.is_tied]
        if not rooms.Places(surged).homeless(moving, node.name):
            return
        if homeless := pool.places.homeless(moving, node.name, surged):
            others = sum(each.takes_pods for each in pool.nodes if each is not node)
            few = some([f"{pod.place} ({_amounts(pod)})" for pod in homeless])
            where = f"{numbered(others, 'other node')} of the pool and {extra} extra"
            words = f"{len(homeless)} of {numbered(len(moving), 'pod')} would find no room on {where}: {few}"
            hint = f"add nodes, or let the update surge: az aks nodepool update -n {node.pool or 'POOL'} --max-surge 1"
            yield _Fact("failed", "NoRoom", node_subject(node.name, node.pool), words, hint, node)

    async def _asked(
        self, workbench: Workbench, nodes: Sequence[drains.Node], budgets: Budgets, known: set[str]
    ) -> list[_Fact]:
        """The server's own words to the eviction of one pod of each controller."""
        one: dict[str, tuple[drains.Node, drains.Pod]] = {}
        for node in nodes:
            for pod in node.moving:
                if pod.place not in known and not self._ignores(pod.place):
                    one.setdefault(pod.owner, (node, pod))
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


def _is_local(pod: drains.Pod, local: frozenset[str]) -> bool:
    """Whether one of its claims is for a part of a node. An ephemeral claim has the name of its pod, and more."""
    if any(f"{pod.namespace}/{claim}" in local for claim in pod.mounts.claims):
        return True
    return pod.mounts.ephemeral and any(claim.startswith(f"{pod.place}-") for claim in local)


def _stuck(node: drains.Node, pod: drains.Pod, now: datetime) -> Iterator[_Fact]:
    """A pod that is leaving is not evicted, but a drain waits until it is gone."""
    leaving = at(pod.body, "metadata", "deletionTimestamp")
    if leaving is None or drains.belongs_to_node(pod.body):
        return
    end = time_of(leaving)
    if end is None:
        raise BadAnswer(f"the deletionTimestamp of pod {pod.place} is {leaving!r:.50}, which is no time")
    if now - end > _STUCK:
        words = f"is still there {format_duration(now - end)} after it should have gone, and a drain waits for it"
        hint = f"kubectl -n {pod.namespace} get pod {pod.name} -o yaml; look for finalizers, and at its node"
        yield _Fact("unclear", "PodStuck", pod.owner, words, hint, node, pod.place)


async def _local_claims(cluster: Cluster, nodes: Sequence[drains.Node]) -> frozenset[str]:
    """The claims, as ``namespace/name``, whose volume is a part of a node; asked only if a pod that moves has one."""
    if not any(pod.moves and (pod.mounts.claims or pod.mounts.ephemeral) for node in nodes for pod in node.pods):
        return frozenset()
    volumes = await cluster.objects(VOLUMES, keep=_OF_A_VOLUME)
    claims = [at(each, "spec", "claimRef") for each in volumes if _is_of_a_node(each)]
    return frozenset(f"{at(claim, 'namespace')}/{at(claim, 'name')}" for claim in claims)


def _is_of_a_node(volume: Mapping[str, Any]) -> bool:
    """Whether a volume is on a node's own disk: by its kind, or as its driver binds it to one node by name."""
    if any(at(volume, "spec", kind) is not None for kind in ("local", "hostPath")):
        return True
    terms = dicts(at(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms"), "nodeSelectorTerms")
    keys = [str(each.get("key")) for term in terms for each in dicts(term.get("matchExpressions"), "matchExpressions")]
    return any(key.rpartition("/")[2] in _NODE_KEYS for key in keys)


def _amounts(pod: drains.Pod) -> str:
    memory, cpu = rooms.size_of(pod.wish)
    return f"{cpu / 1000:.2f} cores, {memory / 1000 / 2**30:.1f} GiB"


def _of(pod: drains.Pod, budgets: Budgets) -> list[Budget]:
    return budgets.of(pod.namespace, at(pod.body, "metadata", "labels"))


def _budget_facts(node: drains.Node, budgets: Budgets) -> Iterator[_Fact]:
    """What the eviction API would say to the pods of a node."""
    asked: Counter[Budget] = Counter()
    for pod in node.pods:
        # The eviction API lets pending pods go without asking any budget.
        if not pod.moves or at(pod.body, "status", "phase") == "Pending":
            continue
        mine = _of(pod, budgets)
        if len(mine) > 1:
            names = " and ".join(each.name for each in mine)
            words = f"budgets {names} both match its pods, so evicting them answers 500"
            hint = "narrow their selectors: a pod may have one budget only"
            yield _Fact("failed", "BudgetsOverlap", pod.owner, words, hint, node, pod.place)
        elif mine and (why := mine[0].refusal(is_ready=pod.is_ready)) is not None:
            weight: Weight = "failed" if why.is_certain else "unclear"
            code = "DrainBlocked" if why.is_certain else "BudgetStale"
            yield _Fact(weight, code, mine[0].subject, why.words, why.hint, node, pod.place)
        elif mine:
            asked[mine[0]] += 1
    for budget, pods in asked.items():
        allowed = budget.allowed
        if 0 < allowed < pods:
            words = f"lets {allowed} of its {pods} pods on one node go at a time, so that its drain waits"
            hint = "spread its pods over nodes (topologySpreadConstraints)"
            yield _Fact("reported", "DrainWaits", budget.subject, words, hint, node)


def _answer(nodes: Sequence[drains.Node], facts: Sequence[_Fact]) -> Finding:
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
    moving = [pod for node in nodes for pod in node.moving]
    lost = sum(pod.mounts.empty_dir for pod in moving)
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
