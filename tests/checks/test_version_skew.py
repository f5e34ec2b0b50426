"""version-skew: the API server's version, nodes -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.version_skew import VersionSkew
from gatekeeper.check import NODES, BadAnswer, Forbidden, Target, Text
from gatekeeper.testing import FakeCluster, ask, assert_finding

TARGET = Target("Full", "1.36")


def node(name: str, version: Any = "v1.34.2") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"nodeInfo": {"kubeletVersion": version}},
    }


@pytest.mark.parametrize("version", ["v1.34.2", "v1.34.0", "v1.33.9", "v1.31.0", "v1.31.14-akslts"])
async def test_a_kubelet_within_the_skew_passes(version: str) -> None:
    finding = await ask(VersionSkew(), FakeCluster([node("a"), node("b", version)]))

    assert_finding(finding, "passed", "all 2 nodes are at most", codes=[])


async def test_the_message_says_how_far_the_nodes_are_behind() -> None:
    finding = await ask(VersionSkew(), FakeCluster([node("a"), node("b", "v1.32.1")]))

    assert finding.message == "all 2 nodes are at most 2 minors behind the API server at v1.34.2, and none is ahead"


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("v1.30.9", "NodeVersionBehind"),
        ("v1.9.0", "NodeVersionBehind"),
        ("v1.34.3", "NodeVersionAhead"),
        ("v1.35.0", "NodeVersionAhead"),
        ("v1.100.0", "NodeVersionAhead"),
        ("v2.34.2", "NodeVersionUnknown"),
        ("v0.34.2", "NodeVersionUnknown"),
        ("", "NodeVersionUnknown"),
        ("newest", "NodeVersionUnknown"),
    ],
)
async def test_a_kubelet_out_of_the_skew_fails(version: str, code: str) -> None:
    finding = await ask(VersionSkew(), FakeCluster([node("a"), node("b", version)]))

    assert_finding(finding, "failed", "1 of 2 nodes is out of the supported skew", codes=[code], subjects=["Node b"])


@pytest.mark.parametrize(("server", "outcome"), [("v1.26.0", "passed"), ("v1.27.0", "failed")])
async def test_kubelets_before_1_25_may_be_two_minors_behind(server: str, outcome: str) -> None:
    assert_finding(await ask(VersionSkew(), FakeCluster([node("a", "v1.24.1")], version=server)), outcome)


async def test_the_skew_can_be_narrowed_but_not_widened() -> None:
    cluster = FakeCluster([node("a", "v1.32.0")])

    assert_finding(await ask(VersionSkew(max_minors_behind=1), cluster), "failed", codes=["NodeVersionBehind"])
    with pytest.raises(ValidationError):
        VersionSkew(max_minors_behind=4)


@pytest.mark.parametrize(("version", "outcome"), [("v1.33.0", "passed"), ("v1.32.9", "failed")])
async def test_in_front_of_an_update_the_target_can_stand_for_the_api_server(version: str, outcome: str) -> None:
    finding = await ask(VersionSkew(against="target"), FakeCluster([node("a", version)]), TARGET)

    assert_finding(finding, outcome, "the run's target at 1.36")


async def test_a_short_target_means_any_of_its_patches() -> None:
    cluster = FakeCluster([node("a", "v1.36.4")])

    assert_finding(await ask(VersionSkew(against="target"), cluster, TARGET), "passed")


async def test_a_run_that_leaves_the_api_server_alone_is_measured_against_it() -> None:
    cluster = FakeCluster([node("a")])
    images_only = Target("NodeImageOnly", None, "Latest")

    assert_finding(
        await ask(VersionSkew(against="target"), cluster, images_only), "passed", "the API server at v1.34.2"
    )
    assert_finding(await ask(VersionSkew(against="target"), cluster, Target("Full")), "inconclusive", "names no")


async def test_a_cluster_without_nodes_is_inconclusive() -> None:
    assert_finding(await ask(VersionSkew(), FakeCluster()), "inconclusive", "no nodes")


@pytest.mark.parametrize(
    "answer",
    [Text(200, ""), Text(200, "[]"), Text(200, '{"gitVersion": "new"}'), Text(500, '{"gitVersion": "v1.34.2"}')],
)
async def test_an_api_server_that_does_not_say_its_version_is_no_answer(answer: Text) -> None:
    with pytest.raises(BadAnswer):
        await ask(VersionSkew(), FakeCluster([node("a")], texts={"/version": answer}))


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([node("a")])
    cluster.fail(NODES, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(VersionSkew(), cluster)


minors = st.integers(25, 60)


@given(minors, minors, st.integers(0, 3))
async def test_nothing_but_the_distance_in_minors_decides(server: int, kubelet: int, allowed: int) -> None:
    cluster = FakeCluster([node("a", f"v1.{kubelet}.0")], version=f"v1.{server}.0")

    finding = await ask(VersionSkew(max_minors_behind=allowed), cluster)

    assert_finding(finding, "passed" if 0 <= server - kubelet <= allowed else "failed")


def virtual() -> dict[str, Any]:
    it = node("virtual-node-aci-linux", "v1.19.10-vk-azure-aci-1.4.8")
    it["metadata"]["labels"] = {"type": "virtual-kubelet"}
    return it


async def test_a_virtual_node_has_no_kubelet_and_is_left_out() -> None:
    finding = await ask(VersionSkew(), FakeCluster([node("a"), virtual()]))

    assert_finding(finding, "passed", "all 1 nodes are at most 0 minors behind", codes=[])
    assert finding.message.endswith("; 1 virtual left out")


async def test_virtual_nodes_alone_prove_nothing() -> None:
    assert_finding(await ask(VersionSkew(), FakeCluster([virtual()])), "inconclusive", "the cluster has no nodes")


@pytest.mark.parametrize("goal", ["1.33", "1.34.1", "1.30"])
async def test_a_target_behind_the_api_server_leaves_it_as_it_is(goal: str) -> None:
    check = VersionSkew(against="target")

    passed = await ask(check, FakeCluster([node("a"), node("b", "v1.31.0")]), Target("Full", goal))
    failed = await ask(check, FakeCluster([node("a", "v1.35.0")]), Target("Full", goal))

    assert_finding(passed, "passed", "behind the API server at v1.34.2")
    assert_finding(failed, "failed", "out of the supported skew to the API server at v1.34.2")
