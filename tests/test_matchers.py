from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.kit.matchers import Matcher, Selector
from gatekeeper.model import Member

MEMBER = Member("c1", "/x/managedClusters/aks-1", labels={"version": "1.33"})


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ('a="b"', {"a": "b"}, True),
        ('a="b"', {"a": "bb"}, False),
        ('a="b"', {}, False),
        ('a=""', {}, True),
        ('a!="b"', {}, True),
        ('a!="b"', {"a": "b"}, False),
        ('a=~"b|c"', {"a": "c"}, True),
        ('a=~"b|c"', {"a": "cc"}, False),
        ('a=~"b.*"', {"a": "bcd"}, True),
        ('a!~"b.*"', {"a": "bcd"}, False),
        ('a!~"b.*"', {}, True),
        ('a="b", c = "d"', {"a": "b", "c": "d"}, True),
        ('a="b",c="d"', {"a": "b"}, False),
        ('a="b",', {"a": "b"}, True),
        ('a="x,y", b="\\"{}"', {"a": "x,y", "b": '"{}'}, True),
        ('a=~"1\\\\.2"', {"a": "1.2"}, True),
        ('a=~"1\\\\.2"', {"a": "1x2"}, False),
    ],
)
def test_matchers_mean_what_they_mean_in_prometheus(text: str, labels: dict[str, str], matches: bool) -> None:
    assert Selector.parse(text).matches(labels) is matches


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a=b",
        "a='b'",
        'a=="b"',
        '"a"="b"',
        'a="b" c="d"',
        '{a="b"}',
        'a=~"("',
        'a=~""',
        'a="\\d"',
        7,
        'a="{x}"',
    ],
)
def test_what_is_no_matcher_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        Selector.parse(text)


def test_the_member_is_filled_in() -> None:
    selector = Selector.parse('cluster="{member}", aks="{cluster}", version=~"{label.version}.*"').of_member(MEMBER)

    assert [str(each) for each in selector.matchers] == ['cluster="c1"', 'aks="aks-1"', 'version=~"1[.]33.*"']
    assert selector.matches({"cluster": "c1", "aks": "aks-1", "version": "1.33.2"})
    assert not selector.matches({"cluster": "c1", "aks": "aks-1", "version": "1x33"})


@given(st.text(max_size=30).filter(lambda text: text.isprintable() and "{" not in text))
def test_a_matcher_is_written_as_it_is_read(value: str) -> None:
    written = str(Matcher.of("a", "=", value))

    assert Selector.parse(written).matchers == (Matcher.of("a", "=", value),)
