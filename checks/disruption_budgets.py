"""No PodDisruptionBudget stands in the way of draining a node."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, StringConstraints

from gatekeeper.check import (
    NODES,
    BadAnswer,
    Budget,
    Cluster,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Namespaces,
    Resource,
    at,
    bounded,
    cells,
    condition,
    dicts,
    has_nodes,
    numbered,
    pool_of,
    selector_text,
    some,
)

BUDGETS: Final = Resource("policy", "v1", "poddisruptionbudgets")
PODS: Final = Resource("", "v1", "pods")
# The eviction API lets pods of these phases go without asking any budget, and those that are being deleted.
_EVICTION_ASKS: Final = "status.phase!=Succeeded,status.phase!=Failed,status.phase!=Pending"
_EXPLAINED: Final = 20  # so many budgets are looked up in pods and nodes
_MOMENTARY: Final = "BudgetAllowsNoneNow"


@dataclass(frozen=True, slots=True)
class _Verdict:
    code: str
    words: str
    hint: str


@dataclass(frozen=True, slots=True)
class _Pod:
    name: str
    node: str
    ready: bool
    stays: bool
    """A drain leaves it where it is: it belongs to a DaemonSet, or to the node itself."""
    namespace: str
    labels: object


@dataclass(frozen=True, slots=True)
class _Budget(Budget):
    @property
    def selector(self) -> str | None:
        """As text; policy/v1: an empty one takes all pods of the namespace, none takes none."""
        return selector_text(self.spec("selector"), self.subject)

    @property
    def labels(self) -> Mapping[str, str]:
        """What the selector wants of labels at least."""
        return at(self.spec("selector"), "matchLabels") or {}

    @property
    def rule(self) -> str:
        keys = [key for key in ("minAvailable", "maxUnavailable") if self.spec(key) is not None]
        return " ".join(f"{key} {self.spec(key)!s:.20}" for key in keys) or "no rule"

    @property
    def has_pods(self) -> bool:
        """Pods without a controller are healthy at most: a budget that counts by controllers does not expect them."""
        return self.status("expectedPods") > 0 or self.status("currentHealthy") > 0

    @property
    def may_miss_pods(self) -> bool:
        """Whether it counts no pod at all, and would stop unready ones that no controller wants.

        The eviction API lets unready pods go where enough are healthy, and for that it must want one at least.
        """
        by_controllers = isinstance(self.spec("minAvailable"), str) or self.spec("maxUnavailable") is not None
        always = self.spec("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        return by_controllers and not (self.has_pods or self.allowed > 0 or always)


class DisruptionBudgets(ClusterCheck):
    """No PodDisruptionBudget would stop a node from being drained.

    Three things stop a drain. *Structural*: the budget never allows a disruption (``maxUnavailable: 0``, or as many
    pods must be available as there are, though a rollout may have one to spare for a while; or its pods have no
    controller by which ``maxUnavailable`` or a percentage could be counted). *Momentary*: it allows none now, since too
    few of its pods are healthy; with ``unhealthyPodEvictionPolicy: AlwaysAllow`` a budget none of whose pods is healthy
    stops nothing. *Misfit*: two budgets match one pod, and the eviction API answers 500. A budget without pods stops
    nothing, and neither does one over the pods of DaemonSets, which a drain leaves. A budget whose status is older than
    its spec is inconclusive. The evidence names the nodes and pools that are blocked. Without any budget the check
    passes, unless the cluster has no nodes either. Rules: k8s.io/kubernetes, pkg/controller/disruption and
    pkg/registry/core/pod/storage/eviction.go.

    Example:
        - check: disruption-budgets
          allow: [shop/legacy-*]
          momentary: ignored
    """

    name: ClassVar[str] = "disruption-budgets"
    claim: ClassVar[str] = "no PodDisruptionBudget blocks a drain"
    area: ClassVar[str] = "Before an update"
    reads: ClassVar[tuple[Resource, ...]] = (BUDGETS, PODS, NODES, Resource("", "v1", "namespaces"))

    namespaces: Namespaces = Namespaces()
    """Whose budgets; those of all namespaces unless given."""
    allow: tuple[Annotated[str, StringConstraints(pattern=r"^[^/]+/[^/]+$")], ...] = Field(default=(), min_length=1)
    """Budgets that may block, as ``namespace/name``; may hold ``*`` and ``?``."""
    momentary: Literal["failed", "ignored"] = "failed"
    """What a budget that blocks only for the moment comes to."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Judge every budget by its status; read pods and nodes only where there is something to explain."""
        budgets: list[_Budget] = []
        for namespace, selector in await self.namespaces.queries(ctx.cluster):
            found = await ctx.cluster.objects(BUDGETS, namespace=namespace, field_selector=selector)
            budgets += [_Budget.of(each) for each in found]
        if not budgets and not await has_nodes(ctx.cluster):
            return Finding.inconclusive("there are no budgets to look at, and no nodes either")
        fresh = [budget for budget in budgets if not budget.is_stale]
        verdicts = [(budget, _judge(budget)) for budget in fresh if not self._allows(budget)]
        idle = [budget for budget, verdict in verdicts if verdict is None and budget.may_miss_pods]
        verdicts += await _uncounted(ctx.cluster, idle)
        blocking = [(budget, verdict) for budget, verdict in verdicts if verdict is not None]
        blocking.sort(key=lambda each: each[1].code == _MOMENTARY)
        pools = await _pools(ctx.cluster) if blocking else {}
        facts = [await _explain(ctx.cluster, budget, verdict, pools) for budget, verdict in blocking[:_EXPLAINED]]
        evidence = [fact for fact in facts if fact is not None]
        evidence += [_evidence(budget, verdict) for budget, verdict in blocking[_EXPLAINED:]]
        misfits = [misfit async for misfit in self._misfits(ctx.cluster, fresh)]
        stale = [_stale(budget) for budget in budgets if budget.is_stale and not self._allows(budget)]
        codes = Counter(fact.code for fact in evidence)
        codes["BudgetsOverlap"] = len(misfits)
        return self._answer(len(budgets), codes, len(stale), bounded([*evidence, *misfits, *stale]))

    def _allows(self, budget: _Budget) -> bool:
        return any(fnmatchcase(budget.place, pattern) for pattern in self.allow)

    async def _misfits(self, cluster: Cluster, budgets: Sequence[_Budget]) -> AsyncIterator[Evidence]:
        by_namespace: dict[str, list[_Budget]] = defaultdict(list)
        for budget in budgets:
            if budget.has_pods and budget.selector is not None:
                by_namespace[budget.namespace].append(budget)
        for namespace, several in by_namespace.items():
            owners: dict[str, list[_Budget]] = defaultdict(list)
            for budget in _that_may_meet(several):
                for pod in await _pods(cluster, budget):
                    if not pod.stays:
                        owners[pod.name].append(budget)
            pairs = Counter(tuple(mine) for mine in owners.values() if len(mine) > 1)
            for mine, count in pairs.items():
                if not all(self._allows(budget) for budget in mine):
                    names = " and ".join(budget.name for budget in mine)
                    words = f"{names} match the same pods ({count}), so evicting them answers 500"
                    hint = "narrow their selectors: a pod may have one budget only"
                    yield Evidence("BudgetsOverlap", f"Namespace {namespace}", words, hint=hint)

    def _answer(self, total: int, codes: Counter[str], stale: int, evidence: Sequence[Evidence]) -> Finding:
        ignored = codes.pop(_MOMENTARY, 0) if self.momentary == "ignored" else 0
        bad = [numbered(codes[code], *words) for code, words in _WORDS.items() if codes[code]]
        of = f"of {numbered(total, 'PodDisruptionBudget')}"
        if bad:
            first = next((f"; {each.subject}: {each.observed}" for each in evidence if codes[each.code]), "")
            return Finding.failed(f"{of} {', '.join(bad)}{first}", evidence)
        if stale:
            return Finding.inconclusive(f"{stale} {of} {'has' if stale == 1 else 'have'} a stale status", evidence)
        count = f"{total} looked at" if total else "there is none"
        momentary = f"; ignored: {numbered(ignored, *_WORDS[_MOMENTARY])}" if ignored else ""
        return Finding.passed(f"no PodDisruptionBudget blocks a drain ({count}{momentary})", evidence)


