"""A match speaks about the right gates, and specificity is an order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.pattern import Pattern
from gatekeeper.policy import Match
from tests.builders import gate


def pattern(text: str) -> Pattern:
    return Pattern.parse(text)


@pytest.mark.parametrize(
    "match",
    [
        Match(display_name=pattern("Run health checks")),
        Match(display_name=pattern("Run*"), timing="After"),
        Match(timing="After"),
        Match(stage=pattern("prod"), group=pattern("prod-*")),
        Match(update_run=Pattern.parse("RUN-1", ignore_case=True)),
        Match(fleet=Pattern.parse("Prod", ignore_case=True)),
        Match(auto_upgrade_profile=pattern("rapid")),
    ],
)
def test_all_given_parts_match(match: Match) -> None:
    assert match.matches(gate(), "rapid")


@pytest.mark.parametrize(
    "match",
    [
        Match(display_name=pattern("Run")),
        Match(display_name=pattern("Run*"), timing="Before"),
        Match(stage=pattern("prod"), group=pattern("prod-us")),
        Match(update_run=pattern("run-2")),
        Match(fleet=pattern("test")),
        Match(auto_upgrade_profile=pattern("stable")),
        Match(display_name=pattern("Run health checks"), auto_upgrade_profile=pattern("stable")),
    ],
)
def test_one_part_that_does_not_match_is_enough(match: Match) -> None:
    assert not match.matches(gate(), "rapid")


def test_a_gate_without_display_name_matches_no_display_name_pattern() -> None:
    assert not Match(display_name=pattern("*")).matches(gate(display_name=None), None)


def test_a_part_about_groups_does_not_match_the_gate_of_a_stage() -> None:
    assert not Match(group=pattern("*")).matches(gate(group=None), None)


def test_a_part_about_profiles_does_not_match_a_run_made_by_hand() -> None:
    assert not Match(auto_upgrade_profile=pattern("*")).matches(gate(), None)


def test_an_unknown_timing_matches_neither_before_nor_after() -> None:
    assert not Match(timing="After").matches(gate(timing="During"), None)
    assert not Match(timing="After").matches(gate(timing="after"), None)


def test_exact_beats_glob_beats_regex_beats_not_given() -> None:
    ladder = [
        Match(display_name=pattern("Run"), timing="After"),
        Match(display_name=pattern("R*"), timing="After"),
        Match(display_name=pattern("/R.*/"), timing="After"),
        Match(timing="After"),
    ]

    for higher, lower in pairwise(ladder):
        assert higher.more_specific_than(lower)
        assert not lower.more_specific_than(higher)


def test_matches_with_a_part_of_their_own_each_do_not_beat_each_other() -> None:
    by_stage, by_name = Match(stage=pattern("prod")), Match(display_name=pattern("Run"))

    assert not by_stage.more_specific_than(by_name)
    assert not by_name.more_specific_than(by_stage)


_PARTS = st.none() | st.sampled_from(["prod", "pro*", "/pro.*/", "eu", "*"]).map(Pattern.parse)
_MATCHES = st.builds(
    Match,
    display_name=_PARTS,
    timing=st.sampled_from([None, "Before", "After"]),
    stage=_PARTS,
    group=_PARTS,
    update_run=_PARTS,
    fleet=_PARTS,
    auto_upgrade_profile=_PARTS,
)


@given(_MATCHES, _MATCHES, _MATCHES)
def test_specificity_is_a_strict_partial_order(one: Match, two: Match, three: Match) -> None:
    assert not one.more_specific_than(one)
    assert not (one.more_specific_than(two) and two.more_specific_than(one))
    if one.more_specific_than(two) and two.more_specific_than(three):
        assert one.more_specific_than(three)


@given(_MATCHES)
def test_a_match_says_all_its_parts(match: Match) -> None:
    said = str(match)

    assert all(f"{key} {part}" in said for key, part in match.patterns() if part is not None)
    assert (match.timing is None) or f"timing {match.timing}" in said
