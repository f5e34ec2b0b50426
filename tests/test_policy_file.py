"""A policy file means what it says, and everything it could not mean is refused by line."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.dns_resolves import DnsResolves
from gatekeeper.pattern import Kind
from gatekeeper.policy import ScopeSpec
from gatekeeper.policy_file import compile_policy
from gatekeeper.problems import InvalidConfigError
from gatekeeper.registry import Registry
from gatekeeper.values import Tolerance, format_duration, parse_duration
from gatekeeper.yamlfile import parse_yaml
from tests.policy_builders import GOOD, Calm, Hours, NodesUp, compiled, complaints_about

SHIPPED = [("checks.dns_resolves", DnsResolves)]


def test_a_policy_is_compiled() -> None:
    policy = compiled(GOOD)

    (spec,) = policy.checks
    assert policy.name == "after"
    assert policy.source == "p.yaml:1"
    assert policy.match.display_name is not None
    assert policy.match.display_name.kind is Kind.EXACT
    assert policy.match.timing == "After"
    assert policy.scope == ScopeSpec("target", {})
    assert (policy.accept_failed, policy.accept_skipped, policy.dry_run) == (False, False, False)
    assert spec.check == NodesUp(max_down=Tolerance(percent=5))
    assert (spec.name, spec.required, spec.timeout) == ("nodes-up", True, timedelta(seconds=30))


def test_everything_can_be_said() -> None:
    policy = compiled(
        GOOD
        + """\
    severity: advisory
    timeout: 1m30s
    gracePeriod: 5m
    namespaces: {exclude: [dev-*]}
  - check: calm
    hours: [{begin: 1}]
