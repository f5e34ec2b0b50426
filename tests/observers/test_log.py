"""What a sweep finds, as log lines: whole events, at the right level."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from gatekeeper.decision import Approval, Reason, SweepReport
from gatekeeper.findings import Evidence, Finding, Outcome
from gatekeeper.observer import Observer
from gatekeeper.observers.log import LogObserver

MINUTE = timedelta(minutes=1)
GATE_FIELDS = {
    "sweep": "s1",
    "gate": "5f0c1f0e-6f7b-4f0a-9d53-0d1f6b7c0001",
    "display_name": "Run health checks",
    "fleet": "rg-fleet/prod",
    "run": "r1",
    "stage": "prod",
    "group": "eu",
    "timing": "After",
    "policy": "prod-after-update",
    "policy_hash": "sha256:1",
    "dry_run": False,
    "verdict": "approve",
    "reason": "Healthy",
    "message": "1 check passed on 1 member",
    "first_seen": "2026-03-01T11:55:00Z",
    "pending_for": 300.0,
    "checks": {"passed": 1, "failed": 0, "inconclusive": 0, "error": 0, "advisory_not_passed": 0},
}
PASSED = {
    "check": "nodes-ready",
    "member": "m1",
    "required": True,
    "outcome": "passed",
    "message": "12 of 12 nodes are Ready",
    "observed_at": "2026-03-01T12:00:00Z",
    "took": 0.25,
}
FAILED = PASSED | {
    "outcome": "failed",
    "message": "1 of 12 nodes is not Ready",
    "facts": [
        {
            "code": "NodeNotReady",
            "subject": "Node n1",
            "observed": "Ready=False",
            "hint": "kubectl describe node n1",
        }
    ],
}
HELD = GATE_FIELDS | {
    "verdict": "hold",
    "reason": "CheckFailed",
    "message": "m1: 1 of 12 nodes is not Ready",
    "checks": {"passed": 0, "failed": 1, "inconclusive": 0, "error": 0, "advisory_not_passed": 0},
}


def a_report(make: Any, *decisions: Any, **changes: Any) -> SweepReport:
    words: dict[str, Any] = {
        "sweep_id": "s1",
        "started_at": make.noon,
        "took": 1.23456,
        "decisions": decisions,
        "approvals": (),
        "fleets": 2,
    }
    return SweepReport(**words | changes)


@pytest.fixture
def observer() -> LogObserver:
    return LogObserver()


def test_it_is_an_observer(observer: LogObserver) -> None:
    told: Observer = observer

    assert told is observer


def test_a_sweep_that_starts_is_said_at_debug(observer: LogObserver) -> None:
    with capture_logs() as events:
        observer.sweep_started("s1")

    assert events == [{"event": "sweep.started", "log_level": "debug", "sweep": "s1"}]


def test_a_held_gate_is_said_with_what_holds_it(observer: LogObserver, make: Any) -> None:
    decision = make.hold()

    with capture_logs() as events:
        observer.gate_decided("s1", decision)

    assert events == [{"event": "gate.held", "log_level": "info", **HELD, "evidence": [FAILED], "evidence_more": 0}]


def test_a_gate_without_policy_and_names_is_held_too(observer: LogObserver, make: Any) -> None:
    gate = make.gate(display_name=None, stage=None, group=None)
    decision = make.hold(gate=gate, reason=Reason.NO_POLICY, message="none", policy=None, policy_hash=None)

    with capture_logs() as events:
        observer.gate_decided("s1", replace(decision, results=()))

    [event] = events
    nothing = ("display_name", "stage", "group", "policy", "policy_hash")
    assert [event[name] for name in nothing] == [None] * 5
    assert event["evidence"] == []


def test_passed_and_advisory_results_do_not_hold(observer: LogObserver, make: Any) -> None:
    advisory = make.result("pods-healthy", outcome=Outcome.ERROR, required=False)
    decision = make.hold(make.result(), advisory, make.result(outcome=Outcome.FAILED))

    with capture_logs() as events:
        observer.gate_decided("s1", decision)

    assert events[0]["evidence"] == [FAILED]
    assert events[0]["checks"] == {"passed": 1, "failed": 1, "inconclusive": 0, "error": 1, "advisory_not_passed": 1}


def test_a_long_list_of_what_holds_is_cut_and_counted(observer: LogObserver, make: Any) -> None:
    decision = make.hold(*(make.result(member=f"m{number}", outcome=Outcome.ERROR) for number in range(23)))

    with capture_logs() as events:
        observer.gate_decided("s1", decision)

    assert [entry["member"] for entry in events[0]["evidence"]] == [f"m{number}" for number in range(20)]
    assert events[0]["evidence_more"] == 3


def test_many_facts_of_one_result_are_cut_and_counted(observer: LogObserver, make: Any) -> None:
    facts = [Evidence("PodCrashing", f"Pod p{number}", "CrashLoopBackOff") for number in range(25)]
    result = make.result(outcome=Outcome.FAILED, finding=Finding.failed("25 pods crash", facts))

    with capture_logs() as events:
        observer.gate_decided("s1", make.hold(result))

    [entry] = events[0]["evidence"]
    assert (len(entry["facts"]), entry["facts_more"]) == (20, 5)


def test_the_same_news_stays_at_debug_for_ten_minutes(observer: LogObserver, make: Any) -> None:
    with capture_logs() as events:
        for minutes in (0, 1, 9, 10, 11, 20):
            observer.gate_decided("s1", make.hold(decided_at=make.noon + minutes * MINUTE))

    assert [event["log_level"] for event in events] == ["info", "debug", "debug", "info", "debug", "info"]


@pytest.mark.parametrize("change", [{"message": "2 of 12 nodes are not Ready"}, {"reason": Reason.CHECK_ERROR}])
def test_other_news_is_said_at_once(observer: LogObserver, make: Any, change: dict[str, Any]) -> None:
    with capture_logs() as events:
        observer.gate_decided("s1", make.hold())
        observer.gate_decided("s2", make.hold(**change))

    assert [event["log_level"] for event in events] == ["info", "info"]


def test_each_gate_has_its_own_news(observer: LogObserver, make: Any) -> None:
    with capture_logs() as events:
        observer.gate_decided("s1", make.hold())
        observer.gate_decided("s1", make.hold(gate=make.gate("another")))

    assert [event["log_level"] for event in events] == ["info", "info"]


def test_a_gate_that_was_gone_is_news_again(observer: LogObserver, make: Any) -> None:
    with capture_logs() as events:
        observer.gate_decided("s1", make.hold())
        observer.sweep_finished(a_report(make))
        observer.gate_decided("s2", make.hold())

    assert [event["log_level"] for event in events if event["event"] == "gate.held"] == ["info", "info"]


def test_the_gates_of_a_fleet_that_cannot_be_read_are_not_gone(observer: LogObserver, make: Any) -> None:
    with capture_logs() as events:
        observer.gate_decided("s1", make.hold())
        observer.sweep_finished(a_report(make, unreadable=(("rg-fleet/prod", "no route"),)))
        observer.gate_decided("s2", make.hold())

    assert [event["log_level"] for event in events if event["event"] == "gate.held"] == ["info", "debug"]


def test_an_approval_carries_its_whole_evidence(observer: LogObserver, make: Any) -> None:
    results = [make.result(member=f"m{number}") for number in range(30)]
    approval = Approval(make.decision(*results), taken=True, attempted_at=make.noon, answer="200")

    with capture_logs() as events:
        observer.gate_approved("s1", approval)

    assert events == [
        {
            "event": "gate.approved",
            "log_level": "info",
            **GATE_FIELDS,
            "checks": {"passed": 30, "failed": 0, "inconclusive": 0, "error": 0, "advisory_not_passed": 0},
            "attempted_at": make.noon,
            "answer": "200",
            "evidence": [PASSED | {"member": f"m{number}"} for number in range(30)],
        }
    ]


def test_the_decision_that_was_acted_on_is_not_said_twice(observer: LogObserver, make: Any) -> None:
    with capture_logs() as events:
        observer.gate_decided("s1", make.decision())

    assert events == []


def test_an_approval_that_was_not_taken_is_a_warning(observer: LogObserver, make: Any) -> None:
    decision = make.hold(make.result(), reason=Reason.APPROVAL_REFUSED, message="Azure did not take it")

    with capture_logs() as events:
        observer.gate_approved("s1", Approval(decision, taken=False, attempted_at=make.noon, answer="409"))

    [event] = events
    assert (event["event"], event["log_level"]) == ("gate.approval_failed", "warning")
    assert (event["reason"], event["answer"], event["evidence"]) == ("ApprovalRefused", "409", [PASSED])


def test_a_dry_run_says_what_it_would_have_done(observer: LogObserver, make: Any) -> None:
    with capture_logs() as events:
        observer.gate_decided("s1", make.decision(dry_run=True))
        observer.gate_decided("s2", make.decision(dry_run=True))

    expected = {"event": "gate.would_approve", **GATE_FIELDS, "dry_run": True, "evidence": [PASSED]}
    assert events == [expected | {"log_level": "info"}, expected | {"log_level": "debug", "sweep": "s2"}]


def test_a_finished_sweep_is_said_in_numbers(observer: LogObserver, make: Any) -> None:
    approved = Approval(make.decision(), taken=True, attempted_at=make.noon, answer="200")
    would = make.decision(gate=make.gate("b"), dry_run=True)
    report = a_report(make, make.decision(), would, make.hold(gate=make.gate("c")), approvals=(approved,))

    with capture_logs() as events:
        observer.sweep_finished(report)

    assert events == [
        {
            "event": "sweep.finished",
            "log_level": "info",
            "sweep": "s1",
            "fleets": 2,
            "unreadable": 0,
            "gates": 3,
            "approved": 1,
            "held": 1,
            "would_approve": 1,
            "took": 1.235,
        }
    ]


def test_idle_sweeps_are_said_every_ten_minutes(observer: LogObserver, make: Any) -> None:
    with capture_logs() as events:
        for minutes in (0, 1, 5, 11):
            observer.sweep_finished(a_report(make, started_at=make.noon + minutes * MINUTE))

    assert [event["log_level"] for event in events] == ["info", "debug", "debug", "info"]


def test_a_fleet_that_cannot_be_read_is_a_warning_once(observer: LogObserver, make: Any) -> None:
    report = a_report(make, unreadable=(("rg-fleet/prod", "no route to management.azure.com"),))

    with capture_logs() as events:
        observer.sweep_finished(report)
        observer.sweep_finished(replace(report, sweep_id="s2"))

    said = [event for event in events if event["event"] == "fleet.unreadable"]
    expected = {"event": "fleet.unreadable", "fleet": "rg-fleet/prod", "message": "no route to management.azure.com"}
    assert said == [
        expected | {"log_level": "warning", "sweep": "s1"},
        expected | {"log_level": "debug", "sweep": "s2"},
    ]


def test_a_fleet_that_breaks_again_is_news_again(observer: LogObserver, make: Any) -> None:
    broken = a_report(make, unreadable=(("rg-fleet/prod", "no route"),))

    with capture_logs() as events:
        for report in (broken, a_report(make), broken):
            observer.sweep_finished(report)

    assert [event["log_level"] for event in events if event["event"] == "fleet.unreadable"] == ["warning", "warning"]


def test_text_from_outside_is_bounded_and_clean(observer: LogObserver, make: Any) -> None:
    evil = "\x1b[2J Bearer abc.def-123456 " + "x" * 10_000
    facts = (Evidence("Odd", evil, evil, evil, evil),)
    result = make.result(member=evil, outcome=Outcome.ERROR, finding=Finding.error(evil, facts))
    gate = make.gate(display_name=evil, update_run=evil, stage=evil, group=evil, timing=evil)

    with capture_logs() as events:
        observer.gate_decided("s1", make.hold(result, gate=gate, message=evil))

    texts: list[str] = []
    pending: list[Any] = [events[0]]
    while pending:
        value = pending.pop()
        texts += [value] if isinstance(value, str) else []
        pending += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    assert max(map(len, texts)) == 500
    assert not [text for text in texts if "\x1b" in text or "abc.def" in text]
