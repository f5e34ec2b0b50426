"""What Prometheus is told, as it reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from gatekeeper import __version__
from gatekeeper.decision import Approval, Reason, SweepReport
from gatekeeper.findings import Outcome
from gatekeeper.observer import Observer
from gatekeeper.observers.metrics import Metrics

HELD = {"fleet": "rg-fleet/prod", "policy": "prod-after-update", "reason": "CheckFailed"}


class Clock:
    def __init__(self, make: Any) -> None:
        self.now = make.noon

    def __call__(self) -> Any:
        return self.now


@pytest.fixture
def clock(make: Any) -> Clock:
    return Clock(make)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry, clock: Clock, make: Any) -> Metrics:
    return Metrics(registry, [make.fleet], clock)


def a_report(make: Any, *decisions: Any, **changes: Any) -> SweepReport:
    words: dict[str, Any] = {"sweep_id": "s1", "started_at": make.noon, "took": 2.0, "approvals": (), "fleets": 1}
    return SweepReport(decisions=decisions, **words | changes)


def series(registry: CollectorRegistry, name: str) -> list[tuple[dict[str, str], float]]:
    """The samples of that name, read from the text that is scraped."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return [(sample.labels, sample.value) for family in families for sample in family.samples if sample.name == name]


def test_it_is_an_observer(metrics: Metrics) -> None:
    told: Observer = metrics

    assert told is metrics


def test_a_held_gate_is_pending_with_policy_and_reason(metrics: Metrics, registry: Any, make: Any) -> None:
    metrics.gate_decided("s1", make.hold())
    metrics.gate_decided("s1", make.hold(gate=make.gate("b")))
    metrics.gate_decided("s1", make.hold(gate=make.gate("c"), policy=None, reason=Reason.NO_POLICY))

    nobodys = {"fleet": "rg-fleet/prod", "policy": "", "reason": "NoPolicy"}
    assert series(registry, "gatekeeper_pending_gates") == [(nobodys, 1), (HELD, 2)]


def test_a_gate_has_one_reason_at_a_time(metrics: Metrics, registry: Any, make: Any) -> None:
    metrics.gate_decided("s1", make.hold())
    metrics.gate_decided("s2", make.hold(reason=Reason.CHECK_ERROR))

    assert series(registry, "gatekeeper_pending_gates") == [(HELD | {"reason": "CheckError"}, 1)]


def test_a_gate_that_is_gone_has_no_series(metrics: Metrics, registry: Any, make: Any) -> None:
    hold = make.hold()
    metrics.gate_decided("s1", hold)
    metrics.sweep_finished(a_report(make, hold))
    assert series(registry, "gatekeeper_pending_gates") == [(HELD, 1)]

    metrics.sweep_finished(a_report(make))

    assert series(registry, "gatekeeper_pending_gates") == []
    assert series(registry, "gatekeeper_check_passing") == []


def test_the_gates_of_an_unreadable_fleet_stay(metrics: Metrics, registry: Any, clock: Clock, make: Any) -> None:
    metrics.gate_decided("s1", make.hold())
    metrics.sweep_finished(a_report(make, unreadable=(("rg-fleet/prod", "no route"),)))
    clock.now += timedelta(hours=1)

    fleet = {"fleet": "rg-fleet/prod"}
    assert series(registry, "gatekeeper_pending_gates") == [(HELD, 1)]
    assert series(registry, "gatekeeper_oldest_pending_gate_age_seconds") == [(fleet, 3900)]
    assert series(registry, "gatekeeper_fleet_readable") == [(fleet, 0)]


def test_an_approved_gate_is_not_pending(metrics: Metrics, registry: Any, make: Any) -> None:
    decision = make.decision()
    metrics.gate_decided("s1", make.hold())
    metrics.gate_approved("s2", Approval(decision, taken=True, attempted_at=make.noon, answer="200"))
    metrics.gate_decided("s2", decision)

    assert series(registry, "gatekeeper_pending_gates") == []
    approved = {"policy": "prod-after-update", "result": "Approved"}
    assert series(registry, "gatekeeper_approvals_total") == [(approved, 1)]


def test_an_approval_that_was_not_taken_leaves_the_gate_pending(metrics: Metrics, registry: Any, make: Any) -> None:
    refused = make.hold(reason=Reason.APPROVAL_REFUSED)
    metrics.gate_approved("s1", Approval(refused, taken=False, attempted_at=make.noon, answer="409"))
    metrics.gate_decided("s1", refused)

    assert series(registry, "gatekeeper_pending_gates") == [(HELD | {"reason": "ApprovalRefused"}, 1)]
    result = {"policy": "prod-after-update", "result": "ApprovalRefused"}
    assert series(registry, "gatekeeper_approvals_total") == [(result, 1)]


