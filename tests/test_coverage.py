"""Which gates of a strategy would be opened is known before a run reaches them."""

from __future__ import annotations

import pytest

from gatekeeper.coverage import Status, coverage, uncovered
from gatekeeper.errors import ConfigError
from gatekeeper.policy import Policy
from tests.policy_builders import GOOD, compiled


def gate(name: str | None = None, kind: str = "Approval") -> dict[str, object]:
    return {"type": kind} if name is None else {"type": kind, "displayName": name}


STAGES = {
    "stages": [
        {
            "name": "prod",
            "beforeGates": [gate("Ready?")],
            "afterGates": [gate("Run health checks")],
            "groups": [{"name": "eu", "afterGates": [gate("Run health checks"), gate("At night", "ScheduledStart")]}],
        },
        {"name": "last", "groups": [{"name": "us", "beforeGates": [gate()]}]},
    ]
}


def matching(match: str, name: str = "after", more: str = "") -> Policy:
    text = GOOD.replace("name: after", f"name: {name}").replace(
        "match:\n  displayName: Run health checks\n  timing: After", f"match: {{{match}}}"
    )
    return compiled(text + more)


def statuses(*policies: Policy) -> list[tuple[str, str]]:
    return [(gate.where, gate.status.value) for gate in coverage(STAGES, policies)]


@pytest.mark.parametrize("strategy", [STAGES, {"strategy": STAGES}, {"id": "x", "properties": {"strategy": STAGES}}])
def test_a_strategy_is_read_in_each_of_its_shapes(strategy: object) -> None:
    assert [(gate.where, gate.display_name) for gate in coverage(strategy, [])] == [
        ("before stage prod", "Ready?"),
        ("after stage prod", "Run health checks"),
        ("after group eu of stage prod", "Run health checks"),
        ("before group us of stage last", None),
    ]


def test_gates_that_no_policy_would_open_are_named_with_what_to_write() -> None:
    found = uncovered(STAGES, [compiled(GOOD)])

    assert [(gate.where, gate.status, gate.message) for gate in found] == [
        (
            "before stage prod",
            Status.UNCOVERED,
            "no policy matches; write one with match: {displayName: Ready?, timing: Before}",
        ),
        (
            "before group us of stage last",
            Status.UNCOVERED,
            "no policy matches; write one with match: {stage: last, group: us, timing: Before}",
        ),
    ]


def test_a_gate_that_one_policy_wins_is_covered() -> None:
    policies = [matching("timing: After", "any"), matching("timing: After, group: eu", "eu")]

    assert statuses(*policies)[1:3] == [("after stage prod", "covered"), ("after group eu of stage prod", "covered")]
    assert coverage(STAGES, policies)[2].policies == ("eu",)


def test_a_gate_that_two_policies_match_equally_well_is_ambiguous() -> None:
    policies = [matching("stage: prod", "one"), matching("timing: After", "two")]
    found = {gate.where: gate for gate in uncovered(STAGES, policies)}

    assert found["after stage prod"].status is Status.AMBIGUOUS
    assert found["after stage prod"].policies == ("one", "two")
    assert "before stage prod" not in found


@pytest.mark.parametrize("part", ["updateRun: r*", "fleet: prod", "autoUpgradeProfile: rapid"])
def test_what_a_strategy_does_not_know_makes_it_conditional(part: str) -> None:
    found = coverage(STAGES, [matching(f"timing: After, {part}")])

    assert [gate.status.value for gate in found] == ["uncovered", "conditional", "conditional", "uncovered"]
    assert found[1].message == f"depends on run, fleet or profile: after wants {part.replace(':', '')}, timing After"
    assert [gate.where for gate in uncovered(STAGES, [matching(f"timing: After, {part}")])] == [
        "before stage prod",
        "before group us of stage last",
    ]


def test_a_policy_that_runs_dry_opens_nothing() -> None:
    found = uncovered(STAGES, [compiled(GOOD + "mode: dryRun\n")])

    assert found[1].status is Status.DRY_RUN
    assert found[1].message == "policy after only runs dry; write mode: enforce to open this gate"


@pytest.mark.parametrize(
    "strategy",
    [
        None,
        [],
        "x",
        {},
        {"properties": {}},
        {"stages": "x"},
        {"stages": ["x"]},
        {"stages": [{}]},
        {"stages": [{"name": "a", "groups": [{"name": 1}]}]},
        {"stages": [{"name": "a", "afterGates": [{"displayName": 1}]}]},
    ],
)
def test_what_is_no_strategy_is_refused(strategy: object) -> None:
    with pytest.raises(ConfigError):
        coverage(strategy, [])
