"""In front of an API server without a cluster no check passes, whatever the server has made by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper.app import open_kubeconfig
from gatekeeper.check import Check
from gatekeeper.model import COMPLETED, Member, Target
from gatekeeper.policy import CheckSpec
from gatekeeper.reads import SharedReads
from gatekeeper.registry import Registry
from gatekeeper.runner import Limits, Runner
from gatekeeper.testing import scope
from tests.apiserver.control_plane import ADMIN
from tests.apiserver.worlds import CONTEXT, World
from tests.checks.test_all_checks import CLUSTER_CHECKS

ASKED = [each for each in CLUSTER_CHECKS if each.reads]


@pytest.mark.parametrize("kind", ["Full", "NodeImageOnly", "ControlPlaneOnly"])
async def test_no_check_passes_without_a_cluster(world: World, kind: str) -> None:
    await world.fill([])
    updated = datetime.now(UTC)
    member = Member(CONTEXT, CONTEXT, state=COMPLETED, started_at=updated, completed_at=updated)
    version = None if kind == "NodeImageOnly" else world.version.removeprefix("v")
    specs = [spec(f"{each.name}-{place}", each) for place, each in enumerate(ASKED)]

    async with open_kubeconfig(world.kubeconfig(ADMIN)) as (members, toolbox):
        reads = SharedReads(members.connect, now)
        try:
            runner = Runner(Limits(), now, toolbox)
            results = await runner.run(specs, scope(Target(kind, version, "Latest"), members=[member]), reads)
        finally:
            await reads.close()

    assert len(results) == len(ASKED)
    assert {each.check: each.finding.message for each in results if each.outcome == "passed"} == {}


def test_every_check_that_reads_a_cluster_is_asked() -> None:
    registry = Registry.discover()
    reading = {name for name in registry.names() if (found := registry.get(name)) and found.reads}

    assert {each.name for each in ASKED} == reading


def spec(name: str, check: Check) -> CheckSpec:
    return CheckSpec(name, check, required=True, timeout=timedelta(minutes=2))


def now() -> datetime:
    return datetime.now(UTC)