def test_a_dry_run_leaves_the_gate_pending(metrics: Metrics, registry: Any, make: Any) -> None:
    metrics.gate_decided("s1", make.decision(dry_run=True))

    assert series(registry, "gatekeeper_pending_gates") == [(HELD | {"reason": "Healthy"}, 1)]


def test_the_age_of_the_oldest_gate_grows_between_sweeps(
    metrics: Metrics, registry: Any, clock: Clock, make: Any
) -> None:
    name, fleet = "gatekeeper_oldest_pending_gate_age_seconds", {"fleet": "rg-fleet/prod"}
    assert series(registry, name) == [(fleet, 0)]
    metrics.gate_decided("s1", make.hold())
    metrics.gate_decided("s1", make.hold(gate=make.gate("younger"), first_seen=make.noon))
    assert series(registry, name) == [(fleet, 300)]

    clock.now += timedelta(seconds=30)

    assert series(registry, name) == [(fleet, 330)]


def test_decisions_are_counted_one_per_gate_and_sweep(metrics: Metrics, registry: Any, make: Any) -> None:
    for sweep_id in ("s1", "s2"):
        metrics.gate_decided(sweep_id, make.hold())
    metrics.gate_decided("s3", make.decision())

    policy = {"policy": "prod-after-update"}
    assert series(registry, "gatekeeper_decisions_total") == [
        (policy | {"verdict": "hold", "reason": "CheckFailed"}, 2),
        (policy | {"verdict": "approve", "reason": "Healthy"}, 1),
    ]


def test_results_are_counted_by_check_and_outcome(metrics: Metrics, registry: Any, make: Any) -> None:
    results = [make.result(), make.result(member="m2"), make.result("pods-healthy", outcome=Outcome.INCONCLUSIVE)]
    metrics.gate_decided("s1", make.hold(*results))

    assert series(registry, "gatekeeper_check_results_total") == [
        ({"check": "nodes-ready", "outcome": "passed"}, 2),
        ({"check": "pods-healthy", "outcome": "inconclusive"}, 1),
    ]
    assert series(registry, "gatekeeper_check_duration_seconds_count") == [
        ({"check": "nodes-ready"}, 2),
        ({"check": "pods-healthy"}, 1),
    ]


def test_the_last_answer_of_each_check_and_member_is_shown(metrics: Metrics, registry: Any, make: Any) -> None:
    results = [
        make.result(took=0.5),
        make.result(member="m2", outcome=Outcome.ERROR),
        make.result("time-window", member=None),
    ]
    metrics.gate_decided("s1", make.hold(*results))

    assert series(registry, "gatekeeper_check_passing") == [
        ({"check": "nodes-ready", "member": "m1"}, 1),
        ({"check": "nodes-ready", "member": "m2"}, 0),
        ({"check": "time-window", "member": ""}, 1),
    ]
    durations = series(registry, "gatekeeper_check_last_duration_seconds")
    assert durations[0] == ({"check": "nodes-ready", "member": "m1"}, 0.5)


@pytest.mark.parametrize("sick_first", [True, False])
def test_two_gates_that_ask_the_same_pass_only_together(
    metrics: Metrics, registry: Any, make: Any, sick_first: bool
) -> None:
    sick = make.hold(gate=make.gate("sick" if sick_first else "z"))
    well = make.hold(make.result(), gate=make.gate("well"))
    for decision in (sick, well) if sick_first else (well, sick):
        metrics.gate_decided("s1", decision)

    assert series(registry, "gatekeeper_check_passing") == [({"check": "nodes-ready", "member": "m1"}, 0)]


def test_results_of_an_approved_gate_stay_until_the_next_sweep(metrics: Metrics, registry: Any, make: Any) -> None:
    decision = make.decision()
    metrics.gate_decided("s1", decision)
    metrics.sweep_finished(a_report(make, decision))
    assert len(series(registry, "gatekeeper_check_passing")) == 1

    metrics.sweep_finished(a_report(make))

    assert series(registry, "gatekeeper_check_passing") == []


def test_sweeps_are_timed(metrics: Metrics, registry: Any, make: Any) -> None:
    last, success = "gatekeeper_last_sweep_timestamp_seconds", "gatekeeper_last_successful_sweep_timestamp_seconds"
    assert series(registry, success) == [({}, 0)]
    metrics.sweep_started("s1")
    metrics.sweep_finished(a_report(make))
    later = make.noon + timedelta(minutes=1)
    metrics.sweep_finished(a_report(make, started_at=later, unreadable=(("rg-fleet/prod", "no route"),)))

    assert series(registry, last) == [({}, later.timestamp() + 2)]
    assert series(registry, success) == [({}, make.noon.timestamp() + 2)]
    assert series(registry, "gatekeeper_sweep_duration_seconds_sum") == [({}, 4)]


