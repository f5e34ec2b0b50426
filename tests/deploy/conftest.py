from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.yamlfile import parse_yaml

ROOT = Path(__file__).parents[2]

Render = Callable[[str], dict[str, dict[str, Any]]]


@cache
def _render(folder: str) -> dict[str, dict[str, Any]]:
    # The one of the development requirements goes before whatever is installed besides.
    kubectl = shutil.which("kubectl", path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]))
    if kubectl is None:
        pytest.skip("kubectl is not installed, and it is what renders the manifests")
    done = subprocess.run(
        [kubectl, "kustomize", str(ROOT / "deploy" / "kustomize" / folder)],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    manifests = [document.value for document in parse_yaml(done.stdout, folder)]
    return {f"{manifest['kind']}/{manifest['metadata']['name']}": manifest for manifest in manifests}


@pytest.fixture
def render() -> Render:
    """Manifests of a folder (beginning at deploy/kustomize) by Kind/name, as ``kubectl kustomize`` renders them."""
    return _render


@pytest.fixture
def root() -> Path:
    """The folder of the repository."""
    return ROOT
