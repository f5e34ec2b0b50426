"""The judge: pure functions that choose a policy and decide on a gate. They fetch nothing and never read the clock.

``decide`` is the only road to "approve". It repeats every condition itself and trusts no step before it; whatever it
does not know, holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.check import GateCheck
from gatekeeper.decision import Decision, Hold, Reason, Verdict
from gatekeeper.findings import CheckResult, Outcome
from gatekeeper.model import (
    AFTER,
    APPROVAL,
    BEFORE,
    COMPLETED,
    FAILED,
    NOT_STARTED,
    PENDING,
    RUNNING,
    SKIPPED,
    Gate,
    Member,
    Scope,
    UpdateRun,
)
from gatekeeper.policy import Policy

_ACTIVE_RUN = frozenset({RUNNING, PENDING})
_UNFINISHED = frozenset({NOT_STARTED, RUNNING, PENDING, "Stopping", "Stopped"})
_KNOWN_MEMBER_STATES = _UNFINISHED | {COMPLETED, FAILED, SKIPPED}
_SHOWN = 3
"""So many of several complaints are spelled out in a message; the evidence has them all."""

_LONG = 200
"""Characters of a member's own message that are repeated in ours."""

_COMPLAINTS = {
    Outcome.FAILED: (Reason.CHECK_FAILED, "failed"),
    Outcome.ERROR: (Reason.CHECK_ERROR, "could not look"),
    Outcome.INCONCLUSIVE: (Reason.CHECK_INCONCLUSIVE, "allow no answer yet"),
}
"""The outcomes that hold, the most urgent first: one must be acted on, the next mended, the last waited for."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of a gate when its checks have a policy and a scope."""

    gate: Gate
    run: UpdateRun
    policy: Policy
    scope: Scope
    first_seen: datetime


def screen(gate: Gate) -> Hold | None:
    """What can be said against a gate from the gate alone."""
    if gate.gate_type != APPROVAL:
        return Hold(Reason.NOT_APPROVAL, f"its type is {gate.gate_type or 'not given'}; only Approval gates are opened")
    if gate.state != PENDING:
        return Hold(Reason.NOT_PENDING, f"its state is {gate.state or 'not given'}, not Pending")
    if gate.timing not in (BEFORE, AFTER):
        return Hold(Reason.UNKNOWN_TIMING, f"its timing is {gate.timing or 'not given'}, neither Before nor After")
    return None


def screen_run(run: UpdateRun) -> Hold | None:
    """What can be said against every gate of a run: the gates of a stopped one stay listed as Pending."""
    if run.state not in _ACTIVE_RUN:
        state = run.state or "in no known state"
        return Hold(Reason.RUN_NOT_ACTIVE, f"run {run.name} is {state}, neither Running nor Pending")
    return None


def choose_policy(gate: Gate, auto_upgrade_profile: str | None, policies: Sequence[Policy]) -> Policy | Hold:
    """The one policy that matches the gate most specifically; none, or several equally good ones, hold."""
    matching = [policy for policy in policies if policy.match.matches(gate, auto_upgrade_profile)]
    if not matching:
        return Hold(
            Reason.NO_POLICY,
            f"no policy matches a gate named {gate.display_name!r} {gate.where}; add one, or approve it by hand",
        )
    best = [
        policy
        for policy in matching
        if not any(other.match.more_specific_than(policy.match) for other in matching if other is not policy)
    ]
    if len(best) > 1:
        names = " and ".join(f"{policy.name} ({policy.source})" for policy in best)
        return Hold(
            Reason.AMBIGUOUS_POLICY,
            f"policies {names} match equally well; make one more specific in every part of match that the other has",
        )
    return best[0]


def objections(case: Case) -> Iterator[Hold]:
    """Everything against approving that can be said without asking a cluster, the weightiest first."""
    if hold := screen(case.gate):
        yield hold
    if hold := screen_run(case.run):
        yield hold
    yield from _member_objections(case)
    if not case.scope.members:
        yield Hold(Reason.NO_MEMBERS, f"policy {case.policy.name} asks about no member here; nothing could be checked")
    if not any(spec.required for spec in case.policy.checks):
        yield Hold(Reason.NO_REQUIRED_CHECK, f"policy {case.policy.name} has no required check; nothing could pass")


def decide(case: Case, results: Sequence[CheckResult], now: datetime) -> Decision:
    """Decide on a gate. Approves only if nothing at all speaks against it.

    Args:
        case: the gate, its run, policy and scope.
        results: the answers of the policy's checks on the scope's members.
        now: the time of the decision, UTC.
    """
    against = [*objections(case), *_unanswered(case, results), *_complaints(case, results, now)]
    hold = against[0] if against else None
    return Decision(
        gate=case.gate,
        verdict=Verdict.HOLD if hold else Verdict.APPROVE,
        reason=hold.reason if hold else Reason.HEALTHY,
        message=hold.message if hold else _praise(case, results),
        decided_at=now,
        first_seen=case.first_seen,
        policy=case.policy.name,
        policy_hash=case.policy.hash,
        dry_run=case.policy.dry_run,
        results=tuple(results),
    )


