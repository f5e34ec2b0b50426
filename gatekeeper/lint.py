"""What stands behind ``gatekeeper validate``: files, and a strategy held against their policies."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.coverage import Coverage, Status, coverage
from gatekeeper.errors import ConfigError
from gatekeeper.policies import PolicySet
from gatekeeper.policy import Policy
from gatekeeper.problems import Problem
from gatekeeper.registry import Registry
from gatekeeper.settings import KIND, load_settings
from gatekeeper.validate import validate
from gatekeeper.yamlfile import read_yaml


@dataclass(frozen=True, slots=True)
class Lint:
    """What ``validate`` found."""

    problems: tuple[Problem, ...]
    gates: tuple[Coverage, ...]

    @property
    def errors(self) -> list[Problem]:
        """The problems that are no mere warnings."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def shut(self) -> list[Coverage]:
        """The gates of the strategy that would stay shut."""
        return [gate for gate in self.gates if gate.status not in (Status.COVERED, Status.CONDITIONAL)]


def lint(paths: Sequence[Path], strategy: Path | None) -> Lint:
    """Lint files, and hold a strategy against their policies."""
    registry = Registry.discover()
    registry.names()  # a check that nothing names may be broken all the same, or share its name with one in use
    problems = tuple(validate(paths, registry, os.environ))
    if strategy is None or any(problem.severity == "error" for problem in problems):
        return Lint(problems, ())
    try:
        document = json.loads(strategy.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{strategy}: cannot be read as JSON: {error}") from error
    return Lint(problems, tuple(coverage(document, _policies(paths, registry))))


def _policies(paths: Sequence[Path], registry: Registry) -> tuple[Policy, ...]:
    """The policies in these files and folders, and those that settings files among them name."""
    files: list[Path] = []
    for path in paths:
        settings = not path.is_dir() and any(document.value.get("kind") == KIND for document in read_yaml(path))
        files += load_settings(path, os.environ).policies if settings else [path]
    policies = PolicySet(files, registry)
    policies.load()
    return policies.policies
