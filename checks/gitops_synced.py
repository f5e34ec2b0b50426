"""What Argo CD and Flux roll out is in sync and healthy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    format_duration,
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
_LATELY: Final = timedelta(minutes=2)  # a few sweeps; Flux looks at an object in seconds
_Key: TypeAlias = tuple[str, str, str]
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
    revision: str = ""
    """Which generation and revision it is about; empty for what is not looked at again by itself."""

    @classmethod
    def of(cls, kind: str, item: Mapping[str, Any], health: Health) -> _Found:
        attempted, metadata = at(item, "status", "lastAttemptedRevision"), at(item, "metadata")
        routine = kind != "Application" and attempted and at(metadata, "deletionTimestamp") is None
        revision = say(f"{at(metadata, 'generation')} {attempted}") if routine else ""
        return cls(kind, place_of(item, kind), health, revision)

    @property
    def key(self) -> _Key:
        """The object at this revision."""
        return self.kind, self.place, self.revision

    def evidence(self) -> Evidence:
        status, message = self.health
        namespace, _, name = self.place.rpartition("/")
        hint = _HINTS[self.kind].format(namespace=namespace, name=name)
        return Evidence(f"{self.kind}{status}", f"{self.kind} {self.place}", f"{status}: {message}", "Healthy", hint)


class GitopsSynced(ClusterCheck):
    """Every Argo CD Application and every Flux Kustomization and HelmRelease is in sync and healthy.

    An Application is well when its health is Healthy, its sync status Synced (and about its present source and
    destination), its last operation ended well, and it has no condition that ends with ``Error``. Degraded, Missing or
    Suspended health, OutOfSync, a failed operation and an error fail the check; Progressing, Unknown and a running
    operation are inconclusive. A Kustomization or HelmRelease is judged by kstatus' order (deletion,
    observedGeneration, ``Reconciling``, ``Stalled``, ``Ready``); a suspended one fails, as nobody keeps it in sync.
    Flux says Unknown of an object whenever it looks at it again, every few minutes for some seconds: one that an
    earlier sweep, at most two minutes ago, saw well at the same revision is well still.

    Which kinds there are is found by asking. None of them, or none of a tool that ``tools`` names, is inconclusive; so
    is a kind that is installed but not served in the version that is read here, and a list without any object unless
    ``expect`` says ``any``. What a tool's controllers wrote stands when they are gone: ask workloads-rolled-out too. A
    Flux object is Ready at its last revision while its source cannot be fetched: ask objects-healthy of the sources.
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
                found += [_Found.of(kind, each, self._judge(kind, each)) for each in objects]
        missing = [tool for tool in dict.fromkeys(self.tools) if tool not in here]
        if missing or not here:
            return Finding.inconclusive(f"{' and '.join(missing or ['argocd', 'flux'])}: not installed here")
        if not found:
            judge = Finding.passed if self.expect == "any" else Finding.inconclusive
            return judge(f"{' and '.join(here)}: there is nothing to be kept in sync")
        return _answer(found, _well_lately(ctx, found, await ctx.cluster.now()))

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
        if status == "Synced" and compared is None:
            return Health(Status.PROGRESSING, "does not say what it was compared with")
        # With a source hydrator, what is compared is what it writes, and stands nowhere in the spec.
        hydrated = at(item, "spec", "sourceHydrator") is not None
        for key in ("sources", "destination") if hydrated else ("source", "sources", "destination"):
            if compared is not None and not _same(_filled(at(compared, key)), _filled(at(item, "spec", key))):
                return Health(Status.PROGRESSING, f"has not been compared with its present {key.removesuffix('s')}")
        if status == "Synced" or (status == "OutOfSync" and self.allow_out_of_sync):
            return Health(Status.HEALTHY, str(status))
        if status == "OutOfSync":
            return Health(Status.DEGRADED, "OutOfSync")
        return Health(Status.UNKNOWN, f"its sync status is {say(status, 40) or 'missing'}")


def _same(compared: object, wanted: object) -> bool:
    """Whether a source or destination is the one that was compared.

    Some versions of Argo CD write beside the name of a destination the server that they found for it, or the other way.
    """
    if isinstance(compared, Mapping) and isinstance(wanted, Mapping):
        found = compared.keys() - wanted.keys()
        if found in ({"server"}, {"name"}) and {"server", "name"} & wanted.keys():
            return all(compared.get(key) == value for key, value in wanted.items())
    return compared == wanted


def _filled(source: object) -> object:
    """A source without what is empty: Argo CD writes, and compares, sources as Go structs, in which ``{}``, ``false``
    and nothing are one. Next to several sources it writes the one source as ``{"repoURL": ""}``.
    """
    if isinstance(source, Mapping):
        kept = {key: _filled(value) for key, value in source.items()}
        return {key: value for key, value in kept.items() if value} or None
    if isinstance(source, Sequence) and not isinstance(source, str):
        return [_filled(each) for each in source] or None
    return source or None


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


def _well_lately(ctx: ClusterContext, found: Sequence[_Found], now: datetime) -> Sequence[_Found]:
    """What is Progressing, and was well at the same revision in an earlier sweep, not long ago and not before the
    member's update. Remembers what is well now.
    """
    note = ctx.notebook.read("well")
    known: dict[_Key, datetime] = note.value if note else {}
    well = {each.key: now for each in found if each.revision and each.health.status is Status.HEALTHY}
    since = max(filter(None, (now - _LATELY, ctx.member.completed_at)))
    moving = [each for each in found if each.revision and each.health.status is Status.PROGRESSING]
    lately = [each for each in moving if (seen := known.get(each.key)) is not None and seen >= since]
    ctx.notebook.write("well", {**well, **{each.key: known[each.key] for each in lately}})
    return lately


def _answer(found: list[_Found], lately: Sequence[_Found]) -> Finding:
    wrong = [each for each in found if each.health.status is not Status.HEALTHY and each not in lately]
    kinds = [(kind, sum(each.kind == kind for each in found)) for _, kind, _ in _KINDS]
    total = " and ".join(numbered(count, kind) for kind, count in kinds if count)
    if not wrong:
        again = (
            f"; {len(lately)} being looked at again, and well {format_duration(_LATELY)} ago or less" if lately else ""
        )
        return Finding.passed(f"{total}, all in sync and healthy{again}")
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