scope: {of: updated, labels: {tier: gold}}
members: {failed: accept, skipped: accept}
mode: dryRun
"""
    )

    nodes, calm = policy.checks
    assert policy.scope == ScopeSpec("updated", {"tier": "gold"})
    assert (policy.accept_failed, policy.accept_skipped, policy.dry_run) == (True, True, True)
    assert (nodes.required, nodes.timeout) == (False, timedelta(seconds=90))
    assert calm.check == Calm(hours=(Hours(begin=1),))


@pytest.mark.parametrize(
    ("scope", "spec"),
    [
        ("target", ScopeSpec("target")),
        ("fleet", ScopeSpec("fleet")),
        ("{labels: {tier: gold}}", ScopeSpec("target", {"tier": "gold"})),
        ("{of: next}", ScopeSpec("next")),
    ],
)
def test_a_scope_is_a_word_or_a_mapping(scope: str, spec: ScopeSpec) -> None:
    assert compiled(f"{GOOD}scope: {scope}\n").scope == spec


def test_names_of_arm_resources_are_compared_without_case() -> None:
    policy = compiled(GOOD.replace("timing: After", "fleet: PROD\n  updateRun: Run-*\n  autoUpgradeProfile: Rapid"))

    assert policy.match.fleet is not None
    assert policy.match.fleet.matches("prod")
    assert policy.match.update_run is not None
    assert policy.match.update_run.matches("run-1")
    assert policy.match.auto_upgrade_profile is not None
    assert policy.match.auto_upgrade_profile.matches("rapid")


def test_a_check_may_stand_twice_with_other_parameters_and_gets_a_name_of_its_own() -> None:
    policy = compiled(GOOD + "  - {check: nodes-up, maxDown: 1}\n  - {check: nodes-up, maxDown: 2}\n")

    assert [spec.name for spec in policy.checks] == ["nodes-up", "nodes-up#2", "nodes-up#3"]


def test_a_comment_does_not_change_the_hash_and_a_parameter_does() -> None:
    assert compiled(GOOD).hash == compiled("# a comment\n" + GOOD).hash
    assert compiled(GOOD).hash != compiled(GOOD.replace("5%", "6%")).hash
    assert len(compiled(GOOD).hash) == 12


@pytest.mark.parametrize(
    ("old", "new", "complaints"),
    [
        ("maxDown: 5%", "maxDow: 5%", ["p.yaml:9: checks[0].maxDow: unknown key; did you mean maxDown?"]),
        ("maxDown: 5%", "max_down: 5%", ["p.yaml:9: checks[0].max_down: unknown key; did you mean maxDown?"]),
        (
            "maxDown: 5%",
            "maxDown: five",
            ["p.yaml:9: checks[0].maxDown: 'five' is neither a count such as 2 nor a percentage such as 5%"],
        ),
        (
            "maxDown: 5%",
            "namespaces: {exclud: [a]}",
            ["p.yaml:9: checks[0].namespaces.exclud: unknown key; did you mean exclude?"],
        ),
        (
            "maxDown: 5%",
            "namespaces: {exclude: a}",
            ["p.yaml:9: checks[0].namespaces.exclude: must be a list, and is 'a'"],
        ),
        (
            "maxDown: 5%",
            "timeout: 30",
            ["p.yaml:9: checks[0].timeout: 30 is not a duration; write it like 90s, 15m, 6h or 2d"],
        ),
        (
            "maxDown: 5%",
            "timeout: 0s",
            ["p.yaml:9: checks[0].timeout: 0s is too short; it must be at least 0.01s"],
        ),
        (
            "maxDown: 5%",
            "severity: high",
            ["p.yaml:9: checks[0].severity: must be required or advisory, and is 'high'"],
        ),
        (
            "check: nodes-up",
            "check: node-up",
            ["p.yaml:8: checks[0].check: unknown check 'node-up'; did you mean nodes-up?"],
        ),
        ("check: nodes-up", "check: xxx", ["p.yaml:8: checks[0].check: unknown check 'xxx'; known are calm, nodes-up"]),
        (
            "check: nodes-up",
            "chek: nodes-up",
            [
                "p.yaml:8: checks[0].check: is missing; add it",
                "p.yaml:8: checks[0].chek: unknown key; did you mean check?",
            ],
        ),
        (
            "check: nodes-up",
            "check: 7",
            ["p.yaml:8: checks[0].check: must be a text, and is the number 7; write it in quotes"],
        ),
        (
            "timing: After",
            "timing: after",
            ["p.yaml:6: match.timing: 'after' is not known here; did you mean After?"],
        ),
        ("maxDown: 5%", "severty: high", ["p.yaml:9: checks[0].severty: unknown key; did you mean severity?"]),
        (
            "timing: After",
            "timing:",
            ["p.yaml:6: match.timing: is left blank; write what it should match, or remove the key to match anything"],
        ),
        ("timing: After", "stage: null", ["p.yaml:6: match.stage: is left blank;"]),
        ("timing: After", "stag: prod", ["p.yaml:6: match.stag: unknown key; did you mean stage?"]),
        (
            "timing: After",
            "stage: 3",
            ["p.yaml:6: match.stage: must be a text, and is the number 3; write it in quotes"],
        ),
        (
            "timing: After",
            "stage: /(/",
            [
                "p.yaml:6: match.stage: '/(/' is not a regular expression: "  # and then Python's own words
            ],
        ),
        (
            "gatekeeper/v1",
            "gatekeeper/v2",
            ["p.yaml:1: apiVersion: 'gatekeeper/v2' is not known here; did you mean gatekeeper/v1?"],
        ),
        (
            "name: after",
            "nam: after",
            ["p.yaml:3: metadata.name: is missing; add it", "p.yaml:3: metadata.nam: unknown key; did you mean name?"],
        ),
        (
            "metadata: {name: after}",
            "metadata:",
            ["p.yaml:3: metadata: must be a mapping of keys to values, and is nothing (null)"],
        ),
    ],
)
def test_a_mistake_is_named_with_line_and_mend(old: str, new: str, complaints: list[str]) -> None:
    said = complaints_about(GOOD.replace(old, new))

    assert len(said) == len(complaints)
    assert all(line.startswith(complaint) for line, complaint in zip(said, complaints, strict=True))


def test_a_policy_name_is_a_dns_label() -> None:
    assert "metadata.name: 'After All' is not of the form" in complaints_about(GOOD.replace("after", "After All"))[0]


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    text = GOOD.replace("After", "Afters").replace("maxDown", "maxDwn").replace("kind: GatePolicy", "kind: Policy")

    complaints = complaints_about(text + "mod: enforce\n")

    assert [line.split(":")[1] for line in complaints] == ["2", "6", "9", "10"]


def test_an_empty_match_is_refused() -> None:
    text = GOOD.replace("match:\n  displayName: Run health checks\n  timing: After\n", "match: {}\n")

    assert complaints_about(text) == [
        "p.yaml:4: match: is empty and would match every gate; say at least which displayName or timing"
    ]


@pytest.mark.parametrize("checks", ["[]", "", "{}", "nodes-up"])
def test_a_policy_without_checks_is_refused(checks: str) -> None:
    (complaint,) = complaints_about(GOOD[: GOOD.index("checks:")] + f"checks: {checks}\n")

    assert complaint.startswith("p.yaml:7: checks: ")


def test_a_policy_of_advisory_checks_is_refused_because_nothing_could_pass() -> None:
    (complaint,) = complaints_about(GOOD + "    severity: advisory\n")

    assert complaint.startswith("p.yaml:7: checks: all checks are advisory, so nothing could pass")


def test_the_same_check_twice_is_refused() -> None:
    assert complaints_about(GOOD + "  - {check: nodes-up, maxDown: 5%, severity: advisory}\n") == [
        "p.yaml:10: checks[1]: nodes-up stands here twice; remove one"
    ]


PROBE = GOOD + "  - check: dns-resolves\n    image: registry.example.com/probe:1\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("    deadline: 30s\n", "dns-resolves may wait for 30s, and is stopped after 30s"),
        ("    deadline: 5m\n    timeout: 2m\n", "dns-resolves may wait for 5m, and is stopped after 2m"),
    ],
)
def test_a_check_that_would_be_stopped_before_it_can_answer_is_refused(more: str, words: str) -> None:
    (document,) = parse_yaml((PROBE + more).encode(), "p.yaml")
    registry = Registry([*SHIPPED, ("tests", NodesUp)])

    with pytest.raises(InvalidConfigError, match=words) as caught:
        compile_policy(document, registry)

    assert str(caught.value.problems[0]).startswith("p.yaml:10: checks[1]: ")
    assert str(caught.value.problems[0]).endswith("; write a longer timeout beside it")


def test_a_check_that_has_time_enough_is_taken() -> None:
    (document,) = parse_yaml(f"{PROBE}    deadline: 1m\n    timeout: 90s\n".encode(), "p.yaml")

    assert len(compile_policy(document, Registry([*SHIPPED, ("tests", NodesUp)])).checks) == 2


@pytest.mark.parametrize("text", ["- a\n", "text\n", "7\n"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    (complaint,) = complaints_about(text)

    assert complaint.startswith("p.yaml:1: must be a mapping of keys to values, and is ")


_PLACES = ["", "metadata.", "match.", "scope.", "members.", "checks[0].", "checks[0].namespaces."]
_TREE = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: after%(metadata.)s}
match: {timing: After%(match.)s}
scope: {of: target%(scope.)s}
members: {failed: hold%(members.)s}
checks: [{check: nodes-up, namespaces: {exclude: []%(checks[0].namespaces.)s}%(checks[0].)s}]
%()s
"""
_KNOWN = {
    "": {"apiVersion", "kind", "metadata", "match", "scope", "checks", "members", "mode"},
    "metadata.": {"name"},
    "match.": {"displayName", "timing", "stage", "group", "updateRun", "fleet", "autoUpgradeProfile"},
    "scope.": {"of", "labels"},
    "members.": {"failed", "skipped"},
    "checks[0].": {"check", "severity", "timeout", "maxDown", "namespaces", "gracePeriod"},
    "checks[0].namespaces.": {"include", "exclude"},
}


