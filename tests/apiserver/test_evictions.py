"""What the API server says to an eviction that is only tried, and that drainable foresees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.app import open_kubeconfig
from gatekeeper.emulator.kube import Manifest, load_manifests
from gatekeeper.errors import NotFound
from gatekeeper.permissions import roles
from gatekeeper.registry import Registry
from gatekeeper.tools import Eviction
from tests.apiserver.asking import MEMBER, ask_check
from tests.apiserver.control_plane import ADMIN, READER
from tests.apiserver.specimens import cases
from tests.apiserver.worlds import World

CASES = {case.name: case for case in cases("drainable")}
VIOLATES = "would violate the pod's disruption budget"
ANSWERS = [
    ("one pod of a budget that lets one go", 201, ""),
    ("an unready pod may go while enough others are healthy", 201, ""),
    ("an unready pod may go because its budget says so", 201, ""),
    ("a pending pod may always go", 201, ""),
    ("a pod without a controller", 201, ""),
    ("as many must be available as there are", 429, f"{VIOLATES}. The disruption budget web needs 3 healthy pods"),
    ("a budget that allows none for the moment", 429, "The disruption budget web needs 2 healthy pods and has 2"),
    ("an unready pod of a budget that is not met", 429, "The disruption budget web needs 2 healthy pods and has 1"),
    ("a budget whose status is older than its spec", 429, "web is still being processed by the server"),
    ("two budgets for one pod", 500, "This pod has more than one PodDisruptionBudget"),
]
POLICY = """
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: drain}
match: {displayName: drain}
checks: [{check: drainable, askServer: true}]
"""


async def tried(world: World, pod: str) -> Eviction:
    async with open_kubeconfig(world.kubeconfig(ADMIN)) as (_, toolbox):
        return await toolbox.workbench(MEMBER).would_evict("shop", pod)


@pytest.mark.parametrize(("name", "status", "words"), ANSWERS)
async def test_the_api_server_answers_an_eviction_as_drainable_foresees(
    world: World, name: str, status: int, words: str
) -> None:
    await world.fill(*CASES[name].objects(world.version))

    said = await tried(world, "web-1")
    finding = await ask_check(world.kubeconfig(ADMIN), "drainable", ["withoutController=reported"])

    assert (said.allowed, said.status) == (status == 201, status)
    assert words in said.message
    assert (finding.outcome == "passed") == said.allowed, finding
    assert await world.left_over() == ["Pod shop/web-1"]


async def test_a_pod_that_is_not_there_cannot_be_evicted(world: World) -> None:
    await world.fill(*CASES["no pod"].objects(world.version))

    with pytest.raises(NotFound):
        await tried(world, "web-1")


async def test_the_generated_role_is_enough_to_try_evictions_and_without_it_the_answer_names_it(
    world: World, tmp_path: Path
) -> None:
    case = CASES["the API server lets it go too"]
    await world.fill(*case.objects(world.version))
    reader, prober = made(roles(Registry.discover(), [policy(tmp_path)]))

    await world.bind(reader)
    without = await ask_check(world.kubeconfig(READER), "drainable", case.params)
    await world.bind(prober)
    within = await ask_check(world.kubeconfig(READER), "drainable", case.params)

    assert (without.outcome, within.outcome) == ("error", "passed"), (without, within)
    assert 'pods "web-1" is forbidden' in without.message
    assert 'cannot create resource "pods/eviction"' in without.message
    assert "install the ClusterRole fleet-gatekeeper-prober" in without.message


def policy(folder: Path) -> Path:
    file = folder / "policy.yaml"
    file.write_text(POLICY, "utf-8")
    return file


def made(text: str) -> Sequence[Manifest]:
    manifests: Sequence[Mapping[str, Any]] = load_manifests(text)
    assert [each["kind"] for each in manifests] == ["ClusterRole", "ClusterRole"]
    return [dict(each) for each in manifests]
