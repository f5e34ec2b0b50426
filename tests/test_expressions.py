"""Expressions in policies: CEL and regular expressions, which end whatever a cluster says."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.expressions import Expression, Regex

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
OBJECT: dict[str, Any] = {
    "metadata": {"labels": {"a/b": "1"}, "creationTimestamp": "2026-11-23T09:00:00Z"},
    "spec": {"replicas": 3, "share": 0.5, "on": True, "none": None},
    "status": {"phase": "Ready", "conditions": [{"type": "Ready", "status": "True"}, {"type": "Old"}]},
}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("object.status.phase == 'Ready'", True),
        ("object.status.phase in ['Ready', 'Idle']", True),
        ("object.metadata.labels['a/b'] == '2'", False),
        ("has(object.status.url)", False),
        ("has(object.status.url) && object.status.url == ''", False),
        ("object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')", True),
        ("object.status.conditions.all(c, has(c.status))", False),
        ("object.status.conditions.filter(c, has(c.status)).size() == 1", True),
        ("object.spec.replicas >= 3 && object.spec.share < 1.0 && object.spec.none == null", True),
        ("object.spec.on", True),
        ("now - timestamp(object.metadata.creationTimestamp) > duration('30m')", True),
        ("object.status.phase.matches('^R.*y$')", True),
    ],
)
def test_an_expression_is_true_or_false_of_an_object(text: str, answer: bool) -> None:
    assert Expression.compile(text).true_of(object=OBJECT, now=NOW) is answer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a text in CEL"),
        ("  ", "a text in CEL"),
        (3, "a text in CEL"),
        ("object.a ==", "no CEL"),
        ("item.a == 1", "undeclared reference to 'item.a'"),
        ("object.a.frobnicate()", "frobnicate"),
        ("'Ready'", "neither true nor false, but of the type STRING"),
        ("size(object.a)", "INT"),
        ("(" * 500 + "true" + ")" * 500, "no CEL"),
        ("true" + " || true" * 1000, "4096 are allowed"),
    ],
)
def test_what_is_no_expression_is_refused_when_the_policy_loads(text: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"expression|CEL|true nor false") as caught:
        Expression.compile(text)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "object.status.url == ''",
        "object.status.phase > 3",
        "int(object.status.phase) > 3",
        "object.spec.replicas / 0 == 1",
        "object.status.phase",
        "object.spec.none",
        "object.status.conditions[7].status == 'True'",
        "now > timestamp(object.status.phase)",
    ],
)
def test_what_cannot_be_evaluated_is_no_answer(text: str) -> None:
    with pytest.raises(BadAnswer):
        Expression.compile(text).true_of(object=OBJECT, now=NOW)


@pytest.mark.parametrize("odd", [2**70, object(), {1: 2}, "\ud800"])
def test_odd_values_are_no_answer(odd: object) -> None:
    with pytest.raises(BadAnswer):
        Expression.compile("object.x == 'a'").true_of(object={"x": odd} if not isinstance(odd, dict) else odd)


def test_a_comprehension_over_what_a_cluster_says_ends() -> None:
    squared = Expression.compile("object.all(a, object.all(b, object.all(c, a + b + c >= 0)))")

    assert squared.true_of(object=[1, 2, 3])
    with pytest.raises(BadAnswer, match="budget"):
        squared.true_of(object=list(range(2000)))


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        (r"\d+/\d+", "1/2", True),
        (r"\d+/\d+", "1/2\n", False),
        ("Ready|Done", "NotReady", False),
        ('"', '"', True),
        ("ä.", "äß", True),
        ("(a+)+", "a" * 20_000 + "b", False),
    ],
)
def test_a_regular_expression_matches_whole_texts_in_linear_time(pattern: str, text: str, answer: bool) -> None:
    assert Regex.compile(pattern).matches(text) is answer


@pytest.mark.parametrize("pattern", ["", "(", "a)|(b", r"(\d)\1", 3, "x" * 5000])
def test_what_is_no_regular_expression_is_refused(pattern: object) -> None:
    with pytest.raises(ValueError, match=r"regular expression|characters"):
        Regex.compile(pattern)


class Asked(BaseModel):
    healthy: Expression
    matches: Regex


def test_they_stand_in_yaml_as_texts() -> None:
    given = {"healthy": "object.a == 1", "matches": "a+"}
    asked = Asked.model_validate(given)

    assert asked.model_dump(mode="json") == given
    assert Asked.model_validate(asked.model_dump()) == asked
    assert Asked(healthy=asked.healthy, matches=asked.matches) == asked
    assert asked.model_copy(deep=True).healthy.true_of(object={"a": 1})
    assert [str(asked.healthy), str(asked.matches)] == list(given.values())
    assert {each["type"] for each in Asked.model_json_schema()["properties"].values()} == {"string"}
    with pytest.raises(ValidationError, match=r"undeclared reference to 'objekt\.a'"):
        Asked.model_validate({**given, "healthy": "objekt.a"})


def test_the_library_is_loaded_with_the_first_expression() -> None:
    code = "import sys, gatekeeper.kit.expressions; print('cel_expr_python' in sys.modules)"
    root = Path(__file__).parents[1]

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "False"
