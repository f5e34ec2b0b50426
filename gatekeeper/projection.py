"""Keeps of an object only the fields that a check reads, so that ten thousand pods fit into memory."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema

from gatekeeper.errors import BadAnswer

_Tree = dict[str, Any]
_ALWAYS: Final = ("metadata.name", "metadata.namespace")
_METADATA: Final = (
    *("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "labels", "annotations"),
    *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "finalizers"),
)
_LIST: Final = "[]"
_DOT: Final = re.compile(r"(?<!\\)\.")


class Form:
    """The shape of a JSON text, of which only some fields become Python objects.

    pydantic's parser passes over all else: of a page of pods that takes half the time and half the memory that parsing
    all of it takes.
    """

    def __init__(self, tree: _Tree) -> None:
        self._validator = SchemaValidator(_schema(tree))

    def read(self, body: bytes, what: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """The wanted fields of a text.

        Args:
            body: the text.
            what: whose answer it is, for the message.

        Raises:
            BadAnswer: it is not JSON, or has more than 200 levels, which is what that parser takes.
        """
        try:
            return self._validator.validate_json(body)
        except ValidationError as error:
            said = error.errors(include_url=False, include_input=False, include_context=False)[0]["msg"]
            raise BadAnswer(f"{what}: the answer is not JSON: {said.removeprefix('Invalid JSON: ')}") from None


class Projection:
    r"""A selection of fields by path; a path goes through a list as through one object.

    ``spec.containers[].resources`` keeps, of every container, its resources. Name and namespace are always kept. The
    ``[]`` may be left out, but where it says what is a list, a page is read in a third of the time. A dot that is part
    of a key has a backslash before it, as in kubectl's JSONPath: ``metadata.annotations.example\.com/name``. Whatever
    has another shape than its path is kept whole, so that a check can refuse it.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        tree: _Tree = {}
        for path in (*_ALWAYS, *paths):
            _add(tree, [part.replace("\\.", ".") for part in _DOT.split(path)])
        self._item = SchemaValidator(_schema(tree))
        self._page = Form({"kind": True, "metadata": True, "items": {**tree, _LIST: True}})

    def __call__(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of an object with the kept fields alone; what stands under a kept field is kept whole."""
        kept: dict[str, Any] = self._item.validate_python(item)
        return kept

    def page(self, body: bytes, what: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """The JSON of a list: its kind and metadata, and the kept fields of its items. Raises as ``Form.read``."""
        return self._page.read(body, what)


@cache
def table_form() -> Form:
    """A Table whose rows carry the metadata of their objects, without ``managedFields``, which are most of it."""
    about = {"metadata": dict.fromkeys(_METADATA, True)}
    rows = {_LIST: True, "cells": True, "object": about}
    return Form({"kind": True, "metadata": True, "columnDefinitions": True, "rows": rows})


def _add(tree: _Tree, path: Sequence[str]) -> None:
    for part in path[:-1]:
        key = part.removesuffix(_LIST)
        if tree.get(key) is True:
            return  # all of it is kept already
        tree = tree.setdefault(key, {})
        if part.endswith(_LIST):
            tree[_LIST] = True
    tree[path[-1].removesuffix(_LIST)] = True


def _schema(tree: Any) -> CoreSchema:  # noqa: ANN401 - a tree, or True
    anything = core_schema.any_schema()
    if tree is True:
        return anything
    inner = {key: _schema(each) for key, each in tree.items() if key != _LIST}
    fields = {key: core_schema.typed_dict_field(each, required=False) for key, each in inner.items()}
    kept = core_schema.typed_dict_schema(fields, strict=True)
    each = core_schema.union_schema([kept, anything], mode="left_to_right")
    several = core_schema.list_schema(each, strict=True)
    # What does not match is copied by pydantic, for its complaint: so the likely shape is tried first.
    shapes: list[CoreSchema] = [several, kept] if _LIST in tree else [kept, several]
    return core_schema.union_schema([*shapes, anything], mode="left_to_right")


class Sharing:
    """Keeps what is alike once: ten thousand pods have some hundred different lists of containers.

    Only what stands in a section (``metadata``, ``spec``, ``status``) and is no plain value is shared. Nobody may
    change what others hold too; see :class:`gatekeeper.cluster.Cluster`.
    """

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        """The object itself, with what it shares put in the place of its own."""
        for section in item.values():
            if type(section) is dict:
                for key, value in section.items():
                    if type(value) is dict or type(value) is list:
                        section[key] = self._known.setdefault(repr(value), value)
        return item