@given(st.sampled_from(_PLACES), st.data())
def test_an_unknown_key_is_always_refused(place: str, data: st.DataObject) -> None:
    near = st.sampled_from(sorted(_KNOWN[place])).flatmap(_mutated)
    key = data.draw(
        (near | st.from_regex(r"[A-Za-z_]{1,12}", fullmatch=True)).filter(lambda key: key not in _KNOWN[place])
    )
    added = f", '{key}': x" if place else f"'{key}': x"
    complaints = complaints_about(_TREE % {name: added if name == place else "" for name in _PLACES})

    assert len(complaints) == 1
    assert f": {place}{key}: unknown key; " in complaints[0]


def _mutated(word: str) -> st.SearchStrategy[str]:
    index = st.integers(0, len(word) - 1)
    return st.one_of(
        index.map(lambda at: word[:at] + word[at + 1 :]),
        index.map(lambda at: word[:at] + word[at] + word[at:]),
        index.map(lambda at: word[:at] + word[at].swapcase() + word[at + 1 :]),
        st.just("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in word)),
    ).filter(lambda mutated: mutated != "")


@given(st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds)))
def test_a_written_duration_of_two_units_is_read_back(duration: timedelta) -> None:
    written = format_duration(duration)
    read = parse_duration(written.replace(" ", ""))

    assert format_duration(read) == written
    assert read <= duration


@given(st.integers(0, 10**6) | st.integers(0, 100).map(lambda percent: f"{percent}%"))
def test_a_tolerance_never_tolerates_more_than_it_says(text: int | str) -> None:
    tolerance = Tolerance.parse(text)

    assert str(tolerance) == str(text)
    assert tolerance.of(0) == (text if isinstance(text, int) else 0)


@given(st.text(max_size=10))
def test_a_duration_is_of_the_written_form_or_refused(text: str) -> None:
    try:
        duration = parse_duration(text)
    except ValueError:
        return

    assert duration >= timedelta(0)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(days=2, hours=3, minutes=4), "2d 3h"),
        (timedelta(milliseconds=20), "20ms"),
        (timedelta(), "0s"),
        (timedelta(minutes=-5), "-5m"),
        (timedelta(milliseconds=-300), "-300ms"),
    ],
)
def test_a_duration_is_written_as_people_read_it(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text
