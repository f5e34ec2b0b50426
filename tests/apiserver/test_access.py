"""What the member ClusterRole lets one see, and what it looks like when one may not look."""

from __future__ import annotations

import pytest

from gatekeeper.emulator.kube import Manifest, load_manifests
from gatekeeper.permissions import cluster_role
from gatekeeper.registry import Registry
from tests.apiserver.asking import ask_check
from tests.apiserver.control_plane import NOBODY, READER
from tests.apiserver.specimens import Case, cases, described
from tests.apiserver.worlds import STRANGER, World

# Everybody who is authenticated may read /readyz, /livez and /version: system:public-info-viewer.
FORBIDDEN = {
    "nodes-ready": "nodes",
    "nodes-at-target-version": "nodes",
    "workloads-rolled-out": "deployments.apps",
    "pods-healthy": "nodes",
    "disruption-budgets": "poddisruptionbudgets.policy",
}
OPEN = {"api-server-ready", "time-window"}
# What these read is named by their parameters, and the role for all checks cannot know it.
NAMED = {"objects-healthy", "table-column"}
GUARDED = [check for check in described() if check not in OPEN]


def passing(check: str, place: int = 0) -> Case:
    return [case for case in cases(check) if case.outcome == "passed"][place]


def role() -> Manifest:
    (manifest,) = load_manifests(cluster_role(Registry.discover()))
    return manifest


@pytest.mark.parametrize("check", [check for check in described() if check not in NAMED])
async def test_the_generated_cluster_role_is_enough(world: World, check: str) -> None:
    case = passing(check)
    await world.fill(*case.objects(world.version))
    await world.bind(role())

    finding = await ask_check(world.kubeconfig(READER), check, case.params, case.goal(world.version), case.member())

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
    assert "ClusterRole" in finding.message


@pytest.mark.parametrize("check", [*GUARDED, "api-server-ready"])
async def test_with_a_wrong_token_the_answer_is_an_error(world: World, check: str) -> None:
    case = passing(check)

    finding = await ask_check(world.kubeconfig(STRANGER), check, case.params, case.goal(world.version), case.member())

    assert finding.outcome == "error"
    assert "401" in finding.message
