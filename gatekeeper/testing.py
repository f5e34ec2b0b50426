"""The test kit for checks: a cluster made of manifests, a run of one check, and assertions on its finding.

It refuses to talk to anything: no HTTP, no clock but the one it is given. Rows come from the same printers and
selectors as the emulator's, so a check sees what a real API server would show.

Example:
    cluster = FakeCluster([node_manifest])
    finding = await ask(NodesReady(), cluster)
    assert_finding(finding, "failed", "1 of 1 nodes", codes=["NodeNotReady"])
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gatekeeper.check import (
    BadAnswer,
    Check,
    ClusterCheck,
    ClusterContext,
    CouldNotLook,
    Evidence,
    Finding,
    Gate,
    GateCheck,
    GateContext,
    HttpAnswer,
    HttpRequest,
    Member,
    NotFound,
    Outcome,
    Resource,
    Scope,
    Table,
    Target,
    Text,
)
from gatekeeper.emulator.kube.ages import Since
from gatekeeper.emulator.kube.kinds import Catalogue, from_definition
from gatekeeper.emulator.kube.kinds import Resource as Kind
from gatekeeper.emulator.kube.manifests import Manifest, parse_time, rfc3339
from gatekeeper.emulator.kube.printers import printer_of
from gatekeeper.emulator.kube.selectors import parse_fields, parse_labels, selectable
from gatekeeper.errors import Unreachable
from gatekeeper.model import FleetRef
from gatekeeper.projection import Projection

__all__ = [
    "NOW",
    "FakeAzure",
    "FakeCluster",
    "FakeHttp",
    "ask",
    "ask_gate",
    "assert_finding",
    "context",
    "gate",
    "member",
    "scope",
]

NOW: Final = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
"""The time in a FakeCluster, unless it is told another: a Monday."""

_DAY: Final = timedelta(days=1)


class FakeCluster:
    """A :class:`gatekeeper.check.Cluster` made of manifests, which it serves as they are.

    Only what every API server adds is added: a namespace (``default``), ``creationTimestamp`` (a day ago), ``labels``
    untouched, and a Namespace object for each namespace in use. CustomResourceDefinitions among the manifests are
    understood when they come before their objects.

    Args:
        manifests: Kubernetes objects; an unknown kind raises ManifestError.
        name: the member's name.
        version: what ``/version`` says.
        texts: answers to nonResourceURLs, over the healthy ones of ``/version``, ``/readyz`` and ``/livez``.
        now: the API server's clock.
    """

    def __init__(
        self,
        manifests: Iterable[Mapping[str, Any]] = (),
        *,
        name: str = "c1",
        version: str = "v1.34.2",
        texts: Mapping[str, Text] | None = None,
        now: datetime = NOW,
    ) -> None:
        self._name = name
        self._now = now
        self._kinds = Catalogue()
        self._stored: dict[tuple[str, str], dict[str, Manifest]] = {}
        self._failures: dict[Resource, CouldNotLook] = {}
        self._texts = {**_healthy_texts(version), **(texts or {})}
        self.asked: list[Resource] = []
        """All that was read, in order: for tests of a check's cost and of its ``reads``."""
        for manifest in manifests:
            self.apply(manifest)

    @property
    def name(self) -> str:
        """The member's name."""
        return self._name

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Add an object, or replace it whole."""
        copy: Manifest = deepcopy(dict(manifest))
        kind = self._kinds.of(str(copy["kind"]), copy.get("apiVersion"))
        metadata = copy.setdefault("metadata", {})
        metadata.setdefault("creationTimestamp", rfc3339(self._now - _DAY))
        if kind.namespaced:
            namespace = metadata.setdefault("namespace", "default")
            self._of(self._kinds.of("Namespace")).setdefault(
                namespace, {"metadata": {"name": namespace}, "status": {"phase": "Active"}}
            )
        if kind.kind == "CustomResourceDefinition":
            self._kinds.add(from_definition(copy))
        self._of(kind)[
            f"{metadata.get('namespace', '')}/{metadata['name']}" if kind.namespaced else metadata["name"]
        ] = copy

    def fail(self, resource: Resource, error: CouldNotLook) -> None:
        """Let every read of a resource (or of a path, ``Resource.path("/readyz")``) raise this error."""
        self._failures[resource] = error

    async def table(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        metadata: bool = False,
    ) -> Table:
        """List as rows."""
        kind = self._look(resource)
        found = self._select(kind, namespace, label_selector, field_selector)
        printer = printer_of(kind)
        rows = [tuple(c.text(self._now) if isinstance(c, Since) else c for c in printer.cells(each)) for each in found]
        shown = tuple(deepcopy(each["metadata"]) for each in found) if metadata else ()
        return Table(tuple(column.name for column in printer.columns), tuple(rows), shown)

    async def objects(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        keep: tuple[str, ...] = (),
    ) -> Sequence[Mapping[str, Any]]:
        """List whole objects, or what is to be kept of them."""
        found = deepcopy(self._select(self._look(resource), namespace, label_selector, field_selector))
        return [Projection(keep)(each) for each in found] if keep else found

    async def object(self, resource: Resource, name: str, *, namespace: str | None = None) -> Mapping[str, Any]:
        """One object. Raises NotFound."""
        kind = self._look(resource)
        found = self._of(kind).get(f"{namespace}/{name}" if kind.namespaced else name)
        if found is None:
            raise NotFound(f"{kind.plural} {name!r} not found")
        return deepcopy(found)

    async def text(self, path: str, *, limit: int = 64 * 1024) -> Text:
        """GET a nonResourceURL; an unknown one answers 404."""
        self._ask(Resource.path(path.partition("?")[0]))
        answer = self._texts.get(path, Text(404, "404 page not found"))
        if len(answer.body) > limit:
            raise BadAnswer(f"{self._name}: GET {path}: the answer is larger than {limit:,} bytes")
        return answer

    async def now(self) -> datetime:
        """The API server's clock."""
        return self._now

    def _of(self, kind: Kind) -> dict[str, Manifest]:
        return self._stored.setdefault((kind.group, kind.plural), {})

    def _ask(self, resource: Resource) -> None:
        self.asked.append(resource)
        if resource in self._failures:
            raise self._failures[resource]

    def _look(self, resource: Resource) -> Kind:
        self._ask(resource)
        api_version = f"{resource.group}/{resource.version}" if resource.group else resource.version
        kind = self._kinds.find(api_version, resource.plural)
        if kind is None:
            raise NotFound("the server could not find the requested resource")
        return kind

    def _select(self, kind: Kind, namespace: str | None, label_selector: str, field_selector: str) -> list[Manifest]:
        labels = parse_labels(label_selector)
        fields = parse_fields(field_selector, kind.plural, custom=kind.custom)

        def wanted(item: Manifest) -> bool:
            mine = item["metadata"].get("labels") or {}
            values = selectable(item, kind.plural, custom=kind.custom)
            here = namespace is None or item["metadata"].get("namespace") == namespace
            return here and all(r.matches(mine) for r in labels) and all(r.matches(values) for r in fields)

        return [item for _, item in sorted(self._of(kind).items()) if wanted(item)]


