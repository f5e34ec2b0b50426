"""No PodDisruptionBudget stands in the way of draining a node."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    NODES,
    BadAnswer,
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
    has_nodes,
    numbered,
    place_of,
    pool_of,
    selector_text,
    some,
)

BUDGETS: Final = Resource("policy", "v1", "poddisruptionbudgets")
PODS: Final = Resource("", "v1", "pods")
# The eviction API lets pods of these phases go without asking any budget.
_EVICTION_ASKS: Final = "status.phase!=Succeeded,status.phase!=Failed,status.phase!=Pending"
_EXPLAINED: Final = 20  # so many budgets are looked up in pods and nodes


@dataclass(frozen=True, slots=True)
class _Verdict:
    code: str
    words: str
    hint: str


@dataclass(frozen=True, slots=True)
class _Budget:
    place: str
    """``namespace/name``."""
    body: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def namespace(self) -> str:
        return self.place.partition("/")[0]

    @property
    def name(self) -> str:
        return self.place.partition("/")[2]

    @property
    def subject(self) -> str:
        return f"PodDisruptionBudget {self.place}"

    def spec(self, key: str) -> Any:  # noqa: ANN401 - what a cluster says has any type
        return at(self.body, "spec", key)

    def status(self, key: str) -> int:
        value = at(self.body, "status", key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadAnswer(f"status.{key} of {self.subject} is {value!r:.50}, which is no count")
        return value

    @property
    def selector(self) -> str | None:
        """As text; policy/v1: an empty one takes all pods of the namespace, none takes none."""
        return selector_text(self.spec("selector"), self.subject)

    @property
    def rule(self) -> str:
        keys = [key for key in ("minAvailable", "maxUnavailable") if self.spec(key) is not None]
        return " ".join(f"{key} {self.spec(key)!s:.20}" for key in keys) or "no rule"

    @property
    def is_stale(self) -> bool:
        generation, observed = at(self.body, "metadata", "generation"), at(self.body, "status", "observedGeneration")
        return not isinstance(generation, int) or generation != observed


class DisruptionBudgets(ClusterCheck):
    """No PodDisruptionBudget would stop a node from being drained.

    Three things stop a drain. *Structural*: the budget never allows a disruption (``maxUnavailable: 0``, or as many
    pods must be available as there are). *Momentary*: it allows none now, since too few of its pods are healthy; with
    ``unhealthyPodEvictionPolicy: AlwaysAllow`` a budget none of whose pods is healthy stops nothing. *Misfit*: two
    budgets match one pod, and the eviction API answers 500. A budget that expects no pods stops nothing. A budget whose
    status is older than its spec is inconclusive. The evidence names the nodes and pools that are blocked. Without any
    budget the check passes, unless the cluster has no nodes either. Rules: k8s.io/kubernetes, pkg/controller/disruption
    and pkg/registry/core/pod/storage/eviction.go.

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
    allow: tuple[str, ...] = Field(default=(), min_length=1)
    """Budgets that may block, as ``namespace/name``; may hold ``*`` and ``?``."""
    momentary: Literal["failed", "ignored"] = "failed"
    """What a budget that blocks only for the moment comes to."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Judge every budget by its status; read pods and nodes only where there is something to explain."""
        budgets: list[_Budget] = []
        queries = await self.namespaces.queries(ctx.cluster)
        for namespace, selector in queries:
            found = await ctx.cluster.objects(BUDGETS, namespace=namespace, field_selector=selector)
            budgets += [_budget(each) for each in found]
        if not queries or not (budgets or await has_nodes(ctx.cluster)):
            return Finding.inconclusive("there are no budgets to look at, and no nodes either")
        fresh = [budget for budget in budgets if not budget.is_stale]
        verdicts = [(budget, _judge(budget)) for budget in fresh if not self._allows(budget)]
        blocking = [(budget, verdict) for budget, verdict in verdicts if verdict is not None]
        pools = await _pools(ctx.cluster) if blocking else {}
        evidence = [await _explain(ctx.cluster, budget, verdict, pools) for budget, verdict in blocking[:_EXPLAINED]]
        evidence += [_evidence(budget, verdict) for budget, verdict in blocking[_EXPLAINED:]]
        misfits = [misfit async for misfit in self._misfits(ctx.cluster, fresh)]
        stale = [_stale(budget) for budget in budgets if budget.is_stale and not self._allows(budget)]
        codes = Counter(verdict.code for _, verdict in blocking)
        codes["BudgetsOverlap"] = len(misfits)
        return self._answer(len(budgets), codes, len(stale), bounded([*evidence, *misfits, *stale]))

    def _allows(self, budget: _Budget) -> bool:
        return any(fnmatchcase(budget.place, pattern) for pattern in self.allow)

    async def _misfits(self, cluster: Cluster, budgets: Sequence[_Budget]) -> AsyncIterator[Evidence]:
        by_namespace: dict[str, list[_Budget]] = defaultdict(list)
        for budget in budgets:
            if budget.status("expectedPods") > 0 and budget.selector is not None:
                by_namespace[budget.namespace].append(budget)
        for namespace, several in by_namespace.items():
            if len(several) < 2:
                continue
            owners: dict[str, list[_Budget]] = defaultdict(list)
            for budget in several:
                for pod, _, _ in await _pods(cluster, budget):
                    owners[pod].append(budget)
            pairs = Counter(tuple(mine) for mine in owners.values() if len(mine) > 1)
            for mine, count in pairs.items():
                if not all(self._allows(budget) for budget in mine):
                    names = " and ".join(budget.name for budget in mine)
                    words = f"{names} match the same pods ({count}), so evicting them answers 500"
                    hint = "narrow their selectors: a pod may have one budget only"
                    yield Evidence("BudgetsOverlap", f"Namespace {namespace}", words, hint=hint)

    def _answer(self, total: int, codes: Counter[str], stale: int, evidence: Sequence[Evidence]) -> Finding:
        ignored = codes.pop("BudgetAllowsNoneNow", 0) if self.momentary == "ignored" else 0
        bad = [f"{codes[code]} {words}" for code, words in _WORDS.items() if codes[code]]
        if bad:
            first = next((f"; {each.subject}: {each.observed}" for each in evidence if codes[each.code]), "")
            return Finding.failed(f"of {total} PodDisruptionBudgets {', '.join(bad)}{first}", evidence)
        if stale:
            return Finding.inconclusive(f"{stale} of {total} PodDisruptionBudgets have a stale status", evidence)
        count = f"{total} looked at" if total else "there is none"
        momentary = f", {ignored} that allow none now are ignored" if ignored else ""
        return Finding.passed(f"no PodDisruptionBudget blocks a drain ({count}{momentary})", evidence)


