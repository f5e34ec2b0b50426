"""What a resource path asks for."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.emulator.kube.kinds import Catalogue, Resource


@dataclass(frozen=True, slots=True)
class Target:
    """A resource, perhaps in one namespace, perhaps one object of it."""

    resource: Resource
    namespace: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        """The key of the single object."""
        return f"{self.namespace}/{self.name}" if self.resource.namespaced else self.name

    @property
    def prefix(self) -> str:
        """The prefix of the keys in the namespace; empty for the whole cluster."""
        return f"{self.namespace}/" if self.namespace else ""


@dataclass(frozen=True, slots=True)
class Part:
    """A subresource of one object, such as ``log`` of a pod; ``rest`` is the path that a proxy passes on."""

    of: Target
    name: str
    rest: str = ""


def parse_part(path: str, catalogue: Catalogue) -> Part | None:
    """Read ``.../pods/db-0/log`` and ``.../services/web:80/proxy/healthz``; None for what is no such path."""
    parts = path.lstrip("/").split("/")
    root = 2 if parts[0] == "api" else 3
    if len(parts) < root + 5 or parts[root] != "namespaces":
        return None
    target = parse_target("/".join(parts[: root + 4]), catalogue)
    name, rest = parts[root + 4], "/".join(parts[root + 5 :])
    return None if target is None or not target.name else Part(target, name, rest)


def parse_target(path: str, catalogue: Catalogue) -> Target | None:
    """Read ``/api/v1/...`` or ``/apis/<group>/<version>/...``; None for what this cluster does not serve."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        api_version, rest = parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        api_version, rest = f"{parts[1]}/{parts[2]}", parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] != "status":
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3 or (len(rest) == 3 and rest[2] != "status"):
        return None
    resource = catalogue.find(api_version, rest[0])
    name = rest[1] if len(rest) > 1 else ""
    if resource is None or (namespace and not resource.namespaced):
        return None
    if name and resource.namespaced and not namespace:
        return None
    return Target(resource, namespace, name)
