from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.policies import PolicySet
from gatekeeper.registry import Registry

Render = Callable[[str], dict[str, dict[str, Any]]]

ROOT = Path(__file__).parents[2]
POLICIES = sorted((ROOT / "deploy" / "kustomize" / "base" / "policies").glob("*.yaml"))
MODELINE = re.compile(r"^# yaml-language-server: \$schema=(\S+)$", re.MULTILINE)


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.name)
def test_a_deployed_policy_is_the_one_of_config(path: Path, root: Path) -> None:
    """Kustomize cannot read outside of its root, so there are copies. Only the way to the schema differs."""
    original = root / "config" / "policies" / path.name

    assert MODELINE.sub("", path.read_text()) == MODELINE.sub("", original.read_text())


def test_the_pod_gets_policies_that_load(render: Render, tmp_path: Path) -> None:
    for name, content in render("base")["ConfigMap/fleet-gatekeeper-policies"]["data"].items():
        (tmp_path / name).write_text(content)
    policies = PolicySet([tmp_path], Registry.discover())

    policies.load()

    assert (bool(policies.policies), policies.error, policies.warning) == (True, None, None)


def test_every_policy_file_is_deployed(render: Render) -> None:
    assert sorted(render("base")["ConfigMap/fleet-gatekeeper-policies"]["data"]) == [path.name for path in POLICIES]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "deploy").rglob("*.yaml")), ids=lambda path: str(path.relative_to(ROOT / "deploy"))
)
def test_the_editor_finds_the_schema_of_every_file_that_names_one(path: Path) -> None:
    for schema in MODELINE.findall(path.read_text()):
        assert (path.parent / schema).is_file()
