"""Lint names what is wrong in any of our files, and warns of policies that may tie."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.problems import Problem
from gatekeeper.validate import ties, validate
from tests.policy_builders import GOOD, REGISTRY, compiled

SETTINGS = """\
apiVersion: gatekeeper/v1
kind: Settings
fleets: [{subscriptionId: s, resourceGroup: r, name: n}]
policies: [policies]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "gatekeeper.yaml").write_text(SETTINGS)
    (tmp_path / "policies/after.yaml").write_text(GOOD)
    return tmp_path


def said(folder: Path, *names: str) -> list[str]:
    found = validate([folder / name for name in names], REGISTRY)
    return [str(problem).replace(f"{folder}/", "") for problem in found]


def test_good_files_have_no_problem(folder: Path) -> None:
    assert said(folder, "gatekeeper.yaml", "policies", "policies/after.yaml") == []


def test_the_policies_that_settings_name_are_looked_at(folder: Path) -> None:
    (folder / "policies/after.yaml").write_text(GOOD.replace("maxDown", "maxDwn"))

    assert said(folder, "gatekeeper.yaml") == [
        "policies/after.yaml:9: checks[0].maxDwn: unknown key; did you mean maxDown?"
    ]


def test_a_problem_is_told_once_however_often_its_file_is_named(folder: Path) -> None:
    (folder / "policies/after.yaml").write_text("a: [")

    assert len(said(folder, "gatekeeper.yaml", "policies", "policies/after.yaml")) == 1


def test_settings_and_policies_are_both_told(folder: Path) -> None:
    (folder / "gatekeeper.yaml").write_text(SETTINGS + "pol: {}\n")
    (folder / "policies/after.yaml").write_text(GOOD.replace("After", "after"))

    assert said(folder, "gatekeeper.yaml", "policies") == [
        "gatekeeper.yaml:5: pol: unknown key; did you mean poll?",
        "policies/after.yaml:6: match.timing: 'after' is not known here; did you mean After?",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("kind: GatePolice\n", "x.yaml:1: kind: unknown kind 'GatePolice'; did you mean GatePolicy?"),
        ("a: 1\n", "x.yaml:1: has no kind; write kind: GatePolicy or kind: Settings"),
        ("- 1\n", "x.yaml:1: has no kind; write kind: GatePolicy or kind: Settings"),
        ("# nothing\n", "x.yaml: holds nothing; write a GatePolicy or remove it"),
    ],
)
def test_a_file_that_is_neither_is_told(folder: Path, text: str, complaint: str) -> None:
    (folder / "x.yaml").write_text(text)

    assert said(folder, "x.yaml") == [complaint]


def test_a_path_that_is_not_there_and_an_empty_folder_are_told(folder: Path) -> None:
    (folder / "empty").mkdir()

    assert said(folder, "empty", "gone") == [
        "empty: no *.yaml or *.yml in this folder",
        "gone: cannot be read: No such file or directory; mend it or name another",
    ]


def matching(name: str, match: str) -> str:
    return GOOD.replace("name: after", f"name: {name}").replace(
        "match:\n  displayName: Run health checks\n  timing: After", f"match: {{{match}}}"
    )


def tied(one: str, two: str) -> list[Problem]:
    return ties([compiled(matching("one", one), "one.yaml"), compiled(matching("two", two), "two.yaml")])


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("stage: prod", "displayName: Run"),
        ("stage: prod", "stage: prod"),
        ("stage: prod-*", "stage: '*-eu'"),
        ("stage: prod, displayName: R*", "stage: p*, displayName: Run"),
        ("timing: After, stage: prod", "timing: After, group: eu"),
    ],
)
def test_policies_that_may_tie_are_a_warning(one: str, two: str) -> None:
    (problem,) = tied(one, two)

    assert problem.severity == "warning"
    assert str(problem).startswith(
        "two.yaml:1: warning: match: policies one (one.yaml:1) and two can match the same gate"
    )


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("stage: prod", "stage: canary"),
        ("stage: prod", "stage: canary-*"),
        ("timing: After", "timing: Before"),
        ("timing: After", "timing: After, stage: prod"),
        ("stage: prod", "stage: prod*"),
        ("stage: prod, displayName: R*", "stage: canary, displayName: Run"),
    ],
)
def test_policies_of_which_one_wins_or_that_never_meet_are_none(one: str, two: str) -> None:
    assert tied(one, two) == []