_WORDS: Final = {
    "BudgetNeverAllows": ("never allows a disruption", "never allow a disruption"),
    "BudgetExpectsNone": ("expects none of its pods", "expect none of their pods"),
    _MOMENTARY: ("allows none now", "allow none now"),
    "BudgetSyncFailed": ("cannot be worked out", "cannot be worked out"),
    "BudgetsOverlap": ("group matches the same pods", "groups match the same pods"),
}


def _judge(budget: _Budget) -> _Verdict | None:
    """Whether a budget blocks, by the controller's own numbers: percentages are rounded there."""
    if at(condition(budget.body, "DisruptionAllowed"), "reason") == "SyncFailed":
        words = "the controller cannot work out how many pods there should be, and allows no disruption"
        hint = f"kubectl -n {budget.namespace} describe pdb {budget.name}"
        return _Verdict("BudgetSyncFailed", words, hint)
    expected, healthy = budget.status("expectedPods"), budget.status("currentHealthy")
    desired, allowed = budget.status("desiredHealthy"), budget.status("disruptionsAllowed")
    if not budget.has_pods or (allowed > 0 and not budget.never_allows):
        return None
    if expected == 0:
        pods = "healthy pod has no controller that wants it", "healthy pods have no controllers that want them"
        return _expects_none(budget, numbered(healthy, *pods))
    if budget.never_allows:
        hint = "run one more replica than must be available, or set maxUnavailable: 1"
        spare = f", but for {numbered(allowed, 'pod')} to spare just now" if allowed > 0 else ""
        words = f"{budget.rule} with {expected} pods never allows a disruption{spare}"
        return _Verdict("BudgetNeverAllows", words, hint)
    if healthy == 0 and budget.spec("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return None
    words = f"{budget.rule}: {healthy} of {expected} pods are healthy and {desired} must stay so"
    return _Verdict(_MOMENTARY, words, f"mend its pods: kubectl -n {budget.namespace} get pods")


def _expects_none(budget: _Budget, pods: str) -> _Verdict:
    words = f"{budget.rule} counts by controllers, and {pods}: it allows no disruption"
    return _Verdict("BudgetExpectsNone", words, "give the pods a controller, or the budget minAvailable as a number")


async def _uncounted(cluster: Cluster, budgets: Sequence[_Budget]) -> list[tuple[_Budget, _Verdict | None]]:
    """What budgets come to that may miss pods; where these are many, all pods are read instead of those of each."""
    words = "pod has no controller that wants it", "pods have no controllers that want them"
    several = len(budgets) > _EXPLAINED
    by_namespace: dict[str, list[_Pod]] = defaultdict(list)
    for pod in await _read(cluster, None, "") if several else ():
        by_namespace[pod.namespace].append(pod)
    found: list[tuple[_Budget, _Verdict | None]] = []
    for budget in budgets:
        pods = by_namespace[budget.namespace] if several else await _pods(cluster, budget)
        moving = sum(not pod.stays and budget.takes(pod.labels) for pod in pods)
        found.append((budget, _expects_none(budget, numbered(moving, *words)) if moving else None))
    return found


async def _explain(cluster: Cluster, budget: _Budget, verdict: _Verdict, pools: Mapping[str, str]) -> Evidence | None:
    """The evidence; None if a drain leaves all of its pods where they are."""
    pods = await _pods(cluster, budget)
    if pods and all(pod.stays for pod in pods):
        return None
    return _evidence(budget, verdict, _where(budget, pods, pools))


def _evidence(budget: _Budget, verdict: _Verdict, where: str = "") -> Evidence:
    return Evidence(verdict.code, budget.subject, verdict.words + where, "allows a disruption", verdict.hint)


def _stale(budget: _Budget) -> Evidence:
    hint = "is kube-controller-manager running?"
    return Evidence("BudgetStale", budget.subject, "its status is older than its spec", hint=hint)


def _that_may_meet(budgets: Sequence[_Budget]) -> Iterator[_Budget]:
    """Those of a namespace that could match one pod: of a label that all of them want, they want the same value."""
    keys = sorted(set.intersection(*(set(budget.labels) for budget in budgets)))
    wanted = [tuple(budget.labels[key] for key in keys) for budget in budgets]
    several = Counter(wanted)
    return (budget for budget, values in zip(budgets, wanted, strict=True) if several[values] > 1)


async def _pools(cluster: Cluster) -> Mapping[str, str]:
    table = await cluster.table(NODES, metadata=True)
    return {str(each.get("name")): pool_of({"metadata": each}) for each in table.metadata}


async def _pods(cluster: Cluster, budget: _Budget) -> Sequence[_Pod]:
    """The pods that evicting would ask the budget about."""
    chosen = budget.selector
    return () if chosen is None else await _read(cluster, budget.namespace, chosen)


async def _read(cluster: Cluster, namespace: str | None, selector: str) -> Sequence[_Pod]:
    table = await cluster.table(
        PODS, namespace=namespace, label_selector=selector, field_selector=_EVICTION_ASKS, metadata=True
    )
    if len(table.metadata) != len(table.rows):
        raise BadAnswer("the table of pods has rows without metadata")
    rows = zip(cells(table, "Name", "Node", "Ready"), table.metadata, strict=True)
    return [
        _Pod(str(name), str(node), _is_full(str(ready)), _stays(each), str(each.get("namespace")), each.get("labels"))
        for (name, node, ready), each in rows
        if each.get("deletionTimestamp") is None
    ]


def _is_full(ready: str) -> bool:
    some_of, _, all_of = ready.partition("/")
    return some_of == all_of


def _stays(metadata: Mapping[str, Any]) -> bool:
    owners = dicts(metadata.get("ownerReferences"), "metadata.ownerReferences")
    return any(owner.get("controller") is True and owner.get("kind") in ("DaemonSet", "Node") for owner in owners)


def _where(budget: _Budget, pods: Sequence[_Pod], pools: Mapping[str, str]) -> str:
    """Where the pods are that cannot be evicted; unready ones can, if the policy or enough healthy ones let them."""
    healthy, desired = budget.status("currentHealthy"), budget.status("desiredHealthy")
    spares = budget.spec("unhealthyPodEvictionPolicy") == "AlwaysAllow" or healthy >= desired > 0
    stuck = [pod.node for pod in pods if pod.node in pools and not pod.stays and (pod.ready or not spares)]
    if not stuck:
        return ""
    nodes = sorted(set(stuck))
    where = sorted({pools[node] for node in nodes} - {""})
    return f"; {numbered(len(stuck), 'pod')} on {some(nodes)}" + (f" (pool {', '.join(where)})" if where else "")
