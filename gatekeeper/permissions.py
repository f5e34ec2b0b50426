"""The ClusterRole that checks need in member clusters: what they read, and nothing that writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gatekeeper.catalogue import GENERATED
from gatekeeper.check import Check, Resource
from gatekeeper.policies import PolicySet
from gatekeeper.registry import Registry

_FORESEEN = frozenset({"/metrics"})
"""Paths in the role for all checks that none reads yet: what stands in a thousand clusters is not changed often. The
role for certain policies does without."""


def cluster_role(registry: Registry, policies: Sequence[Path] | None = None) -> str:
    """The ClusterRole that checks need in member clusters, as YAML; no more than they read.

    Args:
        registry: the installed checks.
        policies: only what the checks of these policy files and folders need; None for all checks.

    Raises:
        ConfigError: a policy cannot be used.
    """
    if policies:
        in_force = PolicySet(list(policies), registry)
        in_force.load()
        checks: Iterable[type[Check]] = {type(spec.check) for policy in in_force.policies for spec in policy.checks}
        return _rendered("# All that these policies read of a member cluster.", _reads(checks), ())
    checks = [check for name in registry.names() if (check := registry.get(name)) is not None]
    about = f"# {GENERATED}\n# All that the shipped checks read of a member cluster: nothing is ever written."
    return _rendered(about, _reads(checks), _FORESEEN)


def _reads(checks: Iterable[type[Check]]) -> set[Resource]:
    return {resource for check in checks for resource in check.reads}


def _rendered(about: str, reads: set[Resource], more_paths: Iterable[str]) -> str:
    lines = [about, "apiVersion: rbac.authorization.k8s.io/v1", "kind: ClusterRole"]
    lines += ["metadata:", "  name: fleet-gatekeeper-reader"]
    lines += ["  labels:", "    app.kubernetes.io/name: fleet-gatekeeper"]
    rules = list(_rules(reads, more_paths))
    lines += ["rules:", *rules] if rules else ["rules: []"]
    return "\n".join(lines) + "\n"


def _rules(reads: set[Resource], more_paths: Iterable[str]) -> Iterator[str]:
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for resource in reads:
        if not resource.is_path:
            groups[resource.group].add(resource.plural)
    for group, plurals in sorted(groups.items()):
        name = group or '""'
        yield f"  - apiGroups: [{name}]"
        yield f"    resources: [{', '.join(sorted(plurals))}]"
        yield "    verbs: [get, list]"
    paths = {resource.plural.partition("?")[0] for resource in reads if resource.is_path}.union(more_paths)
    if paths:
        yield f"  - nonResourceURLs: [{', '.join(sorted(paths))}]"
        yield "    verbs: [get]"
