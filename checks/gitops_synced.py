"""What Argo CD and Flux roll out is in sync and healthy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal, TypeAlias

from pydantic import Field

from gatekeeper.check import (
    Cluster,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Health,
    Namespaces,
    NotFound,
    Resource,
    Status,
    at,
    bounded,
    dicts,
    judge_object,
    numbered,
    place_of,
    say,
    some,
)

APPLICATIONS: Final = Resource("argoproj.io", "v1alpha1", "applications")
KUSTOMIZATIONS: Final = Resource("kustomize.toolkit.fluxcd.io", "v1", "kustomizations")
HELM_RELEASES: Final = Resource("helm.toolkit.fluxcd.io", "v2", "helmreleases")
DEFINITIONS: Final = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
NAMESPACES: Final = Resource("", "v1", "namespaces")
Tool: TypeAlias = Literal["argocd", "flux"]
_KINDS: Final[Sequence[tuple[Tool, str, Resource]]] = (
    ("argocd", "Application", APPLICATIONS),
    ("flux", "Kustomization", KUSTOMIZATIONS),
    ("flux", "HelmRelease", HELM_RELEASES),
)
_HINTS: Final = {
    "Application": "argocd app get {namespace}/{name}",
    "Kustomization": "flux -n {namespace} get kustomization {name}",
    "HelmRelease": "flux -n {namespace} get helmrelease {name}",
}


@dataclass(frozen=True, slots=True)
class _Found:
    kind: str
    place: str
    health: Health

    def evidence(self) -> Evidence:
        status, message = self.health
        namespace, _, name = self.place.rpartition("/")
        hint = _HINTS[self.kind].format(namespace=namespace, name=name)
        return Evidence(f"{self.kind}{status}", f"{self.kind} {self.place}", f"{status}: {message}", "Healthy", hint)


class GitopsSynced(ClusterCheck):
    """Every Argo CD Application and every Flux Kustomization and HelmRelease is in sync and healthy.

    An Application is well when its health is Healthy, its sync status Synced (and about its present source), its last
    operation ended well, and it has no condition that ends with ``Error``. Degraded, Missing or Suspended health,
    OutOfSync, a failed operation and an error fail the check; Progressing, Unknown and a running operation are
    inconclusive. A Kustomization or HelmRelease is judged by kstatus' order (deletion, observedGeneration,
    ``Reconciling``, ``Stalled``, ``Ready``); a suspended one fails, as nobody keeps it in sync.

    Which kinds there are is found by asking. None of them, or none of a tool that ``tools`` names, is inconclusive; so
    is a kind that is installed but not served in the version that is read here, and a list without any object unless
    ``expect`` says ``any``. What a tool's controllers wrote stands when they are gone: ask workloads-rolled-out too.
    Sources: argoproj.io/v1alpha1 ApplicationStatus; Flux' kustomize.toolkit.fluxcd.io/v1, helm.toolkit.fluxcd.io/v2.

    Example:
        - check: gitops-synced
          tools: [flux]
        - check: gitops-synced
          tools: [argocd]
          projects: [platform, shop-*]
          allowOutOfSync: true
    """

    name: ClassVar[str] = "gitops-synced"
    claim: ClassVar[str] = "what Argo CD and Flux roll out is in sync and healthy"
    area: ClassVar[str] = "Any object"
    reads: ClassVar[tuple[Resource, ...]] = (APPLICATIONS, KUSTOMIZATIONS, HELM_RELEASES, DEFINITIONS, NAMESPACES)

    tools: tuple[Tool, ...] = Field(default=(), min_length=1)
    """Tools that must be there, and alone are asked; unless given, those that are found."""
    namespaces: Namespaces = Namespaces()
    """Whose objects; those of all namespaces unless given."""
    label_selector: str = ""
    """Only objects with these labels."""
    projects: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Only Applications of these Argo CD projects; may hold ``*``."""
    allow_out_of_sync: bool = False
    """Whether an Application may be OutOfSync, as where people sync by hand."""
    allow_suspended: bool = False
    """Whether what is suspended counts as healthy."""
    expect: Literal["some", "any"] = "some"
    """``some``: no object at all is inconclusive; ``any``: it is well."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Ask for each kind; what is not installed has no objects."""
        queries = await self.namespaces.queries(ctx.cluster)
        found: list[_Found] = []
        here: dict[Tool, None] = {}
        for tool, kind, resource in _KINDS:
            if self.tools and tool not in self.tools:
                continue
            objects = await self._objects(ctx.cluster, resource, queries)
            if objects is not None:
                here[tool] = None
                found += [_Found(kind, place_of(each, kind), self._judge(kind, each)) for each in objects]
        missing = [tool for tool in dict.fromkeys(self.tools) if tool not in here]
        if missing or not here:
            return Finding.inconclusive(f"{' and '.join(missing or ['argocd', 'flux'])}: not installed here")
        if not found:
            judge = Finding.passed if self.expect == "any" else Finding.inconclusive
            return judge(f"{' and '.join(here)}: there is nothing to be kept in sync")
        return _answer(found)

    async def _objects(
        self, cluster: Cluster, resource: Resource, queries: Sequence[tuple[str | None, str]]
    ) -> list[Mapping[str, Any]] | None:
        """All objects of a kind; None when it is not installed.

        Raises:
            NotFound: it is installed, and not served in this version.
        """
        found: list[Mapping[str, Any]] = []
        try:
            for namespace, selector in queries:
                found += await cluster.objects(
                    resource, namespace=namespace, label_selector=self.label_selector, field_selector=selector
                )
        except NotFound as error:
            definition = await cluster.table(DEFINITIONS, field_selector=f"metadata.name={resource}")
            if definition.rows:
                raise NotFound(f"{resource} is installed, but not served as {resource.version}") from error
            return None
        if resource == APPLICATIONS:
            projects = [(each, str(at(each, "spec", "project"))) for each in found]
            return [each for each, project in projects if any(fnmatchcase(project, glob) for glob in self.projects)]
        return found

    def _judge(self, kind: str, item: Mapping[str, Any]) -> Health:
        health = self._application(item) if kind == "Application" else _flux(item)
        if self.allow_suspended and health.status is Status.SUSPENDED:
            return Health(Status.HEALTHY, health.message)
        return health

    def _application(self, item: Mapping[str, Any]) -> Health:
        """The worst that an Application says of itself; what is wrong comes before what is unclear."""
        if at(item, "metadata", "deletionTimestamp") is not None:
            return Health(Status.PROGRESSING, "is being deleted")
        told = [_errors(item), _operation(item), self._sync(item), _health(item)]
        wrong = [each for each in told if each.status is not Status.HEALTHY]
        return min(wrong, key=_is_unclear, default=Health(Status.HEALTHY, "Synced and Healthy"))

    def _sync(self, item: Mapping[str, Any]) -> Health:
        compared, status = at(item, "status", "sync", "comparedTo"), at(item, "status", "sync", "status")
        for key in ("source", "sources"):
            if compared is not None and at(compared, key) != at(item, "spec", key):
                return Health(Status.PROGRESSING, "has not been compared with its present source")
        if status == "Synced" or (status == "OutOfSync" and self.allow_out_of_sync):
            return Health(Status.HEALTHY, str(status))
        if status == "OutOfSync":
            return Health(Status.DEGRADED, "OutOfSync")
        return Health(Status.UNKNOWN, f"its sync status is {say(status, 40) or 'missing'}")


