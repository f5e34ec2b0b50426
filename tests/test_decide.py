"""The judge: every rule that is never broken, one by one, and together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.decide import Case, choose_policy, decide, objections
from gatekeeper.decision import Hold, Reason, Verdict
from gatekeeper.findings import CheckResult, Outcome
from gatekeeper.model import Gate, Member, Scope
from gatekeeper.pattern import Pattern
from gatekeeper.policy import Match, Policy
from tests.builders import NOW, gate, member, policy, result, run, spec


def case(
    of: Gate | None = None,
    members: tuple[Member, ...] = (member(),),
    by: Policy | None = None,
    gated: tuple[Member, ...] | None = None,
    run_state: str = "Running",
) -> Case:
    of = of or gate()
    of_run = run(of, members, run_state)
    scope = Scope(of, of_run.target, members, members if gated is None else gated, of_run, NOW - timedelta(minutes=5))
    return Case(of, of_run, by or policy(), scope, NOW - timedelta(minutes=5))


def test_a_gate_is_approved_when_every_required_check_passed_on_every_member() -> None:
    members = (member("aks-1"), member("aks-2"))

    decision = decide(case(members=members), [result(of="aks-1"), result(of="aks-2")], NOW)

    assert (decision.verdict, decision.reason) == (Verdict.APPROVE, Reason.HEALTHY)
    assert decision.message == "fine passed on 2 members"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gate_type": "ScheduledStart"}, Reason.NOT_APPROVAL),
        ({"gate_type": "approval"}, Reason.NOT_APPROVAL),
        ({"gate_type": ""}, Reason.NOT_APPROVAL),
        ({"state": "Completed"}, Reason.NOT_PENDING),
        ({"state": "pending"}, Reason.NOT_PENDING),
        ({"state": "Rejected"}, Reason.NOT_PENDING),
        ({"timing": "During"}, Reason.UNKNOWN_TIMING),
        ({"timing": ""}, Reason.UNKNOWN_TIMING),
    ],
)
def test_a_gate_of_an_unknown_kind_is_held(changes: dict[str, object], reason: Reason) -> None:
    decision = decide(case(gate(**changes)), [result()], NOW)

    assert (decision.verdict, decision.reason) == (Verdict.HOLD, reason)


@pytest.mark.parametrize(
    "state", ["NotStarted", "Stopping", "Stopped", "Failed", "Completed", "Skipped", "", "running"]
)
def test_a_gate_of_a_run_that_is_neither_running_nor_pending_is_held(state: str) -> None:
    decision = decide(case(run_state=state), [result()], NOW)

    assert (decision.verdict, decision.reason) == (Verdict.HOLD, Reason.RUN_NOT_ACTIVE)
    assert state in decision.message


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("Failed", Reason.MEMBER_FAILED),
        ("Skipped", Reason.MEMBER_SKIPPED),
        ("NotStarted", Reason.MEMBER_NOT_FINISHED),
        ("Running", Reason.MEMBER_NOT_FINISHED),
        ("Pending", Reason.MEMBER_NOT_FINISHED),
        ("Stopped", Reason.MEMBER_NOT_FINISHED),
        ("Stopping", Reason.MEMBER_NOT_FINISHED),
        ("Rebooting", Reason.MEMBER_STATE_UNKNOWN),
        ("completed", Reason.MEMBER_STATE_UNKNOWN),
    ],
)
def test_an_after_gate_is_held_by_a_member_that_is_not_completed(state: str, reason: Reason) -> None:
    members = (member(), member("aks-2", state, message="surge failed"))

    decision = decide(case(members=members), [result(), result(of="aks-2")], NOW)

    assert (decision.verdict, decision.reason) == (Verdict.HOLD, reason)
    assert decision.message == f"1 of 2 members: aks-2 is {state} (surge failed)"


def test_a_policy_may_accept_failed_and_skipped_members_whose_checks_pass() -> None:
    members = (member("aks-1", "Failed"), member("aks-2", "Skipped"))
    accepting = replace(policy(), accept_failed=True, accept_skipped=True)

    decision = decide(case(members=members, by=accepting), [result(), result(of="aks-2")], NOW)

    assert decision.verdict is Verdict.APPROVE


def test_a_failed_member_outside_the_policys_scope_still_holds_its_groups_gate() -> None:
    gated = (member("aks-1"), member("aks-2", "Failed"))

    decision = decide(case(members=gated[:1], gated=gated), [result()], NOW)

    assert decision.reason is Reason.MEMBER_FAILED


def test_before_its_update_a_member_may_be_in_any_known_state_but_not_in_an_unknown_one() -> None:
    before = gate(timing="Before")

    known = decide(case(before, (member("aks-1", "NotStarted"),)), [result()], NOW)
    unknown = decide(case(before, (member("aks-1", "Hibernating"),)), [result()], NOW)

    assert known.verdict is Verdict.APPROVE
    assert unknown.reason is Reason.MEMBER_STATE_UNKNOWN


def test_no_members_hold() -> None:
    assert decide(case(members=()), [], NOW).reason is Reason.NO_MEMBERS
    assert decide(case(members=(), gated=(member(),)), [], NOW).reason is Reason.NO_MEMBERS
    assert decide(case(gated=()), [result()], NOW).reason is Reason.NO_MEMBERS


def test_a_policy_with_only_advisory_checks_holds() -> None:
    advisory = policy(spec(required=False))

    decision = decide(case(by=advisory), [result(required=False)], NOW)

    assert decision.reason is Reason.NO_REQUIRED_CHECK


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.FAILED, Reason.CHECK_FAILED),
        (Outcome.ERROR, Reason.CHECK_ERROR),
        (Outcome.INCONCLUSIVE, Reason.CHECK_INCONCLUSIVE),
        ("sparkling", Reason.CHECK_ERROR),
    ],
)
def test_every_outcome_but_passed_holds_and_is_quoted(outcome: Outcome, reason: Reason) -> None:
    decision = decide(case(), [result(outcome=outcome, message="2 of 12 nodes are not Ready")], NOW)

    assert (decision.verdict, decision.reason) == (Verdict.HOLD, reason)
    assert decision.message == "fine on aks-1: 2 of 12 nodes are not Ready"


def test_a_failure_is_reported_before_an_error_before_an_open_question() -> None:
    members = tuple(member(f"aks-{n}") for n in range(3))
    outcomes = [Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.FAILED]
    results = [result(of=m.name, outcome=o) for m, o in zip(members, outcomes, strict=True)]

    decision = decide(case(members=members), results, NOW)

    assert decision.message == "1 of 3 required checks failed: fine on aks-2: so it is"


def test_many_complaints_are_counted_and_three_are_spelled_out() -> None:
    members = tuple(member(f"aks-{n}") for n in range(5))
    results = [result(of=m.name, outcome=Outcome.FAILED, message="broken") for m in members]

    decision = decide(case(members=members), results, NOW)

    assert decision.message == (
        "5 of 5 required checks failed: fine on aks-0: broken; fine on aks-1: broken; fine on aks-2: broken; and 2 more"
    )


def test_advisory_checks_never_block_and_are_reported() -> None:
    by = policy(spec("fine"), spec("calm", required=False))
    bad = result("calm", None, Outcome.FAILED, message="lunch time", required=False)

    decision = decide(case(by=by), [result(), bad], NOW)

    assert decision.verdict is Verdict.APPROVE
    assert decision.message == "fine passed on 1 member; advisory: calm: lunch time"


def test_a_result_cannot_call_itself_advisory() -> None:
    bad = result(outcome=Outcome.FAILED, required=False)

    assert decide(case(), [bad], NOW).reason is Reason.CHECK_FAILED


def test_a_required_check_without_an_answer_holds() -> None:
    members = (member("aks-1"), member("aks-2"))

    decision = decide(case(members=members), [result()], NOW)

    assert decision.reason is Reason.CHECK_NOT_ANSWERED
    assert decision.message == "1 of 2 required checks have no one answer: fine on aks-2"


def test_two_answers_to_one_question_are_no_answer() -> None:
    assert decide(case(), [result(), result()], NOW).reason is Reason.CHECK_NOT_ANSWERED


def test_an_answer_from_before_the_gate_opened_holds() -> None:
    old = result(at=NOW - timedelta(minutes=6))

    assert decide(case(), [old], NOW).reason is Reason.ANSWER_TOO_OLD


def test_an_answer_from_before_the_members_update_ended_holds() -> None:
    just_updated = member(completed_at=NOW - timedelta(seconds=1))

    decision = decide(case(members=(just_updated,)), [result(at=NOW - timedelta(seconds=2))], NOW)

    assert decision.reason is Reason.ANSWER_TOO_OLD


def test_an_answer_from_the_future_holds() -> None:
    assert decide(case(), [result(at=NOW + timedelta(seconds=1))], NOW).reason is Reason.ANSWER_TOO_OLD


def test_a_decision_carries_its_policy_and_its_evidence() -> None:
    results = [result()]

    decision = decide(case(), results, NOW)

    assert (decision.policy, decision.policy_hash, decision.results) == ("after-update", "0123456789ab", tuple(results))


# --- choosing a policy


def test_a_gate_without_a_policy_is_held() -> None:
    chosen = choose_policy(gate(), None, [policy(display_name="Another name")])

    assert isinstance(chosen, Hold)
    assert chosen.reason is Reason.NO_POLICY
    assert "'Run health checks'" in chosen.message


def test_the_most_specific_policy_wins_in_any_order() -> None:
    wide, glob = policy(name="wide", display_name="*"), policy(name="glob", display_name="Run*")
    exact = policy(name="exact")
    exact_after = replace(
        policy(name="exact-after"), match=Match(display_name=Pattern.parse("Run health checks"), timing="After")
    )

    for order in ([wide, glob, exact, exact_after], [exact_after, exact, glob, wide]):
        assert choose_policy(gate(), None, order) is exact_after


def test_two_policies_that_match_equally_well_hold_and_are_both_named() -> None:
    chosen = choose_policy(gate(), None, [policy(name="one"), policy(name="two")])

    assert isinstance(chosen, Hold)
    assert chosen.reason is Reason.AMBIGUOUS_POLICY
    assert "one (policies/p.yaml:1) and two (policies/p.yaml:1)" in chosen.message


# --- whatever happens


_STATES = st.sampled_from(["Completed", "Failed", "Skipped", "Running", "NotStarted", "Pending", "Weird", ""])
_OUTCOMES = st.sampled_from([*Outcome, "unheard-of"])


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[Case, list[CheckResult]]:
    of = gate(
        gate_type=draw(st.sampled_from(["Approval", "Approval", "Approval", "ScheduledStart", "approval"])),
        state=draw(st.sampled_from(["Pending", "Pending", "Pending", "Completed", "Skipped", "?"])),
        timing=draw(st.sampled_from(["Before", "After", "After", "Sometime"])),
    )
    members = tuple(member(f"aks-{n}", draw(_STATES)) for n in range(draw(st.integers(0, 3))))
    asked = members if draw(st.booleans()) else members[:1]
    by = policy(
        *[spec(name, required=draw(st.booleans())) for name in draw(st.sampled_from([("fine",), ("fine", "calm")]))],
        accept_failed=draw(st.booleans()),
        accept_skipped=draw(st.booleans()),
    )
    run_state = draw(st.sampled_from(["Running", "Running", "Pending", "Stopped", "Failed", "Odd"]))
    results = [
        result(s.name, of_member, draw(_OUTCOMES), at=NOW - timedelta(seconds=draw(st.integers(-1, 400))))
        for s in by.checks
        for of_member in ([None] if s.name == "calm" else [m.name for m in asked])
        if draw(st.sampled_from([True, True, True, False]))
    ]
    return case(of, asked, by, members, run_state), results


@given(_worlds())
def test_approve_is_reached_by_one_narrow_path_only(world: tuple[Case, list[CheckResult]]) -> None:
    """An independent statement of the rules: whatever is approved fulfils all of them."""
    the_case, results = world

    decision = decide(the_case, results, NOW)

    if decision.verdict is Verdict.HOLD:
        assert decision.reason is not Reason.HEALTHY
        assert decision.message
        return
    assert the_case.gate.gate_type == "Approval"
    assert the_case.gate.state == "Pending"
    assert the_case.gate.timing in ("Before", "After")
    assert the_case.run.state in ("Running", "Pending")
    assert the_case.scope.members
    assert the_case.scope.gated
    assert "Weird" not in {m.state for m in the_case.scope.gated}
    if the_case.gate.timing == "After":
        accepted = {"Completed"}
        accepted |= {"Failed"} if the_case.policy.accept_failed else set()
        accepted |= {"Skipped"} if the_case.policy.accept_skipped else set()
        assert {m.state for m in the_case.scope.gated} <= accepted
    required = [s for s in the_case.policy.checks if s.required]
    assert required
    for s in required:
        for name in [None] if s.name == "calm" else [m.name for m in the_case.scope.members]:
            (answer,) = [r for r in results if (r.check, r.member) == (s.name, name)]
            assert answer.outcome is Outcome.PASSED
            assert NOW - timedelta(minutes=5) <= answer.observed_at <= NOW


@given(_worlds())
def test_more_bad_news_never_turns_a_hold_into_an_approval(world: tuple[Case, list[CheckResult]]) -> None:
    the_case, results = world
    name = the_case.scope.members[0].name if the_case.scope.members else "aks-0"

    for bad in (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE):
        assert decide(the_case, [*results, result("unknown", name, bad)], NOW).verdict is Verdict.HOLD


@given(_worlds())
def test_what_speaks_against_a_gate_without_its_clusters_always_holds(world: tuple[Case, list[CheckResult]]) -> None:
    the_case, results = world

    if any(objections(the_case)):
        assert decide(the_case, results, NOW).verdict is Verdict.HOLD
