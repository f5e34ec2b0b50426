"""Decisions as JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gatekeeper.decision import Decision
from gatekeeper.errors import StoreError
from gatekeeper.store.records import read_decision, read_time, write_decision, write_time


def test_a_decision_survives_being_written_and_read(decision: Decision) -> None:
    text = write_decision(decision)

    assert read_decision(text) == decision
    assert [result.took for result in read_decision(text).results] == [0.25, 1.5, 0.0]


def test_the_shape_is_the_documented_one(decision: Decision) -> None:
    one = replace(decision, results=decision.results[1:2])

    assert json.loads(write_decision(one)) == {
        "apiVersion": "gatekeeper/v1",
        "kind": "Decision",
        "gate": {
            "fleet": {
                "subscriptionId": "00000000-0000-0000-0000-000000000001",
                "resourceGroup": "RG-Fleet",
                "name": "Prod",
            },
            "name": "5f0c1f0e-6f7b-4f0a-9d53-0d1f6b7c0001",
            "displayName": "Run health checks – é\ud83d",
            "gateType": "Approval",
            "state": "Pending",
            "updateRun": "r1",
            "stage": "prod",
            "group": None,
            "timing": "After",
            "etag": '"0a1b"',
        },
        "verdict": "approve",
        "reason": "Healthy",
        "message": "all is well",
        "decidedAt": "2026-03-01T12:00:00.250000Z",
        "firstSeen": "2026-03-01T12:00:00.250000Z",
        "policy": "prod-after-update",
        "policyHash": "sha256:1",
        "dryRun": False,
        "results": [
            {
                "check": "pods-healthy",
                "member": "m1",
                "outcome": "failed",
                "message": "1 pod",
                "observedAt": "2026-03-01T12:00:00.250000Z",
                "took": 1.5,
                "required": False,
                "evidence": [
                    {
                        "code": "NodeNotReady",
                        "subject": "Node aks-user-1",
                        "observed": "Ready=False",
                        "expected": "Ready=True",
                        "hint": "kubectl describe node",
                    }
                ],
            }
        ],
    }


def test_a_key_that_a_later_version_added_is_no_obstacle(decision: Decision) -> None:
    document = json.loads(write_decision(decision)) | {"weather": "fine"}

    assert read_decision(json.dumps(document)) == decision


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", "nonsense", '{"apiVersion":"gatekeeper/v1","kind":"Decision"}'],
)
def test_what_is_no_decision_is_a_store_error(text: str) -> None:
    with pytest.raises(StoreError):
        read_decision(text)


def test_another_version_is_named(decision: Decision) -> None:
    text = write_decision(decision).replace("gatekeeper/v1", "gatekeeper/v9")

    with pytest.raises(StoreError, match="gatekeeper/v9"):
        read_decision(text)


def test_an_unknown_reason_is_a_store_error(decision: Decision) -> None:
    with pytest.raises(StoreError, match="Sunshine"):
        read_decision(write_decision(decision).replace("Healthy", "Sunshine"))


def test_times_are_written_in_utc() -> None:
    at = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))

    assert write_time(at) == "2026-02-28T23:30:00.000000Z"
    assert read_time(write_time(at)) == at
    assert read_time(write_time(at)).tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        write_time(datetime(2026, 3, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="time zone"):
        read_time("2026-03-01T00:00:00")
