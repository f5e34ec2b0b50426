"""Readers for the published tests of kstatus and of Argo CD: manifests, and the health that they expect.

Nothing of them is kept here; the folders are clones that somebody has made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from gatekeeper.kit.health import Status

_GO_TEXT: Final = re.compile(r"var (\w+) = `([^`]*)`")
_GO_CASE: Final = re.compile(
    r'"(\w+)":\s*\{\s*spec:\s*(?:fmt\.Sprintf\()?(\w+)[^\n]*\s*expectedStatus:\s*(\w+)Status', re.MULTILINE
)
_GO_ASSERT: Final = re.compile(r'assertAppHealth\(t, "([^"]+)", HealthStatus(\w+)\)')
_OF_KSTATUS: Final = {
    "Current": Status.HEALTHY,
    "InProgress": Status.PROGRESSING,
    "Terminating": Status.PROGRESSING,
    "Failed": Status.DEGRADED,
    "NotFound": Status.MISSING,
    "Unknown": Status.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One published manifest; its name is made of the project and where it stands there."""

    name: str
    manifest: dict[str, Any]
    expected: Status


def kstatus(clone: Path) -> Iterator[Case]:
    """The tests of kubernetes-sigs/cli-utils: manifests in Go literals, and tables that name them."""
    text = (clone / "pkg/kstatus/status/status_compute_test.go").read_text()
    manifests = dict(_GO_TEXT.findall(text))
    for name, variable, word in _GO_CASE.findall(text):
        now = datetime.now(UTC).isoformat(timespec="seconds")
        yield Case(f"kstatus/{name}", _load(manifests[variable].replace("%s", now)), _OF_KSTATUS[word])


def argo_cd(clone: Path) -> Iterator[Case]:
    """The tests of argoproj/argo-cd's rules for single kinds."""
    root = clone / "resource_customizations"
    for tests in sorted(root.glob("*/*/health_test.yaml")) + sorted(root.glob("*/health_test.yaml")):
        cases = _plain_keys(_load(tests.read_text())).get("tests") or ()
        if not cases:
            raise ValueError(f"{tests} has no test that is understood")
        for each in cases:
            path = tests.parent / each["inputpath"]
            # One that expects nothing, or a misspelt word, does not expect Healthy.
            word = (each.get("healthstatus") or {}).get("status")
            expected = Status(word) if word in list(Status) else Status.UNKNOWN
            yield Case(f"argo-cd/{path.relative_to(root)}", _load(path.read_text()), expected)


def _plain_keys(value: Any) -> Any:
    """Their reader takes keys in any case (``InputPath``), and some tests are written so."""
    if isinstance(value, dict):
        return {str(key).lower(): _plain_keys(each) for key, each in value.items()}
    return [_plain_keys(each) for each in value] if isinstance(value, list) else value


def gitops_engine(clone: Path) -> Iterator[Case]:
    """The tests of Argo CD's rules for the built-in kinds: a repository of its own, later a folder of argo-cd."""
    for home in (clone / "pkg/health", clone / "gitops-engine/pkg/health"):
        tests = home / "health_test.go"
        for path, word in _GO_ASSERT.findall(tests.read_text()) if tests.exists() else ():
            yield Case(f"gitops-engine/{Path(path).name}", _load((home / path).read_text()), Status(word))


def _load(text: str) -> dict[str, Any]:
    yaml = YAML(typ="safe", pure=True)
    yaml.allow_duplicate_keys = True  # some of the published ones have them
    loaded = _plain(yaml.load(text))
    return loaded if isinstance(loaded, dict) else {}


def _plain(value: Any) -> Any:
    """As JSON has it: an API server never answers with a time that is no text."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat() + ("" if value.tzinfo else "Z")
    return value.isoformat() if isinstance(value, date) else value
