"""members-updated: three witnesses, and how each of them can disagree."""

from __future__ import annotations

from typing import Any

import pytest

from checks.members_updated import MembersUpdated
from gatekeeper.check import Finding, Target
from gatekeeper.testing import FakeCluster, ask, assert_finding, member
from tests.checks.azure_bodies import IMAGE, pool_body, tools

FULL = Target("Full", "1.34.2", "Latest")


def node(name: str, pool: str = "user", version: str = "v1.34.2", image: str | None = IMAGE) -> dict[str, Any]:
    labels = {"kubernetes.azure.com/agentpool": pool, "kubernetes.azure.com/node-image-version": image}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {key: value for key, value in labels.items() if value}},
        "status": {"nodeInfo": {"kubeletVersion": version}, "conditions": [{"type": "Ready", "status": "True"}]},
    }


THREE = [node(f"aks-user-{number}") for number in range(3)]


async def judge(
    nodes: list[dict[str, Any]] | None = None,
    target: Target = FULL,
    state: str = "Completed",
    around: Any = None,
    **parameters: Any,
) -> Finding:
    cluster = FakeCluster(THREE if nodes is None else nodes)
    check = MembersUpdated(**parameters)
    return await ask(check, cluster, target, tools=around or tools(), member=member(state=state))


async def test_three_witnesses_that_agree_pass() -> None:
    assert_finding(await judge(), "passed", "the run, Azure and 3 nodes agree: c1 is at 1.34.2", codes=[])


async def test_virtual_nodes_which_no_update_reaches_are_left_out() -> None:
    virtual = node("virtual-node-aci-linux", version="v1.25.0-vk-azure-aci-1.6.2", image=None)
    virtual["metadata"]["labels"] = {"type": "virtual-kubelet"}

    assert_finding(await judge([*THREE, virtual]), "passed", "3 nodes agree")
    assert_finding(await judge([virtual]), "inconclusive", "has no nodes")


async def test_a_pool_of_virtual_machines_counts_its_machines() -> None:
    """Azure gives such a pool no count of its own."""

    def machines(*counts: int | None) -> Any:
        groups = [{"size": f"Standard_D{place}", "count": count} for place, count in enumerate(counts)]
        return tools(pool_body(type="VirtualMachines", count=None, vmSize="", virtualMachineNodesStatus=groups))

    assert_finding(await judge(around=machines(1, 2)), "passed", "3 nodes agree")
    assert_finding(await judge(around=machines(1, 1)), "inconclusive", "has 3 live nodes, Azure counts 2")
    assert_finding(await judge(around=machines(3, None)), "inconclusive", "Azure counts none")
    assert_finding(await judge(around=machines()), "inconclusive", "Azure counts none")


@pytest.mark.parametrize(
    ("state", "outcome", "message"),
    [
        ("Failed", "failed", "was Failed"),
        ("Skipped", "failed", "was Skipped"),
        ("NotStarted", "inconclusive", "has not ended"),
        ("Pending", "inconclusive", "has not ended"),
        ("Running", "inconclusive", "has not ended"),
        ("Stopped", "inconclusive", "has not ended"),
        ("completed", "inconclusive", "not known"),
        ("", "inconclusive", "not known"),
    ],
)
async def test_a_run_that_does_not_say_completed_holds(state: str, outcome: str, message: str) -> None:
    assert_finding(await judge(state=state), outcome, message)


async def test_a_skipped_member_may_be_accepted_when_azure_is_at_rest() -> None:
    old = pool_body(currentOrchestratorVersion="1.33.0")

    at_rest = await judge([], state="Skipped", around=tools(old), accept_skipped=True)
    busy = await judge([], state="Skipped", around=tools(old, provisioningState="Updating"), accept_skipped=True)

    assert_finding(at_rest, "passed", "was skipped, which is accepted")
    assert_finding(busy, "inconclusive", "Updating")


