"""What the member ClusterRole lets one see, and what it looks like when one may not look."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.check import Probe
from gatekeeper.emulator.kube import Manifest, load_manifests
from gatekeeper.permissions import cluster_role
from gatekeeper.registry import Registry
from tests.apiserver.asking import ask_check
from tests.apiserver.control_plane import NOBODY, READER
from tests.apiserver.specimens import Case, cases, described
from tests.apiserver.surroundings import around
from tests.apiserver.worlds import STRANGER, World


def passing(check: str) -> Case:
    return next(case for case in cases(check) if case.outcome == "passed")


# Everybody who is authenticated may read /readyz, /livez and /version: system:public-info-viewer.
FORBIDDEN = {
    "nodes-ready": "nodes",
    "nodes-at-target-version": "nodes",
    "workloads-rolled-out": "deployments.apps",
    "pods-healthy": "nodes",
    "disruption-budgets": "poddisruptionbudgets.policy",
    "job-succeeds": "jobs.batch",
    "dns-resolves": "jobs.batch",
}
# These ask no cluster: they look at the time, or at a server beside it.
BESIDE = {check for check in described() if passing(check).is_beside} | {"time-window"}
# What these read is named by their parameters, and the role for all checks cannot know it.
NAMED = {"objects-healthy", "table-column"}
GUARDED = [check for check in described() if check not in BESIDE]
PROBES = Path(__file__).parents[2] / "deploy" / "kustomize" / "member-probes" / "role.yaml"


def role() -> Manifest:
    (manifest,) = load_manifests(cluster_role(Registry.discover()))
    return manifest


def roles(check: str) -> list[Manifest]:
    """What we ship for a check: the role for reading, and the one for the checks that run Jobs."""
    kind = Registry.discover().get(check)
    probes: list[Manifest] = (
        load_manifests(PROBES.read_text("utf-8")) if kind is not None and issubclass(kind, Probe) else []
    )
    return [role(), *probes]


@pytest.mark.parametrize("check", [check for check in described() if check not in NAMED])
async def test_the_generated_roles_are_enough(world: World, check: str, tmp_path: Path) -> None:
    case = passing(check)
    await world.fill(*case.objects(world.version))
    for each in roles(check):
        await world.bind(each)

    async with around(world, case, tmp_path) as params:
        goal = case.goal(world.version)
        finding = await ask_check(world.kubeconfig(READER), check, params, goal, case.member())

    assert finding.outcome == "passed", finding


@pytest.mark.parametrize("check", ["pods-healthy", "workloads-rolled-out", "disruption-budgets"])
async def test_the_generated_cluster_role_is_enough_to_leave_namespaces_out(world: World, check: str) -> None:
    case = passing(check)
    await world.fill(*case.objects(world.version))
    await world.bind(role())

    finding = await ask_check(world.kubeconfig(READER), check, ["namespaces.exclude=[dev-*]"])

    assert finding.outcome == "passed", finding


@pytest.mark.parametrize("check", [check for check in GUARDED if check not in NAMED])
async def test_without_the_role_the_answer_is_an_error_that_names_the_resource(world: World, check: str) -> None:
    case = passing(check)
    await world.fill(*case.objects(world.version))

    finding = await ask_check(world.kubeconfig(NOBODY), check, case.params, case.goal(world.version), case.member())

    assert finding.outcome == "error"
    assert f"{FORBIDDEN.get(check, '')} is forbidden" in finding.message
    wanted = "install the Role fleet-gatekeeper-prober" if roles(check)[1:] else "ClusterRole"
    assert wanted in finding.message


@pytest.mark.parametrize("check", GUARDED)
async def test_with_a_wrong_token_the_answer_is_an_error(world: World, check: str) -> None:
    case = passing(check)

    finding = await ask_check(world.kubeconfig(STRANGER), check, case.params, case.goal(world.version), case.member())

    assert finding.outcome == "error"
    assert "401" in finding.message
