"""Somebody else's package of checks: installed by pip, found by its entry point, used like our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatekeeper.emulator.kube import KubeCluster, KubeServer, aks_cluster
from tests.plugin.conftest import Environment

pytestmark = pytest.mark.process

CHECK = "replicas-spread"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[tuple[KubeCluster, Path]]:
    """A healthy cluster, and a kubeconfig for it."""
    async with KubeServer([aks_cluster("c1")]) as server:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(server.kubeconfig(), "utf-8")
        yield server.clusters["c1"], kubeconfig


def test_the_packages_are_installed_and_not_taken_from_the_source_tree(installed: Environment) -> None:
    packages = "checks, contoso_checks, gatekeeper"
    script = f"import {packages}; print(*(each.__file__ for each in ({packages})))"

    files = [Path(each) for each in installed.run("python", "-c", script).stdout.split()]

    assert len(files) == 3
    assert all(installed.folder in each.parents for each in files)


def test_gatekeeper_checks_lists_it_beside_our_own(installed: Environment) -> None:
    code, document = installed.json("checks")

    assert code == 0
    assert {CHECK, "nodes-ready"} <= {each["name"] for each in document["checks"]}


@pytest.mark.parametrize("option", ["--docs", "--schema", "--rbac"])
def test_what_is_generated_knows_it(installed: Environment, option: str) -> None:
    done = installed.run("gatekeeper", "checks", option)

    assert (done.returncode, done.stderr) == (0, "")
    assert ("pods" if option == "--rbac" else CHECK) in done.stdout


def test_a_policy_that_uses_it_is_valid(installed: Environment) -> None:
    done = installed.run("gatekeeper", "validate", installed.example / "policy.yaml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_its_parameters_are_judged_like_those_of_our_own(installed: Environment, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    text = (installed.example / "policy.yaml").read_text("utf-8")
    policy.write_text(text.replace(f"check: {CHECK}", f"check: {CHECK}\n    minPlace: 3"), "utf-8")

    done = installed.run("gatekeeper", "validate", policy)

    assert done.returncode == 2
    assert "minPlace" in done.stdout + done.stderr
    assert "minPlaces" in done.stdout + done.stderr


async def test_it_is_asked_of_a_cluster(installed: Environment, cluster: tuple[KubeCluster, Path]) -> None:
    emulated, kubeconfig = cluster
    place = ["--kubeconfig", kubeconfig, "--context", "c1"]

    healthy = await asyncio.to_thread(installed.json, "check", CHECK, *place)
    clump(emulated)
    sick = await asyncio.to_thread(installed.json, "check", CHECK, *place)
    policy = await asyncio.to_thread(installed.json, "check", "--policy", installed.example / "policy.yaml", *place)

    assert [code for code, _ in (healthy, sick, policy)] == [0, 1, 1]
    (result,) = sick[1]["results"]
    assert (result["check"], result["outcome"]) == (CHECK, "failed")
    assert {each["code"] for each in result["evidence"]} == {"ReplicasTogether"}
    outcomes = {each["check"]: each["outcome"] for each in policy[1]["results"]}
    assert outcomes == {"nodes-ready": "passed", CHECK: "failed"}


def clump(cluster: KubeCluster) -> None:
    """Let all pods stand on one node."""
    node = cluster.all_of("Node")[0]["metadata"]["name"]
    for pod in cluster.all_of("Pod"):
        cluster.apply({**pod, "spec": {**pod["spec"], "nodeName": node}})


def test_its_own_tests_pass_with_the_published_test_kit(installed: Environment) -> None:
    done = installed.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", at=installed.example)

    assert done.returncode == 0, done.stdout + done.stderr


KIT_ALONE = """
import asyncio, sys
for absent in ("pytest", "_pytest", "hypothesis", "pytest_asyncio"):
    sys.modules[absent] = None
from contoso_checks.replicas_spread import ReplicasSpread
from gatekeeper.testing import FakeCluster, ask, assert_finding, assert_never_passes
assert_finding(asyncio.run(ask(ReplicasSpread(), FakeCluster())), "inconclusive")
asyncio.run(assert_never_passes(ReplicasSpread()))
"""


def test_the_test_kit_needs_no_pytest(installed: Environment) -> None:
    done = installed.run("python", "-c", KIT_ALONE)

    assert (done.returncode, done.stderr) == (0, "")
