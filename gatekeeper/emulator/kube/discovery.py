"""Discovery and version: what a client asks first, enough for kubectl."""

from __future__ import annotations

import re

from gatekeeper.emulator.kube.cluster import KubeCluster
from gatekeeper.emulator.kube.kinds import Resource
from gatekeeper.emulator.kube.manifests import Manifest
from gatekeeper.emulator.kube.statuses import Answer, json

_VERBS = ["get", "list"]


def answer(cluster: KubeCluster, path: str) -> Answer | None:
    """Answer ``/version``, ``/api``, ``/apis`` and below; None for a path that is no discovery document."""
    parts = path.strip("/").split("/")
    match parts:
        case ["version"]:
            return json(version_of(cluster.version))
        case ["api"]:
            return json({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
        case ["apis"] | ["apis", _]:
            return _group_documents(cluster, parts[1] if len(parts) > 1 else None)
        case ["api", version]:
            return _resources(cluster, version)
        case ["apis", name, version]:
            return _resources(cluster, f"{name}/{version}")
    return None


def _group_documents(cluster: KubeCluster, name: str | None) -> Answer | None:
    groups = {group: _group(group, versions) for group, versions in _groups(cluster).items()}
    if name is None:
        return json({"kind": "APIGroupList", "apiVersion": "v1", "groups": list(groups.values())})
    return json({"kind": "APIGroup", "apiVersion": "v1", **groups[name]}) if name in groups else None


def version_of(version: str) -> Manifest:
    """Return the body of ``/version`` for ``v1.34.2``."""
    found = re.match(r"v(\d+)\.(\d+)", version)
    major, minor = found.groups() if found else ("", "")
    return {
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "minCompatibilityMajor": major,
        "minCompatibilityMinor": str(int(minor) - 1) if minor else "",
        "gitVersion": version,
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "go1.24.9",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def _groups(cluster: KubeCluster) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for resource in cluster.catalogue:
        versions = groups.setdefault(resource.group, [])
        if resource.version not in versions:
            versions.append(resource.version)
    groups.pop("", None)
    return groups


def _group(name: str, versions: list[str]) -> Manifest:
    served = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": served, "preferredVersion": served[0]}


def _resources(cluster: KubeCluster, api_version: str) -> Answer | None:
    found = [_resource(resource) for resource in cluster.catalogue if resource.api_version == api_version]
    if not found:
        return None
    return json({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": found})


def _resource(resource: Resource) -> Manifest:
    described: Manifest = {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _VERBS,
    }
    if resource.short_names:
        described["shortNames"] = list(resource.short_names)
    return described
