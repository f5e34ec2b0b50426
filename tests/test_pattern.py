"""Patterns match whole names, are refused when they make no sense, and always end soon."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.pattern import MAX_PATTERN, Kind, Pattern


@pytest.mark.parametrize(
    ("text", "name", "fits"),
    [
        ("prod", "prod", True),
        ("prod", "Prod", False),
        ("prod", "prod-eu", False),
        ("prod-*", "prod-eu", True),
        ("prod-*", "prod-", True),
        ("prod-*", "my-prod-eu", False),
        ("prod-?", "prod-1", True),
        ("prod-?", "prod-12", False),
        ("*", "", True),
        ("*", "two\nlines", True),
        ("[ab]*", "a", False),
        ("[ab]*", "[ab]c", True),
        ("a.b", "axb", False),
        ("/prod-.*/", "prod-eu", True),
        ("/prod/", "prod-eu", False),
        ("/(prod|canary)-\\d+/", "canary-12", True),
        ("/prod$/", "prod\n", False),
        ("/a/b/", "a/b", True),
    ],
)
def test_a_pattern_speaks_about_the_whole_name(text: str, name: str, fits: bool) -> None:
    assert Pattern.parse(text).matches(name) is fits


@pytest.mark.parametrize("text", ["*", "prod", "/.*/"])
def test_no_pattern_matches_a_name_that_is_not_there(text: str) -> None:
    assert not Pattern.parse(text).matches(None)


@pytest.mark.parametrize("text", ["Prod", "PR*", "/PROD?/"])
def test_case_can_be_ignored(text: str) -> None:
    assert Pattern.parse(text, ignore_case=True).matches("prod")
    assert not Pattern.parse(text).matches("prod")


@pytest.mark.parametrize(
    ("text", "kind"), [("prod", Kind.EXACT), ("pro*", Kind.GLOB), ("pro?", Kind.GLOB), ("/prod/", Kind.REGEX)]
)
def test_the_kind_is_read_from_the_text(text: str, kind: Kind) -> None:
    assert Pattern.parse(text).kind is kind


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the pattern is empty"),
        ("//", "begins like a regular expression"),
        ("/", "begins like a regular expression"),
        ("/prod", "begins like a regular expression"),
        ("/(/", "is not a regular expression: missing"),
        ("/a**/", "is not a regular expression"),
        ("/a{99999999999}/", "is not a regular expression"),
        ("x" * (MAX_PATTERN + 1), "has 201 characters; 200 are allowed"),
        ("/(a+)+b/", "repeats a group that repeats or branches"),
        ("/(a|a)*b/", "repeats a group that repeats or branches"),
        ("/((a+)b?){2,}/", "repeats a group that repeats or branches"),
        ("/(?:(a)+)+/", "repeats a group that repeats or branches"),
        ("/.*a.*b.*c.*d.*e/", "more than 4 repeats"),
    ],
)
def test_a_bad_pattern_is_refused_with_its_reason(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Pattern.parse(text)


@pytest.mark.parametrize("text", ["/(eu|us)-[a-z+*(]+/", "/\\(a\\+\\)+/", "/(prod-)?.*/", "/(?i:prod)-\\d{1,3}/"])
def test_a_harmless_regular_expression_is_taken(text: str) -> None:
    assert Pattern.parse(text).kind is Kind.REGEX


def test_a_glob_of_many_stars_ends_soon() -> None:
    pattern = Pattern.parse("*a" * 90 + "b")
    began = time.process_time()

    assert not pattern.matches("a" * 300)
    assert time.process_time() - began < 1  # without atomic groups this would not end at all


def test_a_name_too_long_for_azure_matches_no_wildcard() -> None:
    assert not Pattern.parse("a*").matches("a" * 301)


@given(st.text(min_size=1, max_size=100).filter(lambda text: not text.startswith("/") and not {"*", "?"} & set(text)))
def test_a_plain_name_matches_itself_and_nothing_longer(name: str) -> None:
    pattern = Pattern.parse(name)

    assert pattern.matches(name)
    assert not pattern.matches(name + "x")


@given(st.text(alphabet="ab*?", min_size=1, max_size=12), st.text(alphabet="ab", max_size=8))
def test_globs_agree_with_a_simple_oracle(glob: str, name: str) -> None:
    if not {"*", "?"} & set(glob):
        glob += "*"

    assert Pattern.parse(glob).matches(name) is _oracle(glob, name)


def _oracle(glob: str, name: str) -> bool:
    if not glob:
        return not name
    if glob[0] == "*":
        return _oracle(glob[1:], name) or (bool(name) and _oracle(glob, name[1:]))
    return bool(name) and glob[0] in ("?", name[0]) and _oracle(glob[1:], name[1:])
