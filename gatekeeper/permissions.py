"""The roles that checks need in member clusters: one for what they read, and apart from it one for what a few do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeAlias, runtime_checkable

from gatekeeper.catalogue import GENERATED
from gatekeeper.check import Check, Probe, Resource
from gatekeeper.policies import PolicySet
from gatekeeper.registry import Registry

READER: Final = "fleet-gatekeeper-reader"
PROBER: Final = "fleet-gatekeeper-prober"
_ABOUT_PROBER: Final = "# Beyond reading. Install it only where such checks are wanted; bind it like the other role."
_EVERYWHERE: Final = ""

Rule: TypeAlias = tuple[str, Resource]
"""A verb, and what it is done to."""
Asked: TypeAlias = Check | type[Check]
"""A check with its parameters, which may say more precisely what it needs, or a class of checks."""


@runtime_checkable
class Local(Protocol):
    """A check that does what its ``writes`` says in some namespaces only."""

    def writes_in(self) -> Sequence[str]:
        """Which ones, ``""`` being all of them; none if, with these parameters, it does nothing but read."""


def cluster_role(registry: Registry, policies: Sequence[Path] | None = None) -> str:
    """The ClusterRole that checks need in member clusters, as YAML; no more than they read.

    Args:
        registry: the installed checks.
        policies: only what the checks of these policy files and folders need; None for all checks.

    Raises:
        ConfigError: a policy cannot be used.
    """
    checks = list(_asked(registry, policies))
    reads = {resource for check in checks for resource in check.reads}
    if policies:
        return _role(READER, "# All that these policies read of a member cluster.", _reading(reads))
    about = f"# {GENERATED}\n# All that the shipped checks read of a member cluster: nothing is ever written."
    return _role(READER, about, _reading(reads))


def prober_roles(registry: Registry, policies: Sequence[Path] | None = None) -> str:
    """What checks need beyond reading, as YAML documents; empty if that is nothing.

    What a check does in some namespaces only stands in a Role for each of these; a ClusterRole has the rest. Without
    policies these namespaces are the ones that checks have by default.

    Raises:
        ConfigError: a policy cannot be used.
    """
    places: defaultdict[str, set[Rule]] = defaultdict(set)
    for check in _asked(registry, policies):
        for namespace in _places(check):
            places[namespace].update(check.writes)
    rules = sorted((namespace, found) for namespace, found in places.items() if found)
    return "---\n".join(_role(PROBER, _ABOUT_PROBER, _writing(found), namespace) for namespace, found in rules)


def probe_role(registry: Registry) -> str:
    """The Role for the shipped checks that run Jobs, in their own namespace."""
    checks = (check for check in _asked(registry, None) if isinstance(check, type) and issubclass(check, Probe))
    rules = {rule for check in checks for rule in check.writes}
    (namespace,) = _places(Probe)
    about = f"# {GENERATED}\n# All that the shipped checks need that run Jobs, in a namespace of their own."
    return _role(PROBER, about, _writing(rules), namespace)


def roles(registry: Registry, policies: Sequence[Path] | None = None, *, writes: bool = False) -> str:
    """The role for reading and, for these policies or if asked for, what is needed beyond.

    Raises:
        ConfigError: a policy cannot be used.
    """
    beyond = prober_roles(registry, policies) if policies or writes else ""
    return cluster_role(registry, policies) + (f"---\n{beyond}" if beyond else "")


def _asked(registry: Registry, policies: Sequence[Path] | None) -> Iterator[Asked]:
    if policies:
        in_force = PolicySet(list(policies), registry)
        in_force.load()
        yield from (spec.check for policy in in_force.policies for spec in policy.checks)
    else:
        yield from (check for name in registry.names() if (check := registry.get(name)) is not None)


def _places(check: Asked | type[Probe]) -> Sequence[str]:
    if not isinstance(check, type):
        return check.writes_in() if isinstance(check, Local) else (_EVERYWHERE,)
    field = check.model_fields.get("namespace")
    default = field.default if field is not None and hasattr(check, "writes_in") else None
    return (default,) if isinstance(default, str) else (_EVERYWHERE,)


def _role(name: str, about: str, rules: Iterable[str], namespace: str = _EVERYWHERE) -> str:
    kind = "Role" if namespace else "ClusterRole"
    lines = [about, "apiVersion: rbac.authorization.k8s.io/v1", f"kind: {kind}", "metadata:", f"  name: {name}"]
    lines += [f"  namespace: {namespace}"] if namespace else []
    lines += ["  labels:", "    app.kubernetes.io/name: fleet-gatekeeper"]
    shown = list(rules)
    lines += ["rules:", *shown] if shown else ["rules: []"]
    return "\n".join(lines) + "\n"


def _reading(reads: set[Resource]) -> Iterator[str]:
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for resource in reads:
        if not resource.is_path:
            groups[resource.group].add(resource.plural)
    for group, plurals in sorted(groups.items()):
        yield from _rule(group, plurals, ("get", "list"))
    paths = {resource.plural.partition("?")[0] for resource in reads if resource.is_path}
    if paths:
        yield f"  - nonResourceURLs: [{', '.join(sorted(paths))}]"
        yield "    verbs: [get]"


def _writing(rules: set[Rule]) -> Iterator[str]:
    verbs: defaultdict[Resource, set[str]] = defaultdict(set)
    for verb, resource in rules:
        verbs[resource].add(verb)
    for (group, plurals), found in sorted(_alike(verbs).items()):
        yield from _rule(group, plurals, sorted(found))


def _alike(verbs: Mapping[Resource, set[str]]) -> dict[tuple[str, tuple[str, ...]], set[str]]:
    """Resources of one group with the same verbs, put together."""
    alike: defaultdict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    for resource, found in verbs.items():
        alike[resource.group, frozenset(found)].append(resource.plural)
    return {(group, tuple(sorted(plurals))): set(found) for (group, found), plurals in alike.items()}


def _rule(group: str, plurals: Iterable[str], verbs: Iterable[str]) -> Iterator[str]:
    name = group or '""'
    yield f"  - apiGroups: [{name}]"
    yield f"    resources: [{', '.join(sorted(plurals))}]"
    yield f"    verbs: [{', '.join(verbs)}]"
