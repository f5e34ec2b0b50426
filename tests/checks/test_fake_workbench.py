"""The fake workbench of the test kit: what is done on it, a check must declare."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import pytest

from gatekeeper.check import ClusterCheck, ClusterContext, Eviction, Finding, Forbidden, JobRun, Probe, Resource
from gatekeeper.testing import FakeCluster, FakeWorkbench, ask

PROXIED = "/api/v1/namespaces/shop/services/web:80/proxy/"
MINUTE = timedelta(minutes=1)


class Quiet(ClusterCheck):
    """Says nothing of what it does."""

    name: ClassVar[str] = "quiet"
    claim: ClassVar[str] = "quiet"

    async def run(self, ctx: ClusterContext) -> Finding:
        """Run a Job, and try an eviction."""
        await ctx.workbench.run_job("default", {}, MINUTE)
        await ctx.workbench.would_evict("default", "web-0")
        return Finding.passed("done")


class Honest(Quiet):
    """Says what it does."""

    writes: ClassVar[tuple[tuple[str, Resource], ...]] = (
        *Probe.writes,
        ("create", Resource("", "v1", "pods/eviction")),
    )


class Proxied(ClusterCheck):
    """Asks a Service."""

    name: ClassVar[str] = "proxied"
    claim: ClassVar[str] = "proxied"

    async def run(self, ctx: ClusterContext) -> Finding:
        """Ask it."""
        return Finding.passed((await ctx.cluster.text(PROXIED)).body)


class HonestlyProxied(Proxied):
    """Says that it asks a Service."""

    writes: ClassVar[tuple[tuple[str, Resource], ...]] = (("get", Resource("", "v1", "services/proxy")),)


@pytest.mark.parametrize("check", [Quiet(), Proxied()], ids=lambda check: check.name)
async def test_what_a_check_does_and_does_not_declare_is_noticed(check: ClusterCheck) -> None:
    with pytest.raises(AssertionError, match="does not declare"):
        await ask(check, FakeCluster(), workbench=FakeWorkbench())


@pytest.mark.parametrize("check", [Honest(), HonestlyProxied()], ids=lambda check: check.name)
async def test_what_a_check_declares_it_may_do(check: ClusterCheck) -> None:
    assert (await ask(check, FakeCluster(), workbench=FakeWorkbench())).outcome == "passed"


async def test_it_answers_as_it_is_told_and_remembers_what_was_asked() -> None:
    refused = Eviction(allowed=False, status=429, message="no")
    bench = FakeWorkbench(JobRun(succeeded=False, reason="odd", logs=""), {"a/b": refused, "a/c": Forbidden("no")})

    run = await bench.run_job("a", {"metadata": {}}, MINUTE)

    assert (run.reason, bench.jobs) == ("odd", [("a", {"metadata": {}}, MINUTE)])
    assert await bench.would_evict("a", "b") == refused
    assert (await bench.would_evict("a", "other")).allowed
    with pytest.raises(Forbidden):
        await bench.would_evict("a", "c")
    assert bench.tried == ["a/b", "a/other", "a/c"]
