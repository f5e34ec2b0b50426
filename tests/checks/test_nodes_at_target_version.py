"""nodes-at-target-version: a target, a cluster -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from checks.nodes_at_target_version import NodesAtTargetVersion
from gatekeeper.check import NODES, BadAnswer, Forbidden, Target, Text
from gatekeeper.testing import FakeCluster, ask, assert_finding

NEW, OLD = "AKSUbuntu-2204gen2containerd-202511.01.0", "AKSUbuntu-2204gen2containerd-202509.11.0"
WINDOWS = "AKSWindows-2022-containerd-20348.2582.240716"
CHECK = NodesAtTargetVersion()


def node(name: str, version: str = "v1.34.2", image: str | None = NEW, pool: str = "user") -> dict[str, Any]:
    labels = {"kubernetes.azure.com/agentpool": pool}
    labels |= {"kubernetes.azure.com/node-image-version": image} if image else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"nodeInfo": {"kubeletVersion": version}, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def full(version: str | None = "1.34.2", selection: str | None = "Latest", *images: str) -> Target:
    return Target("Full", version, selection, images)


def images(selection: str | None, *selected: str) -> Target:
    return Target("NodeImageOnly", None, selection, selected)


@pytest.mark.parametrize("version", ["1.34.2", "1.34", "v1.34.2", "v1.34"])
async def test_a_full_update_that_arrived_passes(version: str) -> None:
    finding = await ask(CHECK, FakeCluster([node("a"), node("b")]), full(version))

    assert_finding(finding, "passed", f"all 2 nodes are at {version}, and the API server is at v1.34.2", codes=[])


@pytest.mark.parametrize("version", ["v1.33.5", "v1.34.1", "v1.34.20", "v1.35.2", "v1.3.42", "v2.34.2", "", "garbage"])
async def test_a_node_left_behind_fails(version: str) -> None:
    finding = await ask(CHECK, FakeCluster([node("a"), node("b", version)]), full())

    assert_finding(
        finding, "failed", "1 of 2 nodes is not at 1.34.2", codes=["NodeVersion"], subjects=["Node b (pool user)"]
    )


async def test_versions_are_compared_as_numbers() -> None:
    cluster = FakeCluster([node("a", "v1.9.10")], version="v1.9.10")

    assert_finding(await ask(CHECK, cluster, full("1.9")), "passed")
    assert_finding(await ask(CHECK, cluster, full("1.9.1")), "failed")
    assert_finding(await ask(CHECK, cluster, full("1.90")), "failed")


async def test_an_api_server_left_behind_fails_even_if_the_nodes_are_there() -> None:
    finding = await ask(CHECK, FakeCluster([node("a")], version="v1.33.5"), full())

    assert_finding(finding, "failed", "the API server is at v1.33.5, not 1.34.2", codes=["ApiServerVersion"])


async def test_build_words_behind_the_numbers_do_not_matter() -> None:
    cluster = FakeCluster([node("a", "v1.27.100-akslts")], version="v1.27.100-akslts")

    assert_finding(await ask(CHECK, cluster, full("1.27.100")), "passed")


@pytest.mark.parametrize("selection", ["Consistent", "Custom"])
async def test_a_full_update_with_selected_images_compares_them_too(selection: str) -> None:
    cluster = FakeCluster([node("a"), node("b", image=OLD)])

    finding = await ask(CHECK, cluster, full("1.34.2", selection, NEW))

    assert_finding(finding, "failed", "1 of 2 nodes is not at 1.34.2 and on the selected images", codes=["NodeImage"])


@pytest.mark.parametrize(
    ("version", "outcome"),
    [
        ("v1.34.2", "passed"),
        ("v1.31.0", "passed"),
        ("v1.30.9", "failed"),
        ("v1.35.0", "failed"),
        ("v1.34.3", "failed"),
        ("", "failed"),
    ],
)
async def test_control_plane_only_leaves_nodes_behind_but_not_far_and_never_ahead(version: str, outcome: str) -> None:
    cluster = FakeCluster([node("a", version, image=OLD)])

    finding = await ask(CHECK, cluster, Target("ControlPlaneOnly", "1.34", "Consistent", (NEW,)))

    assert_finding(finding, outcome, codes=[] if outcome == "passed" else ["NodeVersionSkew"])


async def test_control_plane_only_needs_the_api_server_at_the_target() -> None:
    cluster = FakeCluster([node("a", "v1.33.5")], version="v1.33.5")

    assert_finding(await ask(CHECK, cluster, Target("ControlPlaneOnly", "1.34")), "failed", codes=["ApiServerVersion"])


async def test_selected_images_may_be_one_for_each_kind_of_pool() -> None:
    cluster = FakeCluster([node("a"), node("b", image=WINDOWS, pool="win")])

    assert_finding(await ask(CHECK, cluster, images("Consistent", NEW, WINDOWS)), "passed", "on the selected images")
    assert_finding(await ask(CHECK, cluster, images("Consistent", NEW)), "failed", subjects=["Node b (pool win)"])


@pytest.mark.parametrize("selection", ["Consistent", "Latest"])
async def test_a_node_without_an_image_label_fails(selection: str) -> None:
    selected = (NEW,) if selection == "Consistent" else ()

    finding = await ask(CHECK, FakeCluster([node("a", image=None)]), images(selection, *selected))

    assert_finding(finding, "failed", codes=["NodeImage"])


async def test_latest_images_must_be_the_same_in_each_pool() -> None:
    same = [node("a"), node("b"), node("c", image=WINDOWS, pool="win")]

    passed = await ask(CHECK, FakeCluster(same), images("Latest"))
    failed = await ask(CHECK, FakeCluster([*same, node("d", image=OLD)]), images("Latest"))

    assert_finding(passed, "passed", "one image in each pool (the run names none)")
    assert_finding(failed, "failed", "3 of 4 nodes", codes=["NodeImage"] * 3)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (Target(), "upgrade type is not given"),
        (Target("Sideways", "1.34"), "upgrade type is Sideways"),
        (Target("full", "1.34"), "upgrade type is full"),
        (Target("Full"), "names no Kubernetes version"),
        (Target("ControlPlaneOnly", None, "Consistent", (NEW,)), "names no Kubernetes version"),
        (Target("Full", "1.34.2", "Consistent"), "names none yet"),
        (Target("NodeImageOnly", None, "Custom"), "names none yet"),
        (Target("NodeImageOnly"), "node image selection is not given"),
        (Target("NodeImageOnly", None, "Newest"), "node image selection is Newest"),
        (Target("Full", "1.34.2", "Newest"), "node image selection is Newest"),
        (Target("Full", "1.34.2", "Newest", (NEW,)), "node image selection is Newest"),
    ],
)
async def test_nothing_to_compare_with_is_inconclusive(target: Target, why: str) -> None:
    assert_finding(await ask(CHECK, FakeCluster([node("a")]), target), "inconclusive", why)


@pytest.mark.parametrize(
    "target", [full(), images("Latest"), images("Custom", NEW), Target("ControlPlaneOnly", "1.34")]
)
async def test_a_cluster_without_nodes_is_inconclusive(target: Target) -> None:
    assert_finding(await ask(CHECK, FakeCluster(), target), "inconclusive", "no nodes")


async def test_a_version_can_be_given_instead_of_the_runs() -> None:
    cluster = FakeCluster([node("a")])

    assert_finding(await ask(NodesAtTargetVersion(version="1.34"), cluster), "passed")
    assert_finding(await ask(NodesAtTargetVersion(version="1.35"), cluster, full("1.34")), "failed")
    assert_finding(await ask(NodesAtTargetVersion(version="1.34"), cluster, images("Consistent", OLD)), "failed")


@pytest.mark.parametrize("version", ["1", "latest", "1.34.2.1", "", "1.34 "])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValidationError):
        NodesAtTargetVersion(version=version)


async def test_a_target_that_is_no_version_is_no_answer() -> None:
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([node("a")]), full("newest"))


@pytest.mark.parametrize(
    "answer",
    [
        Text(200, ""),
        Text(200, "[]"),
        Text(200, "{}"),
        Text(200, '{"gitVersion": 1}'),
        Text(500, '{"gitVersion": "v1.34.2"}'),
    ],
)
async def test_an_api_server_that_does_not_say_its_version_is_no_answer(answer: Text) -> None:
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([node("a")], texts={"/version": answer}), full())


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([node("a")])
    cluster.fail(NODES, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster, full())


async def test_the_evidence_is_bounded() -> None:
    nodes = [node(f"n{i}", "v1.33.0") for i in range(50)]

    finding = await ask(CHECK, FakeCluster(nodes), full())

    assert_finding(finding, "failed", "50 of 50 nodes")
    assert len(finding.evidence) == 21


async def test_the_message_names_the_pools_that_stayed_behind() -> None:
    nodes = [node("a"), node("b", "v1.33.5", pool="gpu"), node("c", "v1.33.5", pool="spot")]

    assert_finding(
        await ask(CHECK, FakeCluster(nodes), full()), "failed", "2 of 3 nodes are not at 1.34.2 (pool gpu, spot)"
    )


def virtual(version: str = "v1.19.10-vk-azure-aci-1.4.8", **labels: str) -> dict[str, Any]:
    """As the add-on for virtual nodes makes it: in no pool, without a node image, at a version of its own."""
    it = node("virtual-node-aci-linux", version, None)
    it["metadata"]["labels"] = {"type": "virtual-kubelet", **labels}
    return it


@pytest.mark.parametrize(
    "target", [full("1.34"), full("1.34", "Consistent", NEW), Target("ControlPlaneOnly", "1.34"), images("Latest")]
)
async def test_a_virtual_node_which_no_update_reaches_is_left_out_and_counted(target: Target) -> None:
    finding = await ask(CHECK, FakeCluster([node("a"), node("b"), virtual()]), target)

    assert_finding(finding, "passed", "all 2 nodes are", codes=[])
    assert finding.message.endswith("; 1 virtual left out")


async def test_a_node_of_a_pool_is_not_virtual_whatever_its_labels_say() -> None:
    finding = await ask(
        CHECK, FakeCluster([node("a"), virtual(**{"kubernetes.azure.com/agentpool": "user"})]), full("1.34")
    )

    assert_finding(finding, "failed", "1 of 2 nodes is not at 1.34")


async def test_virtual_nodes_alone_prove_nothing() -> None:
    assert_finding(await ask(CHECK, FakeCluster([virtual()]), full()), "inconclusive", "the cluster has no nodes")


async def test_a_cluster_ahead_of_the_target_is_told_what_can_be_done() -> None:
    finding = await ask(CHECK, FakeCluster([node("a", "v1.35.1")], version="v1.35.1"), full("1.34"))

    assert_finding(finding, "failed", "the API server is at v1.35.1, not 1.34")
    assert "no update goes back" in finding.evidence[0].hint


async def test_the_api_server_is_not_said_to_be_on_an_image() -> None:
    finding = await ask(CHECK, FakeCluster([node("a")]), full("1.34", "Consistent", NEW))

    assert finding.message == "all 1 nodes are at 1.34 and on the selected images, and the API server is at v1.34.2"


async def test_the_hint_for_a_node_without_a_pool_is_a_sentence() -> None:
    finding = await ask(CHECK, FakeCluster([node("a", "v1.33.1", pool="")]), full("1.34"))

    assert "did the update reach the pool of this node?" in finding.evidence[0].hint
