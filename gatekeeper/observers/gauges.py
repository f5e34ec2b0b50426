"""The metrics that describe the present: made at each scrape from what the last sweeps saw.

Because they are made anew, a series ends with its gate or member, and an age is right at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gatekeeper.decision import Decision, SweepReport, Verdict
from gatekeeper.findings import Outcome
from gatekeeper.observers.text import bounded

LABEL_LIMIT = 200
"""Characters of a label value; Azure's own names are shorter."""


def label(text: str | None) -> str:
    """Foreign text as a label value; nothing is the empty string."""
    return bounded(text or "", LABEL_LIMIT)


@dataclass(frozen=True, slots=True)
class _Pending:
    fleet: str
    policy: str
    reason: str
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the checks of one gate found: (check, member) -> (passed, seconds)."""

    fleet: str
    results: dict[tuple[str, str], tuple[bool, float]]


class PresentState(Collector):
    """Pending gates, their age, and the last results of checks. Scrapes may come from another thread."""

    def __init__(self, fleets: Iterable[str], clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._readable: dict[str, bool | None] = dict.fromkeys(map(label, fleets))
        self._pending: dict[str, _Pending] = {}
        self._looked: dict[str, _Looked] = {}

    def gate_decided(self, decision: Decision) -> None:
        """A gate is held, or would be approved: it is pending. One that was approved is not any more."""
        gate_id, fleet = decision.gate.id, label(str(decision.gate.fleet))
        if decision.verdict is Verdict.APPROVE and not decision.dry_run:
            self._pending.pop(gate_id, None)
        else:
            self._pending[gate_id] = _Pending(fleet, label(decision.policy), decision.reason.value, decision.first_seen)
        results = {
            (label(result.check), label(result.member)): (result.outcome is Outcome.PASSED, result.took)
            for result in decision.results
        }
        self._looked[gate_id] = _Looked(fleet, results)

    def sweep_finished(self, report: SweepReport) -> None:
        """Drop what this sweep did not see, unless its fleet could not be read: then nothing is known to be gone."""
        unreadable = {label(fleet) for fleet, _ in report.unreadable}
        here = {decision.gate.id for decision in report.decisions}
        for seen in (self._pending, self._looked):
            for gate_id in [each for each, entry in seen.items() if each not in here and entry.fleet not in unreadable]:
                del seen[gate_id]
        named = {label(str(decision.gate.fleet)) for decision in report.decisions}
        fleets = {*self._readable, *named, *unreadable}
        self._readable = {fleet: fleet not in unreadable for fleet in fleets}

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The names alone, for the registry to refuse duplicates."""
        return self._families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All series as they are now. Each dictionary is read in one step: the loop may change it meanwhile."""
        pending_gates, oldest, readable, passing, duration = self._families()
        pending, fleets = list(self._pending.values()), dict(self._readable)
        counted = Counter((gate.fleet, gate.policy, gate.reason) for gate in pending)
        for labels, count in sorted(counted.items()):
            pending_gates.add_metric(labels, count)
        now = self._clock()
        for fleet in sorted({*fleets, *(gate.fleet for gate in pending)}):
            ages = [(now - gate.first_seen).total_seconds() for gate in pending if gate.fleet == fleet]
            oldest.add_metric([fleet], max(ages, default=0.0))
        for fleet, known in sorted(fleets.items()):
            if known is not None:
                readable.add_metric([fleet], known)
        for key, (passed, took) in sorted(_merged(list(self._looked.values())).items()):
            passing.add_metric(key, passed)
            duration.add_metric(key, took)
        yield from (pending_gates, oldest, readable, passing, duration)

    def _families(self) -> Sequence[GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                "gatekeeper_pending_gates",
                "Gates that are Pending now, by the policy they belong to (empty: none) and why they are not open.",
                labels=["fleet", "policy", "reason"],
            ),
            GaugeMetricFamily(
                "gatekeeper_oldest_pending_gate_age_seconds",
                "Seconds since the longest pending gate was first seen; 0 without a pending gate.",
                labels=["fleet"],
            ),
            GaugeMetricFamily(
                "gatekeeper_fleet_readable",
                "Whether the last sweep could read the whole fleet (1) or not (0).",
                labels=["fleet"],
            ),
            GaugeMetricFamily(
                "gatekeeper_check_passing",
                "Whether the check passed on the member when it was last asked (1) or anything else (0); "
                "an empty member is the gate itself.",
                labels=["check", "member"],
            ),
            GaugeMetricFamily(
                "gatekeeper_check_last_duration_seconds",
                "How long the check took on the member when it was last asked.",
                labels=["check", "member"],
            ),
        )


def _merged(looked: Sequence[_Looked]) -> dict[tuple[str, str], tuple[bool, float]]:
    """One answer per check and member: where two gates asked the same, it passes only if both passed."""
    merged: dict[tuple[str, str], tuple[bool, float]] = {}
    for entry in looked:
        for key, (passed, took) in entry.results.items():
            before_passed, before_took = merged.get(key, (True, 0.0))
            merged[key] = (passed and before_passed, max(took, before_took))
    return merged
