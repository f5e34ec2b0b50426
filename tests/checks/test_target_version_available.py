"""target-version-available: what AKS offers to a cluster, and why it does not."""

from __future__ import annotations

from typing import Any

import pytest

from checks.target_version_available import TargetVersionAvailable
from gatekeeper.check import BadAnswer, Finding, Target
from gatekeeper.testing import FakeCluster, ask, assert_finding
from tests.checks.azure_bodies import SUBSCRIPTION, tools

REGION = f"{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/westus/kubernetesVersions"
VERSIONS = {
    "values": [
        {"version": "1.34", "patchVersions": {"1.34.1": {}, "1.34.2": {}}},
        {"version": "1.35", "isPreview": True, "patchVersions": {"1.35.0": {}}},
        {"version": "1.36", "patchVersions": {"1.36.0": {}}},
    ]
}


def offer(*upgrades: Any, version: str = "1.33.5") -> Any:
    listed = [each if isinstance(each, dict) else {"kubernetesVersion": each} for each in upgrades]
    profile = {"properties": {"controlPlaneProfile": {"kubernetesVersion": version, "upgrades": listed}}}
    answers = {"/upgradeProfiles/default": profile, REGION: VERSIONS}
    return tools(answers=answers, currentKubernetesVersion=version)


async def judge(wanted: str | None, around: Any, kind: str | None = "Full", **parameters: Any) -> Finding:
    return await ask(TargetVersionAvailable(**parameters), FakeCluster(), Target(kind, wanted), tools=around)


@pytest.mark.parametrize("kind", ["Full", "ControlPlaneOnly"])
@pytest.mark.parametrize("wanted", ["1.34.2", "1.34", "v1.34.2"])
async def test_an_offered_version_passes(wanted: str, kind: str) -> None:
    finding = await judge(wanted, offer("1.33.6", "1.34.1", "1.34.2"), kind)

    assert_finding(finding, "passed", "is offered to c1 in westus")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("1.34.9", "it is not in that region yet"),
        ("1.37", "it is not in that region yet"),
        ("1.36", "it is there, but not from this version"),
        ("1.35.0", "it is in preview there"),
    ],
)
async def test_a_version_that_is_not_offered_fails_and_says_why(wanted: str, why: str) -> None:
    finding = await judge(wanted, offer("1.34.1", "1.34.2", {"kubernetesVersion": "1.35.0", "isPreview": True}))

    assert_finding(finding, "failed", why, codes=["VersionNotOffered"])
    assert "az aks get-upgrades --subscription s -g rg -n c1" in finding.evidence[0].hint


async def test_a_longer_number_is_no_match_for_a_shorter_one() -> None:
    assert_finding(await judge("1.34.1", offer("1.34.10")), "failed")
    assert_finding(await judge("1.3", offer("1.34.1")), "failed", "beyond")


async def test_a_preview_counts_when_allowed() -> None:
    preview = offer({"kubernetesVersion": "1.35.0", "isPreview": True}, version="1.34.2")

    assert_finding(await judge("1.35", preview), "failed", "preview")
    assert_finding(await judge("1.35", preview, allow_preview=True), "passed")


@pytest.mark.parametrize("odd", ["yes", 1, []])
async def test_a_preview_flag_of_another_type_counts_as_preview(odd: Any) -> None:
    assert_finding(await judge("1.34", offer({"kubernetesVersion": "1.34.2", "isPreview": odd})), "failed")


@pytest.mark.parametrize("wanted", ["1.33", "1.33.5"])
async def test_a_cluster_that_has_the_target_passes_without_asking_further(wanted: str) -> None:
    around = tools(currentKubernetesVersion="1.33.5")

    assert_finding(await judge(wanted, around), "passed", "already")


async def test_a_cluster_beyond_the_target_fails() -> None:
    assert_finding(await judge("1.32.7", offer()), "failed", "beyond the run's 1.32.7", codes=["BeyondTarget"])


async def test_a_node_image_run_has_no_version_to_look_for() -> None:
    assert_finding(await judge(None, tools(), "NodeImageOnly"), "passed", "no Kubernetes version to look for")


@pytest.mark.parametrize(("wanted", "kind"), [("1.34", None), ("1.34", "Fulll"), (None, "Full"), ("latest", "Full")])
async def test_a_run_that_does_not_say_what_it_brings_is_inconclusive(wanted: str | None, kind: str | None) -> None:
    assert_finding(await judge(wanted, offer("1.34.2"), kind), "inconclusive")


async def test_a_version_can_be_given_instead_of_the_runs() -> None:
    assert_finding(await judge(None, offer("1.34.2"), "NodeImageOnly", version="1.34"), "passed", "1.34 is offered")


@pytest.mark.parametrize("version", ["", None, "latest"])
async def test_a_cluster_without_a_version_is_no_answer(version: str | None) -> None:
    with pytest.raises(BadAnswer):
        await judge("1.34", tools(currentKubernetesVersion=version))


async def test_a_profile_without_a_control_plane_is_no_answer() -> None:
    with pytest.raises(BadAnswer):
        await judge("1.34", tools(answers={"/upgradeProfiles/default": {}}, currentKubernetesVersion="1.33.5"))


async def test_nothing_offered_fails() -> None:
    profile = {"properties": {"controlPlaneProfile": {"kubernetesVersion": "1.33.5"}}}
    around = tools(answers={"/upgradeProfiles/default": profile, REGION: VERSIONS}, currentKubernetesVersion="1.33.5")

    assert_finding(await judge("1.34", around), "failed", "not from this version")
