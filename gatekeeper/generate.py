"""Writes the files that are made from the code, and tells whether they are fresh: ``python -m gatekeeper.generate``."""

from __future__ import annotations

import inspect
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from gatekeeper.check import Check, GateCheck, Resource
from gatekeeper.policies import PolicySet
from gatekeeper.registry import Registry
from gatekeeper.schemas import policy_schema, rendered, schema_of, settings_schema

_NOTE = "Made by `make generate`; do not edit."
_NAMESPACES = Resource("", "v1", "namespaces")
"""Read by whatever takes a selection of namespaces."""


def generated(registry: Registry) -> dict[Path, str]:
    """All generated files, by their paths in the source tree."""
    return {
        Path("config/schemas/gatekeeper.schema.json"): rendered(settings_schema()),
        Path("config/schemas/gatepolicy.schema.json"): rendered(policy_schema(registry)),
        Path("docs/checks.md"): catalogue(registry),
        Path("deploy/kustomize/member/clusterrole.yaml"): cluster_role(registry),
    }


def policy_schema_text(registry: Registry) -> str:
    """The JSON schema of policies with the installed checks."""
    return rendered(policy_schema(registry))


def catalogue(registry: Registry) -> str:
    """The catalogue of checks as Markdown, from their docstrings and parameters."""
    lines = ["# Checks", "", f"<!-- {_NOTE} -->", ""]
    lines += ["Every check takes `severity` (`required` or `advisory`) and `timeout` beside its own parameters.", ""]
    for name in registry.names():
        check = registry.get(name)
        if check is not None:
            lines += _entry(name, check)
    return "\n".join(lines).rstrip() + "\n"


def _entry(name: str, check: type[Check]) -> list[str]:
    text, _, example = inspect.cleandoc(check.__doc__ or "").partition("Example:")
    asked = "Asked once per gate." if issubclass(check, GateCheck) else "Asked of every cluster in scope."
    lines = [f"## {name}", "", f"Passes when {check.claim}. {asked}", "", text.strip(), ""]
    if example.strip():
        lines += ["```yaml", inspect.cleandoc(example.strip("\n")), "```", ""]
    properties: dict[str, Any] = schema_of(check).get("properties", {})
    if properties:
        lines += ["| parameter | default | meaning |", "|---|---|---|"]
        lines += [_row(key, spec) for key, spec in properties.items()]
        lines.append("")
    if check.reads:
        lines += [f"Reads {', '.join(f'`{resource}`' for resource in check.reads)}.", ""]
    return lines


def _row(key: str, spec: dict[str, Any]) -> str:
    meaning = " ".join(str(spec.get("description", "")).split()).replace("|", "\\|")
    default = "" if spec.get("default") in (None, [], {}) else f"`{spec['default']}`"
    return f"| `{key}` | {default} | {meaning} |"


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
    else:
        checks = [check for name in registry.names() if (check := registry.get(name)) is not None]
    reads = {resource for check in checks for resource in check.reads}
    return _cluster_role({*reads, _NAMESPACES} if reads else reads)


def _cluster_role(reads: set[Resource]) -> str:
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for resource in reads:
        if not resource.is_path:
            groups[resource.group].add(resource.plural)
    lines = [f"# {_NOTE}", "apiVersion: rbac.authorization.k8s.io/v1", "kind: ClusterRole"]
    lines += ["metadata:", "  name: fleet-gatekeeper-reader", "rules:"]
    for group in sorted(groups):
        plurals = ", ".join(sorted(groups[group]))
        lines += [f'  - apiGroups: ["{group}"]', f"    resources: [{plurals}]", "    verbs: [get, list]"]
    paths = sorted({resource.plural.partition("?")[0] for resource in reads if resource.is_path})
    if paths:
        lines += [f"  - nonResourceURLs: [{', '.join(paths)}]", "    verbs: [get]"]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the generated files into the source tree one stands in; with ``--check``, only compare.

    Returns:
        0 when all is (made) fresh, 1 when a file is stale.
    """
    stale = []
    for path, text in generated(Registry.discover()).items():
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(path)
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    verb = "is stale; run make generate" if "--check" in arguments else "is written"
    for path in stale:
        typer.echo(f"{path} {verb}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
