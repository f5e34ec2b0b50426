"""Gates, decisions and a log that is set up for one test only."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from gatekeeper.decision import Decision, Reason, Verdict
from gatekeeper.findings import CheckResult, Evidence, Finding, Outcome
from gatekeeper.model import FleetRef, Gate
from gatekeeper.observers.log import LogFormat, configure_logging

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST_SEEN = datetime(2026, 3, 1, 11, 55, tzinfo=UTC)
FLEET = FleetRef("00000000-0000-0000-0000-000000000001", "rg-fleet", "prod")
GUID = "5f0c1f0e-6f7b-4f0a-9d53-0d1f6b7c0001"


def a_gate(name: str = GUID, **changes: Any) -> Gate:
    words: dict[str, Any] = {
        "fleet": FLEET,
        "name": name,
        "display_name": "Run health checks",
        "gate_type": "Approval",
        "state": "Pending",
        "update_run": "r1",
        "stage": "prod",
        "group": "eu",
        "timing": "After",
        "etag": '"1"',
    }
    return Gate(**words | changes)


def a_result(
    check: str = "nodes-ready", member: str | None = "m1", outcome: Outcome = Outcome.PASSED, **changes: Any
) -> CheckResult:
    passed = outcome is Outcome.PASSED
    message = "12 of 12 nodes are Ready" if passed else "1 of 12 nodes is not Ready"
    evidence = () if passed else (Evidence("NodeNotReady", "Node n1", "Ready=False", hint="kubectl describe node n1"),)
    words: dict[str, Any] = {"finding": Finding(outcome, message, evidence), "observed_at": NOON, "took": 0.25}
    return CheckResult(check, member, **words | changes)


def a_decision(*results: CheckResult, **changes: Any) -> Decision:
    words: dict[str, Any] = {
        "gate": a_gate(),
        "verdict": Verdict.APPROVE,
        "reason": Reason.HEALTHY,
        "message": "1 check passed on 1 member",
        "decided_at": NOON,
        "first_seen": FIRST_SEEN,
        "policy": "prod-after-update",
        "policy_hash": "sha256:1",
        "results": results or (a_result(),),
    }
    return Decision(**words | changes)


def a_hold(*results: CheckResult, **changes: Any) -> Decision:
    words: dict[str, Any] = {
        "verdict": Verdict.HOLD,
        "reason": Reason.CHECK_FAILED,
        "message": "m1: 1 of 12 nodes is not Ready",
    }
    return a_decision(*(results or (a_result(outcome=Outcome.FAILED),)), **words | changes)


@dataclass
class Make:
    """The builders as one fixture: tests here are no package that could be imported from."""

    gate: Callable[..., Gate] = a_gate
    result: Callable[..., CheckResult] = a_result
    decision: Callable[..., Decision] = a_decision
    hold: Callable[..., Decision] = a_hold
    noon: datetime = NOON
    guid: str = GUID
    fleet: FleetRef = FLEET


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass
class Log:
    """What was written since `configure`."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    def configure(self, format: LogFormat = "json", level: str = "debug", *, terminal: bool = False) -> None:  # noqa: A002
        self.stream = Terminal() if terminal else io.StringIO()
        configure_logging(format, level, self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    root, own = logging.getLogger(), logging.getLogger("gatekeeper")
    handlers, levels = root.handlers[:], (root.level, own.level)
    root.handlers[:] = []  # pytest's own, which must not be closed
    made = Log()
    made.configure()
    yield made
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
