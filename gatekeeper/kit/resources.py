"""A kind of object that a policy names: ``certificates.cert-manager.io/v1``."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from gatekeeper.cluster import Resource

_PATTERN: Final = r"^[a-z][a-z0-9-]*(\.[a-z0-9.-]+)?/v[a-z0-9]+$"


def parse_resource(text: object) -> Resource:
    """Read ``PLURAL.GROUP/VERSION``, or ``PLURAL/VERSION`` for the core group: ``deployments.apps/v1``, ``pods/v1``.

    Raises:
        ValueError: for everything else.
    """
    if isinstance(text, Resource):
        return text
    if not isinstance(text, str) or not re.fullmatch(_PATTERN, text):
        example = "deployments.apps/v1, pods/v1 or certificates.cert-manager.io/v1"
        raise ValueError(f"{text!r} names no kind of object; write its plural, group and version, like {example}")
    name, _, version = text.partition("/")
    plural, _, group = name.partition(".")
    return Resource(group, version, plural)


def _written(resource: Resource) -> str:
    return f"{resource}/{resource.version}"


ResourceName = Annotated[
    Resource,
    BeforeValidator(parse_resource),
    PlainSerializer(_written, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _PATTERN, "examples": ["certificates.cert-manager.io/v1", "pods/v1"]}),
]
"""A kind of object in YAML, as ``kubectl api-resources`` shows it: ``PLURAL.GROUP/VERSION``."""


class NamedReads:
    """The ``reads`` of a check whose parameter ``resource`` names what it asks for.

    On the class it holds what every such check reads; on a check with its parameters, also the named resource.
    """

    def __init__(self, *always: Resource) -> None:
        self._always = always

    def __get__(self, check: object | None, owner: type) -> tuple[Resource, ...]:
        """All that may be asked of a cluster."""
        resource = getattr(check, "resource", None)
        return (*self._always, resource) if isinstance(resource, Resource) else self._always
