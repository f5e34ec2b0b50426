"""Assertions on what a check answers."""

from __future__ import annotations

from collections.abc import Iterable

from gatekeeper.check import Evidence, Finding, Outcome


def assert_finding(
    finding: Finding,
    outcome: str,
    message: str = "",
    *,
    codes: Iterable[str] | None = None,
    subjects: Iterable[str] | None = None,
) -> None:
    """Assert the outcome, a part of the message and, where given, the codes and subjects of all the evidence."""
    seen = f"{finding.outcome}: {finding.message} {[_words(each) for each in finding.evidence]}"
    assert finding.outcome is Outcome(outcome), seen
    assert message in finding.message, seen
    if codes is not None:
        assert sorted(each.code for each in finding.evidence) == sorted(codes), seen
    if subjects is not None:
        assert sorted(each.subject for each in finding.evidence) == sorted(subjects), seen


def _words(evidence: Evidence) -> str:
    return f"{evidence.code} {evidence.subject}: {evidence.observed}"