_WORDS: Final = {
    "BudgetNeverAllows": "never allow a disruption",
    "BudgetAllowsNoneNow": "allow none now",
    "BudgetSyncFailed": "cannot be worked out",
    "BudgetsOverlap": "pairs match the same pods",
}


def _budget(body: Mapping[str, Any]) -> _Budget:
    place = place_of(body, "a PodDisruptionBudget")
    if "/" not in place:
        raise BadAnswer(f"PodDisruptionBudget {place} has no namespace")
    return _Budget(place, body)


def _judge(budget: _Budget) -> _Verdict | None:
    """Whether a budget blocks, by the controller's own numbers: percentages are rounded there."""
    if at(condition(budget.body, "DisruptionAllowed"), "reason") == "SyncFailed":
        words = "the controller cannot work out how many pods there should be, and allows no disruption"
        hint = f"kubectl -n {budget.namespace} describe pdb {budget.name}"
        return _Verdict("BudgetSyncFailed", words, hint)
    expected, healthy = budget.status("expectedPods"), budget.status("currentHealthy")
    desired, allowed = budget.status("desiredHealthy"), budget.status("disruptionsAllowed")
    if allowed > 0 or expected == 0:
        return None
    if desired >= expected or budget.spec("maxUnavailable") in (0, "0%"):
        hint = "run one more replica than must be available, or set maxUnavailable: 1"
        return _Verdict("BudgetNeverAllows", f"{budget.rule} with {expected} pods never allows a disruption", hint)
    if healthy == 0 and budget.spec("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return None
    words = f"{budget.rule}: {healthy} of {expected} pods are healthy and {desired} must stay so"
    return _Verdict("BudgetAllowsNoneNow", words, f"mend its pods: kubectl -n {budget.namespace} get pods")


async def _explain(cluster: Cluster, budget: _Budget, verdict: _Verdict, pools: Mapping[str, str]) -> Evidence:
    return _evidence(budget, verdict, await _blocked(cluster, budget, pools))


def _evidence(budget: _Budget, verdict: _Verdict, where: str = "") -> Evidence:
    return Evidence(verdict.code, budget.subject, verdict.words + where, "allows a disruption", verdict.hint)


def _stale(budget: _Budget) -> Evidence:
    hint = "is kube-controller-manager running?"
    return Evidence("BudgetStale", budget.subject, "its status is older than its spec", hint=hint)


async def _pools(cluster: Cluster) -> Mapping[str, str]:
    table = await cluster.table(NODES, metadata=True)
    return {str(each.get("name")): pool_of({"metadata": each}) for each in table.metadata}


async def _pods(cluster: Cluster, budget: _Budget) -> Sequence[tuple[str, str, bool]]:
    """Name, node and readiness of the pods that evicting would ask the budget about."""
    chosen = budget.selector
    if chosen is None:
        return ()
    table = await cluster.table(PODS, namespace=budget.namespace, label_selector=chosen, field_selector=_EVICTION_ASKS)
    rows = [
        (str(name), str(node), str(ready).split("/")) for name, node, ready in cells(table, "Name", "Node", "Ready")
    ]
    return [(pod, on, parts[0] == parts[-1]) for pod, on, parts in rows]


async def _blocked(cluster: Cluster, budget: _Budget, pools: Mapping[str, str]) -> str:
    """Where the pods are that cannot be evicted; unready ones can, if the policy or enough healthy ones let them."""
    healthy, desired = budget.status("currentHealthy"), budget.status("desiredHealthy")
    spares = budget.spec("unhealthyPodEvictionPolicy") == "AlwaysAllow" or healthy >= desired > 0
    stuck = [on for _, on, ready in await _pods(cluster, budget) if on in pools and (ready or not spares)]
    if not stuck:
        return ""
    nodes = sorted(set(stuck))
    where = sorted({pools[node] for node in nodes} - {""})
    return f"; {numbered(len(stuck), 'pod')} on {some(nodes)}" + (f" (pool {', '.join(where)})" if where else "")
