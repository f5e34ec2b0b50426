"""The test kit notices a check that passes where it has not seen that all is well."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from gatekeeper import testing
from gatekeeper.check import ClusterCheck, ClusterContext, CouldNotLook, Finding, Resource, at
from gatekeeper.testing import assert_never_passes

NODES, PODS = Resource("", "v1", "nodes"), Resource("", "v1", "pods")
NODE: dict[str, Any] = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"phase": "Fine"}}


class _Fake(ClusterCheck):
    """A question."""

    name: ClassVar[str] = "fake"
    claim: ClassVar[str] = "all is well"
    reads: ClassVar[tuple[Resource, ...]] = (NODES, PODS)


class Careful(_Fake):
    """Passes where every node is fine."""

    async def run(self, ctx: ClusterContext) -> Finding:
        nodes = await ctx.cluster.objects(NODES)
        await ctx.cluster.table(PODS)
        fine = bool(nodes) and all(at(node, "status", "phase") == "Fine" for node in nodes)
        return Finding.passed("fine") if fine else Finding.inconclusive("not seen")


class PassesOnNothing(_Fake):
    """Takes an empty list for a healthy one."""

    async def run(self, ctx: ClusterContext) -> Finding:
        nodes = await ctx.cluster.objects(NODES)
        return Finding.failed("sick") if nodes else Finding.passed("no node is sick")


class CountsNamespaces(_Fake):
    """Takes what every API server has of its own for a cluster."""

    async def run(self, ctx: ClusterContext) -> Finding:
        found = await ctx.cluster.table(Resource("", "v1", "namespaces"))
        return Finding.passed("none is sick") if found.rows else Finding.inconclusive("none is there")


class SwallowsErrors(Careful):
    """Takes what it could not read for empty."""

    async def run(self, ctx: ClusterContext) -> Finding:
        try:
            await ctx.cluster.table(PODS)
        except CouldNotLook:
            return Finding.passed("no pods")
        return await super().run(ctx)


class BelievesAnything(_Fake):
    """Does not look at what it reads."""

    async def run(self, ctx: ClusterContext) -> Finding:
        await ctx.cluster.table(PODS)
        return Finding.passed("fine") if await ctx.cluster.objects(NODES) else Finding.failed("none")


async def test_a_careful_check_is_fine() -> None:
    await assert_never_passes(Careful())
    await assert_never_passes(Careful(), [NODE])


@pytest.mark.parametrize(
    ("check", "healthy", "words"),
    [
        (PassesOnNothing(), [], "passes on an empty cluster"),
        (CountsNamespaces(), [], "passes on an API server without a cluster"),
        (SwallowsErrors(), [NODE], r"passes although pods cannot be read \(Unreachable\)"),
        (BelievesAnything(), [NODE], "passes where an object is"),
        (Careful(), [{**NODE, "status": {}}], "does not pass on what is healthy: inconclusive"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_careless_one_is_caught(check: ClusterCheck, healthy: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        await assert_never_passes(check, healthy)


def test_the_public_names_of_the_kit_are_these() -> None:
    assert set(testing.__all__) == {
        *("FakeCluster", "FakeHttp", "FakeAzure", "FakeWorkbench", "OddCluster", "NOW"),
        *("ask", "ask_gate", "context", "gate", "member", "scope"),
        *("assert_finding", "assert_never_passes", "bare_cluster"),
        *("Conflict", "ServerFault", "Throttled", "TimedOut", "Unauthorized", "Unreachable"),
    }
    assert all(hasattr(testing, name) for name in testing.__all__)
