"""A decision to approve, and a store in a real file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.decision import Decision, Reason, Verdict
from gatekeeper.findings import CheckResult, Evidence, Finding
from gatekeeper.model import FleetRef, Gate
from gatekeeper.store.sqlite import SqliteStore

NOON = datetime(2026, 3, 1, 12, 0, 0, 250000, tzinfo=UTC)


@pytest.fixture
def decision() -> Decision:
    gate = Gate(
        fleet=FleetRef("00000000-0000-0000-0000-000000000001", "RG-Fleet", "Prod"),
        name="5f0c1f0e-6f7b-4f0a-9d53-0d1f6b7c0001",
        display_name="Run health checks – é\ud83d",
        gate_type="Approval",
        state="Pending",
        update_run="r1",
        stage="prod",
        group=None,
        timing="After",
        etag='"0a1b"',
    )
    evidence = (Evidence("NodeNotReady", "Node aks-user-1", "Ready=False", "Ready=True", "kubectl describe node"),)
    results = (
        CheckResult("nodes-ready", "m1", Finding.passed("12 of 12 nodes are Ready"), NOON, took=0.25),
        CheckResult("pods-healthy", "m1", Finding.failed("1 pod", evidence), NOON, took=1.5, required=False),
        CheckResult("time-window", None, Finding.passed("the window is open"), NOON),
    )
    return Decision(
        gate=gate,
        verdict=Verdict.APPROVE,
        reason=Reason.HEALTHY,
        message="all is well",
        decided_at=NOON,
        first_seen=NOON,
        policy="prod-after-update",
        policy_hash="sha256:1",
        results=results,
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "state" / "gatekeeper.db")
    await opened.open()
    yield opened
    await opened.close()
