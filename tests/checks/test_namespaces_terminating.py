"""namespaces-terminating: Namespaces -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.namespaces_terminating import NAMESPACES, NamespacesTerminating
from gatekeeper.check import NODES, Forbidden
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding

CHECK = NamespacesTerminating()
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "aks-user-1"}}


def namespace(name: str = "shop", phase: str = "Active", ago: float | None = None, *reasons: str) -> Any:
    """Deleted so many minutes ago, and the conditions that are True."""
    metadata: dict[str, Any] = {"name": name}
    if ago is not None:
        metadata["deletionTimestamp"] = (NOW - timedelta(minutes=ago)).isoformat()
    conditions = [{"type": reason, "status": "True", "message": f"about {reason}"} for reason in reasons]
    conditions.append({"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "found all"})
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": metadata,
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": phase, "conditions": conditions if ago is not None else []},
    }


async def test_active_namespaces_pass_by_their_rows_alone() -> None:
    cluster = FakeCluster([NODE, namespace("a"), namespace("b")])

    assert_finding(await ask(CHECK, cluster), "passed", "none of 2 namespaces hangs", codes=[])
    assert cluster.asked == [NAMESPACES, NODES]


async def test_one_that_hangs_fails_and_says_what_holds_it() -> None:
    stuck = namespace("old", "Terminating", 600, "NamespaceContentRemaining", "NamespaceFinalizersRemaining")
    stuck["metadata"]["finalizers"] = ["example.com/keep"]

    finding = await ask(CHECK, FakeCluster([NODE, namespace(), stuck]))

    assert_finding(
        finding,
        "failed",
        "1 of 2 namespaces has been terminating for more than 10m: old",
        codes=["NamespaceStuck"],
        subjects=["Namespace old"],
    )
    assert finding.evidence[0].observed == (
        "terminating for 10h; NamespaceContentRemaining: about NamespaceContentRemaining; "
        "NamespaceFinalizersRemaining: about NamespaceFinalizersRemaining; "
        "finalizers of its own: example.com/keep, kubernetes"
    )


async def test_one_that_leaves_in_time_is_reported() -> None:
    cluster = FakeCluster([NODE, namespace(), namespace("new", "Terminating", 3)])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, "passed", "1 in deletion for less than 10m", codes=["NamespaceTerminating"])
    assert_finding(await ask(NamespacesTerminating(grace_period=timedelta(minutes=2)), cluster), "failed")


@pytest.mark.parametrize(("phase", "ago"), [("Terminating", None), ("Unknown", None), ("", None), ("Odd", 60.0)])
async def test_a_phase_that_is_not_known_is_inconclusive(phase: str, ago: float | None) -> None:
    finding = await ask(CHECK, FakeCluster([NODE, namespace(), namespace("odd", phase, ago)]))

    assert_finding(finding, "inconclusive", "1 of 2 namespaces are neither", codes=["NamespaceUnclear"])


async def test_what_is_ignored_does_not_count() -> None:
    cluster = FakeCluster([NODE, namespace(), namespace("pr-1", "Terminating", 60)])

    assert_finding(await ask(NamespacesTerminating(ignore=("pr-*",)), cluster), "passed", "none of 1 namespace hangs")
    assert_finding(await ask(NamespacesTerminating(ignore=("*",)), cluster), "inconclusive")


async def test_no_namespaces_at_all_are_inconclusive() -> None:
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "there is no namespace")


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([NODE, namespace()])
    cluster.fail(NAMESPACES, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


@given(st.lists(st.floats(0, 60), max_size=4), st.floats(10.1, 10_000))
async def test_one_that_hangs_among_others_never_passes(others: list[float], ago: float) -> None:
    leaving = [namespace(f"n{i}", "Terminating", each) for i, each in enumerate(others)]

    assert_finding(await ask(CHECK, FakeCluster([NODE, *leaving, namespace("old", "Terminating", ago)])), "failed")


async def test_without_a_node_nothing_is_proven() -> None:
    cluster = FakeCluster([namespace(), namespace("young", "Terminating", 1)])

    assert_finding(await ask(CHECK, cluster), "inconclusive", "but the cluster has no nodes")
