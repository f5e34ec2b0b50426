"""replicas-spread, from manifests to findings."""

from __future__ import annotations

from typing import Any

import pytest
from contoso_checks.replicas_spread import ReplicasSpread

from gatekeeper.check import BadAnswer, Namespaces, Outcome
from gatekeeper.testing import FakeCluster, ask, assert_finding, assert_never_passes

Manifest = dict[str, Any]


def node(name: str, zone: str | None = None) -> Manifest:
    labels = {"kubernetes.io/hostname": name} | ({"topology.kubernetes.io/zone": zone} if zone else {})
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def pod(name: str, on: str, owner: str = "StatefulSet db", **metadata: Any) -> Manifest:
    kind, _, called = owner.partition(" ")
    owners = [{"apiVersion": "apps/v1", "kind": kind, "name": called, "uid": "1", "controller": True}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "ownerReferences": owners, **metadata},
        "spec": {"nodeName": on, "containers": [{"name": "db", "image": "db"}]},
        "status": {"phase": "Running"},
    }


NODES = [node("n1", "1"), node("n2", "1"), node("n3", "2")]
APART = [pod("db-0", "n1"), pod("db-1", "n2")]
TOGETHER = [pod("db-0", "n1"), pod("db-1", "n1")]


async def test_replicas_on_several_nodes_pass() -> None:
    finding = await ask(ReplicasSpread(), FakeCluster([*NODES, *APART]))

    assert_finding(finding, "passed", "1 workload, each in 2 nodes", codes=[])


async def test_replicas_on_one_node_fail_and_the_evidence_says_what_to_do() -> None:
    finding = await ask(ReplicasSpread(), FakeCluster([*NODES, *TOGETHER]))

    assert_finding(finding, "failed", "1 of 1 workload runs in too few nodes", subjects=["StatefulSet shop/db"])
    assert finding.evidence[0].observed == "2 replicas on n1"
    assert finding.evidence[0].hint == "kubectl -n shop rollout restart statefulset/db"


async def test_two_nodes_of_one_zone_are_one_place() -> None:
    finding = await ask(ReplicasSpread(over="zone"), FakeCluster([*NODES, *APART]))

    assert_finding(finding, "failed", "too few zones", codes=["ReplicasTogether"])


@pytest.mark.parametrize(
    "harmless",
    [
        pod("agent-1", "n1", "DaemonSet agent"),
        pod("report-1", "n1", "Job report"),
        pod("db-2", "n1", deletionTimestamp="2026-11-23T10:00:00Z"),
    ],
    ids=["of a DaemonSet", "of a Job", "is being deleted"],
)
async def test_a_pod_that_is_no_replica_is_not_judged(harmless: Manifest) -> None:
    finding = await ask(ReplicasSpread(), FakeCluster([*NODES, *APART, harmless]))

    assert_finding(finding, "passed", "1 workload")


async def test_a_node_of_unknown_zone_is_no_answer() -> None:
    with pytest.raises(BadAnswer, match=r"node n9 has no label topology\.kubernetes\.io/zone"):
        await ask(ReplicasSpread(over="zone"), FakeCluster([node("n9"), pod("db-0", "n9"), pod("db-1", "n9")]))


async def test_it_never_passes_where_nothing_was_seen() -> None:
    await assert_never_passes(ReplicasSpread(), [*NODES, *APART])


@pytest.mark.parametrize("manifests", [NODES, TOGETHER], ids=["nodes alone", "pods alone"])
async def test_where_only_a_part_is_seen_there_is_no_answer(manifests: list[Manifest]) -> None:
    finding = await ask(ReplicasSpread(), FakeCluster(manifests))

    assert finding.outcome is Outcome.INCONCLUSIVE


async def test_namespaces_are_left_out_on_the_server() -> None:
    elsewhere = Namespaces(exclude=("shop",))
    alone = {**pod("job-1", "n1"), "metadata": {"name": "job-1", "namespace": "pay"}}

    finding = await ask(ReplicasSpread(namespaces=elsewhere), FakeCluster([*NODES, *TOGETHER, alone]))

    assert_finding(finding, "inconclusive", "no workload with several replicas")
