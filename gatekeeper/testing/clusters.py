"""A member cluster made of manifests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gatekeeper.check import BadAnswer, CouldNotLook, NotFound, Resource, Table, Text
from gatekeeper.emulator.kube.ages import Since
from gatekeeper.emulator.kube.kinds import Catalogue, from_definition
from gatekeeper.emulator.kube.kinds import Resource as Kind
from gatekeeper.emulator.kube.manifests import Manifest, rfc3339
from gatekeeper.emulator.kube.printers import printer_of
from gatekeeper.emulator.kube.selectors import parse_fields, parse_labels, selectable
from gatekeeper.projection import Projection

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
        texts: answers to nonResourceURLs, over the healthy ones of ``/version``, ``/readyz``, ``/livez``, ``/metrics``.
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

    async def text(self, path: str, *, limit: int = 64 * 1024, lines: tuple[str, ...] = ()) -> Text:
        """GET a nonResourceURL; an unknown one answers 404."""
        self._ask(_asked_by(path.partition("?")[0]))
        answer = self._texts.get(path, Text(404, "404 page not found"))
        if len(answer.body) > limit:
            raise BadAnswer(f"{self._name}: GET {path}: the answer is larger than {limit:,} bytes")
        if lines and answer.status == 200:
            return Text(200, "".join(f"{line}\n" for line in answer.body.split("\n") if line.startswith(lines)))
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


def _asked_by(path: str) -> Resource:
    """What a path asks for: itself, or a Service through the API server's proxy."""
    if path.startswith("/api/v1/namespaces/") and path.split("/")[5:6] == ["services"]:
        return Resource("", "v1", "services/proxy")
    return Resource.path(path)


def _healthy_texts(version: str) -> dict[str, Text]:
    checks = "[+]ping ok\n[+]etcd ok\n"
    return {
        "/version": Text(200, json.dumps({"gitVersion": version})),
        "/readyz?verbose": Text(200, f"{checks}readyz check passed\n"),
        "/livez?verbose": Text(200, f"{checks}livez check passed\n"),
        "/metrics": Text(200, 'apiserver_request_total{group="",resource="pods",verb="LIST",version="v1"} 1\n'),
    }
