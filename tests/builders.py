"""Builders of nouns for tests: everything fits together unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from gatekeeper.check import ClusterCheck, ClusterContext, Finding, GateCheck, GateContext
from gatekeeper.findings import CheckResult, Outcome
from gatekeeper.model import FleetRef, Gate, GateStatus, Group, Member, Stage, Target, UpdateRun
from gatekeeper.pattern import Pattern
from gatekeeper.policy import CheckSpec, Match, Policy, ScopeSpec

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FLEET = FleetRef("00000000-0000-0000-0000-000000000000", "rg-fleet", "prod")
CLUSTERS = "/subscriptions/s/resourcegroups/rg/providers/Microsoft.ContainerService/managedClusters"
GUID = "6d8270cb-7bbb-40f3-a235-ed3e63212c3a"


class Fine(ClusterCheck):
    """A check that passes."""

    name: ClassVar[str] = "fine"
    claim: ClassVar[str] = "all is fine"

    async def run(self, ctx: ClusterContext) -> Finding:
        return Finding.passed(f"{ctx.cluster.name} is fine")


class Calm(GateCheck):
    """A gate check that passes."""

    name: ClassVar[str] = "calm"
    claim: ClassVar[str] = "the hour is calm"

    async def run(self, ctx: GateContext) -> Finding:
        return Finding.passed(f"{ctx.now:%H:%M} is calm")


def gate(**changes: object) -> Gate:
    values: dict[str, object] = {
        "fleet": FLEET,
        "name": GUID,
        "display_name": "Run health checks",
        "gate_type": "Approval",
        "state": "Pending",
        "update_run": "run-1",
        "stage": "prod",
        "group": "prod-eu",
        "timing": "After",
        "etag": '"1"',
    }
    return Gate(**(values | changes))  # type: ignore[arg-type]


def member(name: str = "aks-1", state: str = "Completed", **changes: object) -> Member:
    values: dict[str, object] = {
        "name": name,
        "cluster_resource_id": f"{CLUSTERS}/{name}",
        "stage": "prod",
        "group": "prod-eu",
        "state": state,
        "completed_at": NOW - timedelta(minutes=10) if state == "Completed" else None,
    }
    return Member(**(values | changes))  # type: ignore[arg-type]


def run(
    of: Gate | None = None, members: Sequence[Member] | None = None, state: str = "Running", **changes: object
) -> UpdateRun:
    """A run of stages canary, prod and last, that names the given gate at its place."""
    of = of or gate()
    status = GateStatus(of.display_name, of.id, "Pending", NOW - timedelta(minutes=5), of.timing)
    members = (member(),) if members is None else tuple(members)
    group = Group("prod-eu", "Running", tuple(members), (status,) if of.group else ())
    canary = Stage("canary", "Completed", (Group("canary", "Completed", (member("aks-canary"),)),))
    prod = Stage("prod", "Running", (group, Group("prod-us", "Running", ())), () if of.group else (status,))
    last = Stage("last", "NotStarted", (Group("last", "NotStarted", (member("aks-last", "NotStarted"),)),))
    values: dict[str, object] = {
        "fleet": FLEET,
        "name": of.update_run,
        "state": state,
        "target": Target("Full", "1.33.2", "Latest"),
        "stages": (canary, prod, last),
    }
    return UpdateRun(**(values | changes))  # type: ignore[arg-type]


def spec(check: str = "fine", *, required: bool = True, timeout: float = 5) -> CheckSpec:
    return CheckSpec(check, Calm() if check == "calm" else Fine(), required, timedelta(seconds=timeout))


def policy(
    *specs: CheckSpec, name: str = "after-update", display_name: str = "Run health checks", **changes: object
) -> Policy:
    values: dict[str, object] = {
        "name": name,
        "match": Match(display_name=Pattern.parse(display_name)),
        "scope": ScopeSpec(),
        "checks": specs or (spec(),),
        "hash": "0123456789ab",
        "source": "policies/p.yaml:1",
    }
    return Policy(**(values | changes))  # type: ignore[arg-type]


def result(
    check: str = "fine",
    of: str | None = "aks-1",
    outcome: Outcome = Outcome.PASSED,
    *,
    at: datetime = NOW,
    message: str = "so it is",
    required: bool = True,
) -> CheckResult:
    return CheckResult(check, of, Finding(outcome, message), at, required=required)


@dataclass
class Clock:
    """A clock that stands still until it is told to go on."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
