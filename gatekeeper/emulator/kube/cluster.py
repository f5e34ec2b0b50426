"""One member cluster in memory: manifests in, an API server's view out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeAlias

from gatekeeper.emulator.kube import seeds
from gatekeeper.emulator.kube.access import Access
from gatekeeper.emulator.kube.admission import Moment, admit, key_of
from gatekeeper.emulator.kube.counters import Counters
from gatekeeper.emulator.kube.faults import Faults
from gatekeeper.emulator.kube.health import Health
from gatekeeper.emulator.kube.jobs import Jobs
from gatekeeper.emulator.kube.kinds import Catalogue, Resource, from_definition
from gatekeeper.emulator.kube.manifests import Manifest, ManifestError, clean_copy, merge
from gatekeeper.emulator.kube.overlays import Overlays, is_deletion
from gatekeeper.emulator.kube.stored import Collection, Stored

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


class KubeCluster:
    """One cluster: its objects, its version, who may read it, and what is wrong with its API server.

    ``faults``, ``access`` and ``health`` may be changed at any time; ``metrics`` is a text for ``/metrics`` instead of
    what ``counters`` has counted. The clock gives ages, Leases and the Date header. A manifest stands for itself: no
    controller runs here, so state status as it shall be read. Only a Job that is created over HTTP runs, as ``jobs``
    says. ``proxied`` has what Services answer through the API server's proxy, as status and body:
    ``{"shop/web:80/healthz": (200, "ok")}``.
    """

    def __init__(self, name: str, version: str = "v1.34.2", clock: Clock = utc_now) -> None:
        self.name = name
        self.version = _with_v(version)
        self.clock = clock
        self.faults = Faults()
        self.access = Access()
        self.health = Health()
        self.counters = Counters(clock())
        self.metrics: str | None = None
        self.jobs = Jobs()
        self.proxied: dict[str, tuple[int, str]] = {}
        self._reset()

    @property
    def resource_version(self) -> int:
        """The version of the newest write."""
        return self._version

    def collection(self, resource: Resource) -> Collection:
        """Return all objects of a resource, to be read only."""
        return self._collections.setdefault(resource.qualified, Collection())

    def apply(self, manifest: Manifest) -> None:
        """Create an object, or replace it whole. Raises ManifestError for an unknown kind or a missing name.

        Where an overlay lies over the object, this changes what lies beneath.
        """
        resource, key = self._locate(manifest)
        if is_deletion(manifest):
            raise ManifestError("$patch: delete belongs in an overlay")
        if self._overlays.covers(resource, key):
            self._overlays.set_base(resource, key, clean_copy(manifest))
            self._show(resource, key)
        else:
            self._write(resource, key, clean_copy(manifest))

    def apply_all(self, manifests: Iterable[Manifest]) -> None:
        """Apply several manifests in order; see ``load_manifests`` for YAML."""
        for manifest in manifests:
            self.apply(manifest)

    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Remove an object, overlays included. Raises KeyError when there is none."""
        resource = self.catalogue.of(kind)
        key = f"{namespace}/{name}" if resource.namespaced else name
        self._overlays.forget(resource, key)
        if not self._remove(resource, key):
            raise KeyError(f"{kind} {key}")

    def replace_all(self, manifests: Iterable[Manifest]) -> None:
        """Empty the cluster, overlays included, and apply these manifests."""
        self._reset()
        self.apply_all(manifests)

    def get(self, kind: str, name: str, namespace: str = "default") -> Manifest:
        """Return an object as it is read now, overlays included. Raises KeyError when there is none."""
        resource = self.catalogue.of(kind)
        stored = self.collection(resource).get(f"{namespace}/{name}" if resource.namespaced else name)
        if stored is None:
            raise KeyError(f"{kind} {namespace}/{name}")
        return stored.manifest()

    def all_of(self, kind: str) -> list[Manifest]:
        """Return all objects of a kind."""
        return [stored.manifest() for stored in self.collection(self.catalogue.of(kind)).scan()]

    def set_overlay(self, name: str, manifests: Iterable[Manifest]) -> None:
        """Lay partial manifests over the objects they name; ``clear_overlay`` takes them off again.

        Each is merged as a JSON merge patch (conditions by their type). An object that does not exist is created.
        ``$patch: delete`` in a manifest hides the object.
        """
        self.clear_overlay(name)
        for manifest in manifests:
            resource, key = self._locate(manifest)
            found = self.collection(resource).get(key)
            self._overlays.add(name, resource, key, clean_copy(manifest), found.manifest() if found else None)
            self._show(resource, key)

    def clear_overlay(self, name: str) -> None:
        """Take an overlay off; what lies beneath shows again. An unknown name is fine."""
        for resource, key in self._overlays.remove(name):
            self._show(resource, key)

    def upgrade(self, version: str | None = None, node_image: str | None = None, *, nodes: bool = True) -> None:
        """Take the cluster to a Kubernetes version and/or its nodes to an image, all at once.

        ``nodes=False`` upgrades the control plane alone; only ``node_image`` leaves all versions as they are.
        """
        if version is not None:
            self.version = _with_v(version)
        resource = self.catalogue.of("Node")
        for stored in list(self.collection(resource).scan()):
            patch: Manifest = {}
            if version is not None and nodes:
                info = {"kubeletVersion": self.version, "kubeProxyVersion": self.version}
                patch["status"] = {"nodeInfo": info}
            if node_image is not None:
                patch["metadata"] = {"labels": {"kubernetes.azure.com/node-image-version": node_image}}
            self._change(resource, stored.key, patch)

    def patch(self, kind: str, name: str, patch: Manifest, namespace: str = "default") -> None:
        """Merge a patch into an existing object for good, below any overlay. Raises KeyError when there is none."""
        resource = self.catalogue.of(kind)
        key = f"{namespace}/{name}" if resource.namespaced else name
        if self.collection(resource).get(key) is None:
            raise KeyError(f"{kind} {key}")
        self._change(resource, key, patch)

    def _change(self, resource: Resource, key: str, patch: Manifest) -> None:
        stored = self.collection(resource).get(key)
        base = self._overlays.base(resource, key)
        if base is not None:
            self._overlays.set_base(resource, key, merge(base, patch))
            self._show(resource, key)
        elif stored is not None and patch:
            self._write(resource, key, merge(stored.manifest(), clean_copy(patch)))

    def _show(self, resource: Resource, key: str) -> None:
        """Write what an object and its overlays come to."""
        manifest = self._overlays.effective(resource, key)
        if manifest is None:
            self._remove(resource, key)
        else:
            self._write(resource, key, clean_copy(manifest))

    def _locate(self, manifest: Manifest) -> tuple[Resource, str]:
        if not isinstance(manifest, dict) or "kind" not in manifest:
            raise ManifestError("a manifest is a mapping with apiVersion and kind")
        resource = self.catalogue.of(str(manifest["kind"]), manifest.get("apiVersion"))
        return resource, key_of(resource, manifest)

    def _write(self, resource: Resource, key: str, manifest: Manifest) -> None:
        collection = self.collection(resource)
        previous = collection.get(key)
        self._version += 1
        moment = Moment(self.name, self._version, self.clock())
        admitted = admit(resource, manifest, previous.manifest() if previous else None, moment)
        collection.put(Stored.of(resource, key, admitted))
        if resource.kind == "CustomResourceDefinition":
            added = from_definition(admitted)
            self.catalogue.add(added)
            for each in {found.api_version: found for found in added}.values():
                self._ensure(seeds.api_service(each.group, each.version))
        if resource.namespaced:
            self._ensure(seeds.namespace(admitted["metadata"]["namespace"]))

    def _ensure(self, manifest: Manifest) -> None:
        resource, key = self._locate(manifest)
        if self.collection(resource).get(key) is None:
            self._write(resource, key, manifest)

    def _remove(self, resource: Resource, key: str) -> bool:
        found = self.collection(resource).pop(key)
        if found is None:
            return False
        self._version += 1
        if resource.kind == "CustomResourceDefinition":
            self.catalogue.remove(from_definition(found.manifest()))
        return True

    def _reset(self) -> None:
        self._version = 1_000
        self.catalogue = Catalogue()
        self._collections: dict[str, Collection] = {}
        self._overlays = Overlays()
        for manifest in seeds.of_every_cluster():
            self._ensure(manifest)


def _with_v(version: str) -> str:
    return version if version.startswith("v") else f"v{version}"
