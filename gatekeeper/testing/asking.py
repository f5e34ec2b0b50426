"""Asks one check, with all that a check is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gatekeeper.check import (
    Check,
    Cluster,
    ClusterCheck,
    ClusterContext,
    Finding,
    Gate,
    GateCheck,
    GateContext,
    Member,
    Scope,
    Target,
)
from gatekeeper.emulator.kube.manifests import parse_time
from gatekeeper.model import FleetRef
from gatekeeper.testing.clusters import FakeCluster
from gatekeeper.testing.doors import FakeAzure, FakeWorkbench


def member(
    name: str = "c1",
    state: str = "Completed",
    *,
    started_at: datetime | None = None,
    completed_at: datetime | None = None,
) -> Member:
    """A member cluster of group ``g1`` in stage ``s1``; the run says nothing of its times unless told otherwise."""
    resource_id = f"/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/{name}"
    return Member(
        name, resource_id, stage="s1", group="g1", state=state, started_at=started_at, completed_at=completed_at
    )


def gate(timing: str = "After") -> Gate:
    """A Pending Approval gate of group ``g1`` in stage ``s1`` of run ``r1``."""
    fleet = FleetRef("00000000-0000-0000-0000-000000000000", "rg", "fleet")
    name = "6d8270cb-0000-4000-8000-000000000001"
    return Gate(fleet, name, "health", "Approval", "Pending", "r1", "s1", "g1", timing, '"1"')


def scope(target: Target | None = None, *, timing: str = "After", members: Sequence[Member] = ()) -> Scope:
    """The scope of :func:`gate`, with :func:`member` in it unless told otherwise."""
    asked = tuple(members) or (member(),)
    return Scope(gate(timing), target or Target(), asked, asked)


def context(cluster: Cluster, target: Target | None = None, **around: Any) -> ClusterContext:
    """What a ClusterCheck is given when it is asked about this cluster.

    Args:
        cluster: the member.
        target: what the run updates to.
        around: any other field of the context: ``member``, ``tools``, ``workbench``, ``notebook``.
    """
    here = around.pop("member", None) or member(cluster.name)
    return replace(ClusterContext(cluster, here, scope(target, members=[here])), **around)


async def ask(check: ClusterCheck, cluster: FakeCluster, target: Target | None = None, **around: Any) -> Finding:
    """Run a check on a cluster, and make sure that it asked for and did nothing but what it declares.

    What stands ``around`` the cluster is told as in :func:`context`.
    """
    cluster.asked.clear()
    try:
        return await check.run(context(cluster, target, **around))
    finally:
        may_read = {*check.reads, *(resource for verb, resource in check.writes if verb == "get")}
        workbench = around.get("workbench")
        did = workbench.did() if isinstance(workbench, FakeWorkbench) else set()
        undeclared: set[object] = {*set(cluster.asked) - may_read, *did - set(check.writes)}
        undeclared |= _undeclared_actions(check, around)
        assert not undeclared, f"{check.name} asked for what it does not declare: {undeclared}"


def _undeclared_actions(check: Check, around: Mapping[str, Any]) -> set[str]:
    """The actions on a FakeAzure that ``azure_actions`` does not declare, in lower case."""
    azure = around["tools"].azure if "tools" in around else None
    declared = {action.lower() for action in check.azure_actions}
    return azure.actions() - declared if isinstance(azure, FakeAzure) else set()


async def ask_gate(check: GateCheck, now: str | datetime, timing: str = "After", **around: Any) -> Finding:
    """Run a GateCheck at a time, e.g. ``2026-11-23T10:00:00Z``.

    Any other field of the context stands ``around``: ``scope``, ``tools``, ``notebook``.
    """
    moment = now if isinstance(now, datetime) else parse_time(now)
    assert moment is not None, f"not a time: {now}"
    return await check.run(replace(GateContext(scope(timing=timing), moment), **around))
