"""Only the fields that a check reads stay in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import BadAnswer
from gatekeeper.projection import Projection, Sharing

POD: dict[str, Any] = {
    "metadata": {"name": "a", "namespace": "shop", "labels": {"app": "web"}, "uid": "1"},
    "spec": {
        "nodeName": "n1",
        "containers": [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}, {"name": "d"}],
    },
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("paths", "spec"),
    [
        (["spec.nodeName"], {"nodeName": "n1"}),
        (["spec.containers.resources"], {"containers": [{"resources": {"requests": {"cpu": "1"}}}, {}]}),
        (["spec.containers[].resources"], {"containers": [{"resources": {"requests": {"cpu": "1"}}}, {}]}),
        (
            ["spec.containers[].name", "spec.containers.image"],
            {"containers": [{"name": "c", "image": "x"}, {"name": "d"}]},
        ),
        (["spec.containers[]"], {"containers": POD["spec"]["containers"]}),
        (["spec.nodeName[].name"], {"nodeName": "n1"}),
        (["spec", "spec.nodeName"], POD["spec"]),
        (["spec.nodeName", "spec"], POD["spec"]),
        (["spec.nodeName.deeper", "spec.nothing"], {"nodeName": "n1"}),
    ],
)
def test_a_path_goes_through_lists_and_keeps_what_stands_below_it(paths: list[str], spec: object) -> None:
    kept = Projection(paths)(POD)

    assert kept == {"metadata": {"name": "a", "namespace": "shop"}, "spec": spec}


def test_a_field_of_another_shape_is_kept_as_it_is_so_that_a_check_can_refuse_it() -> None:
    assert Projection(["spec.containers.name"])({"spec": {"containers": "odd"}}) == {"spec": {"containers": "odd"}}


def test_a_dot_of_a_key_has_a_backslash_before_it() -> None:
    annotations = {"example.com/a.b": "1", "example": {"com/a": {"b": "2"}}}

    kept = Projection([r"metadata.annotations.example\.com/a\.b"])({"metadata": {"annotations": annotations}})

    assert kept == {"metadata": {"annotations": {"example.com/a.b": "1"}}}


def page(*items: Any, **more: Any) -> bytes:
    return json.dumps({"kind": "PodList", "items": items, **more}).encode()


def test_of_a_page_kind_and_metadata_and_the_kept_fields_of_items_are_read() -> None:
    read = Projection(["spec.nodeName"]).page(page(POD, metadata={"continue": "x"}, apiVersion="v1"), "it")

    kept = {"metadata": {"name": "a", "namespace": "shop"}, "spec": {"nodeName": "n1"}}
    assert read == {"kind": "PodList", "metadata": {"continue": "x"}, "items": [kept]}


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"items": [}', b"nothing", b"[" * 300 + b"]" * 300, b'{"items": ["\xff"]}']
)
def test_what_is_not_json_or_too_deep_is_no_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer, match=r"^it: the answer is not JSON: [^{]*$"):
        Projection(["spec.nodeName"]).page(body, "it")


keys = st.sampled_from(["metadata", "spec", "name", "containers", "nodeName", "a.b", "other"])
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))
PATHS = ["spec.nodeName", "spec.containers[].name", "spec.containers.a\\.b", "spec.name[].name.other"]


@given(st.lists(plain | st.dictionaries(keys, values), max_size=4))
def test_items_are_kept_alike_from_a_page_and_one_by_one_whatever_their_shape(items: list[Any]) -> None:
    projection = Projection(PATHS)

    assert projection.page(page(*items), "it")["items"] == [projection(each) for each in items]


@given(st.dictionaries(keys, values))
def test_a_kept_field_is_never_changed(item: dict[str, Any]) -> None:
    """A check that looks at its fields cannot tell a projection from the object itself."""
    kept = Projection(["spec.nodeName", "metadata.name", "name"])(item)

    for path in (("spec", "nodeName"), ("metadata", "name"), ("name",)):
        assert _all_at(kept, path) == _all_at(item, path)


def _all_at(value: Any, path: tuple[str, ...]) -> list[Any]:
    if not path:
        return [value]
    first, *rest = path
    inner = [each[first] for each in (value if isinstance(value, list) else [value]) if first in _dict(each)]
    return [found for each in inner for found in _all_at(each, tuple(rest))]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def test_what_is_alike_is_kept_once_and_never_mixed_up() -> None:
    share = Sharing()
    pods: list[dict[str, Any]] = json.loads(json.dumps([POD, POD, POD | {"spec": {"containers": [1]}}]))
    odd = [{"spec": {"containers": [value]}} for value in (True, 1, 1.0, "1", "True")]

    first, second, third = (share(each) for each in pods)
    others = [share(each) for each in odd]

    assert first == second == POD
    assert first["spec"]["containers"] is second["spec"]["containers"]
    assert first["metadata"]["labels"] is second["metadata"]["labels"]
    assert third["spec"]["containers"] == [1]
    assert [repr(each["spec"]["containers"]) for each in others] == ["[True]", "[1]", "[1.0]", "['1']", "['True']"]


def test_an_object_of_another_shape_is_shared_as_it_is() -> None:
    assert Sharing()({"metadata": "odd", "spec": ["odd"]}) == {"metadata": "odd", "spec": ["odd"]}