@pytest.mark.parametrize(
    ("around", "outcome", "code"),
    [
        (tools(provisioningState="Failed"), "failed", "NotSucceeded"),
        (tools(provisioningState="Updating"), "inconclusive", "NotSucceeded"),
        (tools(provisioningState=None), "inconclusive", "NotSucceeded"),
        (tools(pool_body(provisioningState="Failed")), "failed", "NotSucceeded"),
        (tools(currentKubernetesVersion="1.34.1"), "failed", "ControlPlaneVersion"),
        (tools(currentKubernetesVersion=None), "failed", "ControlPlaneVersion"),
        (tools(pool_body(count=4)), "inconclusive", "NodeCountDiffers"),
        (tools(pool_body(count=2)), "inconclusive", "NodeCountDiffers"),
        (tools(pool_body(count=None)), "inconclusive", "NodeCountDiffers"),
        (tools(pool_body(), pool_body("batch", count=1)), "inconclusive", "NodeCountDiffers"),
        (tools(pool_body(powerState={"code": "Stopped"})), "inconclusive", "NodeCountDiffers"),
    ],
)
async def test_azure_disagrees(around: Any, outcome: str, code: str) -> None:
    assert_finding(await judge(around=around), outcome, codes=[code])


async def test_a_pool_that_was_left_behind_fails_in_azure_and_on_its_nodes_words() -> None:
    old = pool_body(currentOrchestratorVersion="1.33.5")
    finding = await judge([node(f"n{number}", version="v1.33.5") for number in range(3)], around=tools(old))

    assert_finding(finding, "failed", "Azure shows node pool user at 1.33.5", codes=["PoolVersion"])


async def test_nodes_that_lag_behind_what_azure_says_fail() -> None:
    finding = await judge([*THREE[:2], node("aks-user-old", version="v1.33.5")])

    assert_finding(finding, "failed", "node aks-user-old is at v1.33.5", codes=["NodeVersion"])
    assert finding.evidence[0].subject == "Node aks-user-old (pool user)"


@pytest.mark.parametrize("image", ["AKSUbuntu-2204gen2containerd-202501.01.0", None])
async def test_a_node_on_another_image_than_its_pool_fails(image: str | None) -> None:
    finding = await judge([*THREE[:2], node("n", image=image)], Target("NodeImageOnly", None, "Latest"))

    assert_finding(finding, "failed", codes=["NodeImage"])


async def test_the_selected_image_is_asked_of_every_pool() -> None:
    selected = Target("NodeImageOnly", None, "Consistent", ("AKSUbuntu-2204gen2containerd-202512.01.0",))

    assert_finding(await judge(target=selected), "failed", "on AKSUbuntu", codes=["PoolImage"])
    assert_finding(
        await judge(target=Target("NodeImageOnly", None, "Consistent", (IMAGE.upper(),))), "passed", "agree: c1 is at"
    )


async def test_control_plane_only_leaves_the_pools_where_they_are() -> None:
    old = [node(f"n{number}", version="v1.33.5") for number in range(3)]
    around = tools(pool_body(currentOrchestratorVersion="1.33.5"))

    assert_finding(await judge(old, Target("ControlPlaneOnly", "1.34", "Latest"), around=around), "passed")


async def test_a_stopped_pool_is_not_asked_for_the_target() -> None:
    asleep = pool_body("night", powerState={"code": "Stopped"}, currentOrchestratorVersion="1.33.5", count=0)

    assert_finding(await judge(around=tools(pool_body(), asleep)), "passed")


async def test_nodes_outside_of_pools_are_held_against_the_target() -> None:
    around = tools(pool_body())

    assert_finding(await judge([*THREE, node("karpenter-1", "")], around=around), "passed", "4 nodes")
    assert_finding(
        await judge([*THREE, node("karpenter-1", "", "v1.33.0")], around=around), "failed", codes=["NodeVersion"]
    )


async def test_a_cluster_without_nodes_is_inconclusive() -> None:
    assert_finding(await judge([]), "inconclusive", "no nodes")


@pytest.mark.parametrize(
    "target",
    [
        Target(),
        Target("Some", "1.34.2"),
        Target("Full", None),
        Target("Full", "latest"),
        Target("NodeImageOnly", None, "Consistent"),
        Target("Full", "1.34.2", "Custom"),
        Target("Full", "1.34.2", "Newest"),
        Target("NodeImageOnly", None, "Newest", (IMAGE,)),
    ],
)
async def test_a_run_without_a_target_is_inconclusive(target: Target) -> None:
    assert_finding(await judge(target=target), "inconclusive")
