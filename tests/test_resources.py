"""Kinds of objects that policies name."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from gatekeeper.cluster import Resource
from gatekeeper.kit.resources import NamedReads, ResourceName

PODS = Resource("", "v1", "pods")
NAMES: TypeAdapter[Resource] = TypeAdapter(ResourceName)


@pytest.mark.parametrize(
    ("text", "resource"),
    [
        ("pods/v1", PODS),
        ("deployments.apps/v1", Resource("apps", "v1", "deployments")),
        ("certificates.cert-manager.io/v1alpha1", Resource("cert-manager.io", "v1alpha1", "certificates")),
    ],
)
def test_a_kind_is_written_as_plural_group_and_version(text: str, resource: Resource) -> None:
    assert NAMES.validate_python(text) == resource
    assert NAMES.dump_python(resource, mode="json") == text
    assert NAMES.validate_python(resource) == resource


@pytest.mark.parametrize(
    "text", ["", "pods", "Pod/v1", "apps/v1/deployments", "pods/v1/", "../v1", "/readyz", "a/1", 3]
)
def test_anything_else_is_refused(text: Any) -> None:
    with pytest.raises(ValidationError, match="names no kind of object"):
        NAMES.validate_python(text)


class Asking(BaseModel):
    reads: ClassVar[tuple[Resource, ...]] = NamedReads(PODS)  # type: ignore[assignment]  # a tuple to who asks
    resource: ResourceName


def test_what_is_read_depends_on_the_parameter() -> None:
    widgets = Resource("example.com", "v1", "widgets")

    assert Asking.reads == (PODS,)
    assert Asking(resource=widgets).reads == (PODS, widgets)
