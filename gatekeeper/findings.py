"""What a check answers: outcomes, evidence, findings and the results that the runner makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """The four answers of a check, in the words of Argo Rollouts (``passed`` for its ``Successful``)."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    """It was looked at, and what was seen allows no answer: still changing, stale, empty, an unknown word."""
    ERROR = "error"
    """It could not be looked at."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observed fact that a finding rests on, and what a person can do about it."""

    code: str
    """A constant CamelCase word, such as ``NodeNotReady``."""
    subject: str
    """What it is about: ``Node aks-user-1``, ``Deployment shop/web``."""
    observed: str
    expected: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of a check: an outcome, a claim with numbers, and the evidence for it."""

    outcome: Outcome
    message: str
    evidence: tuple[Evidence, ...] = ()

    @classmethod
    def passed(cls, message: str, evidence: Sequence[Evidence] = ()) -> Finding:
        """It was looked at and all is well."""
        return cls(Outcome.PASSED, message, tuple(evidence))

    @classmethod
    def failed(cls, message: str, evidence: Sequence[Evidence] = ()) -> Finding:
        """It was looked at and something is wrong."""
        return cls(Outcome.FAILED, message, tuple(evidence))

    @classmethod
    def inconclusive(cls, message: str, evidence: Sequence[Evidence] = ()) -> Finding:
        """It was looked at, and neither well nor wrong can be said."""
        return cls(Outcome.INCONCLUSIVE, message, tuple(evidence))

    @classmethod
    def error(cls, message: str, evidence: Sequence[Evidence] = ()) -> Finding:
        """It could not be looked at. Mostly the runner says this, from an exception."""
        return cls(Outcome.ERROR, message, tuple(evidence))


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One finding of one check, on one member or (``member`` None) on the gate itself."""

    check: str
    """The check's name in the policy."""
    member: str | None
    finding: Finding
    observed_at: datetime
    """The time of the oldest observation that the finding rests on, UTC."""
    took: float = field(default=0.0, compare=False)
    """Seconds."""
    required: bool = True

    @property
    def outcome(self) -> Outcome:
        """The finding's outcome."""
        return self.finding.outcome
