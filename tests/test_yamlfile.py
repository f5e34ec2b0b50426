"""YAML is read as YAML 1.2, with lines, and never as anything that was not meant."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.problems import InvalidConfigError
from gatekeeper.yamlfile import MAX_BYTES, parse_yaml, read_yaml


def refused(content: str | bytes) -> str:
    with pytest.raises(InvalidConfigError) as caught:
        parse_yaml(content if isinstance(content, bytes) else content.encode(), "f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.33", 1.33),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("~", None),
        ("", None),
        ("null", None),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("2026-12-24", date(2026, 12, 24)),
        ("2026-13-24", "2026-13-24"),
        ("2026-12-24T10:00:00Z", "2026-12-24T10:00:00Z"),
        ("'7'", "7"),
        ("!!str 7", "7"),
        ("90s", "90s"),
        ("[a, {b: 1}]", ["a", {"b": 1}]),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(text: str, value: object) -> None:
    (document,) = parse_yaml(f"key: {text}".encode(), "f.yaml")

    assert document.value == {"key": value}
    assert type(document.value["key"]) is type(value)


def test_every_value_has_its_line() -> None:
    text = "a: 1\nchecks:\n  - check: x\n    maxNotReady: 1\n  - {check: y}\n"
    (document,) = parse_yaml(text.encode(), "f.yaml")

    assert document.line(("a",)) == 1
    assert document.line(("checks", 0, "maxNotReady")) == 4
    assert document.line(("checks", 1)) == 5
    assert document.line(("checks", 1, "absent", "deeper")) == 5
    assert document.line(("absent",)) == 1


def test_a_file_may_hold_several_documents_and_empty_ones_do_not_count() -> None:
    documents = parse_yaml(b"---\na: 1\n---\n# nothing\n---\nb: 2\n---\n", "f.yaml")

    assert [document.value for document in documents] == [{"a": 1}, {"b": 2}]
    assert [document.line(("b",)) for document in documents] == [2, 6]


def test_aliases_are_followed() -> None:
    (document,) = parse_yaml(b"a: &x [1, 2]\nb: *x\n", "f.yaml")

    assert document.value == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "f.yaml:4: b.c: the key stands here twice, first on line 3; remove one"),
        ("a: [", "f.yaml:1: not valid YAML: expected the node content, but found '<stream end>'"),
        ("a: 1\n b: 2", "f.yaml:2: not valid YAML: mapping values are not allowed here"),
        ("a: *x", "f.yaml:1: not valid YAML: found undefined alias 'x'"),
        ("a: !!python/object:os.system x", "f.yaml:1: a: the tag tag:yaml.org,2002:python/object:os.system is not"),
        ("a: !secret x", "f.yaml:1: a: the tag !secret is not supported; write a plain value"),
        ("x: &a {b: 1}\ny:\n  <<: *a\n", "f.yaml:3: y.<<: merge keys are not supported; write the keys out"),
        ("a: 1\n1: b", "f.yaml:2: the key 1 is not a text; write it in quotes"),
        ("? [a]\n: b", "f.yaml:1: the key (a list or mapping) is not a text"),
        ("[" * 10_000, "f.yaml:1: not valid YAML: nested deeper than 32 levels"),
        ("&a [*a]", "its aliases make it too large or endless; write the values out"),
        (b"a: 1\nb: \xff", "f.yaml:2: is not UTF-8 text; save it as UTF-8"),
        (b"a: \x00", "f.yaml: not valid YAML: unacceptable character"),
        (b"#" * (MAX_BYTES + 1), "f.yaml: is larger than 1 MiB; split it"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(content: str | bytes, complaint: str) -> None:
    assert complaint in refused(content)


def test_aliases_cannot_blow_a_small_file_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    assert "its aliases make it too large" in refused("\n".join(lines))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match=r"gone\.yaml: cannot be read: No such file or directory"):
        read_yaml(tmp_path / "gone.yaml")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes("\ufeffa: 1\n".encode())

    assert read_yaml(tmp_path / "f.yaml")[0].value == {"a": 1}


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_our_own_error(content: bytes) -> None:
    with suppress(InvalidConfigError):
        parse_yaml(content, "f.yaml")


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@?,. \n\t~<1", max_size=60))
def test_no_yaml_like_text_raises_anything_but_our_own_error(text: str) -> None:
    with suppress(InvalidConfigError):
        parse_yaml(text.encode(), "f.yaml")


_TEXTS = st.text(alphabet=st.characters(codec="ascii", exclude_characters="\x7f"))
_LEAVES = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | _TEXTS
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS.map(lambda text: text[:5]), inner, max_size=4),
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), _TREES, min_size=1))
def test_json_is_read_as_what_it_is(value: dict[str, object]) -> None:
    (document,) = parse_yaml(json.dumps(value).encode(), "f.yaml")

    assert document.value == value
