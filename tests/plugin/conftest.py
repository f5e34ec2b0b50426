"""The example package of checks, installed beside Gatekeeper in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "check-plugin"
_SOURCES = ("gatekeeper", "checks", "pyproject.toml", "README.md", "LICENSE")


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and a folder outside of all source trees to start programs in."""

    folder: Path
    example: Path
    """A copy of the example package."""

    def run(self, program: str, *arguments: object, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's programs to its end."""
        command = [str(self.folder / "bin" / program), *map(str, arguments)]
        return subprocess.run(
            command, cwd=at or self.folder, env=_outside(), capture_output=True, text=True, check=False, timeout=120
        )

    def json(self, *arguments: object) -> tuple[int, Any]:
        """The exit code and the document of a gatekeeper command."""
        done = self.run("gatekeeper", *arguments, "-o", "json")
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Both packages, built and installed by pip.

    What they depend on is not fetched again: the environment sees the packages of the one the tests run in, but not
    this source tree, nor what is installed from it as editable: ``.pth`` files there are not read.
    """
    place = tmp_path_factory.mktemp("plugin")
    environment = Environment(place / "venv", place / "example")
    venv.create(environment.folder, with_pip=False, symlinks=True)
    there = sysconfig.get_path("purelib", vars={"base": str(environment.folder)})
    (Path(there) / "dependencies.pth").write_text(
        "\n".join(dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))), "utf-8"
    )
    source = place / "gatekeeper"  # a build leaves things behind
    source.mkdir()
    for name in _SOURCES:
        _copy(ROOT / name, source / name)
    _copy(EXAMPLE, environment.example)
    for package in (source, environment.example):
        _pip_install(environment, package)
    return environment


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*", "build", "*.egg-info"))
    else:
        shutil.copy(source, target)


def _pip_install(environment: Environment, package: Path) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(environment.folder), "--disable-pip-version-check"]
    command += ["install", "--quiet", "--no-deps", *_build_flags(), str(package)]
    done = subprocess.run(command, env=_outside(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _build_flags() -> Sequence[str]:
    """With a setuptools at hand that is new enough, nothing needs to be fetched."""
    return ["--no-build-isolation"] if int(version("setuptools").partition(".")[0]) >= 77 else []


def _outside() -> dict[str, str]:
    """The environment variables without those that let Python see this source tree."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_", "PYTEST"))}
