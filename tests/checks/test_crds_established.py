"""crds-established: CustomResourceDefinitions -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.crds_established import CRDS, CrdsEstablished
from gatekeeper.check import BadAnswer, Forbidden
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding

CHECK = CrdsEstablished()
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}


def crd(
    plural: str = "widgets", stored: Any = ("v1",), served: str = "v1", deleted: float | None = None, **states: Any
) -> Any:
    """Versions v1alpha1 and v1, of which some are served; ``Established="False"``, None for a missing condition."""
    conditions = {"NamesAccepted": "True", "Established": "True", **states}
    metadata: dict[str, Any] = {"name": f"{plural}.example.com"}
    if deleted is not None:
        metadata["deletionTimestamp"] = (NOW - timedelta(minutes=deleted)).isoformat()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": plural.title()},
            "versions": [{"name": each, "served": each in served.split()} for each in ("v1alpha1", "v1")],
        },
        "status": {
            "conditions": [
                {"type": kind, "status": state, "reason": "R", "message": "m"}
                for kind, state in conditions.items()
                if state
            ],
            "storedVersions": list(stored) if isinstance(stored, tuple) else stored,
        },
    }


async def test_established_definitions_pass() -> None:
    finding = await ask(CHECK, FakeCluster([crd(), crd("gadgets")]))

    assert_finding(finding, "passed", "2 CustomResourceDefinitions looked at, all established", codes=[])


@pytest.mark.parametrize("kind", ["Established", "NamesAccepted"])
async def test_one_that_is_not_established_fails(kind: str) -> None:
    finding = await ask(CHECK, FakeCluster([crd(), crd("gadgets", deleted=None, **{kind: "False"})]))

    assert_finding(
        finding,
        "failed",
        f"1 is not in force, of 2 CustomResourceDefinitions: gadgets.example.com {kind} is False: R m",
        codes=[f"CrdNot{kind}"],
    )


@pytest.mark.parametrize("state", ["Unknown", "yes", None])
async def test_one_that_does_not_say_is_inconclusive(state: str | None) -> None:
    assert_finding(await ask(CHECK, FakeCluster([crd(Established=state)])), "inconclusive", "1 is not settled")


@pytest.mark.parametrize(("minutes", "outcome"), [(5, "inconclusive"), (30, "failed")])
async def test_one_in_deletion_is_not_settled_and_then_fails(minutes: float, outcome: str) -> None:
    finding = await ask(CHECK, FakeCluster([crd(deleted=minutes)]))

    assert_finding(finding, outcome, f"being deleted for {minutes}m", codes=["CrdTerminating"])


async def test_a_stored_version_that_is_not_defined_fails() -> None:
    finding = await ask(CHECK, FakeCluster([crd(stored=("v1beta1", "v1"))]))

    assert_finding(finding, "failed", "stores v1beta1, which it does not define", codes=["CrdStoredUnknown"])


async def test_a_stored_version_that_is_not_served_is_reported() -> None:
    finding = await ask(CHECK, FakeCluster([crd(stored=("v1alpha1", "v1"))]))

    assert_finding(finding, "passed", codes=["CrdStoredUnserved"])
    assert_finding(await ask(CHECK, FakeCluster([crd(stored=("v1alpha1",), served="v1alpha1 v1")])), "passed", codes=[])


async def test_what_fails_and_what_is_not_settled_are_counted_apart() -> None:
    cluster = FakeCluster([crd(), crd("gadgets", Established="False"), crd("gizmos", deleted=5), crd("a", deleted=5)])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, "failed", "1 is not in force, of 4 CustomResourceDefinitions: gadgets.example.com Est")
    assert finding.message.endswith("; 2 are not settled")


async def test_stored_versions_of_another_shape_are_no_answer() -> None:
    with pytest.raises(BadAnswer, match="storedVersions"):
        await ask(CHECK, FakeCluster([crd(stored="v1beta1")]))


async def test_a_required_one_that_is_not_there_fails() -> None:
    check = CrdsEstablished(required=("gadgets.example.com",))

    assert_finding(await ask(check, FakeCluster([crd()])), "failed", "gadgets.example.com is not there")
    assert_finding(await ask(check, FakeCluster([crd("gadgets")])), "passed")
    assert_finding(await ask(check, FakeCluster([NODE])), "failed", codes=["CrdMissing"])


async def test_what_is_ignored_does_not_count() -> None:
    cluster = FakeCluster([crd(), crd("gadgets", Established="False")])

    assert_finding(
        await ask(CrdsEstablished(ignore=("gadgets.*",)), cluster), "passed", "1 CustomResourceDefinition looked at"
    )


async def test_a_cluster_without_any_passes_if_it_has_nodes() -> None:
    assert_finding(await ask(CHECK, FakeCluster([NODE])), "passed", "there is no CustomResourceDefinition")
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "no nodes either")


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([crd()])
    cluster.fail(CRDS, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


async def test_versions_of_another_shape_are_no_answer() -> None:
    odd = crd()
    cluster = FakeCluster([odd])
    cluster._of(cluster._kinds.of("CustomResourceDefinition"))["widgets.example.com"]["spec"]["versions"] = ["v1"]

    with pytest.raises(BadAnswer):
        await ask(CHECK, cluster)
