"""The test kit itself."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from gatekeeper.check import ClusterCheck, ClusterContext, Evidence, Finding, Forbidden, NotFound, Resource
from gatekeeper.testing import FakeCluster, ask, assert_finding

PODS, CRONTABS = Resource("", "v1", "pods"), Resource("stable.example.com", "v1", "crontabs")
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "crontabs.stable.example.com"},
    "spec": {
        "group": "stable.example.com",
        "scope": "Namespaced",
        "names": {"plural": "crontabs", "kind": "CronTab"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "additionalPrinterColumns": [{"name": "Spec", "type": "string", "jsonPath": ".spec.cron"}],
            }
        ],
    },
}


def pod(name: str, namespace: str = "shop", phase: str = "Running", **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": []},
        "status": {"phase": phase},
    }


async def test_it_lists_by_namespace_labels_and_fields() -> None:
    cluster = FakeCluster(
        [pod("a", app="x"), pod("b", app="y"), pod("c", "pay", app="x"), pod("d", phase="Failed", app="x")]
    )

    table = await cluster.table(
        PODS, namespace="shop", label_selector="app in (x)", field_selector="status.phase!=Failed"
    )
    objects = await cluster.objects(PODS, field_selector="metadata.name=c")

    assert [row[table.column("Name")] for row in table.rows] == ["a"]
    assert [each["metadata"]["namespace"] for each in objects] == ["pay"]


async def test_tables_carry_metadata_when_asked_to() -> None:
    cluster = FakeCluster([pod("a")])

    assert (await cluster.table(PODS)).metadata == ()
    assert [each["name"] for each in (await cluster.table(PODS, metadata=True)).metadata] == ["a"]


async def test_namespaces_in_use_exist() -> None:
    table = await FakeCluster([pod("a"), pod("b", "pay")]).table(Resource("", "v1", "namespaces"))

    assert [row[0] for row in table.rows] == ["pay", "shop"]


async def test_what_is_read_cannot_change_the_cluster() -> None:
    cluster = FakeCluster([pod("a")])

    found: Any = await cluster.objects(PODS)
    found[0]["status"]["phase"] = "Failed"

    assert (await cluster.object(PODS, "a", namespace="shop"))["status"]["phase"] == "Running"


async def test_custom_resources_are_understood_by_their_definition() -> None:
    cron = {
        "apiVersion": "stable.example.com/v1",
        "kind": "CronTab",
        "metadata": {"name": "a"},
        "spec": {"cron": "* * * * *"},
    }

    table = await FakeCluster([DEFINITION, cron]).table(CRONTABS)

    assert dict(zip(table.columns, table.rows[0], strict=True))["Spec"] == "* * * * *"


async def test_what_does_not_exist_is_not_found() -> None:
    cluster = FakeCluster()

    with pytest.raises(NotFound):
        await cluster.object(PODS, "a", namespace="shop")
    with pytest.raises(NotFound):
        await cluster.table(CRONTABS)
    assert (await cluster.text("/nosuch")).status == 404


class Peeking(ClusterCheck):
    """Reads more than it says."""

    name: ClassVar[str] = "peeking"
    claim: ClassVar[str] = "nothing"

    async def run(self, ctx: ClusterContext) -> Finding:
        await ctx.cluster.table(PODS)
        return Finding.passed("fine")


async def test_a_check_that_reads_what_it_does_not_declare_is_caught() -> None:
    with pytest.raises(AssertionError, match=r"asked for what it does not declare: .*pods"):
        await ask(Peeking(), FakeCluster())


async def test_a_resource_can_be_made_to_fail() -> None:
    cluster = FakeCluster()
    cluster.fail(PODS, Forbidden("no"))

    with pytest.raises(Forbidden):
        await cluster.table(PODS)


def test_an_assertion_that_does_not_hold_shows_the_finding() -> None:
    finding = Finding.failed("1 of 2 nodes is not Ready", [Evidence("NodeNotReady", "Node a", "silent")])

    assert_finding(finding, "failed", "1 of 2", codes=["NodeNotReady"], subjects=["Node a"])
    with pytest.raises(AssertionError, match="NodeNotReady Node a: silent"):
        assert_finding(finding, "passed")
    with pytest.raises(AssertionError, match="1 of 2 nodes"):
        assert_finding(finding, "failed", codes=["Other"])
