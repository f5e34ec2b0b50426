"""Writes the files that are made from the code, and tells whether they are fresh: ``python -m gatekeeper.generate``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from gatekeeper.azure_roles import member_role
from gatekeeper.catalogue import catalogue
from gatekeeper.cli import app
from gatekeeper.permissions import cluster_role, probe_role
from gatekeeper.reference import reference
from gatekeeper.registry import Registry
from gatekeeper.schemas import POLICY_SCHEMA, SETTINGS_SCHEMA, policy_schema, rendered, settings_schema


def generated(registry: Registry) -> dict[Path, str]:
    """All generated files, by their paths in the source tree."""
    return {
        Path("config/schemas") / SETTINGS_SCHEMA: rendered(settings_schema()),
        Path("config/schemas") / POLICY_SCHEMA: rendered(policy_schema(registry)),
        Path("docs/checks.md"): catalogue(registry),
        Path("docs/cli.md"): reference(app),
        Path("deploy/azure/member-role.json"): member_role(registry),
        Path("deploy/kustomize/member/clusterrole.yaml"): cluster_role(registry),
        Path("deploy/kustomize/member-probes/role.yaml"): probe_role(registry),
    }


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
