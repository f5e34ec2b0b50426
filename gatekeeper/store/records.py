"""Decisions as JSON and back: the shape in which they are remembered, stable and versioned.

One document per decision. Absent values are null, times are RFC 3339 in UTC, durations are seconds::

    {"apiVersion": "gatekeeper/v1", "kind": "Decision",
     "gate": {"fleet": {"subscriptionId", "resourceGroup", "name"}, "name", "displayName", "gateType", "state",
              "updateRun", "stage", "group", "timing", "etag"},
     "verdict", "reason", "message", "decidedAt", "firstSeen", "policy", "policyHash", "dryRun",
     "results": [{"check", "member", "outcome", "message", "observedAt", "took", "required",
                  "evidence": [{"code", "subject", "observed", "expected", "hint"}]}]}

A key may be added within a version; what is there neither changes its meaning nor goes away.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from gatekeeper.decision import Decision, Reason, Verdict
from gatekeeper.errors import StoreError
from gatekeeper.findings import CheckResult, Evidence, Finding, Outcome
from gatekeeper.model import FleetRef, Gate

API_VERSION = "gatekeeper/v1"
KIND = "Decision"


def write_decision(decision: Decision) -> str:
    """Write a decision as one line of ASCII JSON."""
    return json.dumps(decision_document(decision), separators=(",", ":"))


def read_decision(text: str) -> Decision:
    """Read what `write_decision` wrote.

    Raises:
        StoreError: it is something else, or of a version that is not known here.
    """
    try:
        document = json.loads(text)
        if (version := document.get("apiVersion")) != API_VERSION or document.get("kind") != KIND:
            raise StoreError(f"a remembered decision has the version {version!r}; this Gatekeeper reads {API_VERSION}")
        return _decision(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"a remembered decision cannot be read: {type(error).__name__}: {error}") from error


def write_time(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds, so that text sorts as time does. A time without a zone is a ValueError."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_time(text: str) -> datetime:
    """Read what `write_time` wrote; a ValueError for everything else."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return at.astimezone(UTC)


def decision_document(decision: Decision) -> dict[str, Any]:
    """The decision as a JSON document, in the shape that this module's docstring shows."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "gate": gate_document(decision.gate),
        "verdict": decision.verdict.value,
        "reason": decision.reason.value,
        "message": decision.message,
        "decidedAt": write_time(decision.decided_at),
        "firstSeen": write_time(decision.first_seen),
        "policy": decision.policy,
        "policyHash": decision.policy_hash,
        "dryRun": decision.dry_run,
        "results": [result_document(result) for result in decision.results],
    }


def gate_document(gate: Gate) -> dict[str, Any]:
    """A gate as a JSON document."""
    return {
        "fleet": {
            "subscriptionId": gate.fleet.subscription_id,
            "resourceGroup": gate.fleet.resource_group,
            "name": gate.fleet.name,
        },
        "name": gate.name,
        "displayName": gate.display_name,
        "gateType": gate.gate_type,
        "state": gate.state,
        "updateRun": gate.update_run,
        "stage": gate.stage,
        "group": gate.group,
        "timing": gate.timing,
        "etag": gate.etag,
    }


def result_document(result: CheckResult) -> dict[str, Any]:
    """One result of a check, with its evidence, as a JSON document."""
    return {
        "check": result.check,
        "member": result.member,
        "outcome": result.outcome.value,
        "message": result.finding.message,
        "observedAt": write_time(result.observed_at),
        "took": result.took,
        "required": result.required,
        "evidence": [
            {
                "code": fact.code,
                "subject": fact.subject,
                "observed": fact.observed,
                "expected": fact.expected,
                "hint": fact.hint,
            }
            for fact in result.finding.evidence
        ],
    }


def _decision(document: dict[str, Any]) -> Decision:
    return Decision(
        gate=_gate(document["gate"]),
        verdict=Verdict(document["verdict"]),
        reason=Reason(document["reason"]),
        message=document["message"],
        decided_at=read_time(document["decidedAt"]),
        first_seen=read_time(document["firstSeen"]),
        policy=document["policy"],
        policy_hash=document["policyHash"],
        dry_run=document["dryRun"],
        results=tuple(_result(result) for result in document["results"]),
    )


def _gate(document: dict[str, Any]) -> Gate:
    fleet = document["fleet"]
    return Gate(
        fleet=FleetRef(fleet["subscriptionId"], fleet["resourceGroup"], fleet["name"]),
        name=document["name"],
        display_name=document["displayName"],
        gate_type=document["gateType"],
        state=document["state"],
        update_run=document["updateRun"],
        stage=document["stage"],
        group=document["group"],
        timing=document["timing"],
        etag=document["etag"],
    )


def _result(document: dict[str, Any]) -> CheckResult:
    evidence = tuple(
        Evidence(fact["code"], fact["subject"], fact["observed"], fact["expected"], fact["hint"])
        for fact in document["evidence"]
    )
    return CheckResult(
        check=document["check"],
        member=document["member"],
        finding=Finding(Outcome(document["outcome"]), document["message"], evidence),
        observed_at=read_time(document["observedAt"]),
        took=document["took"],
        required=document["required"],
    )
