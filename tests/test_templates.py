from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gatekeeper.errors import CouldNotLook
from gatekeeper.kit.templates import Template
from gatekeeper.model import Member

ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks-eu-1"
MEMBER = Member("prod-eu-1", ID, labels={"region": "westeurope", "example.com/tier": "gold", "odd": "a b", "none": ""})


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{member}", "prod-eu-1"),
        ("https://{member}.example.com/{cluster}", "https://prod-eu-1.example.com/aks-eu-1"),
        ("{label.region}-{label.example.com/tier}", "westeurope-gold"),
        ("{ member }", "prod-eu-1"),
        ('up{cluster="{member}", zone=~"[a-z]{2,3}"}', 'up{cluster="prod-eu-1", zone=~"[a-z]{2,3}"}'),
        ('{"member": "{member}"}', '{"member": "prod-eu-1"}'),
        ("nothing to fill", "nothing to fill"),
    ],
)
def test_placeholders_are_filled_and_other_braces_stay(text: str, filled: str) -> None:
    assert Template.parse(text).fill(MEMBER) == filled


@pytest.mark.parametrize("text", ["{name}", "{members}", "{Member}", "{label}", "{label.}", "{label.x/}", "{region}"])
def test_an_unknown_placeholder_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"unknown placeholder \S+; there are \{member\}, \{cluster\} and"):
        Template.parse(text)


@pytest.mark.parametrize("text", ["", "  ", None, 7, ["a"], "x" * 9000])
def test_what_is_no_text_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="give a text"):
        Template.parse(text)


def test_a_label_that_the_member_does_not_have_cannot_be_filled() -> None:
    with pytest.raises(CouldNotLook, match=r"\{label.ring\} of member prod-eu-1 is not known"):
        Template.parse("{label.ring}").fill(MEMBER)


@pytest.mark.parametrize("text", ["{label.odd}", "{label.none}"])
def test_a_value_that_is_no_plain_word_is_never_put_in(text: str) -> None:
    with pytest.raises(CouldNotLook):
        Template.parse(text).fill(MEMBER)


def test_a_member_by_hand_without_a_cluster_id_has_no_cluster_name() -> None:
    with pytest.raises(CouldNotLook, match="cluster"):
        Template.parse("{cluster}").fill(Member("c1", ""))


def test_without_a_member_no_placeholder_can_be_filled() -> None:
    assert Template.parse("plain").fill(None) == "plain"
    with pytest.raises(CouldNotLook, match="no member"):
        Template.parse("{member}").fill(None)


def test_it_is_written_in_yaml_as_it_was_read() -> None:
    adapter = TypeAdapter(Template)

    read = adapter.validate_python("{member}/x")

    assert adapter.dump_python(read, mode="json") == "{member}/x"
    assert adapter.validate_python(read) == read
    assert adapter.json_schema()["type"] == "string"


@given(st.text(max_size=40))
def test_a_value_that_is_put_in_never_breaks_out_of_its_place(value: str) -> None:
    member = Member("m", ID, labels={"x": value})

    try:
        filled = Template.parse('"{label.x}"').fill(member)
    except CouldNotLook:
        return

    assert filled == f'"{value}"'
    assert not set(value) & set("\"'`\\/?#&%{}=~|*+()$^ \n")
    assert value.strip("._-") == value != ""
