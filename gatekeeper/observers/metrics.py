"""The observer that counts: everything that Gatekeeper tells Prometheus, in a registry that it is given."""

from __future__ import annotations

from collections import Counter as TallyOf
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gatekeeper import __version__
from gatekeeper.decision import Approval, Decision, SweepReport
from gatekeeper.model import FleetRef
from gatekeeper.observers.gauges import PresentState, label

FORGET_ERRORS_AFTER = timedelta(days=1)
"""A member without an error for so long loses its error counters: members come and go, series must not pile up."""
_CHECK_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
_SWEEP_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Metrics:
    """Counts what a sweep finds and what the doors report.

    Args:
        registry: where the metrics live, or a new one; never the global one.
        fleets: the configured fleets, which have series from the start on, also while nothing is pending.
        clock: the time in UTC, read at each scrape.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        fleets: Iterable[FleetRef] = (),
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        registry = CollectorRegistry() if registry is None else registry
        self.registry = registry
        """Where the metrics live, for who shows them."""
        self._clock = clock
        self._present = PresentState(map(str, fleets), clock)
        registry.register(self._present)
        self._gates = _GateMetrics(registry)
        self._sweeps = _SweepMetrics(registry)
        self._doors = _DoorMetrics(registry)
        self._policies = _PolicyMetrics(registry)
        build = Gauge("gatekeeper_build_info", "Always 1; the version is in the label.", ["version"], registry=registry)
        build.labels(__version__).set(1)

    def sweep_started(self, sweep_id: str) -> None:
        """Nothing is counted before a sweep ends."""

    def gate_decided(self, _sweep_id: str, decision: Decision) -> None:
        """Count the decision and its results."""
        self._present.gate_decided(decision)
        self._gates.decisions.labels(label(decision.policy), decision.verdict.value, decision.reason.value).inc()
        answers = TallyOf((result.check, result.outcome) for result in decision.results)
        for (check, outcome), count in answers.items():
            self._gates.results.labels(label(check), outcome.value).inc(count)
        durations = {check: self._gates.duration.labels(label(check)) for check, _ in answers}
        for result in decision.results:
            durations[result.check].observe(result.took)

    def gate_approved(self, _sweep_id: str, approval: Approval) -> None:
        """Count the attempt: ``Approved``, or the reason why the gate is not open."""
        result = "Approved" if approval.taken else approval.decision.reason.value
        self._gates.approvals.labels(label(approval.decision.policy), result).inc()

    def sweep_finished(self, report: SweepReport) -> None:
        """Note when and how long, and drop the series of what is gone."""
        self._present.sweep_finished(report)
        ended = report.started_at.timestamp() + report.took
        self._sweeps.duration.observe(report.took)
        self._sweeps.last.set(ended)
        if report.ok:
            self._sweeps.last_success.set(ended)
        self._doors.forget_before(self._clock() - FORGET_ERRORS_AFTER)

    def arm_error(self, operation: str, reason: str) -> None:
        """Azure Resource Manager did not answer as hoped; the reason is a `CouldNotLook.reason`."""
        self._doors.arm_errors.labels(operation, reason).inc()

    def cluster_error(self, member: str, reason: str) -> None:
        """A member cluster did not answer as hoped; the reason is a `CouldNotLook.reason`."""
        self._doors.cluster_error(label(member), reason, self._clock())

    def policies_loaded(self, count: int, at: datetime) -> None:
        """So many policies are in force, and have been since then."""
        self._policies.count.set(count)
        self._policies.loaded_at.set(at.timestamp())

    def policies_broken(self, broken: bool) -> None:
        """Whether the files as they are now were refused; the last good policies stay in force."""
        self._policies.successful.set(not broken)


class _GateMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.decisions = Counter(
            "gatekeeper_decisions",
            "Decisions on gates, one per gate and sweep, by policy (empty: none), verdict and reason.",
            ["policy", "verdict", "reason"],
            registry=registry,
        )
        self.approvals = Counter(
            "gatekeeper_approvals",
            "Attempts to approve a gate, by policy and result: Approved, or why the gate is not open.",
            ["policy", "result"],
            registry=registry,
        )
        self.results = Counter(
            "gatekeeper_check_results", "Answers of checks, by outcome.", ["check", "outcome"], registry=registry
        )
        self.duration = Histogram(
            "gatekeeper_check_duration_seconds",
            "How long a check takes on one member.",
            ["check"],
            buckets=_CHECK_BUCKETS,
            registry=registry,
        )


class _SweepMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.duration = Histogram(
            "gatekeeper_sweep_duration_seconds",
            "How long a pass over all fleets takes.",
            buckets=_SWEEP_BUCKETS,
            registry=registry,
        )
        self.last = Gauge(
            "gatekeeper_last_sweep_timestamp_seconds",
            "When the last sweep ended; 0 before the first.",
            registry=registry,
        )
        self.last_success = Gauge(
            "gatekeeper_last_successful_sweep_timestamp_seconds",
            "When the last sweep ended that could read every fleet; 0 before the first.",
            registry=registry,
        )


class _DoorMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.arm_errors = Counter(
            "gatekeeper_arm_errors",
            "Failed requests to Azure Resource Manager, by operation and reason.",
            ["operation", "reason"],
            registry=registry,
        )
        self._cluster_errors = Counter(
            "gatekeeper_cluster_errors",
            "Failed requests to member clusters, by member and reason.",
            ["member", "reason"],
            registry=registry,
        )
        self._last_error: dict[tuple[str, str], datetime] = {}

    def cluster_error(self, member: str, reason: str, at: datetime) -> None:
        """Count, and remember when."""
        self._cluster_errors.labels(member, reason).inc()
        self._last_error[member, reason] = at

    def forget_before(self, at: datetime) -> None:
        """Drop the series whose last error is older."""
        for key in [key for key, last in self._last_error.items() if last < at]:
            self._cluster_errors.remove(*key)
            del self._last_error[key]


class _PolicyMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.count = Gauge("gatekeeper_policies", "Policies in force.", registry=registry)
        self.successful = Gauge(
            "gatekeeper_policy_reload_successful",
            "Whether the policy files as they are now are in force (1) or were refused (0).",
            registry=registry,
        )
        self.loaded_at = Gauge(
            "gatekeeper_policy_last_reload_timestamp_seconds",
            "When the policies in force were loaded.",
            registry=registry,
        )
