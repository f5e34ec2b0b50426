"""node-images-current: a selection of images, nodes -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from checks.node_images_current import NodeImagesCurrent
from gatekeeper.check import NODES, Forbidden, Target
from gatekeeper.testing import FakeCluster, ask, assert_finding

NEW, OLD = "AKSUbuntu-2204gen2containerd-202511.01.0", "AKSUbuntu-2204gen2containerd-202509.11.0"
WINDOWS = "AKSWindows-2022-containerd-20348.2582.240716"
CHECK = NodeImagesCurrent()
LATEST = Target("NodeImageOnly", None, "Latest")


def node(name: str, image: Any = NEW, pool: str = "user") -> dict[str, Any]:
    labels = {"kubernetes.azure.com/agentpool": pool} if pool else {}
    labels |= {"kubernetes.azure.com/node-image-version": image} if image is not None else {}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


@pytest.mark.parametrize("selection", ["Consistent", "Custom"])
@pytest.mark.parametrize("kind", ["Full", "NodeImageOnly"])
async def test_nodes_on_the_selected_images_pass(kind: str, selection: str) -> None:
    target = Target(kind, "1.34.2", selection, (NEW.lower(), WINDOWS))
    cluster = FakeCluster([node("a"), node("b", WINDOWS, "win")])

    assert_finding(await ask(CHECK, cluster, target), "passed", "all 2 nodes are on", codes=[])


@pytest.mark.parametrize("image", [OLD, WINDOWS, None, "", 7, f"{NEW}.1"])
async def test_a_node_on_another_image_fails(image: object) -> None:
    cluster = FakeCluster([node("a"), node("b", image)])

    finding = await ask(CHECK, cluster, Target("Full", "1.34", "Consistent", (NEW,)))

    assert_finding(finding, "failed", "1 of 2 nodes is not on", codes=["NodeImage"], subjects=["Node b (pool user)"])
    assert "pool user" in finding.message


@pytest.mark.parametrize("target", [LATEST, Target(), Target("ControlPlaneOnly", "1.34", "Consistent", (NEW,))])
async def test_without_selected_images_each_pool_must_agree_with_itself(target: Target) -> None:
    same = [node("a", OLD), node("b", OLD), node("c", WINDOWS, "win")]

    passed = await ask(CHECK, FakeCluster(same), target)
    failed = await ask(CHECK, FakeCluster([*same, node("d")]), target)

    assert_finding(passed, "passed", "all 3 nodes are on one image in each of 2 pools")
    assert_finding(failed, "failed", "1 of 2 pools is not on one image: Pool user", codes=["NodeImagesDiffer"])
    assert failed.evidence[0].observed == f"2 on {OLD} (a, b); 1 on {NEW} (d)"


@pytest.mark.parametrize("pool", ["user", ""])
async def test_nodes_that_agree_on_having_no_image_fail(pool: str) -> None:
    cluster = FakeCluster([node("a", None, pool), node("b", None, pool)])

    assert_finding(await ask(CHECK, cluster, LATEST), "failed", "1 of 1 pool is not on one image")


async def test_given_images_stand_for_the_runs() -> None:
    cluster = FakeCluster([node("a"), node("b", OLD)])

    assert_finding(await ask(NodeImagesCurrent(images=(NEW, OLD)), cluster, LATEST), "passed")
    assert_finding(
        await ask(NodeImagesCurrent(images=(NEW,)), cluster, LATEST), "failed", subjects=["Node b (pool user)"]
    )


async def test_only_the_named_pools_are_judged_and_each_must_exist() -> None:
    cluster = FakeCluster([node("a"), node("b", OLD, "old")])
    target = Target("NodeImageOnly", None, "Custom", (NEW,))

    assert_finding(await ask(NodeImagesCurrent(pools=("user",)), cluster, target), "passed", "all 1 nodes")
    assert_finding(await ask(NodeImagesCurrent(pools=("user", "gpu")), cluster, target), "inconclusive", "in pool gpu")


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (Target("Full", "1.34", "Newest"), "selection is Newest"),
        (Target("Full", "1.34", "Consistent"), "names none yet"),
        (Target("NodeImageOnly", None, "Custom", ("",)), "names none yet"),
    ],
)
async def test_nothing_to_compare_with_is_inconclusive(target: Target, why: str) -> None:
    assert_finding(await ask(CHECK, FakeCluster([node("a")]), target), "inconclusive", why)


@pytest.mark.parametrize("target", [LATEST, Target("Full", "1.34", "Consistent", (NEW,))])
async def test_a_cluster_without_nodes_is_inconclusive(target: Target) -> None:
    assert_finding(await ask(CHECK, FakeCluster(), target), "inconclusive", "there is no node")


@pytest.mark.parametrize("image", ["", "a b", "-x", "x" * 64])
def test_what_is_no_image_is_refused(image: str) -> None:
    with pytest.raises(ValidationError):
        NodeImagesCurrent(images=(image,))


async def test_the_evidence_is_bounded() -> None:
    nodes = [node(f"n{i}", OLD) for i in range(50)]

    finding = await ask(NodeImagesCurrent(images=(NEW,)), FakeCluster(nodes))

    assert_finding(finding, "failed", "50 of 50 nodes")
    assert len(finding.evidence) == 21


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([node("a")])
    cluster.fail(NODES, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster, LATEST)


def virtual() -> dict[str, Any]:
    it = node("virtual-node-aci-linux", None, "")
    it["metadata"]["labels"]["type"] = "virtual-kubelet"
    return it


@pytest.mark.parametrize("target", [LATEST, Target("Full", "1.34", "Consistent", (NEW,))])
async def test_a_virtual_node_has_no_image_and_is_left_out(target: Target) -> None:
    finding = await ask(CHECK, FakeCluster([node("a"), virtual()]), target)

    assert_finding(finding, "passed", "all 1 nodes are on", codes=[])
    assert finding.message.endswith("; 1 virtual left out")


async def test_virtual_nodes_alone_prove_nothing() -> None:
    assert_finding(await ask(CHECK, FakeCluster([virtual()]), LATEST), "inconclusive", "there is no node")


async def test_pools_are_counted_in_the_singular_too() -> None:
    passed = await ask(CHECK, FakeCluster([node("a")]), LATEST)
    failed = await ask(CHECK, FakeCluster([node("a"), node("b", OLD)]), LATEST)

    assert passed.message == "all 1 nodes are on one image in its pool (the run names none)"
    assert failed.message == "1 of 1 pool is not on one image: Pool user"


async def test_the_hint_for_a_node_without_a_pool_is_a_sentence() -> None:
    finding = await ask(CHECK, FakeCluster([node("a", OLD, "")]), Target("Full", "1.34", "Consistent", (NEW,)))

    assert "did the update reach the pool of this node?" in finding.evidence[0].hint