def _healthy_texts(version: str) -> dict[str, Text]:
    checks = "[+]ping ok\n[+]etcd ok\n"
    return {
        "/version": Text(200, json.dumps({"gitVersion": version})),
        "/readyz?verbose": Text(200, f"{checks}readyz check passed\n"),
        "/livez?verbose": Text(200, f"{checks}livez check passed\n"),
    }


class FakeHttp:
    """A :class:`gatekeeper.check.Http` that answers by URL, without regard to the query unless a URL has one.

    Args:
        answers: the answer of each URL, or the error that it raises; an unknown URL is Unreachable.
    """

    def __init__(self, answers: Mapping[str, HttpAnswer | CouldNotLook]) -> None:
        self._answers = dict(answers)
        self.asked: list[HttpRequest] = []
        """All requests, in order."""

    async def request(self, request: HttpRequest) -> HttpAnswer:
        """The answer of the URL."""
        self.asked.append(request)
        answer = self._answers.get(request.url) or self._answers.get(request.url.partition("?")[0])
        if answer is None:
            raise Unreachable(f"{request.method} {request.url}: no connection")
        if isinstance(answer, CouldNotLook):
            raise answer
        return answer


class FakeAzure:
    """A :class:`gatekeeper.check.Azure` that answers by path, in any case; an unknown path is NotFound.

    Args:
        answers: the JSON of each path, or the error that it raises; of a list, the body with its ``value``.
    """

    def __init__(self, answers: Mapping[str, Mapping[str, Any] | CouldNotLook]) -> None:
        self._answers = {path.lower(): answer for path, answer in answers.items()}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        """Path, api-version and query of all that was asked, in order."""

    async def get(self, path: str, api_version: str, **query: str) -> Mapping[str, Any]:
        """One answer."""
        self.asked.append((path, api_version, query))
        answer = self._answers.get(path.lower())
        if answer is None:
            raise NotFound(f"azure.get: HTTP 404 ResourceNotFound: {path}")
        if isinstance(answer, CouldNotLook):
            raise answer
        return deepcopy(answer)

    async def list(self, path: str, api_version: str, **query: str) -> Sequence[Mapping[str, Any]]:
        """The entries of ``value``."""
        found: Sequence[Mapping[str, Any]] = (await self.get(path, api_version, **query))["value"]
        return found

    def actions(self) -> set[str]:
        """The actions of an Azure role, in lower case, that what was asked needs."""
        return {_action(path) for path, _, _ in self.asked}


