"""The fields of a gate's log line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

from gatekeeper.decision import Decision
from gatekeeper.findings import CheckResult, Outcome
from gatekeeper.observers.text import bounded, rfc3339

MOST_RESULTS = 20
"""Results shown of a gate that is held: a log line has to end somewhere, and the rest is counted."""
MOST_FACTS = 20
"""Pieces of evidence shown of one result."""


def gate_fields(sweep_id: str, decision: Decision) -> dict[str, Any]:
    """What every line about a gate says."""
    gate = decision.gate
    return {
        "sweep": sweep_id,
        "gate": gate.name,
        "display_name": _text(gate.display_name),
        "fleet": bounded(str(gate.fleet)),
        "run": bounded(gate.update_run),
        "stage": _text(gate.stage),
        "group": _text(gate.group),
        "timing": bounded(gate.timing),
        "policy": decision.policy,
        "policy_hash": decision.policy_hash,
        "dry_run": decision.dry_run,
        "verdict": decision.verdict.value,
        "reason": decision.reason.value,
        "message": bounded(decision.message),
        "first_seen": rfc3339(decision.first_seen),
        "pending_for": round((decision.decided_at - decision.first_seen).total_seconds(), 3),
        "checks": count_results(decision.results),
    }


def count_results(results: Sequence[CheckResult]) -> dict[str, int]:
    """How many results of each outcome, and how many of those that did not pass are advisory."""
    counted = Counter(result.outcome for result in results)
    advisory = sum(not result.required and result.outcome is not Outcome.PASSED for result in results)
    return {outcome.value: counted[outcome] for outcome in Outcome} | {"advisory_not_passed": advisory}


def whole_evidence(results: Sequence[CheckResult]) -> list[dict[str, Any]]:
    """All that an approval rests on, one entry per result."""
    return [result_fields(result) for result in results]


def what_holds(results: Sequence[CheckResult]) -> dict[str, Any]:
    """The required results that did not pass, the first of them in full, the rest as a number."""
    holding = [result for result in results if result.required and result.outcome is not Outcome.PASSED]
    return {
        "evidence": [result_fields(result) for result in holding[:MOST_RESULTS]],
        "evidence_more": max(len(holding) - MOST_RESULTS, 0),
    }


def result_fields(result: CheckResult) -> dict[str, Any]:
    """One result, with the facts that it rests on."""
    fields: dict[str, Any] = {
        "check": result.check,
        "member": _text(result.member),
        "required": result.required,
        "outcome": result.outcome.value,
        "message": bounded(result.finding.message),
        "observed_at": rfc3339(result.observed_at),
        "took": round(result.took, 3),
    }
    facts = result.finding.evidence
    if facts:
        fields["facts"] = [
            {
                name: bounded(getattr(fact, name))
                for name in ("code", "subject", "observed", "expected", "hint")
                if getattr(fact, name)
            }
            for fact in islice(facts, MOST_FACTS)
        ]
    if len(facts) > MOST_FACTS:
        fields["facts_more"] = len(facts) - MOST_FACTS
    return fields


def _text(text: str | None) -> str | None:
    return None if text is None else bounded(text)
