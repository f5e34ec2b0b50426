"""members-updated on the live nodes of an API server, against what Azure and the run say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gatekeeper.model import COMPLETED, Member, Target
from tests.apiserver.asking import asking
from tests.apiserver.control_plane import ADMIN
from tests.apiserver.specimens import manifests
from tests.apiserver.worlds import CONTEXT, World
from tests.checks.azure_bodies import ID, IMAGE, azure, pool_body

MEMBER = Member(CONTEXT, ID, state=COMPLETED)
TWO: Sequence[Mapping[str, Any]] = ({"like": "node"}, {"like": "node", "name": "node-2"})
BEHIND = {"like": "node", "name": "node-2", "with": {"status": {"nodeInfo": {"kubeletVersion": "{older}"}}}}
ELSEWHERE = {
    "like": "node",
    "name": "node-2",
    "with": {
        "metadata": {"labels": {"kubernetes.azure.com/node-image-version": "AKSUbuntu-2204gen2containerd-202509.11.0"}}
    },
}
VIRTUAL = {
    "like": "node",
    "name": "virtual-node-aci-linux",
    "with": {
        "metadata": {"labels": {"kubernetes.azure.com/agentpool": "", "type": "virtual-kubelet"}},
        "status": {"nodeInfo": {"kubeletVersion": "v1.25.0-vk-azure-aci-1.6.2"}},
    },
}


@pytest.mark.parametrize(
    ("nodes", "pool", "outcome", "codes"),
    [
        pytest.param(TWO, {}, "passed", [], id="all-agree"),
        pytest.param([*TWO, VIRTUAL], {}, "passed", [], id="a-virtual-node-is-left-out"),
        pytest.param([TWO[0], BEHIND], {}, "failed", ["NodeVersion"], id="a-node-stayed-behind"),
        pytest.param([TWO[0], ELSEWHERE], {}, "failed", ["NodeImage"], id="a-node-is-on-another-image"),
        pytest.param(
            TWO,
            {"currentOrchestratorVersion": "1.2.3"},
            "failed",
            ["NodeVersion", "NodeVersion", "PoolVersion"],
            id="azure-shows-an-old-pool",
        ),
        pytest.param(TWO, {"provisioningState": "Failed"}, "failed", ["NotSucceeded"], id="the-pool-failed"),
        pytest.param(TWO, {"provisioningState": "Upgrading"}, "inconclusive", ["NotSucceeded"], id="the-pool-upgrades"),
        pytest.param(TWO[:1], {}, "inconclusive", ["NodeCountDiffers"], id="a-machine-never-joined"),
        pytest.param([], {}, "inconclusive", [], id="no-nodes"),
    ],
)
async def test_completed_is_believed_where_azure_and_the_live_nodes_agree(
    world: World, nodes: Sequence[Mapping[str, Any]], pool: Mapping[str, Any], outcome: str, codes: Sequence[str]
) -> None:
    version = world.version.removeprefix("v").partition("+")[0].partition("-")[0]
    await world.fill(manifests(nodes, world.version))
    own = {"count": 2, "currentOrchestratorVersion": version, "nodeImageVersion": IMAGE, **pool}
    shown = azure(pool_body(**own), currentKubernetesVersion=version)

    async with asking(world.kubeconfig(ADMIN), "members-updated", (), shown) as asker:
        finding = await asker.ask(Target("Full", version, "Latest"), MEMBER)

    assert (finding.outcome, sorted(each.code for each in finding.evidence)) == (outcome, codes), finding