def _member_objections(case: Case) -> Iterator[Hold]:
    """What the states of the gate's own members say; they count whatever the policy's scope is."""
    if not case.scope.gated:
        yield Hold(Reason.NO_MEMBERS, f"no member stands {case.gate.where}")
    for reason, members in _grouped(case).items():
        if members:
            shown = _some([f"{member.name} is {member.state}{_why(member)}" for member in members])
            yield Hold(reason, f"{len(members)} of {len(case.scope.gated)} members: {shown}")


def _grouped(case: Case) -> dict[Reason, list[Member]]:
    grouped: dict[Reason, list[Member]] = {
        Reason.MEMBER_STATE_UNKNOWN: [],
        Reason.MEMBER_FAILED: [],
        Reason.MEMBER_SKIPPED: [],
        Reason.MEMBER_NOT_FINISHED: [],
    }
    for member in case.scope.gated:
        if member.state not in _KNOWN_MEMBER_STATES:
            grouped[Reason.MEMBER_STATE_UNKNOWN].append(member)
        elif case.gate.timing == BEFORE:
            continue  # before its update, a member may be in any known state
        elif member.state == FAILED and not case.policy.accept_failed:
            grouped[Reason.MEMBER_FAILED].append(member)
        elif member.state == SKIPPED and not case.policy.accept_skipped:
            grouped[Reason.MEMBER_SKIPPED].append(member)
        elif member.state in _UNFINISHED:
            grouped[Reason.MEMBER_NOT_FINISHED].append(member)
    return grouped


def _unanswered(case: Case, results: Sequence[CheckResult]) -> Iterator[Hold]:
    """Every required check must have answered exactly once for every member (or once for the gate)."""
    wanted = [
        (spec.name, member)
        for spec in case.policy.checks
        if spec.required
        for member in ([None] if isinstance(spec.check, GateCheck) else [member.name for member in case.scope.members])
    ]
    answers = Counter((result.check, result.member) for result in results)
    missing = [key for key in wanted if answers[key] != 1]
    if missing:
        shown = _some([name if member is None else f"{name} on {member}" for name, member in missing])
        yield Hold(
            Reason.CHECK_NOT_ANSWERED, f"{len(missing)} of {len(wanted)} required checks have no one answer: {shown}"
        )


def _complaints(case: Case, results: Sequence[CheckResult], now: datetime) -> Iterator[Hold]:
    """What the answers say: bad ones, the most urgent kind first, then those too old to count."""
    by_name = {spec.name: spec.required for spec in case.policy.checks}
    # An answer whose check the policy does not know counts as required: what is unknown, holds.
    required = [result for result in results if by_name.get(result.check, True)]
    bad = [result for result in required if result.outcome is not Outcome.PASSED]
    for outcome, (reason, verb) in _COMPLAINTS.items():
        # An outcome that is none of the four was not looked at properly: it counts as an error.
        such = [
            result for result in bad if (result.outcome if result.outcome in _COMPLAINTS else Outcome.ERROR) is outcome
        ]
        if such:
            shown = _some([f"{_place(result)}: {result.finding.message}" for result in such])
            yield Hold(
                reason,
                (f"{len(such)} of {len(required)} required checks {verb}: " if len(required) > 1 else "") + shown,
            )
    old = [result for result in required if _too_old(case, result, now)]
    if old:
        yield Hold(
            Reason.ANSWER_TOO_OLD,
            f"{_some([_place(result) for result in old])}: observed at {old[0].observed_at:%H:%M:%SZ}, before the gate "
            "opened or the member's update ended (do the clocks agree?)",
        )


def _too_old(case: Case, result: CheckResult, now: datetime) -> bool:
    """Whether an answer was observed before what it is to judge, or pretends to come from the future."""
    bounds = [case.scope.opened_at or case.first_seen]
    members = {member.name: member for member in (*case.scope.members, *case.scope.gated)}
    concerned = (
        members.values() if result.member is None else [members[result.member]] if result.member in members else []
    )
    bounds += [member.completed_at for member in concerned if member.completed_at is not None]
    return result.observed_at < max(bounds) or result.observed_at > now


def _praise(case: Case, results: Sequence[CheckResult]) -> str:
    names = ", ".join(spec.name for spec in case.policy.checks if spec.required)
    advisory = [result for result in results if not result.required and result.outcome is not Outcome.PASSED]
    count = len(case.scope.members)
    noted = f"; advisory: {_some([f'{_place(result)}: {result.finding.message}' for result in advisory])}"
    return f"{names} passed on {count} member{'' if count == 1 else 's'}{noted if advisory else ''}"


def _place(result: CheckResult) -> str:
    return result.check if result.member is None else f"{result.check} on {result.member}"


def _why(member: Member) -> str:
    return f" ({member.message[:_LONG]})" if member.message else ""


def _some(items: Sequence[str]) -> str:
    rest = len(items) - _SHOWN
    return "; ".join(items[:_SHOWN]) + (f"; and {rest} more" if rest > 0 else "")
