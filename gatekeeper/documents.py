"""What the command line prints for programs: one JSON document each."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gatekeeper.check import Check, GateCheck
from gatekeeper.decision import SweepReport
from gatekeeper.findings import CheckResult
from gatekeeper.lint import Lint
from gatekeeper.registry import Registry
from gatekeeper.schemas import schema_of
from gatekeeper.store.records import decision_document, gate_document, result_document

if TYPE_CHECKING:
    from gatekeeper.commands import FoundGate


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    json.dump(document, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def results_document(results: Sequence[CheckResult]) -> dict[str, Any]:
    """The results of checks by hand as JSON."""
    return {"results": [result_document(result) for result in results]}


def report_document(report: SweepReport) -> dict[str, Any]:
    """A sweep as JSON."""
    return {
        "sweep": report.sweep_id,
        "startedAt": report.started_at.isoformat(),
        "took": round(report.took, 3),
        "gates": [decision_document(decision) for decision in report.decisions],
        "unreadable": [{"fleet": fleet, "message": message} for fleet, message in report.unreadable],
    }


def gates_document(found: Sequence[FoundGate], unreadable: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Pending gates and their policies as JSON."""
    return {
        "gates": [{**gate_document(each.gate), "policy": each.policy, "message": each.message} for each in found],
        "unreadable": [{"fleet": fleet, "message": message} for fleet, message in unreadable],
    }


def lint_document(found: Lint) -> dict[str, Any]:
    """What is wrong with files, and the gates of a strategy, as JSON."""
    return {
        "problems": [
            {
                "file": problem.source,
                "line": problem.line,
                "where": problem.where,
                "message": problem.message,
                "severity": problem.severity,
            }
            for problem in found.problems
        ],
        "gates": [
            {
                "displayName": gate.display_name,
                "stage": gate.stage,
                "group": gate.group,
                "timing": gate.timing,
                "status": gate.status.value,
                "policies": list(gate.policies),
                "message": gate.message,
            }
            for gate in found.gates
        ],
    }


def checks_document(registry: Registry) -> dict[str, Any]:
    """The installed checks as JSON."""
    return {
        "checks": [
            {
                "name": name,
                "kind": "gate" if issubclass(check, GateCheck) else "cluster",
                "claim": check.claim,
                "origin": registry.origin(name),
                "reads": [str(resource) for resource in check.reads],
                "parameters": schema_of(check).get("properties", {}),
            }
            for name, check in installed(registry)
        ]
    }


def installed(registry: Registry) -> Iterator[tuple[str, type[Check]]]:
    """The installed checks, by name."""
    for name in registry.names():
        check = registry.get(name)
        if check is not None:
            yield name, check
