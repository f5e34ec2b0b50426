"""Specimens keep the rules by which a new API server refuses a status, for the one at hand may be older.

Source: kubernetes/kubernetes 1.35, pkg/apis/{apps,batch,policy}/validation, and pkg/registry/batch/job/strategy.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from gatekeeper.emulator.kube import Manifest
from tests.apiserver.specimens import cases, described

VERSION = "v1.35.0"
REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")
BEGUN = {"startTime": "2026-11-22T10:00:00Z"}


def true(*kinds: str) -> list[Manifest]:
    return [{"type": each, "status": "True"} for each in kinds]


def test_no_status_of_a_specimen_would_be_refused() -> None:
    all_cases = [case for check in described() for case in cases(check)]
    objects = [(case, each) for case in all_cases for each in case.objects(VERSION)[0] if each.get("status")]

    found = [f"{case}: {each['kind']} {words}" for case, each in objects for words in refusals(each)]

    assert found == []
    assert {"Job", "PodDisruptionBudget", "StatefulSet", "Deployment"} <= {each["kind"] for _, each in objects}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("Job", {**BEGUN, "conditions": true("Complete")}),
        ("Job", {**BEGUN, "completionTime": "2026-11-22T11:00:00Z"}),
        ("Job", {**BEGUN, "completionTime": "2026-11-22T09:00:00Z", "conditions": true("Complete")}),
        ("Job", {"conditions": true("FailureTarget", "Failed")}),
        ("Job", {**BEGUN, "active": 1, "conditions": true("FailureTarget", "Failed")}),
        ("Job", {**BEGUN, "conditions": true("SuccessCriteriaMet", "FailureTarget")}),
        ("PodDisruptionBudget", {"conditions": [{"type": "DisruptionAllowed", "status": "True", "reason": "Fine"}]}),
        ("StatefulSet", {"replicas": 2, "readyReplicas": 1, "availableReplicas": 2}),
        ("Deployment", {"replicas": 2, "updatedReplicas": 3}),
    ],
)
def test_a_status_that_would_be_refused_is_noticed(kind: str, status: dict[str, Any]) -> None:
    assert list(refusals({"kind": kind, "status": status}))


def refusals(manifest: Manifest) -> Iterator[str]:
    """What a new API server has against a status."""
    status = manifest["status"]
    if manifest["kind"] == "Job":
        yield from of_job(status)
    if manifest["kind"] == "PodDisruptionBudget":
        for each in status.get("conditions", ()):
            if not (each.get("lastTransitionTime") and REASON.fullmatch(each.get("reason", "")) and "message" in each):
                yield f"has a condition {each['type']} without a time, a message or a reason in one word"
    if manifest["kind"] in ("Deployment", "StatefulSet"):
        counts = {name: status.get(f"{name}Replicas", 0) for name in ("ready", "available", "updated", "current")}
        if max(counts.values()) > status.get("replicas", 0) or counts["available"] > counts["ready"]:
            yield f"counts more than there are: {status}"


def of_job(status: dict[str, Any]) -> Iterator[str]:
    """A Job's end has a beginning, and is told of in one voice."""
    true = {each["type"] for each in status.get("conditions", ()) if each.get("status") == "True"}
    ended, began = status.get("completionTime"), status.get("startTime")
    if (ended is not None) != ("Complete" in true):
        yield "has a completionTime without being Complete, or is Complete without one"
    if ended is not None and began is not None and ended < began:
        yield "completed before it started"
    if true & {"Complete", "SuccessCriteriaMet"} and true & {"Failed", "FailureTarget"}:
        yield f"succeeded and failed: {sorted(true)}"
    if true & {"Complete", "Failed"} and (began is None or status.get("active")):
        yield "has ended without a startTime, or with active pods"
