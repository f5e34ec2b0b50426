"""What an API server adds to a manifest before it keeps it: metadata, generations and a few defaults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from gatekeeper.emulator.kube.kinds import Resource
from gatekeeper.emulator.kube.manifests import Manifest, ManifestError, at, rfc3339

_WITH_REPLICAS = ("Deployment", "ReplicaSet", "StatefulSet")


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where a write happens: cluster, resource version and time."""

    cluster: str
    version: int
    now: datetime


def key_of(resource: Resource, manifest: Manifest) -> str:
    """Return the key of a manifest, ``namespace/name`` or ``name``. Raises ManifestError without a name."""
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("name"):
        raise ManifestError(f"a {resource.kind} needs metadata.name")
    return f"{metadata.get('namespace') or 'default'}/{metadata['name']}" if resource.namespaced else metadata["name"]


def admit(resource: Resource, manifest: Manifest, previous: Manifest | None, moment: Moment) -> Manifest:
    """Return the manifest as the server keeps it; the one given may be changed.

    What the manifest states itself stands; a status is never invented. Else uid and creationTimestamp are kept from
    the previous object. The generation is the status's ``observedGeneration`` (a controller that keeps up), or grows
    when the spec changes. To make a stale status, state both numbers, or leave ``observedGeneration`` out.
    """
    old = (previous or {}).get("metadata", {})
    metadata = {**manifest["metadata"]}
    if resource.namespaced:
        metadata.setdefault("namespace", "default")
    key = f"{moment.cluster}/{resource.qualified}/{metadata.get('namespace')}/{metadata['name']}/{moment.version}"
    metadata.setdefault("uid", old.get("uid") or str(uuid5(NAMESPACE_URL, key)))
    metadata.setdefault("creationTimestamp", old.get("creationTimestamp") or rfc3339(moment.now))
    metadata["resourceVersion"] = str(moment.version)
    _default(resource, manifest)
    if resource.has_generation and "generation" not in metadata:
        changed = previous is not None and previous.get("spec") != manifest.get("spec")
        metadata["generation"] = at(manifest, "status", "observedGeneration") or old.get("generation", 1) + changed
    return {"kind": resource.kind, "apiVersion": resource.api_version, **manifest, "metadata": metadata}


def _default(resource: Resource, manifest: Manifest) -> None:
    if resource.custom:
        return
    if resource.kind in _WITH_REPLICAS:
        manifest.setdefault("spec", {}).setdefault("replicas", 1)
    elif resource.kind == "Namespace":
        manifest.setdefault("status", {}).setdefault("phase", "Active")