def _action(path: str) -> str:
    """``.../providers/Microsoft.X/a/1/b/2`` is ``microsoft.x/a/b/read``; so is ``.../a/1/b``."""
    provider, *rest = path.lower().rpartition("/providers/")[2].split("/")
    return "/".join([provider, *rest[::2], "read"])


def member(
    name: str = "c1",
    state: str = "Completed",
    *,
    started_at: datetime | None = None,
    completed_at: datetime | None = None,
) -> Member:
    """A member cluster of group ``g1`` in stage ``s1``; the run says nothing of its times unless told otherwise."""
    resource_id = f"/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/{name}"
    return Member(
        name, resource_id, stage="s1", group="g1", state=state, started_at=started_at, completed_at=completed_at
    )


def gate(timing: str = "After") -> Gate:
    """A Pending Approval gate of group ``g1`` in stage ``s1`` of run ``r1``."""
    fleet = FleetRef("00000000-0000-0000-0000-000000000000", "rg", "fleet")
    name = "6d8270cb-0000-4000-8000-000000000001"
    return Gate(fleet, name, "health", "Approval", "Pending", "r1", "s1", "g1", timing, '"1"')


def scope(target: Target | None = None, *, timing: str = "After", members: Sequence[Member] = ()) -> Scope:
    """The scope of :func:`gate`, with :func:`member` in it unless told otherwise."""
    asked = tuple(members) or (member(),)
    return Scope(gate(timing), target or Target(), asked, asked)


def context(cluster: FakeCluster, target: Target | None = None, **around: Any) -> ClusterContext:  # noqa: ANN401 - of many types
    """What a ClusterCheck is given when it is asked about this cluster.

    Args:
        cluster: the member.
        target: what the run updates to.
        around: any other field of the context: ``member``, ``tools``, ``workbench``, ``notebook``.
    """
    here = around.pop("member", None) or member(cluster.name)
    return replace(ClusterContext(cluster, here, scope(target, members=[here])), **around)


async def ask(check: ClusterCheck, cluster: FakeCluster, target: Target | None = None, **around: Any) -> Finding:  # noqa: ANN401 - see context
    """Run a check on a cluster, and make sure that it read nothing but what its ``reads`` declares.

    What stands ``around`` the cluster is told as in :func:`context`.
    """
    cluster.asked.clear()
    try:
        return await check.run(context(cluster, target, **around))
    finally:
        undeclared: set[object] = {*set(cluster.asked) - set(check.reads), *_undeclared_actions(check, around)}
        assert not undeclared, f"{check.name} asked for what it does not declare: {undeclared}"  # noqa: S101 - a test kit asserts


def _undeclared_actions(check: Check, around: Mapping[str, Any]) -> set[str]:
    """The actions on a FakeAzure that ``azure_actions`` does not declare, in lower case."""
    azure = around["tools"].azure if "tools" in around else None
    declared = {action.lower() for action in check.azure_actions}
    return azure.actions() - declared if isinstance(azure, FakeAzure) else set()


async def ask_gate(check: GateCheck, now: str | datetime, timing: str = "After", **around: Any) -> Finding:  # noqa: ANN401 - of many types
    """Run a GateCheck at a time, e.g. ``2026-11-23T10:00:00Z``.

    Any other field of the context stands ``around``: ``scope``, ``tools``, ``notebook``.
    """
    moment = now if isinstance(now, datetime) else parse_time(now)
    assert moment is not None, f"not a time: {now}"  # noqa: S101 - a test kit asserts
    return await check.run(replace(GateContext(scope(timing=timing), moment), **around))


def assert_finding(
    finding: Finding,
    outcome: str,
    message: str = "",
    *,
    codes: Iterable[str] | None = None,
    subjects: Iterable[str] | None = None,
) -> None:
    """Assert the outcome, a part of the message and, where given, the codes and subjects of all the evidence."""
    seen = f"{finding.outcome}: {finding.message} {[_words(each) for each in finding.evidence]}"
    assert finding.outcome is Outcome(outcome), seen  # noqa: S101 - a test kit asserts
    assert message in finding.message, seen  # noqa: S101 - a test kit asserts
    if codes is not None:
        assert sorted(each.code for each in finding.evidence) == sorted(codes), seen  # noqa: S101 - a test kit asserts
    if subjects is not None:
        assert sorted(each.subject for each in finding.evidence) == sorted(subjects), seen  # noqa: S101 - a test kit asserts


def _words(evidence: Evidence) -> str:
    return f"{evidence.code} {evidence.subject}: {evidence.observed}"