def test_a_fleet_is_readable_again(metrics: Metrics, registry: Any, make: Any) -> None:
    name, fleet = "gatekeeper_fleet_readable", {"fleet": "rg-fleet/prod"}
    assert series(registry, name) == []
    report = a_report(make, unreadable=(("rg-fleet/prod", "no route"),))
    metrics.sweep_finished(report)
    assert series(registry, name) == [(fleet, 0)]

    metrics.sweep_finished(replace(report, unreadable=()))

    assert series(registry, name) == [(fleet, 1)]


def test_errors_at_the_doors_are_counted(metrics: Metrics, registry: Any) -> None:
    metrics.arm_error("gates.list", "throttled")
    metrics.cluster_error("m1", "timeout")
    metrics.cluster_error("m1", "timeout")

    assert series(registry, "gatekeeper_arm_errors_total") == [({"operation": "gates.list", "reason": "throttled"}, 1)]
    assert series(registry, "gatekeeper_cluster_errors_total") == [({"member": "m1", "reason": "timeout"}, 2)]


def test_a_member_without_errors_for_a_day_loses_its_counter(
    metrics: Metrics, registry: Any, clock: Clock, make: Any
) -> None:
    metrics.cluster_error("gone", "timeout")
    clock.now += timedelta(hours=13)
    metrics.cluster_error("here", "timeout")
    clock.now += timedelta(hours=12)

    metrics.sweep_finished(a_report(make))

    assert series(registry, "gatekeeper_cluster_errors_total") == [({"member": "here", "reason": "timeout"}, 1)]


def test_the_state_of_the_policies_is_shown(metrics: Metrics, registry: Any, make: Any) -> None:
    metrics.policies_broken(broken=True)
    metrics.policies_loaded(3, make.noon)

    assert series(registry, "gatekeeper_policies") == [({}, 3)]
    assert series(registry, "gatekeeper_policy_reload_successful") == [({}, 0)]
    assert series(registry, "gatekeeper_policy_last_reload_timestamp_seconds") == [({}, make.noon.timestamp())]
    metrics.policies_broken(broken=False)
    assert series(registry, "gatekeeper_policy_reload_successful") == [({}, 1)]


def test_the_version_is_shown(metrics: Metrics, registry: Any) -> None:
    del metrics

    assert series(registry, "gatekeeper_build_info") == [({"version": __version__}, 1)]


def test_strange_names_do_not_break_the_scrape(metrics: Metrics, registry: Any, make: Any) -> None:
    strange = 'm"\\\n\ud800\x1b' + "x" * 500
    metrics.gate_decided("s1", make.hold(make.result(member=strange), policy=strange))
    metrics.cluster_error(strange, "timeout")

    [(labels, _)] = series(registry, "gatekeeper_check_passing")
    assert labels["member"].startswith('m"\\ xxx')
    assert len(labels["member"]) == 200


def test_every_metric_has_a_proper_name_and_help(metrics: Metrics, registry: Any, make: Any) -> None:
    metrics.gate_decided("s1", make.hold())
    metrics.gate_approved("s1", Approval(make.decision(), taken=True, attempted_at=make.noon, answer="200"))
    metrics.sweep_finished(a_report(make, make.hold()))
    metrics.arm_error("gates.list", "timeout")
    metrics.cluster_error("m1", "timeout")

    text = generate_openmetrics(registry).decode()  # type: ignore[no-untyped-call] # it has no annotations
    families = {family.name: family for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call] # nor this

    assert sorted(families) == [
        "gatekeeper_approvals",
        "gatekeeper_arm_errors",
        "gatekeeper_build_info",
        "gatekeeper_check_duration_seconds",
        "gatekeeper_check_last_duration_seconds",
        "gatekeeper_check_passing",
        "gatekeeper_check_results",
        "gatekeeper_cluster_errors",
        "gatekeeper_decisions",
        "gatekeeper_fleet_readable",
        "gatekeeper_last_successful_sweep_timestamp_seconds",
        "gatekeeper_last_sweep_timestamp_seconds",
        "gatekeeper_oldest_pending_gate_age_seconds",
        "gatekeeper_pending_gates",
        "gatekeeper_policies",
        "gatekeeper_policy_last_reload_timestamp_seconds",
        "gatekeeper_policy_reload_successful",
        "gatekeeper_sweep_duration_seconds",
    ]
    assert not [name for name, family in families.items() if not family.documentation.endswith(".")]
    assert not [name for name, family in families.items() if not family.samples]


def test_two_registries_know_nothing_of_each_other(make: Any) -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    Metrics(first).gate_decided("s1", make.hold())
    Metrics(second)

    assert series(second, "gatekeeper_pending_gates") == []


def test_one_registry_takes_metrics_once(registry: CollectorRegistry) -> None:
    Metrics(registry)

    with pytest.raises(ValueError, match="Duplicated timeseries"):
        Metrics(registry)
