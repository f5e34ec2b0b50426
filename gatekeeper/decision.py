"""What was decided about a gate, and the constant words for why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatekeeper.errors import Throttled
from gatekeeper.findings import CheckResult
from gatekeeper.model import Gate


class Verdict(StrEnum):
    """There is no "reject": a Fleet gate can only be opened, or stay shut."""

    APPROVE = "approve"
    HOLD = "hold"


class Reason(StrEnum):
    """Why a gate is held, or that it may be opened; a label of metrics, so few and constant."""

    HEALTHY = "Healthy"
    """Every required check passed on every member: the only reason to approve."""

    NO_POLICY = "NoPolicy"
    AMBIGUOUS_POLICY = "AmbiguousPolicy"
    NOT_APPROVAL = "NotApproval"
    NOT_PENDING = "NotPending"
    UNKNOWN_TIMING = "UnknownTiming"
    RUN_NOT_FOUND = "RunNotFound"
    RUN_NOT_ACTIVE = "RunNotActive"
    GATE_NOT_IN_RUN = "GateNotInRun"
    NO_MEMBERS = "NoMembers"
    NO_REQUIRED_CHECK = "NoRequiredCheck"
    MEMBER_FAILED = "MemberFailed"
    MEMBER_SKIPPED = "MemberSkipped"
    MEMBER_NOT_FINISHED = "MemberNotFinished"
    MEMBER_STATE_UNKNOWN = "MemberStateUnknown"
    CHECK_FAILED = "CheckFailed"
    CHECK_INCONCLUSIVE = "CheckInconclusive"
    CHECK_ERROR = "CheckError"
    CHECK_NOT_ANSWERED = "CheckNotAnswered"
    ANSWER_TOO_OLD = "AnswerTooOld"
    FLEET_UNREADABLE = "FleetUnreadable"
    """Azure could not be asked about the gate's run or members."""
    CHANGED_MEANWHILE = "ChangedMeanwhile"
    """Gate, run or members changed while the checks ran; all is asked again in the next sweep."""
    APPROVAL_REFUSED = "ApprovalRefused"
    """Azure did not take the approval; read again, the gate is still Pending."""
    APPROVAL_UNCONFIRMED = "ApprovalUnconfirmed"
    """The approval was sent and nobody could say whether it was taken."""
    INTERNAL_ERROR = "InternalError"
    """A fault of Gatekeeper itself; the gate is held."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason to hold, in words for the engineer on call."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on one gate in one sweep, with all that it rests on."""

    gate: Gate
    verdict: Verdict
    reason: Reason
    message: str
    """For the engineer on call: what is wrong with which cluster, and what to do."""
    decided_at: datetime
    first_seen: datetime
    """When Gatekeeper first saw the gate Pending."""
    policy: str | None = None
    policy_hash: str | None = None
    dry_run: bool = False
    """The policy's mode is dryRun: the verdict says what would have been done."""
    results: tuple[CheckResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """What became of an attempt to approve."""

    decision: Decision
    """Verdict approve if the gate is Completed now; hold, with the reason, if it is not."""
    taken: bool
    """Whether the gate is known to be Completed."""
    attempted_at: datetime
    answer: str
    """What Azure answered, in a few words: ``200``, ``202; then found Completed``."""
    throttled: Throttled | None = None
    """Azure's wish to be left alone for a while, if the approval was answered with one."""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """One pass over all fleets."""

    sweep_id: str
    started_at: datetime
    took: float
    """Seconds."""
    decisions: tuple[Decision, ...]
    approvals: tuple[Approval, ...]
    unreadable: tuple[tuple[str, str], ...] = ()
    """Fleets that could not be read, each with the reason, as ``(fleet, message)``."""
    fleets: int = 0

    @property
    def ok(self) -> bool:
        """Whether every fleet could be read."""
        return not self.unreadable