def _errors(item: Mapping[str, Any]) -> Health:
    for each in dicts(at(item, "status", "conditions"), "status.conditions"):
        if str(each.get("type")).endswith("Error"):
            return Health(Status.DEGRADED, say(f"{each.get('type')}: {each.get('message')}"))
    return Health(Status.HEALTHY, "no errors")


def _operation(item: Mapping[str, Any]) -> Health:
    phase, message = at(item, "status", "operationState", "phase"), at(item, "status", "operationState", "message")
    words = say(f"its last operation: {phase} {message or ''}")
    if phase in ("Failed", "Error"):
        return Health(Status.DEGRADED, words)
    if at(item, "operation") is not None:
        return Health(Status.PROGRESSING, "an operation is asked for")
    return Health(Status.HEALTHY if phase in (None, "Succeeded") else Status.PROGRESSING, words)


def _health(item: Mapping[str, Any]) -> Health:
    word, message = at(item, "status", "health", "status"), at(item, "status", "health", "message")
    known = {status.value: status for status in Status}
    status = known.get(word, Status.UNKNOWN) if isinstance(word, str) else Status.UNKNOWN
    return Health(status, say(f"its health is {word} {message or ''}"))


def _flux(item: Mapping[str, Any]) -> Health:
    if at(item, "spec", "suspend") is True:
        return Health(Status.SUSPENDED, "is suspended: nobody keeps it in sync")
    if at(item, "status", "observedGeneration") is None:
        return Health(Status.PROGRESSING, "its controller has not seen it")
    return judge_object(item)


def _answer(found: list[_Found]) -> Finding:
    wrong = [each for each in found if each.health.status is not Status.HEALTHY]
    kinds = [(kind, sum(each.kind == kind for each in found)) for _, kind, _ in _KINDS]
    total = " and ".join(numbered(count, kind) for kind, count in kinds if count)
    if not wrong:
        return Finding.passed(f"{total}, all in sync and healthy")
    wrong.sort(key=lambda each: _is_unclear(each.health))
    bad = sum(not _is_unclear(each.health) for each in wrong)
    few = some([f"{each.kind} {each.place} is {each.health.status} ({say(each.health.message, 80)})" for each in wrong])
    evidence = bounded([each.evidence() for each in wrong])
    if bad:
        also = f", {len(wrong) - bad} not settled" if len(wrong) > bad else ""
        return Finding.failed(f"{bad} of {total} {'is' if bad == 1 else 'are'} not well{also}: {few}", evidence)
    return Finding.inconclusive(f"{len(wrong)} of {total} not settled: {few}", evidence)


def _is_unclear(health: Health) -> bool:
    return health.status in (Status.PROGRESSING, Status.UNKNOWN)
