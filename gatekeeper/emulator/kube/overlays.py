"""Sickness laid over healthy objects, so that healing is taking it off again."""

from __future__ import annotations

from typing import TypeAlias

from gatekeeper.emulator.kube.kinds import Resource
from gatekeeper.emulator.kube.manifests import Manifest, merge

_Id: TypeAlias = tuple[Resource, str]


def is_deletion(manifest: Manifest) -> bool:
    """Tell whether a manifest says ``$patch: delete``, in the word of strategic merge patches."""
    return manifest.get("$patch") == "delete"


class Overlays:
    """Named layers of partial manifests, and what lies beneath each object that they cover."""

    def __init__(self) -> None:
        self._base: dict[_Id, Manifest | None] = {}
        self._layers: dict[str, dict[_Id, Manifest]] = {}

    def add(self, name: str, resource: Resource, key: str, patch: Manifest, current: Manifest | None) -> None:
        """Add a patch to a layer; ``current`` is kept as the base if no layer covers the object yet."""
        identity = (resource, key)
        self._base.setdefault(identity, current)
        layer = self._layers.setdefault(name, {})
        layer[identity] = merge(layer[identity], patch) if identity in layer else patch

    def remove(self, name: str) -> list[_Id]:
        """Drop a layer and return the objects that it covered; show them anew."""
        return list(self._layers.pop(name, {}))

    def covers(self, resource: Resource, key: str) -> bool:
        """Tell whether any layer lies over an object."""
        return (resource, key) in self._base

    def base(self, resource: Resource, key: str) -> Manifest | None:
        """Return what lies beneath; None if nothing does, or no layer covers the object."""
        return self._base.get((resource, key))

    def set_base(self, resource: Resource, key: str, manifest: Manifest) -> None:
        """Replace what lies beneath."""
        self._base[resource, key] = manifest

    def forget(self, resource: Resource, key: str) -> None:
        """Take an object out of all layers."""
        self._base.pop((resource, key), None)
        for layer in self._layers.values():
            layer.pop((resource, key), None)

    def effective(self, resource: Resource, key: str) -> Manifest | None:
        """Return base and layers merged, None for an object that does not exist; forgets a base that is free again."""
        identity = (resource, key)
        found = self._base[identity]
        patches = [layer[identity] for layer in self._layers.values() if identity in layer]
        if not patches:
            del self._base[identity]
        for patch in patches:
            found = None if is_deletion(patch) else merge(found or {}, patch)
        return found
