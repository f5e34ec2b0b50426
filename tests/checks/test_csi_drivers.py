"""csi-drivers: nodes, CSINodes and CSIDrivers -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from checks.csi_drivers import CsiDrivers
from gatekeeper.check import NODES, BadAnswer, Table, Tolerance
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding, context

CHECK = CsiDrivers()
DISK, FILE = "disk.csi.azure.com", "file.csi.azure.com"


def driver(name: str) -> Any:
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": name}, "spec": {}}


def node(name: str = "n1", age: float = 60, **labels: str) -> Any:
    metadata = {
        "name": name,
        "uid": f"uid-{name}",
        "labels": {"kubernetes.azure.com/agentpool": "user", **labels},
        "creationTimestamp": (NOW - timedelta(minutes=age)).isoformat().replace("+00:00", "Z"),
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata}


def csi_node(name: str = "n1", drivers: Any = (DISK, FILE), uid: str | None = None) -> Any:
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid or f"uid-{name}"}
    found = None if drivers is None else [{"name": each, "nodeID": name} for each in drivers]
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": name, "ownerReferences": [owner]},
        "spec": {"drivers": found},
    }


BOTH = [driver(DISK), driver(FILE), node(), csi_node()]


async def test_drivers_on_every_node_pass() -> None:
    assert_finding(await ask(CHECK, FakeCluster(BOTH)), "passed", "2 drivers registered on all 1 node", codes=[])


@pytest.mark.parametrize(
    ("manifests", "outcome", "code", "words"),
    [
        ([node("n2"), csi_node("n2", [DISK])], "failed", "CsiDriverMissing", "n2 lacks file.csi.azure.com"),
        ([node("n2"), csi_node("n2", None)], "failed", "CsiDriverMissing", "n2 lacks disk.csi.azure.com, file"),
        ([node("n2"), csi_node("n2", ["other"])], "failed", "CsiDriverMissing", "lacks"),
        ([node("n2")], "failed", "CsiNodeMissing", "n2 has no CSINode"),
        ([node("n2", age=2)], "inconclusive", "CsiNodeMissing", "1 of 2 nodes, 0 allowed"),
        ([node("n2"), csi_node("n2", uid="old")], "inconclusive", "CsiNodeStale", "an older node of its name"),
    ],
)
async def test_a_node_without_a_driver_is_named(manifests: list[Any], outcome: str, code: str, words: str) -> None:
    finding = await ask(CHECK, FakeCluster([*BOTH, *manifests]))

    assert_finding(finding, outcome, words, codes=[code], subjects=["Node n2 (pool user)"])
    assert "spec.nodeName=n2" in finding.evidence[0].hint


async def test_a_driver_that_the_cluster_does_not_know_fails() -> None:
    cluster = FakeCluster([driver(DISK), node(), csi_node()])

    assert_finding(await ask(CHECK, cluster), "failed", "no driver file.csi.azure.com", codes=["CsiDriverUnknown"])
    assert_finding(await ask(CsiDrivers(drivers=(DISK,)), cluster), "passed", "1 driver registered")


@pytest.mark.parametrize(
    ("name", "words"),
    [("file.csi.azure.com", "az aks update --enable-file-driver"), ("nfs.csi.k8s.io", "install it, or")],
)
async def test_it_is_told_how_a_driver_comes_to_be_known(name: str, words: str) -> None:
    cluster = FakeCluster([driver(DISK), node(), csi_node(drivers=[DISK, name])])

    finding = await ask(CsiDrivers(drivers=(DISK, name)), cluster)

    assert finding.evidence[0].hint.startswith(words if name != FILE else f"switch it on: {words}")
    assert finding.evidence[0].hint.endswith("kubectl get csidrivers")


async def test_some_nodes_may_lack_one() -> None:
    cluster = FakeCluster([*BOTH, node("n2")])

    assert_finding(await ask(CsiDrivers(max_missing=Tolerance(count=1)), cluster), "passed", "1 allowed")


async def test_virtual_nodes_and_those_that_are_not_selected_are_left_out() -> None:
    cluster = FakeCluster([*BOTH, node("aci", type="virtual-kubelet"), node("win", os="windows")])

    assert_finding(
        await ask(CsiDrivers(node_selector="os!=windows,type!=virtual-kubelet"), cluster), "passed", "1 node"
    )
    assert_finding(await ask(CHECK, cluster), "failed", "1 of 2 nodes")


async def test_no_nodes_are_inconclusive() -> None:
    assert_finding(await ask(CHECK, FakeCluster([driver(DISK), driver(FILE)])), "inconclusive", "there is no node")


async def test_rows_without_metadata_are_no_answer() -> None:
    cluster = FakeCluster(BOTH)

    async def table(*_: Any, **__: Any) -> Table:
        return Table(("Name",), (("n1",),))

    cluster.table = table  # type: ignore[method-assign]

    with pytest.raises(BadAnswer):
        await CHECK.run(context(cluster))


async def test_nodes_are_never_read_whole() -> None:
    cluster = FakeCluster(BOTH)
    read: list[Any] = []

    async def objects(resource: Any, **given: Any) -> Any:
        read.append(resource)
        return await FakeCluster.objects(cluster, resource, **given)

    cluster.objects = objects  # type: ignore[method-assign]
    await CHECK.run(context(cluster))

    assert NODES not in read


def test_no_drivers_at_all_are_refused() -> None:
    with pytest.raises(ValidationError):
        CsiDrivers(drivers=())
