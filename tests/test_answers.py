"""JSON of strangers: read as the parser reads it, but never deeper than the bound."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.answers import DEPTH, json_of
from gatekeeper.errors import BadAnswer

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
pieces = st.lists(st.sampled_from(["[", "]", "{", "}", ",", '"a"', ":", "1", " ", '"a":', "[]", "{}"]), max_size=12)


@given(json_values)
def test_what_is_json_is_read_as_it_was_written(value: Any) -> None:
    assert json_of(json.dumps(value), "GET /x") == value
    assert json_of(json.dumps(value).encode(), "GET /x") == value


@given(pieces)
def test_what_is_no_json_is_refused_whatever_brackets_it_has(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(BadAnswer, match="GET /x: the answer is"):
            json_of(text, "GET /x")
    else:
        assert json_of(text, "GET /x") == expected


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_the_bound_on_levels_is_exact(opened: str, closed: str) -> None:
    inner = "" if opened == "[" else "1"
    assert json_of(opened * DEPTH + inner + closed * DEPTH, "GET /x")
    for levels in (DEPTH + 1, 1023, 1024, 100_000):
        with pytest.raises(BadAnswer, match=f"GET /x: the answer is nested deeper than {DEPTH} levels"):
            json_of(opened * levels + inner + closed * levels, "GET /x")


def test_the_place_of_a_fault_is_that_in_the_answer() -> None:
    with pytest.raises(BadAnswer, match="at byte 6"):
        json_of(b'{"a":1', "GET /x")


@pytest.mark.parametrize("body", ["", " \n"])
def test_an_empty_answer_is_said_to_be_empty(body: str) -> None:
    with pytest.raises(BadAnswer, match="the answer is empty"):
        json_of(body, "GET /x")


@pytest.mark.parametrize("body", ["NaN", "Infinity", b'"\xff"', "\udc80", "1 2"])
def test_what_other_parsers_would_let_pass_is_refused(body: bytes | str) -> None:
    with pytest.raises(BadAnswer, match="not JSON"):
        json_of(body, "GET /x")
